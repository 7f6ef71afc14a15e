//! What a visit was for: which diagnosis is the principal one, how sure it is, and what was said at the door
//! (http://hl7.org/fhir/R4/encounter.html, `diagnosis` and `reasonCode`; HL7 v2.5.1 DG1-6, DG1-15, PV2-3).

use serde_json::Value;

use super::codes::Codes;
use super::codings::codings_of;
use crate::record::Stored;

/// A reason that a rule asks for. Defaults: any position, and everything that was not ruled out.
#[derive(Debug, Clone, Default)]
pub struct Reason {
    pub codes: Codes,
    pub position: Position,
    pub certainty: Vec<Certainty>,
}

/// Where among what is said of a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Position {
    /// The diagnosis that the visit was chiefly for; the reason at the door while there is no diagnosis.
    Principal,
    #[default]
    Any,
    /// What was said at the door, before anybody had a diagnosis.
    ReasonForVisit,
}

/// How sure a diagnosis is (http://hl7.org/fhir/R4/valueset-condition-ver-status.html). What says nothing about it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    Confirmed,
    Provisional,
    Refuted,
}

impl Position {
    pub const WORDS: [(&'static str, Self); 3] =
        [("principal", Self::Principal), ("any", Self::Any), ("reason-for-visit", Self::ReasonForVisit)];
}

impl Certainty {
    pub const WORDS: [(&'static str, Self); 3] =
        [("confirmed", Self::Confirmed), ("provisional", Self::Provisional), ("refuted", Self::Refuted)];
    /// What a visit's reason asks for unless it says otherwise.
    pub const OF_REASONS: [Self; 2] = [Self::Confirmed, Self::Provisional];
    /// What makes somebody a patient with a condition unless a rule says otherwise: a suspicion does not.
    pub const OF_PEOPLE: [Self; 1] = [Self::Confirmed];

    pub fn of(condition: &Stored) -> Self {
        let codings = condition.resource.codings("verificationStatus");
        let has = |words: &[&str]| codings.iter().any(|(_, code)| words.contains(code));
        if has(&["refuted"]) {
            Self::Refuted
        } else if has(&["provisional", "differential", "unconfirmed"]) {
            Self::Provisional
        } else {
            Self::Confirmed
        }
    }
}

/// One statement about what a visit was for.
pub struct Said<'a> {
    /// The diagnosis, or the encounter that says it.
    pub by: &'a Stored,
    pub codings: Vec<(&'a str, &'a str)>,
    pub certainty: Certainty,
    pub is_principal: bool,
    /// Said at the door, and no diagnosis.
    pub at_door: bool,
}

/// A diagnosis of a visit, before it is clear which is the principal one.
struct Diagnosis<'a> {
    condition: &'a Stored,
    standing: Standing,
}

/// How near a diagnosis is to being the principal one, nearest first: ranked first; final before working before admitting;
/// its rank; and where nothing else is said, its place in the message. One that the visit does not list has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    not_first: bool,
    kind: u8,
    rank: u64,
    place: usize,
}

/// All that is said of what an encounter was for; `diagnoses` are the conditions of the record that were not entered in error.
pub fn said_of<'a>(encounter: &'a Stored, diagnoses: &[&'a Stored]) -> Vec<Said<'a>> {
    let found = diagnoses_of(encounter, diagnoses);
    let standing = |diagnosis: &Diagnosis<'_>| (certainty_rank(diagnosis.condition), diagnosis.standing);
    let first = found.iter().map(standing).min();
    let mut said: Vec<Said<'a>> = found
        .iter()
        .map(|diagnosis| Said {
            by: diagnosis.condition,
            codings: diagnosis.condition.resource.codings("code"),
            certainty: Certainty::of(diagnosis.condition),
            is_principal: Some(standing(diagnosis)) == first,
            at_door: false,
        })
        .collect();
    let codings = encounter.resource.codings("reasonCode");
    if !codings.is_empty() {
        let is_principal = said.is_empty();
        said.push(Said { by: encounter, codings, certainty: Certainty::Provisional, is_principal, at_door: true });
    }
    said
}

/// What was ruled out is the principal diagnosis only of a visit that has no other.
fn certainty_rank(condition: &Stored) -> bool {
    Certainty::of(condition) == Certainty::Refuted
}

fn diagnoses_of<'a>(encounter: &'a Stored, conditions: &[&'a Stored]) -> Vec<Diagnosis<'a>> {
    let own = format!("Encounter/{}", encounter.id);
    let listed: Vec<&Value> =
        encounter.resource.get("diagnosis").and_then(Value::as_array).into_iter().flatten().collect();
    let find = |condition: &Stored| {
        let reference = format!("Condition/{}", condition.id);
        listed.iter().position(|item| {
            item.get("condition").and_then(|at| at.get("reference")?.as_str()) == Some(reference.as_str())
        })
    };
    conditions
        .iter()
        .filter_map(|condition| {
            let place = find(condition);
            let standing = match place {
                Some(place) => standing(listed.get(place).copied().unwrap_or(&Value::Null), place),
                None if condition.resource.reference("encounter") == Some(own.as_str()) => {
                    Standing { not_first: true, kind: u8::MAX, rank: u64::MAX, place: usize::MAX }
                }
                None => return None,
            };
            Some(Diagnosis { condition, standing })
        })
        .collect()
}

/// `use` holds DG1-6 as it was sent (table 0052) beside FHIR's diagnosis-role.
fn standing(item: &Value, place: usize) -> Standing {
    let codes: Vec<&str> =
        codings_of(item.get("use").unwrap_or(&Value::Null)).into_iter().map(|(_, code)| code).collect();
    let kind = match () {
        () if codes.contains(&"AD") || codes.contains(&"A") => 2,
        () if codes.contains(&"W") => 1,
        () => 0,
    };
    let rank = item.get("rank").and_then(Value::as_u64);
    Standing { not_first: rank != Some(1), kind, rank: rank.unwrap_or(u64::MAX), place }
}
