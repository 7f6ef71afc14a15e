//! The path of one FHIR write, every branch of it: read, done already?, whose, weighed, decided, committed, answered. What is answered as
//! done is durable; what is refused is kept with the reason.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::super::decide::{Decided, decide, decide_shared, joined, refused};
use super::super::find::{FHIR, find, find_shared};
use super::super::hot::Weight;
use super::super::locks::MOST_TRIES;
use super::super::overlay::Overlay;
use super::super::said::Said;
use super::super::{Gateway, trace};
use super::belonging;
use super::entry::{Entry, Verb};
use super::groups::{Grouping, Groups};
use super::kept::{Interaction, Submission};
use super::members::Members;
use super::message::{self, Header, content_of};
use super::outcome::{Done, Submitted};
use super::provenance::provenance;
use super::read::{Read, read};
use super::refusal::Refusal;
use super::rights::Rights;
use super::settled::{Settled, settle};
use super::statement::Places;
use super::target::Targets;
use super::weigh::Weighing;
use crate::identity::PersonId;
use crate::mapping::Event;
use crate::problem::{Category, Problem};
use crate::site::{Feed, Partner, Site};
use crate::store::{AuditEntry, Disposition, MessageEntry, MessageFilter, MessageSummary, Seen, StoreError};
use crate::telemetry::Journey;

/// Parts of the messages under one number that are looked at for one that was done.
const MOST_PARTS: usize = 8;

/// What is known of a request before anything is decided of it.
struct Asked<'a> {
    site: &'a Arc<Site>,
    partner: &'a Partner,
    feed: &'a Feed,
    submission: &'a Submission,
    /// Of a message that can be answered as one.
    header: Option<Header>,
    raw: Vec<u8>,
    /// SHA-256 of what is kept; of a message, of what it says.
    content: [u8; 32],
    control: String,
    /// When it was said: a replay says it again as of then.
    event: Event,
    replays: Option<u64>,
}

/// Decided and not written yet.
struct Ready {
    decided: Decided,
    weight: Weight,
    result: Result<Vec<Done>, Refusal>,
    notes: Vec<Problem>,
}

impl Gateway {
    /// Takes one request of a partner all the way to durable. Never fails: whatever happens, the partner is told.
    pub async fn submit(&self, submission: Submission) -> Submitted {
        let started = Instant::now();
        let site = self.site.load_full();
        let Some(partner) = site.partners.get(&submission.partner) else {
            let text = "this partner is not configured any more";
            let refusal = Refusal::at(403, Category::Forbidden, "", text);
            return Submitted { sequence: None, result: Err(refusal), notes: Vec::new(), reply: None };
        };
        let feed = site.feed_of_client(partner);
        let submitted = match self.take_submission(&site, partner, &feed, &submission).await {
            Ok(submitted) => submitted,
            Err(error) => {
                tracing::error!(%error, partner = %partner.name, "a FHIR write could not be stored; its sender is told to send it again");
                let submitted = Submitted::unavailable();
                let told = (&submitted.result, &[][..]);
                let reply = header_of(&submission)
                    .map(|header| message::reply(&header, &site.settings.base_url, told, self.clock.now()));
                Submitted { reply, ..submitted }
            }
        };
        let (took, answered) = (started.elapsed().as_secs_f64(), self.clock.now().as_second());
        self.metrics.count_message(&feed.name, code(&submitted.result), took, answered);
        submitted
    }

    async fn take_submission(
        &self,
        site: &Arc<Site>,
        partner: &Partner,
        feed: &Feed,
        submission: &Submission,
    ) -> Result<Submitted, StoreError> {
        let raw = submission.kept();
        let header = header_of(submission);
        let content = header.as_ref().and_then(|_| content_of(&submission.body));
        let content = content.unwrap_or_else(|| Sha256::digest(&raw).into());
        let said = submission.replays.map_or_else(|| self.clock.now(), |(_, at)| at);
        let named = header.as_ref().map(Header::control).or(submission.request_id.clone());
        let is_named = named.is_some();
        let control = named.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
        let event = Event { code: FHIR.into(), trigger: "update".into(), occurred: said, recorded: said };
        let replays = submission.replays.map(|(sequence, _)| sequence);
        let mut asked = Asked { site, partner, feed, submission, header, raw, content, control, event, replays };
        let mut earlier = None;
        if is_named && replays.is_none() {
            match self.store.seen(&feed.name, &asked.control, &asked.content).await? {
                Seen::New => {}
                Seen::Same(entry) => {
                    // What was refused is tried again: the site, or what it is about, may have changed since.
                    if entry.summary.disposition == Disposition::Applied
                        && let Some(again) = Submitted::again(entry.summary.sequence, &entry.answer)
                    {
                        return Ok(again);
                    }
                    asked.replays = Some(entry.summary.sequence);
                    earlier = self.done_before(&asked).await?;
                }
                Seen::ControlReused(_) => earlier = self.done_before(&asked).await?,
            }
        }
        let read = match earlier {
            Some(refusal) => Err(refusal),
            None => self.aside(async { self.read_submission(&mut asked, said) }).await,
        };
        // Nothing lost: after so many tries the client is told to send it again.
        for _ in 0..MOST_TRIES {
            match self.aside(self.try_once(&asked, &read)).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Unavailable("the record is changed by others all the time".to_string()))
    }

    /// Of a message that came before under its number with another content, and was done: why it is not done again.
    async fn done_before(&self, asked: &Asked<'_>) -> Result<Option<Refusal>, StoreError> {
        let Some(header) = &asked.header else { return Ok(None) };
        let (feed, control) = (Some(asked.feed.name.clone()), Some(asked.control.clone()));
        let filter = MessageFilter { feed, control, outcome: Some(Disposition::Applied), ..MessageFilter::default() };
        let (mut done, mut after) = (None, None);
        // Nothing lost: where more of them were refused than are looked at, nobody can say that none was done, and it is refused.
        for _ in 0..MOST_PARTS {
            let part = self.store.messages(&filter, after.as_ref(), 1).await?;
            done = part.items.into_iter().next();
            if done.is_none() && part.next.is_none() {
                return Ok(None);
            }
            after = part.next;
            if done.is_some() {
                break;
            }
        }
        let entry = match done {
            Some(done) => self.store.message(done.sequence).await?,
            None => None,
        };
        let kept = entry.and_then(|entry| Submission::read(&asked.partner.name, &entry.raw, (0, asked.event.occurred)));
        let earlier = kept.as_ref().and_then(header_of).map(|earlier| earlier.id);
        Ok(Some(message::seen_before(header, earlier.as_deref())))
    }

    fn read_submission(&self, asked: &mut Asked<'_>, said: Timestamp) -> Result<Read, Refusal> {
        let base_url = &asked.site.settings.base_url;
        if asked.submission.interaction != Interaction::Message {
            let (mut entries, notes) = read(asked.site, asked.submission)?;
            belonging::settle(&mut entries, base_url)?;
            return Ok((entries, notes));
        }
        let (body, times) = (&asked.submission.body, (said, self.clock.now()));
        let mut told = message::read(asked.site, (&asked.partner.name, asked.feed), body, times)?;
        belonging::settle(&mut told.entries, base_url)?;
        asked.event = told.event;
        Ok((told.entries, told.notes))
    }

    async fn try_once(&self, asked: &Asked<'_>, read: &Result<Read, Refusal>) -> Result<Submitted, StoreError> {
        let decided = match read {
            Ok((entries, _)) => self.decide_entries(asked, entries).await?,
            Err(refusal) => Err(refusal.clone()),
        };
        let advice = read.iter().flat_map(|(_, notes)| notes.iter().cloned());
        let ready = match decided {
            Ok(Settled { decided, weight, done, notes, _locks }) => {
                let notes = advice.chain(notes).collect();
                return self.write_submission(asked, Ready { decided, weight, result: Ok(done), notes }).await;
            }
            Err(refusal) => {
                let mut decided = refused(Vec::new());
                decided.disposition = disposition(&refusal);
                decided.unit.audit.extend(denial(asked, &refusal, self.clock.now()));
                Ready { decided, weight: Weight::default(), result: Err(refusal), notes: Vec::new() }
            }
        };
        self.write_submission(asked, ready).await
    }

    /// All entries, or why none of them is taken.
    async fn decide_entries(
        &self,
        asked: &Asked<'_>,
        entries: &[Entry],
    ) -> Result<Result<Settled, Refusal>, StoreError> {
        let targets = Targets::of(entries, &asked.site.settings.base_url, &asked.submission.matched);
        let grouping =
            Grouping { gateway: self, feed: asked.feed, entries, targets: &targets, content: &asked.content };
        let Groups { groups, referred } = match grouping.groups(&asked.event).await? {
            Ok(groups) => groups,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_new = |entry: &Entry| entry.kind == "Patient" && matches!(entry.verb, Verb::Create | Verb::Tell);
        let mut doubts = Vec::new();
        if entries.iter().any(is_new) {
            let portions: Vec<_> = groups.iter().map(|group| group.portion.clone()).collect();
            doubts = self.join_newcomers(&portions).await?;
        }
        let persons: Vec<PersonId> =
            groups.iter().flat_map(|group| [group.person].into_iter().chain(group.gone)).collect();
        let locks = self.locks.hold(&persons).await;
        let now = self.clock.now();
        let said = Said {
            site: asked.site,
            feed: asked.feed,
            control: &asked.control,
            received: now,
            journey: &Journey::default(),
        };
        let stated = groups.iter().flat_map(|group| &*group.portion.drafts).map(|draft| &draft.resource);
        let who = (asked.partner.name.as_str(), now);
        let members = match Members::of(&*self.store, asked.site, who, entries, stated).await? {
            Ok(members) => members,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let weighing = Weighing {
            rights: Rights { site: asked.site, feed: asked.feed, partner: asked.partner, now, members: &members },
            entries,
            places: Places { targets: &targets, entries },
            referred: &referred,
        };
        let (mut overlay, mut all, mut rulings, mut notes) = (Overlay::default(), Vec::new(), Vec::new(), doubts);
        let mut weight = Weight::default();
        for (number, group) in groups.iter().enumerate() {
            let is_shared = group.person == PersonId::SHARED;
            let mut found = if is_shared {
                find_shared(&*self.store, &group.portion).await?
            } else {
                find(self, &asked.site.value_sets, &overlay, &group.portion).await?
            };
            weight = found.weight;
            let weighed = match weighing.weigh(&group.entries, &mut found) {
                Ok(weighed) => weighed,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if number > 0 {
                // Nothing lost: what is shared was weighed with the first patient.
                found.identified.retain(|one| is_shared || one.id.person != PersonId::SHARED);
            }
            found.author.clone_from(&asked.partner.title);
            let person = found.known.record.head.person;
            found.identified.extend(provenance(asked.partner, person, &weighed.rulings, &asked.control, now));
            let decide = if is_shared { decide_shared } else { decide };
            let mut decided = decide(&said, &group.portion, found);
            if decided.disposition != Disposition::Applied {
                return Ok(Err(faults(decided.problems)));
            }
            decided.unit.audit.extend(weighed.audit);
            overlay.take(&decided.unit);
            notes.extend(weighed.notes);
            rulings.extend(weighed.rulings);
            all.push(decided);
        }
        let decided = if all.is_empty() { nothing() } else { joined(all) };
        Ok(Ok(settle(decided, weight, rulings, (notes, locks))))
    }

    async fn write_submission(&self, asked: &Asked<'_>, ready: Ready) -> Result<Submitted, StoreError> {
        let Ready { mut decided, weight, result, mut notes } = ready;
        let problems: Vec<Problem> = match &result {
            Ok(_) => {
                notes.append(&mut decided.problems);
                notes.clone()
            }
            Err(refusal) => refusal.problems.iter().map(|(problem, _)| problem.clone()).collect(),
        };
        let told = (&result, &problems[..]);
        let now = self.clock.now();
        let header = asked.header.as_ref();
        let reply = header.map(|header| message::reply(header, &asked.site.settings.base_url, told, now));
        trace::complete(&mut decided.trace, &problems, None);
        let summary = MessageSummary {
            sequence: 0,
            // A replay is told of as of then, by what is written here.
            received: if asked.replays.is_none() { asked.event.occurred } else { self.clock.now() },
            feed: asked.feed.name.clone(),
            control: asked.control.clone(),
            event: header.map_or_else(|| asked.submission.interaction.event(), Header::label),
            disposition: decided.disposition,
            acknowledged: code(&result).to_string(),
            patient: decided.patient.take(),
            further_patients: u64::try_from(decided.other_patients.len()).unwrap_or(u64::MAX),
            other_patients: std::mem::take(&mut decided.other_patients),
            replays: asked.replays,
            incomplete: false,
            size: u64::try_from(asked.raw.len()).unwrap_or(u64::MAX),
            problems: problems.len(),
        };
        let counted = if asked.replays.is_none() {
            decided.trace.notices(&asked.feed.name, summary.received)
        } else {
            Vec::new()
        };
        let entry = MessageEntry {
            summary: summary.clone(),
            content: asked.content,
            raw: asked.raw.clone(),
            answer: Submitted::answer(&result, reply.as_ref()),
            trace: decided.trace,
        };
        let resources = entry.trace.resources.clone();
        let rings =
            (decided.unit.heads.iter().any(|write| write.head.wake_at.is_some()), !decided.unit.deliveries.is_empty());
        let mut unit = decided.unit;
        unit.message = Some(entry);
        let written = unit.changes.iter().map(|change| crate::record::weight(&change.stored)).sum();
        let began = Instant::now();
        let committed = match self.store.commit(unit).await {
            Err(StoreError::Duplicate(sequence)) => return self.same_again(sequence).await,
            committed => committed?,
        };
        self.metrics.count_commit(began.elapsed().as_secs_f64());
        if let Some((record, memory)) = decided.record {
            self.hot.put_back(record, memory, weight, written);
        }
        self.count_unused(&counted);
        self.tell(committed.sequence, &summary, resources, rings);
        Ok(Submitted { sequence: Some(committed.sequence), result, notes, reply })
    }

    /// The same request came twice at once, and the other one was done first.
    async fn same_again(&self, sequence: u64) -> Result<Submitted, StoreError> {
        let entry = self.store.message(sequence).await?;
        let again = entry.and_then(|entry| Submitted::again(sequence, &entry.answer));
        again.ok_or(StoreError::Conflict)
    }
}

/// Of a message, what its answer needs.
fn header_of(submission: &Submission) -> Option<Header> {
    (submission.interaction == Interaction::Message).then(|| Header::of(&submission.body)).flatten()
}

fn nothing() -> Decided {
    Decided { disposition: Disposition::Applied, ..refused(Vec::new()) }
}

/// Why the record does not take it.
fn faults(problems: Vec<Problem>) -> Refusal {
    let status = match problems.iter().find(|problem| problem.is_error()).map(|problem| problem.category) {
        Some(Category::NotFound) => 404,
        Some(Category::Conflict) => 409,
        _ => 422,
    };
    let problems = problems.into_iter().filter(Problem::is_error).map(|problem| (problem, String::new())).collect();
    Refusal { status, problems }
}

fn disposition(refusal: &Refusal) -> Disposition {
    if refusal.is_rejection() { Disposition::Rejected } else { Disposition::Error }
}

/// As lists of messages show it, in the words that HL7 v2 has for it.
fn code(result: &Result<Vec<Done>, Refusal>) -> &'static str {
    match result {
        Ok(_) => "AA",
        Err(refusal) if refusal.is_rejection() => "AR",
        Err(_refused) => "AE",
    }
}

/// What an agreement denies is in the audit, too.
fn denial(asked: &Asked<'_>, refusal: &Refusal, now: Timestamp) -> Option<AuditEntry> {
    let (problem, _) = refusal.problems.first().filter(|_| matches!(refusal.status, 403 | 404))?;
    Some(AuditEntry {
        at: now,
        agent: asked.partner.name.clone(),
        action: "write".to_string(),
        person: None,
        subject: asked.submission.interaction.event(),
        allowed: false,
        because: problem.text.clone(),
    })
}
