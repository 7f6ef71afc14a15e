//! A person looks at what is labelled and says what it is: the labels change in the record, what follows is decided at once, and
//! the look is in the audit. It holds until the thing itself changes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Gateway;
use super::change::Fault;
use super::find::Known;
use crate::agreement;
use crate::fhir::{Draft, Scope, is_hold, labels_of};
use crate::identity::{Identified, PersonId, ResourceId};
use crate::problem::{Category, Place, Problem};
use crate::record::{Change, LOOK, Stamp, Statement, Stored, merge};
use crate::store::AuditEntry;

/// The longest note of a look, in characters.
const LONGEST_NOTE: usize = 500;

/// Between the source of what was looked at and how often.
const LOOKED: &str = " look ";

/// What a person says of a thing.
pub struct Saying<'a> {
    /// `Condition`
    pub kind: &'a str,
    pub id: ResourceId,
    /// Codes of HL7: the sensitivities it has; none where it is nothing sensitive.
    pub labels: &'a [String],
    pub note: &'a str,
    pub who: &'a str,
}

impl Gateway {
    /// Takes what a person says of a thing they looked at. Returns what that changed, itself and what follows
    /// (`Condition/id/_history/version`); nothing where it stands so already.
    ///
    /// # Errors
    /// There is no such thing, it cannot be looked at, a label is none, or nobody says why.
    pub async fn look(&self, saying: &Saying<'_>) -> Result<Vec<String>, Problem> {
        let note = saying.note.trim();
        // Nothing lost: whoever writes more is asked to write less.
        if note.is_empty() || note.chars().count() > LONGEST_NOTE {
            // Nothing lost: the person is told and writes it again.
            let text = format!("a look needs a note of at most {LONGEST_NOTE} characters: say how you know");
            return Err(refused(Category::Required, &text));
        }
        let wanted = Some((saying.kind, saying.id));
        let done = self.change_with(saying.id.person, wanted, |_, known| {
            let changes = self.looked(saying, known)?;
            let labels = if saying.labels.is_empty() { "not sensitive".to_string() } else { saying.labels.join(", ") };
            let entry = AuditEntry {
                at: self.clock.now(),
                agent: saying.who.to_string(),
                action: "label-look".to_string(),
                person: Some(known.record.head.person),
                subject: format!("{}/{}", saying.kind, saying.id),
                allowed: true,
                because: format!("{labels}: {note}"),
            };
            Ok((changes, vec![entry]))
        });
        done.await.map_err(Fault::told)
    }

    fn looked(&self, saying: &Saying<'_>, known: &Known) -> Result<Vec<Change>, Problem> {
        let stored = known.record.get(saying.kind, saying.id).filter(|stored| stored.state.work.is_none());
        let stored = stored.ok_or_else(|| refused(Category::NotFound, "there is no such thing in this record"))?;
        if !stored.state.made_of.is_empty() {
            let parts: Vec<String> = stored.state.made_of.iter().map(|id| format!("{}/{id}", saying.kind)).collect();
            let text = format!("this only puts results together and has their labels: look at {}", parts.join(" and "));
            return Err(refused(Category::Value, &text));
        }
        let look = agreement::look(&stored.resource, saying.labels).map_err(|text| refused(Category::Value, &text))?;
        let draft = Draft {
            local: saying.kind.to_string(),
            scope: Scope::Patient,
            key: None,
            resource: look.statement,
            deleted: look.deleted,
            sources: Default::default(),
        };
        let now = self.clock.now();
        let statement = Statement {
            stamp: just_after(stored, now),
            trigger: LOOK.to_string(),
            drafts: vec![Identified { id: saying.id, draft }],
            events: std::collections::BTreeMap::new(),
            candidates: Vec::new(),
            received: now,
        };
        Ok(merge(&known.record, statement).changes)
    }

    /// What of a patient is labelled, and what of it waits for a look.
    pub(super) async fn labelled(&self, person: PersonId) -> Result<Value, Problem> {
        let known = self.load(person, super::hot::OBSERVATIONS).await.map_err(|error| Fault::from(error).told())?;
        let items: Vec<Value> = known.record.resources.values().filter_map(told).collect();
        Ok(json!({ "patient": ResourceId::patient(known.record.head.person), "items": items }))
    }
}

/// Directly above what was looked at, and below all that outdoes that: what a person has not seen has the labels it came with,
/// whatever its sender's clock says.
fn just_after(stored: &Stored, now: Timestamp) -> Stamp {
    let seen =
        stored.state.stamps.iter().filter(|(part, _)| agreement::is_looked_at(part)).map(|(_, stamp)| stamp).max();
    let Some(seen) = seen else { return Stamp::new(now, now, "people/look") };
    let (source, looks) = seen.source.split_once(LOOKED).unwrap_or((&seen.source, ""));
    // Nothing lost: what has no number was looked at by nobody yet.
    let looks = looks.parse::<u32>().unwrap_or_default().saturating_add(1);
    // A blank comes before everything that a control id may go on with.
    Stamp { source: format!("{source}{LOOKED}{looks:06}").into(), ..seen.clone() }
}

fn told(stored: &Stored) -> Option<Value> {
    let codes: Vec<&str> = labels_of(&stored.resource).filter_map(|label| label.get("code")?.as_str()).collect();
    let id = format!("{}/{}", stored.resource.resource_type(), stored.id);
    let waits = labels_of(&stored.resource).any(is_hold);
    (!codes.is_empty())
        .then(|| json!({ "resource": id, "labels": codes, "waits": waits, "code": stored.resource.get("code") }))
}

fn refused(category: Category, text: &str) -> Problem {
    Problem::error(category, Place::Whole, text)
}
