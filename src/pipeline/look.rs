//! A person looks at what is labelled and says what it is: the labels change in the record, what follows is decided at once, and
//! the look is in the audit. It holds until the thing itself changes.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Gateway;
use super::change::Fault;
use super::find::Known;
use crate::agreement;
use crate::fhir::{Draft, Scope};
use crate::identity::{Identified, PersonId, ResourceId};
use crate::problem::{Category, Place, Problem};
use crate::record::{Change, Stamp, Statement, Stored, merge};
use crate::store::AuditEntry;

/// The longest note of a look, in characters.
const LONGEST_NOTE: usize = 500;

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
    /// Takes what a person says of a thing they looked at.
    ///
    /// # Errors
    /// There is no such thing, it cannot be looked at, a label is none, or nobody says why.
    pub async fn look(&self, saying: &Saying<'_>) -> Result<(), Problem> {
        let note = saying.note.trim();
        // Nothing lost: whoever writes more is asked to write less.
        if note.is_empty() || note.chars().count() > LONGEST_NOTE {
            // Nothing lost: the person is told and writes it again.
            let text = format!("a look needs a note of at most {LONGEST_NOTE} characters: say how you know");
            return Err(refused(Category::Required, &text));
        }
        let done = self.change(saying.id.person, |_, known| {
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
        // What a person looked at was stated before, whatever its sender's clock says.
        let newest = stored.state.stamps.values().flat_map(|stamp| [stamp.occurred, stamp.recorded]).max();
        let at = newest.map_or(now, |newest| now.max(newest + SignedDuration::from_millis(1)));
        let statement = Statement {
            stamp: Stamp::new(at, at, format!("people/{now}")),
            trigger: "update".to_string(),
            drafts: vec![Identified { id: saying.id, draft }],
            candidates: Vec::new(),
            received: now,
        };
        Ok(merge(&known.record, statement).changes)
    }

    /// What of a patient is labelled, and what of it waits for a look.
    pub(super) async fn labelled(&self, person: PersonId) -> Result<Value, Problem> {
        let known = self.load(person, super::find::OBSERVATIONS).await.map_err(|error| Fault::from(error).told())?;
        let items: Vec<Value> = known.record.resources.values().filter_map(told).collect();
        Ok(json!({ "patient": ResourceId::patient(known.record.head.person), "items": items }))
    }
}

fn told(stored: &Stored) -> Option<Value> {
    let security = stored.resource.get("meta")?.get("security")?.as_array()?;
    let codes: Vec<&str> = security.iter().filter_map(|label| label.get("code")?.as_str()).collect();
    let id = format!("{}/{}", stored.resource.resource_type(), stored.id);
    let waits = codes.contains(&"not-looked-at");
    Some(json!({ "resource": id, "labels": codes, "waits": waits, "code": stored.resource.get("code") }))
}

fn refused(category: Category, text: &str) -> Problem {
    Problem::error(category, Place::Whole, text)
}
