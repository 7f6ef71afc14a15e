//! Merges two patients (ADT A40 and its kin A18, A34, A36): the prior record leads to the surviving one, its resources
//! stay where they are and speak of the survivor. Comes out the same before, between and after the patients' messages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fragment::Fragment;
use super::merge::{Said, learn, merge, state};
use super::working::Working;
use super::{Head, Merged, Record, State, Statement, family};
use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// Merges `prior` into `surviving`, both as loaded by their identifiers (merges followed), or new when nobody has seen
/// them: `Record::new(PersonId::of(identifier))`. The statement is about the survivor; `prior_identifiers` are MRG-1's.
/// A merge that contradicts an earlier one is refused with a problem, and what it states of the survivor still counts.
pub fn merge_patients(
    surviving: &Record,
    prior: &Record,
    prior_identifiers: &[Identifier],
    statement: Statement,
) -> Merged {
    let survivor = surviving.head.origin_of(&statement.candidates);
    let gone = prior.head.origin_of(prior_identifiers);
    match standing(surviving, prior, survivor, gone) {
        Standing::Apart => unite(surviving, prior, prior_identifiers, statement, survivor),
        Standing::Together => Merged {
            notes: vec![(reference(gone), "was merged into this patient before; nothing changes".to_string())],
            ..merge(surviving, statement)
        },
        Standing::Contradicts(why) => {
            let place = Place::Element("Patient.link".to_string());
            let problem = Problem::error(Category::Conflict, place, why);
            let merged = merge(surviving, statement);
            Merged { problems: [vec![problem], merged.problems].concat(), ..merged }
        }
    }
}

enum Standing {
    Apart,
    Together,
    Contradicts(&'static str),
}

fn standing(surviving: &Record, prior: &Record, survivor: PersonId, gone: PersonId) -> Standing {
    if survivor == gone {
        return Standing::Contradicts("merges a patient into itself; MRG-1 must name the other patient's identifier");
    }
    if surviving.head.person != prior.head.person {
        return if prior.head.person == gone {
            Standing::Apart
        } else {
            Standing::Contradicts("the prior patient was merged into another one before; that merge stands")
        };
    }
    let replaced = |from: PersonId, to: PersonId| {
        let patient = surviving.get("Patient", ResourceId::patient(from));
        let links = patient.and_then(|stored| stored.resource.get("link")).and_then(Value::as_array);
        links.into_iter().flatten().any(|link| {
            link.get("type").is_some_and(|kind| kind == "replaced-by")
                && link.pointer("/other/reference").and_then(Value::as_str) == Some(reference(to).as_str())
        })
    };
    if gone != surviving.head.person && (replaced(gone, survivor) || survivor == surviving.head.person) {
        Standing::Together
    } else {
        Standing::Contradicts("the surviving patient was merged the other way round before; that merge stands")
    }
}

fn unite(
    surviving: &Record,
    prior: &Record,
    prior_identifiers: &[Identifier],
    statement: Statement,
    survivor: PersonId,
) -> Merged {
    let gone = prior.head.person;
    let mut head = surviving.head.clone();
    let mut prior_head = prior.head.clone();
    let mut identifiers = learn(&mut prior_head, prior_identifiers);
    identifiers.extend(learn(&mut head, &statement.candidates));
    absorb(&mut head, &mut prior_head);
    prior_head.merged_into = Some(survivor);

    let persons: BTreeSet<PersonId> = head.family().collect();
    let mut working = Working::over(vec![surviving, prior]);
    let Said { mut notes, mut problems, .. } = state(&mut working, &statement, &persons);
    link(&mut working, survivor, &statement.candidates, "replaces", gone);
    link(&mut working, gone, prior_identifiers, "replaced-by", survivor);
    family::settle(&mut working, head.person, &persons);
    notes.push((reference(gone), format!("merged into {} by {}", reference(survivor), statement.trigger)));
    if prior.truncated {
        let place = Place::Element("Observation.subject".to_string());
        let text = "the prior patient has older observations that still name the prior patient; they are read with the \
                    survivor's record";
        let problem = Problem::warning(Category::Incomplete, place, text);
        problems.push(problem.unused(Kind::Limit, "observations of a merged record"));
    }
    let changes = working.changes(statement.received);
    Merged { head, prior: Some(prior_head), changes, identifiers, notes, problems }
}

/// The survivor's head takes over everything that leads to the prior record.
fn absorb(head: &mut Head, prior: &mut Head) {
    let inherited: BTreeSet<&Identifier> = prior.origins.values().flatten().collect();
    let own: Vec<Identifier> =
        prior.identifiers.iter().filter(|identifier| !inherited.contains(identifier)).cloned().collect();
    head.origins.insert(prior.person, own);
    head.origins.append(&mut prior.origins);
    head.identifiers.append(&mut prior.identifiers);
    head.identifiers.sort();
    head.identifiers.dedup();
    head.absorbed.push(prior.person);
    head.absorbed.append(&mut prior.absorbed);
    head.absorbed.sort();
    head.absorbed.dedup();
    for (partner, copies) in std::mem::take(&mut prior.copies) {
        head.copies.entry(partner).or_default().extend(copies);
    }
    head.wake_at = head.wake_at.into_iter().chain(prior.wake_at.take()).min();
    head.revision += 1;
    prior.revision += 1;
}

/// Says who replaced whom. Identifiers are there for a patient nobody has described yet: any statement about them wins.
fn link(working: &mut Working<'_>, person: PersonId, identifiers: &[Identifier], kind: &str, other: PersonId) {
    let stated: Vec<Value> = identifiers.iter().map(Identifier::to_json).collect();
    let patient = Resource::new("Patient")
        .with("identifier", if stated.is_empty() { Value::Null } else { Value::Array(stated) })
        .with("link", json!([{ "other": { "reference": reference(other) }, "type": kind }]));
    let fragment = Fragment::stored(&patient, &State::default(), person);
    working.join(("Patient".to_string(), ResourceId::patient(person)), fragment);
}

fn reference(person: PersonId) -> String {
    format!("Patient/{}", ResourceId::patient(person))
}
