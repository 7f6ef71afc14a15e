//! One resource with how it came to be, as a value that can be joined with another about the same thing. A statement is
//! a fragment, and so is what is stored: merging is joining.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::assemble::{Assembled, put_together};
use super::encounter::{self, MAX_TRANSITIONS};
use super::part::{self, Parts};
use super::who::{self, Claim, Face};
use super::{Stamp, State, Transition, rank, stored};
use crate::fhir::{BY_MEMBER, Resource};
use crate::identity::{Identified, PersonId, ResourceId};

#[derive(Debug, Clone)]
pub(super) struct Fragment {
    pub resource_type: String,
    pub parts: Parts,
    /// Of a Patient, what was said of whom, the one who shows first.
    pub faces: Vec<Face>,
    pub transitions: Vec<Transition>,
    /// The records under which it was stated.
    pub origins: BTreeSet<PersonId>,
    pub work: Option<Value>,
    /// The results that it puts together.
    pub made_of: Vec<ResourceId>,
}

impl Fragment {
    /// What one message says about one thing.
    pub fn stated(identified: &Identified, stamp: &Stamp, trigger: &str) -> Self {
        let mut draft = Cow::Borrowed(&identified.draft);
        let kind = draft.resource.resource_type().to_string();
        let stamp = rank::stamp(&draft.resource, stamp, trigger);
        let mut transitions = Vec::new();
        if kind == "Encounter" && trigger != rank::LOOK {
            transitions.push(encounter::transition(draft.to_mut(), &stamp, trigger));
        }
        let fields =
            |element: &str, items: usize| draft.sources.get(element).filter(|sources| sources.len() == items).cloned();
        let mut parts = part::take_apart(draft.resource.as_map(), &fields);
        for element in BY_MEMBER {
            // Members are all there are where the element was stated as a whole.
            if draft.resource.get(element).is_some() && !draft.sources.contains_key(element) {
                parts.entry(element.to_string()).or_default();
            }
        }
        for name in &draft.deleted {
            parts.entry(name.clone()).or_default();
        }
        parts.values_mut().for_each(|part| part.stamp = Some(stamp.clone()));
        let mut faces = Vec::new();
        if kind == "Patient"
            && let Some(claim) = Claim::of(&draft.resource)
        {
            faces.push(Face::of(claim, stamp, std::mem::take(&mut parts)));
        }
        let origins = BTreeSet::from([identified.id.person]);
        Self { resource_type: kind, parts, faces, transitions, origins, work: None, made_of: Vec::new() }
    }

    /// What is stored about one thing.
    pub fn stored(resource: &Resource, state: &State, person: PersonId) -> Self {
        let mut origins: BTreeSet<PersonId> = state.origins.iter().copied().collect();
        if origins.is_empty() {
            origins.insert(person);
        }
        let mut parts = stored::parts(resource, state);
        let is_patient = resource.resource_type() == "Patient";
        let faces = if is_patient { who::read(state.who.as_ref(), resource, &mut parts) } else { Vec::new() };
        Self {
            resource_type: resource.resource_type().to_string(),
            parts,
            faces,
            transitions: state.transitions.clone(),
            origins,
            work: state.work.clone(),
            made_of: state.made_of.clone(),
        }
    }

    pub fn join(self, other: Self) -> Self {
        let mut transitions = self.transitions;
        transitions.extend(other.transitions);
        transitions.sort();
        transitions.dedup();
        // Nothing lost: what a merge joins says when a visit has so many.
        encounter::keep_newest(&mut transitions, MAX_TRANSITIONS);
        Self {
            resource_type: self.resource_type,
            parts: part::join(self.parts, other.parts),
            faces: who::join(self.faces, other.faces),
            transitions,
            origins: self.origins.union(&other.origins).copied().collect(),
            work: self.work.or(other.work),
            made_of: if self.made_of.is_empty() { other.made_of } else { self.made_of },
        }
    }

    /// The parts that stand: of a Patient, what was said of who shows, and without saying of whom.
    pub fn standing(&self) -> Cow<'_, Parts> {
        match self.faces.first() {
            None => Cow::Borrowed(&self.parts),
            Some(face) => Cow::Owned(part::join(face.parts.clone(), self.parts.clone())),
        }
    }

    /// The resource that follows, without id and version, and the state to keep beside it. `person` is the record in
    /// the id it will have.
    pub fn settle(&self, person: PersonId) -> (Resource, State) {
        let parts = self.standing();
        let assembled = if self.transitions.is_empty() {
            put_together(&self.resource_type, &parts)
        } else {
            let course = encounter::project(&self.transitions);
            let overlay = course.parts();
            let is_placed = overlay.contains_key(encounter::PLACE);
            let mut assembled = put_together(&self.resource_type, &part::join(parts.clone().into_owned(), overlay));
            // No stamp tells that the place is there: its count does.
            if is_placed {
                assembled.counts.entry(encounter::PLACE.to_string()).or_insert(1);
            }
            assembled.hidden.extend(stored::overlaid(&parts));
            course.write(&mut assembled.resource);
            assembled
        };
        let Assembled { mut resource, counts, hidden } = assembled;
        if self.resource_type == "Patient" && is_replaced(&resource) {
            resource.set("active", json!(false));
        }
        let stamps = parts.iter().filter_map(|(name, part)| Some((name.clone(), part.stamp.clone()?))).collect();
        let only_here = self.origins.len() == 1 && self.origins.contains(&person);
        let sources = parts.iter().filter_map(|(name, part)| Some((name.clone(), part.source.clone()?))).collect();
        let state = State {
            stamps,
            counts,
            hidden,
            sources,
            // What was sent follows from no statement; `Working::changes` keeps it.
            sent: BTreeMap::new(),
            who: (self.resource_type == "Patient").then(|| who::store(&self.faces, &self.parts, &parts)),
            transitions: self.transitions.clone(),
            work: self.work.clone(),
            made_of: self.made_of.clone(),
            origins: if only_here { Vec::new() } else { self.origins.iter().copied().collect() },
            superseded: None,
        };
        (resource, state)
    }
}

/// Whether a Patient's links say that another one took its place (http://hl7.org/fhir/R4/patient.html#replaced).
fn is_replaced(patient: &Resource) -> bool {
    let links = patient.get("link").and_then(Value::as_array).into_iter().flatten();
    links.filter_map(|link| link.get("type")).any(|kind| kind == "replaced-by")
}
