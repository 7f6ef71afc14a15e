//! What stands in a patient's way: a health concern (http://hl7.org/fhir/R4/condition.html) whose code is of a kind of the value set
//! `barrier`, or that names a referral as what it is about; and the coded reason for which a referral was turned down or stood still.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::calendar::Calendar;
use super::facts::{Facts, is_over};
use super::names::BARRIER;
use super::reason::Certainty;
use super::referrals::referrals;
use super::set::ProtocolSet;
use super::view::View;
use super::visit::concept_words;
use crate::fhir::{Resource, ValueSets};
use crate::identity::ResourceId;
use crate::record::Stored;

/// The value set whose parts are the kinds.
const KINDS: &str = "barrier";
/// What is of no kind.
pub const OTHER_BARRIER: &str = "other";
const SNOMED: &str = "http://snomed.info/sct";
/// Kinds that SNOMED CT has a code for, as HL7's example set of barriers and Gravity SDOH use it.
const CODED: [(&str, &str, &str); 11] = [
    ("transport", "713458007", "Lack of access to transportation (finding)"),
    ("cost", "424553001", "Uninsured medical expenses (finding)"),
    ("money", "11403006", "Economic deprivation"),
    ("work", "73438004", "Without employment"),
    ("language", "426201006", "Interpreter not available (finding)"),
    ("trust", "704373005", "Lack of trust"),
    ("support", "1186610007", "Lack of social support (finding)"),
    ("home-help", "301887005", "Needs assistance at home"),
    ("understanding", "386806002", "Impaired cognition (finding)"),
    ("food", "733423003", "Food insecurity (finding)"),
    ("housing", "1156191002", "Housing instability (finding)"),
];

/// One thing that stands in the way now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Barrier {
    /// The Condition, the Task whose reason says so, or the answer of an assessment.
    pub by: ResourceId,
    /// Whether it is a Condition: that can be over.
    pub is_concern: bool,
    /// `transport`; `other` where it is of no kind that the site knows.
    pub kind: String,
    /// The kind in words; of no kind, what is said of that.
    pub title: String,
    /// As somebody said it.
    pub words: String,
    pub since: Timestamp,
    /// The referral that it stands in the way of.
    pub referral: Option<ResourceId>,
}

/// The kinds by which a barrier is told: code and words.
pub fn barrier_kinds(sets: &ValueSets) -> Vec<(String, String)> {
    let kinds = sets.parts(KINDS).map(|name| (code(name).to_string(), title(sets, name)));
    kinds.chain([(OTHER_BARRIER.to_string(), "Something else".to_string())]).collect()
}

/// The code of a barrier, with the words in which somebody said it.
pub fn barrier_code(kind: &str, title: &str, words: &str) -> Value {
    let mut coding = vec![json!({ "system": BARRIER, "code": kind, "display": title })];
    let known = CODED.iter().find(|(known, ..)| *known == kind);
    coding.extend(known.map(|(_, code, display)| json!({ "system": SNOMED, "code": code, "display": display })));
    json!({ "coding": coding, "text": if words.is_empty() { title } else { words } })
}

fn code(name: &str) -> &str {
    name.strip_prefix("barrier-").unwrap_or(name)
}

fn title(sets: &ValueSets, name: &str) -> String {
    let title = sets.get(name).map(|set| set.title.clone()).filter(|title| !title.is_empty());
    title.unwrap_or_else(|| code(name).to_string())
}

/// The kind that some codes are of, and its words.
fn kind(sets: &ValueSets, codings: &[(&str, &str)]) -> Option<(String, String)> {
    let named = codings.iter().find_map(|(system, code)| sets.groups(KINDS, system, code).first().copied());
    if let Some(name) = named {
        return Some((code(name).to_string(), title(sets, name)));
    }
    let (_, own) = codings.iter().find(|(system, _)| *system == BARRIER)?;
    let title = if *own == OTHER_BARRIER { "Something else" } else { "Of a kind that is not known" };
    Some((OTHER_BARRIER.to_string(), title.to_string()))
}

impl ProtocolSet {
    /// What stands in a patient's way now, the oldest first.
    pub fn barriers(&self, view: &View<'_>) -> Vec<Barrier> {
        let weekends = Calendar::weekends();
        let responsible = self.responsible(view, &weekends);
        let zone = responsible.map_or(jiff::tz::TimeZone::UTC, |one| one.practice.zone.clone());
        barriers(&Facts::of(view.record, self.value_sets(), &zone, view.now))
    }
}

pub(super) fn barriers(facts: &Facts<'_>) -> Vec<Barrier> {
    let going_on = |stored: &&Stored| !is_over(stored) && Certainty::of(stored) != Certainty::Refuted;
    let mut found: Vec<Barrier> =
        facts.diagnoses().filter(going_on).filter_map(|stored| concern(facts, stored)).collect();
    let turned_down = facts.referrals(referrals).iter().filter_map(|referral| {
        let task = facts.record.get("Task", referral.by?)?;
        let reason = task.resource.get("statusReason");
        let (kind, title) = kind(facts.value_sets, &task.resource.codings("statusReason"))?;
        let words = concept_words(reason).unwrap_or(&title).to_string();
        let of = Some(referral.request);
        Some(Barrier { by: task.id, is_concern: false, kind, title, words, since: referral.since, referral: of })
    });
    found.extend(turned_down);
    found.sort_by_key(|one| (one.since, one.by));
    found
}

/// What the newest answers of an assessment name. Only a page that reads a patient's observations can ask; what somebody wrote down counts
/// everywhere.
pub(super) fn answered(facts: &Facts<'_>) -> Vec<Barrier> {
    let at = |stored: &Stored| {
        stored.resource.text("effectiveDateTime").and_then(|text| facts.moment(text)).unwrap_or(stored.updated)
    };
    let all = || facts.record.of_type("Observation").filter(|stored| is_valid(stored));
    let mut newest: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for stored in all() {
        for question in stored.resource.codings("code") {
            newest.entry(question).and_modify(|known| *known = at(stored).max(*known)).or_insert(at(stored));
        }
    }
    // A question that takes several answers has an observation for each; one with several codes was asked anew where it was by any of them.
    let is_newest = |stored: &&Stored| {
        let questions = stored.resource.codings("code");
        !questions.is_empty() && questions.iter().all(|question| newest.get(question) == Some(&at(stored)))
    };
    let named = all().filter(is_newest).filter_map(|stored| {
        let since = at(stored);
        let (kind, title) = kind(facts.value_sets, &stored.resource.codings("valueCodeableConcept"))?;
        let words = concept_words(stored.resource.get("valueCodeableConcept")).unwrap_or(&title).to_string();
        Some(Barrier { by: stored.id, is_concern: false, kind, title, words, since, referral: None })
    });
    let mut named: Vec<Barrier> = named.collect();
    named.sort_by_key(|one| (one.since, one.by));
    named
}

fn is_valid(stored: &Stored) -> bool {
    stored.state.superseded.is_none()
        && !matches!(stored.resource.text("status"), Some("cancelled" | "entered-in-error"))
}

fn concern(facts: &Facts<'_>, stored: &Stored) -> Option<Barrier> {
    let resource = &stored.resource;
    let referral = hindered(resource);
    let unknown = || referral.map(|_| (OTHER_BARRIER.to_string(), "Of a kind that is not known".to_string()));
    let (kind, title) = kind(facts.value_sets, &resource.codings("code")).or_else(unknown)?;
    let stated = resource.text("recordedDate").or_else(|| resource.text("onsetDateTime"));
    Some(Barrier {
        by: stored.id,
        is_concern: true,
        words: concept_words(resource.get("code")).unwrap_or(&title).to_string(),
        since: stated.and_then(|text| facts.moment(text)).unwrap_or(stored.updated),
        kind,
        title,
        referral,
    })
}

/// The referral that a concern names as what it was found in.
fn hindered(concern: &Resource) -> Option<ResourceId> {
    let details = concern.get("evidence")?.as_array()?.iter().filter_map(|one| one.get("detail")?.as_array());
    let mut references = details.flatten().filter_map(|one| one.get("reference")?.as_str());
    // Nothing lost: what is no id of ours is no referral of this record.
    references.find_map(|reference| reference.strip_prefix("ServiceRequest/")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_of_the_kind_that_was_chosen() {
        let sets = ValueSets::built_in();
        let kinds = barrier_kinds(sets);
        assert_eq!(kinds.len(), 13, "{kinds:?}");
        for (chosen, words) in &kinds {
            let mut concern = Resource::new("Condition");
            concern.set("code", barrier_code(chosen, words, "el autobús no llega"));
            let codings = concern.codings("code");
            assert_eq!(kind(sets, &codings), Some((chosen.clone(), words.clone())));
            for (system, code) in codings.iter().filter(|(system, _)| *system == SNOMED) {
                assert_eq!(kind(sets, &[(system, code)]), Some((chosen.clone(), words.clone())), "{code} alone");
            }
        }
    }

    #[test]
    fn what_senders_code_is_of_its_kind_and_what_nobody_knows_is_said() {
        let sets = ValueSets::built_in();
        let of = |system, code| kind(sets, &[(system, code)]).map(|(kind, _)| kind);
        let icd = "http://hl7.org/fhir/sid/icd-10-cm";
        for (system, code, expected) in [
            (icd, "Z59.82", "transport"),
            (icd, "Z59.41", "food"),
            (icd, "Z59.02", "housing"),
            (icd, "Z59.86", "money"),
            (icd, "Z59.71", "cost"),
            (SNOMED, "704489009", "support"),
            (SNOMED, "32911000", "housing"),
        ] {
            assert_eq!(of(system, code).as_deref(), Some(expected), "{code}");
        }
        assert_eq!(of(icd, "I50.9"), None, "an illness is no barrier");
        let (kind, title) = kind(sets, &[(BARRIER, "no-charger")]).unwrap();
        assert_eq!((kind.as_str(), title.as_str()), ("other", "Of a kind that is not known"));
    }

    #[test]
    fn the_newest_answers_of_an_assessment_name_what_stands_in_the_way() {
        let person = crate::identity::PersonId::of(&crate::fhir::Identifier::new("urn:s", "1"));
        let mut record = crate::record::Record::new(person);
        let mut answer = |id: &str, code: &str, value: &str, at: &str| {
            let mut resource = Resource::new("Observation");
            let coding = |code: &str| json!({ "coding": [{ "system": "http://loinc.org", "code": code }] });
            resource.set("status", json!("final"));
            resource.set("code", coding(code));
            resource.set("valueCodeableConcept", coding(value));
            resource.set("effectiveDateTime", json!(at));
            let id = ResourceId::of(person, "Observation", id);
            let updated = at.parse().unwrap();
            record.resources.put(Stored { id, resource, version: 1, updated, state: Default::default() });
        };
        answer("1", "93030-5", "LA30133-5", "2026-03-01T10:00:00Z");
        answer("2", "93030-5", "LA32-8", "2026-10-01T10:00:00Z");
        answer("3", "93031-3", "LA30125-1", "2026-10-01T10:00:00Z");
        answer("4", "93031-3", "LA30126-9", "2026-10-01T10:00:00Z");
        let now = "2026-10-02T10:00:00Z".parse().unwrap();
        let found = answered(&Facts::of(&record, ValueSets::built_in(), &jiff::tz::TimeZone::UTC, now));
        let kinds: Vec<&str> = found.iter().map(|one| one.kind.as_str()).collect();
        assert_eq!(kinds, ["food"], "a later “no” takes the ride away, clothing is of no kind: {found:?}");
    }

    #[test]
    fn a_question_that_was_asked_anew_by_any_of_its_codes_has_no_older_answer() {
        let person = crate::identity::PersonId::of(&crate::fhir::Identifier::new("urn:s", "1"));
        let mut record = crate::record::Record::new(person);
        let mut answer = |id: &str, codes: &[(&str, &str)], value: &str, at: &str| {
            let mut resource = Resource::new("Observation");
            let codings: Vec<Value> =
                codes.iter().map(|(system, code)| json!({ "system": system, "code": code })).collect();
            resource.set("status", json!("final"));
            resource.set("code", json!({ "coding": codings }));
            resource
                .set("valueCodeableConcept", json!({ "coding": [{ "system": "http://loinc.org", "code": value }] }));
            resource.set("effectiveDateTime", json!(at));
            let (id, updated) = (ResourceId::of(person, "Observation", id), at.parse().unwrap());
            record.resources.put(Stored { id, resource, version: 1, updated, state: Default::default() });
        };
        let loinc = "http://loinc.org";
        answer("1", &[(loinc, "93030-5"), ("urn:clinic", "RIDE")], "LA30133-5", "2026-03-01T10:00:00Z");
        answer("2", &[(loinc, "93030-5")], "LA32-8", "2026-10-01T10:00:00Z");
        answer("3", &[(loinc, "93031-3")], "LA30125-1", "2026-03-01T10:00:00Z");
        answer("4", &[("urn:other", "93031-3")], "LA32-8", "2026-10-01T10:00:00Z");
        let now = "2026-10-02T10:00:00Z".parse().unwrap();
        let found = answered(&Facts::of(&record, ValueSets::built_in(), &jiff::tz::TimeZone::UTC, now));
        let kinds: Vec<&str> = found.iter().map(|one| one.kind.as_str()).collect();
        assert_eq!(kinds, ["food"], "the ride was asked anew; another system's code is another question: {found:?}");
    }
}
