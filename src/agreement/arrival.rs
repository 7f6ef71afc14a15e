//! What is labelled when it arrives: what its sender flagged, what is sensitive by its content, and what nobody can tell yet. A
//! person who looked has the last word until the content changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::labels::{
    OWN, has_own, is_confidentiality, is_of, not_looked_at, part_of, restricted, said_by_sender, security_label,
};
use super::sensitive::{SENSITIVE, is_coded, is_substance, label_sensitive, substance};
use crate::fhir::{Resource, ValueSets, add_labels, labels_of};

/// What becomes of a diagnosis without a code that everybody can look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Uncoded {
    /// It is labelled where its words or its code are recognised.
    #[default]
    Recognised,
    /// It is restricted until somebody has looked at it.
    Restricted,
}

const LOOKED_AT: &str = "looked-at";

/// Types that a person can look at: those that say in codes or words of their own what somebody has.
const LOOKED_AT_TYPES: [&str; 5] = ["Condition", "Observation", "AllergyIntolerance", "DocumentReference", "Encounter"];

/// Whether such things are looked at by people.
pub fn is_for_looks(kind: &str) -> bool {
    LOOKED_AT_TYPES.contains(&kind)
}

/// Labels what a sender states. `known` is the same thing as the record has it. True when somebody is to look at it.
pub fn label_arrival(
    resource: &mut Resource,
    known: Option<&Resource>,
    value_sets: &ValueSets,
    uncoded: Uncoded,
) -> bool {
    label_said(resource);
    if known.is_some_and(|known| was_looked_at(known, resource)) {
        return false;
    }
    let found = label_sensitive(resource, value_sets);
    let is_open = uncoded == Uncoded::Restricted
        && found.is_empty()
        && resource.resource_type() == "Condition"
        && !is_coded(resource);
    if is_open {
        add_labels(resource, &[not_looked_at(), restricted()]);
    }
    is_open
}

/// Labels that mappings and feeds gave are the sender's word. One that says what is sensitive, or that nobody knows, without
/// saying how confidential it is, means restricted.
fn label_said(resource: &mut Resource) {
    let said: Vec<&Value> = labels_of(resource).collect();
    if said.is_empty() {
        return;
    }
    let mut labels = vec![said_by_sender()];
    if !said.iter().any(|label| is_confidentiality(label)) {
        labels.push(restricted());
    }
    add_labels(resource, &labels);
}

/// Whether all that is said now is of what a person looked at.
fn was_looked_at(known: &Resource, said: &Resource) -> bool {
    let tags = known.get("meta").and_then(|meta| meta.get("tag")).and_then(Value::as_array);
    tags.into_iter().flatten().any(|tag| {
        let is = |key: &str, value: &str| tag.get(key).and_then(Value::as_str) == Some(value);
        let seen: BTreeSet<String> =
            tag.get("version").and_then(Value::as_str).unwrap_or_default().split('.').map(str::to_string).collect();
        is("system", OWN) && is("code", LOOKED_AT) && substance(said).is_subset(&seen)
    })
}

/// What a person's look at a thing states: the labels it has from now on, and the parts of the record that go.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub statement: Resource,
    pub deleted: Vec<String>,
}

/// A person looked at a thing and says which sensitivities it has, none or some. What its sender said stays.
///
/// # Errors
/// Says why this cannot be looked at, or which label is none.
pub fn look(resource: &Resource, sensitivities: &[String]) -> Result<Look, String> {
    let kind = resource.resource_type();
    if !is_for_looks(kind) {
        return Err(format!("a {kind} is not looked at; these are: {}", LOOKED_AT_TYPES.join(", ")));
    }
    let mut given = Vec::new();
    for code in sensitivities {
        given.push(security_label(code).ok_or_else(|| format!("`{code}` is no security label of HL7"))?);
    }
    if !given.is_empty() && !given.iter().any(is_confidentiality) {
        given.push(restricted());
    }
    let is_given = |label: &Value| given.iter().any(|own| part_of(own) == part_of(label));
    let is_flagged = has_own(resource, "said-by-sender");
    let is_ours = |label: &&Value| {
        let code = label.get("code").and_then(Value::as_str).unwrap_or_default();
        let is_content = SENSITIVE.iter().any(|set| set.code == code);
        let is_open = is_of(label, OWN) && code == "not-looked-at";
        is_open || (!is_flagged && (is_content || (is_confidentiality(label) && code == "R")))
    };
    let gone = labels_of(resource).filter(is_ours).filter(|label| !is_given(label));
    let deleted = gone.map(part_of).collect();
    let mut statement = Resource::new(kind);
    let seen = Vec::from_iter(substance(resource)).join(".");
    let tag = json!({ "system": OWN, "version": seen, "code": LOOKED_AT, "display": "Looked at" });
    statement.add_to_meta("tag", vec![tag]);
    if !given.is_empty() {
        statement.add_to_meta("security", given);
    }
    Ok(Look { statement, deleted })
}

/// Whether a part of the record (`record::State::stamps`) is what somebody looks at: what the thing is, its labels, an earlier
/// look. Who has the last word on these may be other than on the rest.
pub fn is_looked_at(part: &str) -> bool {
    part.starts_with("meta.") || is_substance(part.split(['.', ':', '@']).next().unwrap_or(part))
}

/// What protects a visit or a person protects what is told of them: the labels that go on, none where its sender flagged
/// nothing.
pub fn protection(resource: &Resource) -> Vec<Value> {
    if !has_own(resource, "said-by-sender") {
        return Vec::new();
    }
    let goes_on = |label: &&Value| {
        let code = label.get("code").and_then(Value::as_str).unwrap_or_default();
        is_confidentiality(label) || is_of(label, OWN) || code.starts_with("42CFRPart2")
    };
    labels_of(resource).filter(goes_on).cloned().collect()
}
