//! Two records of one person, told by `Patient.link` (http://hl7.org/fhir/R4/patient.html#linking, `replaced-by` and `replaces`): what
//! a merge message says (HL7 v2.5.1, 3.3.40), and like it only by who assigns the numbers of both.

use serde_json::Value;

use super::about::About;
use super::changes::Change;
use super::entry::Entry;
use super::refusal::Refusal;
use crate::fhir::{Identifier, Resource};
use crate::identity::PersonId;
use crate::problem::{Category, Place, Problem};
use crate::site::Feed;
use crate::unused::Kind;

/// One record that takes another one over.
pub(super) struct Union {
    pub survivor: About,
    pub gone: PersonId,
    /// The numbers that the writer assigns and that lead to the record that goes.
    pub prior: Vec<Identifier>,
    /// Whether it was told in the Patient that goes.
    pub is_told_by_gone: bool,
}

/// A record as a link names it: whose Patient it is by its id, and whose record that lies in by now.
pub(super) struct Linked {
    pub origin: PersonId,
    pub about: About,
}

/// The links of a Patient that say that one record takes another over: whether the other one does, and its reference.
pub(super) fn links(patient: &Resource) -> Vec<(bool, &str)> {
    let links = patient.get("link").and_then(Value::as_array);
    let telling = links.into_iter().flatten().filter_map(|link| {
        Some((is_replaced(link)?, link.pointer("/other/reference").and_then(Value::as_str).unwrap_or_default()))
    });
    telling.collect()
}

fn is_replaced(link: &Value) -> Option<bool> {
    match link.get("type").and_then(Value::as_str) {
        Some("replaced-by") => Some(true),
        Some("replaces") => Some(false),
        // Nothing lost: other links stay in the resource.
        _ => None,
    }
}

/// A Patient without these links: the record states them itself once it took the other one over.
pub(super) fn strip(patient: &mut Resource) {
    // Nothing lost: it has no links.
    let Some(Value::Array(mut links)) = patient.remove("link") else { return };
    // Nothing lost: each of these is a union, refused, or true already.
    links.retain(|link| is_replaced(link).is_none());
    if !links.is_empty() {
        patient.set("link", Value::Array(links));
    }
}

/// What one link says; nothing where it is true already.
pub(super) fn union(
    entry: &Entry,
    feed: &Feed,
    own: &Linked,
    other: &Linked,
    is_replaced: bool,
) -> Result<Option<Union>, Refusal> {
    let (survivor, gone) = if is_replaced { (other, own) } else { (own, other) };
    let stands = |text: &str| Err(Refusal::at(409, Category::Conflict, entry.at("link"), text));
    if survivor.about.person == gone.about.person {
        return match (survivor.origin == gone.origin, gone.origin == gone.about.person) {
            (true, _) => stands("this links a patient with itself"),
            (_, true) => stands("these two were merged the other way round before; that merge stands"),
            _ => Ok(None),
        };
    }
    if gone.origin != gone.about.person {
        return stands("the patient that is replaced was merged into another one before; that merge stands");
    }
    let owned = |about: &About| -> Vec<Identifier> {
        about.identifiers.iter().filter(|number| feed.owns.contains(&number.system)).cloned().collect()
    };
    let prior = owned(&gone.about);
    if prior.is_empty() || owned(&survivor.about).is_empty() {
        // Whoever is not theirs is not there.
        return Err(Refusal::dangling(entry.at("link")));
    }
    let (survivor, gone) = (survivor.about.clone(), gone.about.person);
    Ok(Some(Union { survivor, gone, prior, is_told_by_gone: is_replaced }))
}

/// What a Patient that another one takes over says beside that: it counts for the record that goes on, where somebody says it of that.
pub(super) fn left_out(entry: &Entry, change: &Change) -> Option<Problem> {
    let elements: Vec<String> =
        change.elements().into_iter().filter(|name| !["active", "link"].contains(&&**name)).collect();
    let text = format!(
        "this patient is replaced by another, and what is said beside that was not taken: {}; say it of the other one",
        elements.join(", ")
    );
    let problem = || Problem::warning(Category::BusinessRule, Place::Element(entry.at("")), text);
    (!elements.is_empty()).then(|| problem().unused(Kind::Field, "Patient that is replaced"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patient(links: Value) -> Resource {
        let mut patient = Resource::new("Patient");
        patient.set("link", links);
        patient
    }

    #[test]
    fn only_what_says_that_one_takes_the_other_over_is_a_union() {
        let mut told = patient(json!([
            { "type": "seealso", "other": { "reference": "Patient/a" } },
            { "type": "replaces", "other": { "reference": "Patient/b" } },
            { "type": "replaced-by", "other": { "identifier": { "value": "7" } } },
        ]));
        assert_eq!(links(&told), [(false, "Patient/b"), (true, "")]);
        strip(&mut told);
        assert_eq!(told.get("link").unwrap(), &json!([{ "type": "seealso", "other": { "reference": "Patient/a" } }]));
        let mut told = patient(json!([{ "type": "replaces", "other": { "reference": "Patient/b" } }]));
        strip(&mut told);
        assert_eq!(told.get("link"), None);
    }
}
