//! Which identifiers of a Patient say who it is, and which record they lead to. Two records are never joined here:
//! only a merge message (A40) or a roster row does that.

use serde_json::Value;

use super::PersonId;
use crate::fhir::{Identifier, Resource};
use crate::problem::{Category, Place, Problem};
use crate::unused::{Duty, Kind};

/// The identifiers of a Patient that may identify, most preferred first. `preferred_systems` are the feed's own; when it
/// lists none, every identifier counts, in the order stated. One that is marked `use: old` never counts.
///
/// # Errors
/// A problem when no identifier is usable.
pub fn candidates(patient: &Resource, preferred_systems: &[String]) -> Result<Vec<Identifier>, Problem> {
    let stated: Vec<Identifier> = match patient.get("identifier") {
        Some(Value::Array(items)) => items.iter().filter(|item| !is_old(item)).filter_map(usable).collect(),
        _ => Vec::new(),
    };
    let mut chosen: Vec<Identifier> = Vec::new();
    let mut take = |identifier: &Identifier| {
        if !chosen.contains(identifier) {
            chosen.push(identifier.clone());
        }
    };
    if preferred_systems.is_empty() {
        stated.iter().for_each(&mut take);
    }
    for system in preferred_systems {
        stated.iter().filter(|identifier| identifier.system == *system).for_each(&mut take);
    }
    if chosen.is_empty() {
        return Err(none_usable(&stated, preferred_systems));
    }
    Ok(chosen)
}

fn is_old(item: &Value) -> bool {
    item.get("use").and_then(Value::as_str) == Some("old")
}

fn usable(item: &Value) -> Option<Identifier> {
    Identifier::from_json(item).filter(|identifier| !identifier.system.is_empty() && !identifier.value.is_empty())
}

fn none_usable(stated: &[Identifier], preferred_systems: &[String]) -> Problem {
    let text = if stated.is_empty() {
        "no patient identifier with an assigning authority that this feed knows; send one, or name its authority \
         in the feed"
            .to_string()
    } else {
        let systems: Vec<&str> = stated.iter().map(|identifier| identifier.system.as_str()).collect();
        format!(
            "none of the patient's identifiers identifies: they are of {}, and the feed trusts {}",
            systems.join(", "),
            preferred_systems.join(", ")
        )
    };
    Problem::error(Category::Required, Place::Element("Patient.identifier".to_string()), text)
        .to_sender("send a patient identifier of an assigning authority agreed on for this feed")
}

/// Whose record an input is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    pub person: PersonId,
    /// The candidates that lead to this record or to none yet; the record may learn them.
    pub identifiers: Vec<Identifier>,
    pub problems: Vec<Problem>,
}

/// The first candidate that is known decides; when none is, the first makes a new record. `known` holds, in the order of
/// the candidates, the record each leads to (merges followed). Candidates that lead elsewhere are reported and change
/// nothing. No candidates at all give the shared record, which has no patient; `candidates` never does that.
pub fn choose_person(candidates: &[Identifier], known: &[Option<PersonId>]) -> Chosen {
    let first = known.iter().flatten().next().copied();
    let person = first.or_else(|| candidates.first().map(PersonId::of)).unwrap_or(PersonId::SHARED);
    let mut chosen = Chosen { person, identifiers: Vec::new(), problems: Vec::new() };
    for (place, candidate) in candidates.iter().enumerate() {
        match known.get(place) {
            Some(Some(other)) if *other != person => chosen.problems.push(two_records(candidate)),
            _ => chosen.identifiers.push(candidate.clone()),
        }
    }
    chosen
}

fn two_records(candidate: &Identifier) -> Problem {
    let text = format!(
        "possible duplicate: the identifier of {} leads to another record than the one before it; nothing was joined, a \
         merge message (A40) or a roster row with both would",
        candidate.system
    );
    Problem::warning(Category::MultipleMatches, Place::Element("Patient.identifier".to_string()), text)
        .unused(Kind::Identity, &candidate.system)
        .owed_by(Duty::Feed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patient() -> Resource {
        Resource::new("Patient").with(
            "identifier",
            json!([
                { "system": "urn:ssn", "value": "9" },
                { "system": "urn:mrn", "value": "0", "use": "old" },
                { "system": "urn:mrn", "value": "1" },
                { "value": "no system" }
            ]),
        )
    }

    #[test]
    fn the_feed_says_which_systems_identify_and_in_which_order() {
        let chosen = candidates(&patient(), &["urn:mrn".to_string(), "urn:ssn".to_string()]).unwrap();
        assert_eq!(chosen, [Identifier::new("urn:mrn", "1"), Identifier::new("urn:ssn", "9")]);
        assert_eq!(candidates(&patient(), &[]).unwrap().first(), Some(&Identifier::new("urn:ssn", "9")));
    }

    #[test]
    fn a_patient_without_a_usable_identifier_is_a_problem_that_names_no_value() {
        let problem = candidates(&patient(), &["urn:other".to_string()]).unwrap_err();
        assert!(problem.text.contains("urn:ssn") && !problem.text.contains('9'));
    }

    #[test]
    fn the_first_known_identifier_decides_and_others_that_lead_elsewhere_are_reported() {
        let chosen = candidates(&patient(), &["urn:mrn".to_string(), "urn:ssn".to_string()]).unwrap();
        let (a, b) = (PersonId([1; 10]), PersonId([2; 10]));
        assert_eq!(choose_person(&chosen, &[None, Some(b)]).person, b);
        assert_eq!(choose_person(&chosen, &[None, None]).person, PersonId::of(&chosen[0]));
        let found = choose_person(&chosen, &[Some(a), Some(b)]);
        assert_eq!((found.person, found.problems.len()), (a, 1));
        assert_eq!(found.identifiers, chosen[..1], "a record never learns an identifier that leads elsewhere");
    }
}
