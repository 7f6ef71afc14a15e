//! What operators can ask of a gateway, running or not: one set of operations, which the control socket and the commands
//! both perform. Input and output are JSON.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::Comparing;
use super::coverage::CoverageAsked;
use super::look::Saying;
use super::tried::Trying;
use super::{Changed, Code, Gateway, MessageWords, Month, TaskAction, explain_record, responsible};
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::protocol::Contact;
use crate::record::Membership;
use crate::store::{Cursor, DeliveryFilter, DeliveryState, Page, StoreError, UnusedEntry, UnusedFilter, UnusedState};
use crate::unused::Kind;

/// The most that one answer lists.
pub(super) const MOST: usize = 500;

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// Replaces the members of a panel. What ends many people's care or urgent work is refused unless it is accepted.
    PanelImport {
        panel: String,
        members: Vec<Membership>,
        #[serde(default)]
        accept: bool,
    },
    /// Tells what an import would change, and changes nothing.
    PanelCheck {
        panel: String,
        members: Vec<Membership>,
    },
    DeliveryList {
        partner: Option<String>,
        state: Option<DeliveryState>,
        after: Option<String>,
        count: usize,
    },
    /// What the servers of partners say that they offer.
    DeliveryServers,
    /// Retries one delivery that was not delivered, or all dead and held ones of a partner (of all partners without one); what
    /// was withdrawn comes back only by its id.
    DeliveryRetry {
        id: Option<String>,
        partner: Option<String>,
        who: String,
    },
    /// Leaves for good what was given up.
    DeliveryDrop {
        id: String,
        why: String,
        who: String,
    },
    /// Sends once more the newest of each thing that was delivered to a partner since then: it went back to what it held before.
    DeliveryResend {
        partner: String,
        since: Timestamp,
        who: String,
    },
    /// Delivers nothing until `delivery-resume`.
    DeliveryHold {
        why: String,
        who: String,
    },
    /// Delivers again: everything after `delivery-hold`, or to one partner after `delivery-pause`.
    DeliveryResume {
        #[serde(default)]
        partner: Option<String>,
        who: String,
    },
    /// Sends nothing to a partner until `delivery-resume`; where it drains, nothing that is made from now on.
    DeliveryPause {
        partner: String,
        #[serde(default)]
        drain: bool,
        why: String,
        who: String,
    },
    /// What waits for each partner, and which are paused.
    DeliveryPartners,
    MessageList {
        sought: MessageWords,
        after: Option<String>,
        count: usize,
    },
    MessageShow {
        sequence: u64,
    },
    /// Takes stored messages again, and tells what that changed.
    Replay {
        sequences: Vec<u64>,
    },
    /// The messages that are meant by these words, oldest first, by feed and day.
    ReplaySelect {
        sought: MessageWords,
    },
    /// What taking these messages again would change; nothing is written.
    ReplayPreview {
        sequences: Vec<u64>,
    },
    /// What a changed site would make of messages; a part of them at a time, and nothing is written.
    Compare(Comparing),
    /// Which lines of maps and which fields the stored messages of a feed touched; a part of them at a time.
    Coverage(CoverageAsked),
    AgreementExplain {
        partner: Option<String>,
        patient: String,
    },
    TaskAct {
        task: ResourceId,
        action: TaskAction,
        /// How an attempt to reach the patient went, where one was made.
        #[serde(default)]
        attempt: Option<Contact>,
        note: String,
        who: String,
    },
    UnusedList {
        feed: Option<String>,
        kind: Option<Kind>,
        /// Only what somebody has work of that is not answered.
        open: bool,
        after: Option<String>,
        count: usize,
    },
    UnusedAnswer {
        id: String,
        state: UnusedState,
        note: String,
        who: String,
    },
    /// What a person says of a thing they looked at: its labels, none where it is nothing sensitive.
    Look {
        resource: String,
        labels: Vec<String>,
        note: String,
        who: String,
    },
    /// What of a patient is labelled, and what waits for a look.
    LookList {
        patient: String,
    },
    /// What a practice speaks about before its day begins; today's by default.
    Huddle {
        panel: String,
        #[serde(default)]
        day: Option<Date>,
    },
    /// Who of a practice's patients is in a programme, and who slips.
    Caseload {
        panel: String,
    },
    /// How far the referrals of a practice's patients have come.
    Referrals {
        panel: String,
    },
    /// What a practice did in time, by month; the present month alone by default.
    Measures {
        panel: String,
        #[serde(default)]
        month: Option<Month>,
        #[serde(default = "one")]
        months: u8,
    },
    /// What a protocol would have made of the records of a window; a part of them at a time.
    ProtocolTry(Trying),
    Health,
}

fn one() -> u8 {
    1
}

/// A cause as it is told: with who has work of it, for people.
#[derive(Serialize)]
struct Owed {
    #[serde(flatten)]
    entry: UnusedEntry,
    responsible: Option<String>,
}

impl Gateway {
    /// Performs an operation; the JSON is what `--json` prints.
    pub async fn perform(&self, operation: Operation) -> Result<Value, Problem> {
        match operation {
            Operation::PanelImport { panel, members, accept } => self.import_panel(panel, members, accept).await,
            Operation::PanelCheck { panel, members } => {
                self.site.load().panel(&panel)?;
                Ok(json!(self.roster_change(&panel, &members).await.map_err(fault)?))
            }
            Operation::DeliveryList { partner, state, after, count } => {
                let filter = DeliveryFilter { partner, state, ..DeliveryFilter::default() };
                let page = self.store.deliveries(&filter, after.map(Cursor).as_ref(), count.min(MOST)).await;
                listing(page.map_err(fault)?)
            }
            Operation::DeliveryServers => self.list_servers().await,
            Operation::DeliveryRetry { id, partner, who } => self.retry_deliveries(id, partner, &who).await,
            Operation::DeliveryDrop { id, why, who } => {
                self.drop_delivery(&id, &why, &who).await?;
                Ok(json!({ "dropped": id }))
            }
            Operation::DeliveryResend { partner, since, who } => self.resend_deliveries(&partner, since, &who).await,
            Operation::DeliveryHold { why, who } => self.hold_deliveries(&why, &who).await,
            Operation::DeliveryResume { partner: None, who } => self.resume_deliveries(&who).await,
            Operation::DeliveryResume { partner: Some(partner), who } => {
                let before = self.resume_partner(&partner, &who).await?;
                Ok(json!({ "partner": partner, "paused": null, "before": before }))
            }
            Operation::DeliveryPause { partner, drain, why, who } => {
                let pause = self.pause_partner(&partner, drain, &why, &who).await?;
                Ok(json!({ "partner": partner, "paused": pause }))
            }
            Operation::DeliveryPartners => self.list_partners().await,
            Operation::MessageList { sought, after, count } => {
                // Nothing lost: the answer has the place to go on from.
                self.list_messages(&sought, after, count.min(MOST)).await
            }
            Operation::MessageShow { sequence } => self.show_message(sequence).await,
            Operation::Replay { sequences } => self.replay_messages(sequences).await,
            Operation::ReplaySelect { sought } => Ok(json!(self.select(&sought).await?)),
            Operation::ReplayPreview { sequences } => Ok(json!(self.preview(&sequences).await.map_err(fault)?)),
            Operation::Compare(comparing) => Ok(json!(self.compare(&comparing).await?)),
            Operation::Coverage(covering) => Ok(json!(self.cover(&covering).await?)),
            Operation::AgreementExplain { partner, patient } => self.explain(partner, &patient).await,
            Operation::TaskAct { task, action, attempt, note, who } => {
                self.act_after(task, attempt, action, &note, &who).await?;
                Ok(json!({ "done": true }))
            }
            Operation::UnusedList { feed, kind, open, after, count } => {
                let filter = UnusedFilter { feed, kind, open };
                let page = self.store.unused(&filter, after.map(Cursor).as_ref(), count.min(MOST)).await;
                self.with_responsible(page.map_err(fault)?)
            }
            Operation::UnusedAnswer { id, state, note, who } => {
                self.answer_unused(&id, state, &note, &who).await?;
                Ok(json!({ "done": true }))
            }
            Operation::Look { resource, labels, note, who } => {
                let named = resource.split_once('/').and_then(|(kind, id)| Some((kind, id.parse().ok()?)));
                let (kind, id) = named.ok_or_else(|| missing("name what you looked at as Condition/ID"))?;
                self.look(&Saying { kind, id, labels: &labels, note: &note, who: &who }).await?;
                Ok(json!({ "done": true }))
            }
            Operation::LookList { patient } => self.labelled(self.person_of(&patient).await?).await,
            Operation::Huddle { panel, day } => Ok(json!(self.huddle(&panel, day, true).await?)),
            Operation::Caseload { panel } => Ok(json!(self.caseload(&panel, true).await?)),
            Operation::Referrals { panel } => Ok(json!(self.referral_board(&panel, true).await?)),
            Operation::Measures { panel, month, months } => {
                Ok(json!(self.measures(&panel, month, months, true).await?))
            }
            Operation::ProtocolTry(trying) => Ok(json!(self.try_protocol(trying).await?)),
            Operation::Health => Ok(json!(self.health().await)),
        }
    }

    fn with_responsible(&self, page: Page<UnusedEntry>) -> Result<Value, Problem> {
        let site = self.site.load();
        let told = |entry: UnusedEntry| Owed { responsible: responsible(&site, &entry), entry };
        listing(Page { items: page.items.into_iter().map(told).collect(), next: page.next })
    }

    async fn import_panel(&self, panel: String, members: Vec<Membership>, accept: bool) -> Result<Value, Problem> {
        self.site.load().panel(&panel)?;
        let change = self.roster_change(&panel, &members).await.map_err(fault)?;
        if let Some(refusal) = change.refusal().filter(|_| !accept) {
            return Err(refusal);
        }
        let due = self.store.replace_panel(&panel, members, self.clock.now()).await.map_err(fault)?;
        self.condition.clear(&super::roster::part(&panel));
        self.timer_bell.notify_one();
        Ok(json!({
            "panel": panel,
            "members": change.members,
            "known_patients_looked_at_again": due,
            "change": change,
        }))
    }

    async fn show_message(&self, sequence: u64) -> Result<Value, Problem> {
        let entry = self.store.message(sequence).await.map_err(fault)?;
        let entry = entry.ok_or_else(|| missing("there is no such message"))?;
        Ok(json!({
            "summary": entry.summary,
            "raw": String::from_utf8_lossy(&entry.raw),
            "answer": String::from_utf8_lossy(&entry.answer),
            "trace": entry.trace,
        }))
    }

    async fn replay_messages(&self, sequences: Vec<u64>) -> Result<Value, Problem> {
        let (mut results, mut changed) = (Vec::new(), Changed::default());
        for sequence in sequences {
            let line = self.run_again(&mut changed, sequence, "operator").await.map_err(fault)?;
            let code = line.code.map_or("none", Code::text);
            results.push(json!({ "message": sequence, "code": code, "as": line.kept_as, "changed": line.what }));
        }
        Ok(json!({ "replayed": results, "changed": changed }))
    }

    async fn explain(&self, partner: Option<String>, patient: &str) -> Result<Value, Problem> {
        let site = self.site.load_full();
        if let Some(name) = partner.as_ref().filter(|name| !site.partners.contains_key(*name)) {
            return Err(missing(&format!("the site has no partner `{name}`")));
        }
        let person = self.person_of(patient).await?;
        let known = self.load(person, 32).await.map_err(fault)?;
        let panels: Vec<&str> = known.memberships.iter().map(|membership| membership.panel.as_str()).collect();
        let explanations = explain_record(&site, &known, partner.as_deref(), self.clock.now());
        Ok(json!({ "patient": ResourceId::patient(person), "panels": panels, "decisions": explanations }))
    }

    async fn person_of(&self, patient: &str) -> Result<crate::identity::PersonId, Problem> {
        match patient.trim_start_matches("Patient/").parse::<ResourceId>() {
            Ok(id) => Ok(id.person),
            Err(_) => self.person_by_token(patient).await,
        }
    }

    async fn person_by_token(&self, token: &str) -> Result<crate::identity::PersonId, Problem> {
        let (system, value) = token
            .split_once('|')
            .ok_or_else(|| missing("name the patient by our id or by an identifier as system|value"))?;
        let identifier = crate::fhir::Identifier::new(system, value);
        let found = self.store.persons_of(&[identifier]).await.map_err(fault)?;
        found.first().copied().flatten().ok_or_else(|| missing("no patient has this identifier"))
    }
}

fn listing<T: Serialize>(page: Page<T>) -> Result<Value, Problem> {
    Ok(json!({ "items": page.items, "next": page.next }))
}

pub(super) fn missing(text: &str) -> Problem {
    Problem::error(Category::NotFound, Place::Whole, text)
}

pub(super) fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}
