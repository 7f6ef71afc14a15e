//! Merges what one input states into a patient's record. The result depends on which inputs came, not on their order.

use std::collections::BTreeSet;

use super::fragment::Fragment;
use super::part::Part;
use super::working::{Key, Working};
use super::{Change, Head, Record, Statement, encounter, family, results, visits, who};
use crate::fhir::Identifier;
use crate::identity::{Identified, PersonId, ResourceId};
use crate::problem::Problem;

/// What follows for the store, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The record's head, its revision one higher.
    pub head: Head,
    /// The head of the record that a merge message took over.
    pub prior: Option<Head>,
    pub changes: Vec<Change>,
    /// Identifiers that were new, and the record each leads to.
    pub identifiers: Vec<(Identifier, PersonId)>,
    /// Decisions in words, for the trace: the resource, and what was decided about it.
    pub notes: Vec<(String, String)>,
    pub problems: Vec<Problem>,
}

/// The resources that merging these drafts reads. Those that the loaded record lacks (old observations, shared ones) have
/// to be put into it first, or a correction would look like something new.
pub fn touched(head: &Head, drafts: &[Identified]) -> Vec<(String, ResourceId)> {
    let mut keys: BTreeSet<Key> = BTreeSet::new();
    for identified in drafts {
        let kind = identified.draft.resource.resource_type();
        keys.insert((kind.to_string(), identified.id));
        if identified.id.person != PersonId::SHARED && kind != "Patient" {
            let alike = head.family().map(|person| ResourceId { person, local: identified.id.local });
            keys.extend(alike.map(|id| (kind.to_string(), id)));
        }
    }
    keys.into_iter().collect()
}

/// Merges one statement about one patient. Content that did not change makes no new version.
pub fn merge(record: &Record, statement: Statement) -> Merged {
    let mut head = record.head.clone();
    head.revision += 1;
    let persons: BTreeSet<PersonId> = head.family().collect();
    let mut working = Working::over(vec![record]);
    let Said { notes, problems, names_another } = state(&mut working, &statement, &persons);
    // Another number in a message about somebody else is not this patient's.
    let identifiers = if names_another { Vec::new() } else { learn(&mut head, &statement.candidates) };
    family::settle(&mut working, head.person, &persons);
    let changes = working.changes(statement.received);
    Merged { head, prior: None, changes, identifiers, notes, problems }
}

/// What there is to say of a statement once it is in.
#[derive(Default)]
pub(super) struct Said {
    pub notes: Vec<(String, String)>,
    pub problems: Vec<Problem>,
    /// The statement names another person than the one whose number it carries.
    pub names_another: bool,
}

/// Puts the statement's drafts in, and tells what encounters became and what is doubtful.
pub(super) fn state(working: &mut Working<'_>, statement: &Statement, family: &BTreeSet<PersonId>) -> Said {
    let mut said = Said::default();
    for identified in &statement.drafts {
        let kind = identified.draft.resource.resource_type().to_string();
        let key = family::live_key(working, &(kind, identified.id), family);
        let known = working.fragment(&key);
        let own = statement.events.get(&identified.draft.local);
        let (stamp, trigger) = own.map_or((&statement.stamp, &statement.trigger), |(stamp, trigger)| (stamp, trigger));
        let stated = Fragment::stated(identified, stamp, trigger);
        let about = format!("{}/{}", key.0, key.1);
        let before = known.as_ref().map(explain).unwrap_or_default();
        let named = known.as_ref().map(|known| who::Named::of(&known.faces, &stated.faces));
        let joined = match known {
            None => stated,
            Some(known) => {
                said.problems.extend(results::doubt(&known, &stated));
                said.notes.extend(outdone(&known, &stated).map(|line| (about.clone(), line)));
                known.join(stated)
            }
        };
        working.settle(key, &joined);
        said.problems.extend(encounter::too_many(&joined.transitions));
        let after = explain(&joined).into_iter().filter(|line| !before.contains(line));
        said.notes.extend(after.map(|line| (about.clone(), line)));
        if let Some(named) = named {
            said.names_another |= named.is_another(&joined.faces);
            said.problems.extend(named.doubt(&joined.faces, &about));
        }
    }
    said.problems.extend(visits::doubts(working, statement));
    said
}

/// What the statement says otherwise than one that outdoes it whatever is newer.
fn outdone(known: &Fragment, stated: &Fragment) -> Option<String> {
    let (stated_parts, known_parts) = (stated.standing(), known.standing());
    let weight = |part: &Part| part.stamp.as_ref().map_or(0, |stamp| stamp.weight);
    let is_outdone = |(name, part): &(&String, &Part)| {
        let other = known_parts.get(*name);
        part.content.is_some()
            && other.is_some_and(|other| weight(other) > weight(part) && other.content != part.content)
    };
    let elements: Vec<&str> = stated_parts.iter().filter(is_outdone).map(|(name, _)| name.as_str()).collect();
    let why = match stated.resource_type.as_str() {
        "Observation" | "DiagnosticReport" => {
            "a preliminary result replaces no final one, and a final one no correction"
        }
        _ => "results, orders and whoever knows the patient by another's number fill gaps only",
    };
    // Values of identifiers are in the names of their parts.
    let elements: Vec<&str> =
        elements.iter().map(|name| name.split_once(':').map_or(*name, |(list, _)| list)).collect();
    (!elements.is_empty()).then(|| format!("not taken: {}; {why}", elements.join(", ")))
}

fn explain(fragment: &Fragment) -> Vec<String> {
    if fragment.transitions.is_empty() {
        return Vec::new();
    }
    let course = encounter::project(&fragment.transitions);
    std::iter::once(course.because).chain(course.notes).collect()
}

/// Adds identifiers to the head, under the record that they speak for. Returns those that were new.
pub(super) fn learn(head: &mut Head, candidates: &[Identifier]) -> Vec<(Identifier, PersonId)> {
    let origin = head.origin_of(candidates);
    let mut new = Vec::new();
    for candidate in candidates {
        if head.identifiers.contains(candidate) {
            // Nothing lost: the record knows this identifier already.
            continue;
        }
        head.identifiers.push(candidate.clone());
        if origin != head.person {
            let own = head.origins.entry(origin).or_default();
            own.push(candidate.clone());
            own.sort();
        }
        new.push((candidate.clone(), origin));
    }
    head.identifiers.sort();
    new
}
