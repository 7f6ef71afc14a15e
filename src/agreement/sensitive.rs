//! Labels for sensitive content, given on the way in: what is in the value sets that law and custom protect, by its codes, by
//! codes whose system nobody named, and by words where no code tells. Labels of the sender are kept; nothing is ever
//! unlabelled here.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::labels::{restricted, sensitivity};
use crate::fhir::{Resource, ValueSets, add_labels, code_system, is_loinc, words_of};

/// What a value set is labelled as.
pub(super) struct Sensitive {
    pub(super) value_set: &'static str,
    pub(super) code: &'static str,
    display: &'static str,
    /// Whether it is restricted too; else an agreement that keeps it back names its label.
    pub(super) is_restricted: bool,
}

/// Whether 42 CFR Part 2 applies depends on who treated, not on the code, so that label is the sender's or the feed's to give.
pub(super) const SENSITIVE: [Sensitive; 6] = [
    Sensitive::restricted("sensitive-substance-use", "ETH", "substance abuse information sensitivity"),
    Sensitive::restricted("sensitive-mental-health", "PSY", "psychiatry disorder information sensitivity"),
    Sensitive::restricted("sensitive-hiv", "HIV", "HIV/AIDS information sensitivity"),
    Sensitive::restricted(
        "sensitive-reproductive-health",
        "SEX",
        "sexuality and reproductive health information sensitivity",
    ),
    Sensitive::restricted(
        "sensitive-violence",
        "SDV",
        "sexual assault, abuse, or domestic violence information sensitivity",
    ),
    Sensitive {
        value_set: "sensitive-pregnancy",
        code: "PREGNANT",
        display: "pregnancy information sensitivity",
        is_restricted: false,
    },
];

/// The codes of the sensitivities that content is recognised as, each with what it says.
pub fn sensitivities() -> impl Iterator<Item = (&'static str, &'static str)> {
    SENSITIVE.iter().map(|set| (set.code, set.display))
}

/// The labels of these sensitivities together.
pub(super) fn labels_for(held: &[&Sensitive]) -> Vec<Value> {
    let mut labels: Vec<Value> = held.iter().map(|set| sensitivity(set.code, set.display)).collect();
    if held.iter().any(|set| set.is_restricted) {
        labels.push(restricted());
    }
    labels
}

/// What is about people and places as such: a name says nothing about anybody's health.
const NAMES: [&str; 7] =
    ["Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "Location", "Coverage"];

/// Elements that hold what people wrote.
const TEXTS: [&str; 5] = ["text", "display", "title", "description", "valueString"];

impl Sensitive {
    const fn restricted(value_set: &'static str, code: &'static str, display: &'static str) -> Self {
        Self { value_set, code, display, is_restricted: true }
    }
}

/// Adds to `meta.security` what the resource's content asks for: the sensitivity, and confidentiality R (restricted). Returns
/// the sensitivities that hold.
pub fn label_sensitive(resource: &mut Resource, value_sets: &ValueSets) -> Vec<&'static str> {
    let fingerprint = value_sets.harmless.fingerprint(resource, []);
    if value_sets.harmless.knows(&fingerprint) {
        return Vec::new();
    }
    let content = Content::of(resource);
    let held: Vec<&Sensitive> = SENSITIVE.iter().filter(|set| content.is_in(set.value_set, value_sets)).collect();
    if held.is_empty() {
        value_sets.harmless.learn(fingerprint);
    }
    add_labels(resource, &labels_for(&held));
    held.iter().map(|set| set.code).collect()
}

/// The elements that say what a thing is; what else changes about it (its status, its time) changes nothing of that.
const SUBSTANCE: [&str; 13] = [
    "code",
    "reasonCode",
    "valueCodeableConcept",
    "valueString",
    "type",
    "description",
    "component",
    "note",
    "reaction",
    "content",
    "context",
    "location",
    "serviceType",
];

pub(super) fn is_substance(element: &str) -> bool {
    SUBSTANCE.contains(&element)
}

/// What a resource says it is, each code and each text of it as a hash: a sender who says it again in fewer elements says
/// nothing new.
pub(super) fn substance(resource: &Resource) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    for element in SUBSTANCE {
        let mut content = Content::default();
        if let Some(value) = resource.get(element) {
            content.collect(element, value, true);
        }
        items.extend(content.codings.iter().map(|(system, code)| hashed(&format!("{element} {system}|{code}"))));
        items.extend(content.texts.iter().map(|words| hashed(&format!("{element} {words:?}"))));
    }
    items
}

fn hashed(item: &str) -> String {
    Sha256::digest(item).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a diagnosis has a code that everybody can look up.
pub(super) fn is_coded(condition: &Resource) -> bool {
    let known = ["icd10cm", "icd10", "icd9cm", "snomed"];
    condition
        .codings("code")
        .iter()
        .any(|(system, _)| code_system(system).is_some_and(|system| known.contains(&system.name)))
}

/// What of a resource can tell what it is about.
#[derive(Default)]
struct Content<'a> {
    codings: Vec<(&'a str, &'a str)>,
    /// Codes of no system, or of one that nobody but the sender knows, with the systems that their form fits.
    homeless: Vec<(&'static str, &'a str)>,
    texts: Vec<Vec<String>>,
}

impl<'a> Content<'a> {
    fn of(resource: &'a Resource) -> Self {
        let mut content = Self::default();
        let has_texts = !NAMES.contains(&resource.resource_type());
        for (element, value) in resource.as_map() {
            // The narrative says what the elements say; what is contained is labelled with what contains it.
            if element != "meta" && element != "text" {
                content.collect(element, value, has_texts);
            }
        }
        content
    }

    /// Every code and every text anywhere in a value.
    fn collect(&mut self, name: &str, value: &'a Value, has_texts: bool) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(name, item, has_texts)),
            Value::String(text) if has_texts && TEXTS.contains(&name) => self.texts.push(words_of(text)),
            Value::Object(map) => {
                self.collect_code(map, has_texts);
                let has_texts = has_texts && !is_somebody(map);
                map.iter().for_each(|(name, item)| self.collect(name, item, has_texts));
            }
            _ => {}
        }
    }

    fn collect_code(&mut self, map: &'a Map<String, Value>, is_content: bool) {
        // Nothing lost: what has no code is told by its text.
        let Some(code) = map.get("code").and_then(Value::as_str) else { return };
        match map.get("system").and_then(Value::as_str) {
            Some(system) if is_known(system) => self.codings.push((system, code)),
            system => {
                self.codings.push((system.unwrap_or_default(), code));
                let systems = if is_content { fitting(code) } else { &[] };
                self.homeless.extend(systems.iter().map(|system| (*system, code)));
            }
        }
    }

    fn is_in(&self, set: &str, value_sets: &ValueSets) -> bool {
        let has = |(system, code): &(&str, &str)| value_sets.contains(set, system, code);
        self.codings.iter().any(has)
            || self.homeless.iter().any(has)
            || self.texts.iter().any(|text| value_sets.is_told(set, text))
    }
}

/// CDC's races and ethnicities, whose codes look like LOINC's: 2106-3 is White there and chorionic gonadotropin here.
const RACE: &str = "urn:oid:2.16.840.1.113883.6.238";

/// Whether codes of a system mean what everybody takes them to mean.
fn is_known(system: &str) -> bool {
    code_system(system).is_some()
        || ["http://terminology.hl7.org/", "http://hl7.org/fhir/", "http://unitsofmeasure.org", "urn:ietf:", RACE]
            .iter()
            .any(|known| system.starts_with(known))
}

/// The systems that a code without one could be of: a wrong guess labels too much, which is seen, and none too little, which
/// is not.
fn fitting(code: &str) -> &'static [&'static str] {
    let code = code.trim();
    let bare: Vec<char> = code.chars().filter(|sign| *sign != '.').collect();
    let is_icd = matches!(bare.as_slice(), [letter, digit, rest @ ..]
        if letter.is_ascii_alphabetic() && digit.is_ascii_digit() && (1..=5).contains(&rest.len())
            && rest.iter().all(char::is_ascii_alphanumeric));
    if is_icd {
        return &["icd10cm", "icd10"];
    }
    if is_loinc(code) {
        return &["loinc"];
    }
    let is_number = code.chars().all(|sign| sign.is_ascii_digit());
    if is_number && code.len() >= 6 { &["snomed", "rxnorm"] } else { &[] }
}

/// A reference to somebody: what they are called is no content.
fn is_somebody(map: &Map<String, Value>) -> bool {
    let reference = map.get("reference").and_then(Value::as_str).unwrap_or_default();
    ["Practitioner/", "PractitionerRole/", "Patient/", "RelatedPerson/"].iter().any(|kind| reference.starts_with(kind))
}
