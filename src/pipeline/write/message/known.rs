//! By what the same thing is the same next time, and who it is about.

use serde_json::{Value, json};

use crate::pipeline::write::refusal::Refusal;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// Who is named by no number would be somebody new with each message.
pub(super) fn check_named(resource: &Value, path: &str) -> Result<(), Refusal> {
    let is_patient = resource.get("resourceType").is_some_and(|kind| kind == "Patient");
    if !is_patient || resource.get("identifier").is_some() {
        return Ok(());
    }
    let text = "a message names its patient by a number: state `identifier` with system and value";
    Err(Refusal::at(422, Category::Required, format!("{path}.identifier"), text))
}

/// What this gateway told somebody comes back with the identifiers that it gave: it is known by its own number.
pub(super) fn without_ours(resource: &mut Value, base_url: &str) {
    let ours = format!("{base_url}/id/");
    if let Some(numbers) = resource.get_mut("identifier").and_then(Value::as_array_mut) {
        let is_ours =
            |one: &Value| one.get("system").and_then(Value::as_str).is_some_and(|system| system.starts_with(&ours));
        if numbers.iter().any(|one| !is_ours(one)) {
            // Nothing lost: the record has them already.
            numbers.retain(|one| !is_ours(one));
        }
    }
}

/// By what the same thing is the same next time, where it has no number: its address at the sender.
pub(super) fn recognise(
    resource: &mut Value,
    (full_url, header, path): (Option<&str>, &Value, &str),
    (is_about, is_visit): (bool, bool),
    notes: &mut Vec<Problem>,
) {
    let has_number = resource.get("identifier").is_some_and(|numbers| match numbers {
        Value::Array(numbers) => numbers.iter().any(|number| number.get("value").is_some()),
        number => number.get("value").is_some(),
    });
    if has_number || resource.get("resourceType").is_some_and(|kind| kind == "Patient") {
        return;
    }
    let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_string();
    // An id that is its `urn:uuid:`, too, may have been made for the message, as is usual.
    let is_lasting = |id: &&str| is_visit || full_url.is_none_or(|url| !url.ends_with(id));
    let id = resource.get("id").and_then(Value::as_str).filter(is_lasting);
    let at_source = header.pointer("/source/endpoint").and_then(Value::as_str).zip(id);
    let address = match full_url.filter(|url| url.starts_with("http")) {
        Some(url) => Some(url.to_string()),
        // Ids of other resources may be made for the message.
        None if is_about => at_source
            .map(|(endpoint, id)| format!("{}/{kind}/{id}", endpoint.trim_end_matches('/')))
            .or(full_url.filter(|_| is_visit).map(String::from)),
        None => None,
    };
    let place = || Place::Element(format!("{path}.identifier"));
    if is_visit {
        let text = "the visit has no number; it is recognised by its address, and looks like another visit where that changes: state `identifier`";
        notes.push(Problem::warning(Category::Required, place(), text).unused(Kind::Visit, "no visit number"));
    } else if is_about {
        let by = if address.is_some() { "address" } else { "content" };
        let text = format!(
            "the {kind} has no number; it is recognised by its {by}, and looks like another one where that changes: state `identifier`"
        );
        notes.push(
            Problem::warning(Category::Required, place(), text)
                .unused(Kind::Field, &format!("{kind} without a number")),
        );
    }
    if let (Some(address), Some(members)) = (address, resource.as_object_mut()) {
        let identifier = json!({ "system": "urn:ietf:rfc:3986", "value": address });
        let is_list = !matches!(members.get("resourceType").and_then(Value::as_str), Some("QuestionnaireResponse"));
        members.insert("identifier".to_string(), if is_list { json!([identifier]) } else { identifier });
    }
}
