//! What a visit was for: which diagnosis is the principal one, how sure it is, and what was said at the door
//! (http://hl7.org/fhir/R4/encounter.html, `diagnosis` and `reasonCode`; HL7 v2.5.1 DG1-6, DG1-15, PV2-3).

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::codes::Codes;
use crate::fhir::codings_of;
use crate::identity::ResourceId;
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

/// Conditions of a record, found by their visit and by reference.
#[derive(Default)]
pub struct Diagnoses<'a> {
    all: Vec<&'a Stored>,
    /// Places in `all`, by the visit that a condition names.
    by_visit: HashMap<&'a str, Vec<usize>>,
    by_id: HashMap<ResourceId, usize>,
}

impl<'a> Diagnoses<'a> {
    pub fn of(all: Vec<&'a Stored>) -> Self {
        let mut by_visit: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, condition) in all.iter().enumerate() {
            if let Some(visit) = condition.resource.reference("encounter") {
                by_visit.entry(visit).or_default().push(place);
            }
        }
        let by_id = all.iter().enumerate().map(|(place, condition)| (condition.id, place)).collect();
        Self { all, by_visit, by_id }
    }

    pub fn all(&self) -> &[&'a Stored] {
        &self.all
    }

    /// The place of one by its reference.
    fn find(&self, reference: &str) -> Option<usize> {
        // Nothing lost: what is no reference to a condition of ours is none of these.
        self.by_id.get(&reference.strip_prefix("Condition/")?.parse().ok()?).copied()
    }
}

/// All that is said of what an encounter was for; `diagnoses` are the conditions of the record that were not entered in error.
pub fn said_of<'a>(encounter: &'a Stored, diagnoses: &Diagnoses<'a>) -> Vec<Said<'a>> {
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

/// In the order of the conditions. Of a condition that a visit lists twice, the first place counts.
fn diagnoses_of<'a>(encounter: &'a Stored, conditions: &Diagnoses<'a>) -> Vec<Diagnosis<'a>> {
    let own = format!("Encounter/{}", encounter.id);
    let unlisted = Standing { not_first: true, kind: u8::MAX, rank: u64::MAX, place: usize::MAX };
    let of_visit = conditions.by_visit.get(own.as_str()).into_iter().flatten();
    let mut found: BTreeMap<usize, Standing> = of_visit.map(|at| (*at, unlisted)).collect();
    let listed = encounter.resource.get("diagnosis").and_then(Value::as_array).into_iter().flatten();
    for (place, item) in listed.enumerate() {
        let reference = item.get("condition").and_then(|at| at.get("reference")?.as_str());
        if let Some(at) = reference.and_then(|reference| conditions.find(reference)) {
            let known = found.entry(at).or_insert(unlisted);
            if *known == unlisted {
                *known = standing(item, place);
            }
        }
    }
    let all = found.into_iter().filter_map(|(at, standing)| Some((conditions.all.get(at)?, standing)));
    all.map(|(condition, standing)| Diagnosis { condition, standing }).collect()
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
