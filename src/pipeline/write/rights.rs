//! What a partner may say, by its agreements: things of its own of the types that `sends` names, single elements of what others said,
//! and what is its own it may take back. What it may not know of is not there.

use jiff::Timestamp;

use super::super::find::Known;
use super::changes::{Change, element_of};
use super::entry::{Entry, Verb};
use super::members::Members;
use super::origin::said_by;
use super::refusal::Refusal;
use crate::agreement::{Decision, Exit, Offer, Question, Reach, protection};
use crate::fhir::{Definitions, Home, Resource, add_labels, home_of};
use crate::identity::{PersonId, ResourceId};
use crate::problem::Category;
use crate::record::Stored;
use crate::site::{Feed, Partner, Site};
use crate::store::AuditEntry;

pub(super) struct Rights<'a> {
    pub site: &'a Site,
    pub feed: &'a Feed,
    pub partner: &'a Partner,
    pub now: Timestamp,
    pub members: &'a Members,
}

impl Rights<'_> {
    /// As stamps name the partner.
    pub fn writer(&self) -> &str {
        &self.feed.name
    }

    /// Whether the partner said anything of it.
    pub fn is_own(&self, stored: &Stored) -> bool {
        said_by(stored, &self.partner.name)
    }

    /// The resource as the partner may see it: as the agreement lets it be read, else what of it the partner said itself.
    pub fn shown(&self, stored: &Stored, known: &Known) -> Option<Resource> {
        let shown = self.readable(stored, known).or_else(|| self.is_own(stored).then(|| self.own_words(stored)));
        shown.map(|shown| self.members.shown(shown))
    }

    fn own_words(&self, stored: &Stored) -> Resource {
        let own = stored.state.stamps.iter().filter(|(_, stamp)| stamp.feed() == self.writer());
        let elements: Vec<&str> = own.map(|(part, _)| element_of(part)).collect();
        let mut resource = Resource::new(stored.resource.resource_type());
        for (name, value) in stored.resource.as_map() {
            if name == "id" || elements.contains(&name.trim_start_matches('_')) {
                resource.set(name, value.clone());
            }
        }
        resource
    }

    fn readable(&self, stored: &Stored, known: &Known) -> Option<Resource> {
        let mut resource = stored.resource.clone();
        let patients = known.record.of_type("Patient").flat_map(|patient| protection(&patient.resource));
        // Nothing lost: what is no id of ours is no visit of ours.
        let visits = resource
            .references()
            .into_iter()
            // Nothing lost: what is no id of ours is no visit of ours.
            .filter_map(|reference| reference.strip_prefix("Encounter/")?.parse().ok());
        let visits = visits.filter_map(|id: ResourceId| known.record.get("Encounter", id));
        let labels: Vec<_> = patients.chain(visits.flat_map(|visit| protection(&visit.resource))).collect();
        add_labels(&mut resource, &labels);
        let panels = panels(known);
        let question = Question {
            partner: &self.partner.name,
            exit: Exit::Read,
            resource: &resource,
            panels: &panels,
            now: self.now,
        };
        let decision = self.site.agreements.decide(&question);
        decision.released(&stored.resource).filter(|_| decision.is_allowed())
    }

    /// Whether a new thing of this type may be said of this patient; the agreement's words.
    pub fn may_create(&self, entry: &Entry, known: &Known) -> Result<String, Refusal> {
        self.admitted(entry, &entry.kind, "", false, known)
    }

    /// Its own, and the demographics that all tell of, a partner changes by leave for the type; of another's, each element that it
    /// changes is named in `sends`.
    pub fn may_change(&self, entry: &Entry, change: &Change, is_own: bool, known: &Known) -> Result<String, Refusal> {
        if is_own || entry.kind == "Patient" {
            return self.admitted(entry, &entry.kind, "", false, known);
        }
        let elements = change.elements();
        if elements.is_empty() {
            return self.admitted(entry, &entry.kind, "", false, known);
        }
        let mut because = String::new();
        for element in &elements {
            because = self.may_change_anothers(entry, element, known)?;
        }
        Ok(because)
    }

    /// One element of what somebody else said.
    pub fn may_change_anothers(&self, entry: &Entry, element: &str, known: &Known) -> Result<String, Refusal> {
        let choice = Definitions::r4().element(&entry.kind, element).and_then(|known| known.choice.clone());
        let what = format!("{}.{}", entry.kind, choice.as_deref().unwrap_or(element));
        self.admitted(entry, &what, element, true, known)
    }

    /// Whether it may say these elements of a Task that we gave it.
    pub fn may_say(&self, entry: &Entry, elements: &[&str], known: &Known) -> Result<String, Refusal> {
        let mut because = self.covered(entry, known)?;
        for element in elements {
            because = self.admitted(entry, &format!("{}.{element}", entry.kind), element, false, known)?;
        }
        Ok(because)
    }

    /// Only what is all its own.
    pub fn may_delete(&self, entry: &Entry, stored: &Stored, known: &Known) -> Result<String, Refusal> {
        let is_all_own = stored.state.stamps.values().all(|stamp| stamp.feed() == self.writer());
        if stored.state.stamps.is_empty() || !is_all_own {
            let text =
                "others said something of it, too, so that it is not yours to delete; change what you said of it";
            return Err(Refusal::at(403, Category::Forbidden, entry.at(""), text));
        }
        self.admitted(entry, &entry.kind, "", false, known)
    }

    fn offer<'o>(&'o self, entry: &Entry, what: &'o str, panels: &'o [&'o str], is_anothers: bool) -> Offer<'o> {
        let is_shared = home_of(&entry.kind) == Some(Home::Shared);
        Offer { is_anothers, is_shared, ..Offer::of(&self.partner.name, what, panels, self.now) }
    }

    fn admitted(
        &self,
        entry: &Entry,
        what: &str,
        element: &str,
        is_anothers: bool,
        known: &Known,
    ) -> Result<String, Refusal> {
        let panels = panels(known);
        let (reach, decision) = self.site.agreements.reach(&self.offer(entry, what, &panels, is_anothers));
        match reach {
            Reach::Admitted => Ok(words(&decision)),
            Reach::NotCovered => Err(self.not_covered(entry, &decision)),
            Reach::NotInForce | Reach::NotNamed => Err(Refusal::forbidden(&entry.at(element), &decision)),
        }
    }

    fn covered(&self, entry: &Entry, known: &Known) -> Result<String, Refusal> {
        let panels = panels(known);
        let (reach, decision) = self.site.agreements.reach(&self.offer(entry, &entry.kind, &panels, false));
        match reach {
            Reach::NotCovered => Err(self.not_covered(entry, &decision)),
            _ => Ok(words(&decision)),
        }
    }

    /// Of a patient who is not theirs nobody is told whether there is one; a number of their own they know.
    fn not_covered(&self, entry: &Entry, decision: &Decision) -> Refusal {
        match (home_of(&entry.kind), &entry.verb) {
            (Some(Home::Patient), Verb::Create | Verb::Tell | Verb::Name) => {
                Refusal::forbidden(&entry.at("identifier"), decision)
            }
            (Some(Home::Of(path) | Home::Through(path)), Verb::Create | Verb::Tell | Verb::Name) => {
                Refusal::dangling(entry.at(path))
            }
            _ => Refusal::absent().within("", &entry.path),
        }
    }

    pub fn audit(&self, entry: &Entry, known: &Known, subject: String, because: &str) -> AuditEntry {
        let person = known.record.head.person;
        let person = (person != PersonId::SHARED && home_of(&entry.kind) != Some(Home::Shared)).then_some(person);
        let action = match entry.verb {
            Verb::Create | Verb::Stays(_) => "create",
            Verb::Update(_) => "update",
            Verb::Patch(..) => "patch",
            Verb::Tell | Verb::Name => "message",
            Verb::Delete(_) => "delete",
        };
        AuditEntry {
            at: self.now,
            agent: self.partner.name.clone(),
            action: action.to_string(),
            person,
            subject,
            allowed: true,
            because: because.to_string(),
        }
    }
}

fn panels(known: &Known) -> Vec<&str> {
    known.memberships.iter().map(|membership| membership.panel.as_str()).collect()
}

/// In words, with the line of the agreement.
fn words(decision: &Decision) -> String {
    match &decision.at {
        Some(at) => format!("{} ({}:{})", decision.because, at.file, at.line),
        None => decision.because.clone(),
    }
}
