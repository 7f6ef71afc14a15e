//! What becomes of something that a message tells of: it is said as a feed says it, of what is the partner's own or nobody's yet, and of
//! what somebody else said as far as the agreement names the elements. The rest is named, and no reason to refuse the message.

use super::super::find::Found;
use super::changes::{Change, stated};
use super::entry::Entry;
use super::outcome::Happened;
use super::refusal::Refusal;
use super::weigh::{Decided, Draft, Weighing, deleted_part, says_the_same};
use crate::fhir::{Resource, is_deleted};
use crate::problem::{Category, Place, Problem};
use crate::record::Stored;
use crate::unused::Kind;

impl Weighing<'_> {
    pub(super) fn tell(
        &self,
        entry: &Entry,
        mut draft: Resource,
        stored: Option<&Stored>,
        found: &Found,
        notes: &mut Vec<Problem>,
    ) -> Result<Decided, Refusal> {
        let because = self.rights.may_create(entry, &found.known)?;
        let before = stored.map(|stored| &stored.resource);
        self.check_references(entry, &draft, before, found)?;
        let stays = |happened| Decided { draft: Draft::Stays, happened, because: because.clone() };
        let Some(stored) = stored else { return Ok(stays(Happened::Created)) };
        if entry.kind == "Group" {
            let text = "this Group is here already, and a message does not say who of those whom its sender may not see stays in it: change it by an update (PUT)";
            let problem = Problem::information(Category::BusinessRule, Place::Element(entry.at("")), text);
            notes.push(problem.unused(Kind::Field, "Group that is here already"));
            return Ok(Decided { draft: Draft::Goes, happened: Happened::Unchanged, because });
        }
        let is_own = self.rights.is_own(stored);
        if is_deleted(&stored.resource) && is_own {
            let change = Change { resource: draft, deleted: vec![deleted_part()] };
            return Ok(Decided { draft: Draft::Becomes(change), happened: Happened::Created, because });
        }
        if is_own || entry.kind == "Patient" {
            return Ok(stays(Happened::Updated));
        }
        let denied = self.denied(entry, &draft, stored, found)?;
        if denied.is_empty() && (entry.kind == "Encounter" || !says_the_same(&draft, &stored.resource)) {
            return Ok(stays(Happened::Updated));
        }
        if !denied.is_empty() {
            let text = format!(
                "not taken: {}; somebody else said it, and the agreement does not name it in `sends`",
                denied.join(", ")
            );
            let problem = Problem::information(Category::Forbidden, Place::Element(entry.at("")), text);
            notes.push(problem.unused(Kind::Field, &format!("{} that others said", entry.kind)));
        }
        for element in &denied {
            draft.remove(element);
            draft.remove(&format!("_{element}"));
        }
        // A visit without leave for its status is not said to have been mentioned either: the event is what may not be said.
        let is_mute = entry.kind == "Encounter" && denied.iter().any(|element| element == "status");
        if is_mute || says_the_same(&draft, &stored.resource) {
            return Ok(Decided { draft: Draft::Goes, happened: Happened::Unchanged, because });
        }
        let change = Change { resource: draft, deleted: Vec::new() };
        Ok(Decided { draft: Draft::Becomes(change), happened: Happened::Updated, because })
    }

    /// A visit to which something else belongs. Who orders or reports something keeps no visit (HL7 v2.5.1, 3.3): how it goes is told
    /// by its own events.
    pub(super) fn name(
        &self,
        entry: &Entry,
        draft: Resource,
        stored: Option<&Stored>,
        found: &Found,
        notes: &mut Vec<Problem>,
    ) -> Result<Decided, Refusal> {
        let because = self.rights.may_create(entry, &found.known)?;
        self.check_references(entry, &draft, stored.map(|stored| &stored.resource), found)?;
        let is_told = match stored {
            None => draft.get("status").is_none(),
            Some(stored) => says_the_same(&draft, &stored.resource),
        };
        if !is_told {
            let text = "the message is about something else, and only names this visit: how the visit goes was not taken; tell of it by an \
                        admission, a transfer, a discharge or ADT_A08";
            let problem = Problem::information(Category::BusinessRule, Place::Element(entry.at("")), text);
            notes.push(problem.unused(Kind::Visit, "visit that is only named"));
        }
        Ok(match stored {
            None => Decided { draft: Draft::Stays, happened: Happened::Created, because },
            Some(_) => Decided { draft: Draft::Goes, happened: Happened::Unchanged, because },
        })
    }

    /// The elements in which it differs from what somebody else said and that the partner may not say.
    fn denied(&self, entry: &Entry, draft: &Resource, stored: &Stored, found: &Found) -> Result<Vec<String>, Refusal> {
        let mut elements = stated((draft, &stored.resource, stored), self.rights.writer(), false, false).elements();
        let status = |resource: &Resource| resource.text("status").unwrap_or_default().to_string();
        let is_event = entry.kind == "Encounter";
        if is_event {
            elements.insert("status".to_string());
        }
        let mut denied = Vec::new();
        for element in elements {
            match self.rights.may_change_anothers(entry, &element, &found.known) {
                Ok(_) => {}
                // What happened is what the message is about.
                Err(refusal) if is_event && element == "status" && status(draft) != status(&stored.resource) => {
                    return Err(refusal);
                }
                Err(_named) => denied.push(element),
            }
        }
        Ok(denied)
    }
}
