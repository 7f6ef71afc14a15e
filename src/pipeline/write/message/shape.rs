//! Whether what was posted is a message that can be worked on: its shape (http://hl7.org/fhir/R4/messaging.html), for whom it is, and whether
//! it is valid.

use serde_json::{Map, Value};

use super::header::Header;
use crate::fhir::{Located, Resource};
use crate::pipeline::write::read::{MOST_ENTRIES, faulty};
use crate::pipeline::write::refusal::Refusal;
use crate::problem::{Category, Place, Problem, Severity};
use crate::profile::validate_against;
use crate::site::Site;
use crate::unused::Kind;

/// http://hl7.org/fhir/R4/messaging.html: a message, its header first, that is no answer.
pub(super) fn check_shape<'b>(bundle: &Value, items: &'b [Value]) -> Result<&'b Value, Refusal> {
    if bundle.get("type").is_none_or(|kind| kind != "message") {
        let text = "what is posted to $process-message is a Bundle of type `message`; transactions and batches are posted to the base";
        return Err(Refusal::at(400, Category::Invalid, "Bundle.type", text));
    }
    // Nothing lost: the client is told, and nothing is taken.
    if items.len() > MOST_ENTRIES {
        // Nothing lost: the client is told, and nothing is taken.
        let text = format!("at most {MOST_ENTRIES} entries are taken in one message");
        return Err(Refusal::at(413, Category::TooCostly, "Bundle.entry", text));
    }
    let is_header = |item: &Value| item.pointer("/resource/resourceType").is_some_and(|kind| kind == "MessageHeader");
    let Some(first) = items.first() else {
        let text = "the message has no entries; the first is its MessageHeader";
        return Err(Refusal::at(400, Category::Required, "Bundle.entry", text));
    };
    let header = first.get("resource").filter(|_| is_header(first)).ok_or_else(|| {
        let text = match items.iter().position(is_header) {
            Some(place) => format!("the MessageHeader is the first entry of a message; here it is entry[{place}]"),
            None => "the first entry of a message is its MessageHeader, and there is none".to_string(),
        };
        Refusal::at(400, Category::Structure, "Bundle.entry[0].resource", text)
    })?;
    if let Some(place) = items.iter().skip(1).position(is_header) {
        let text = "a message has one MessageHeader; send each message in a Bundle of its own";
        return Err(Refusal::at(400, Category::Structure, format!("Bundle.entry[{}].resource", place + 1), text));
    }
    if header.get("response").is_some() {
        let text = "this answers a message, and none of this gateway's is answered later than at once";
        return Err(Refusal::at(422, Category::NotSupported, "Bundle.entry[0].resource.response", text));
    }
    if Header::of_parts(first, bundle).is_none() {
        let text = "the MessageHeader has no `id`, by which the answer would name it; give each message one of its own";
        return Err(Refusal::at(400, Category::Required, "Bundle.entry[0].resource.id", text));
    }
    Ok(header)
}

/// A message for somebody else is not ours to take. Names of mailboxes and of machines are what whoever brought it here knows.
pub(super) fn check_destination(header: &Value, base_url: &str, notes: &mut Vec<Problem>) -> Result<(), Refusal> {
    let at = "Bundle.entry[0].resource.destination";
    let named = header.get("destination").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let endpoints: Vec<&str> = named.iter().filter_map(|one| one.get("endpoint")?.as_str()).collect();
    let host = |url: &str| {
        let rest = url.split_once("://").map(|(_, rest)| rest)?;
        Some(rest.split('/').next().unwrap_or(rest).to_ascii_lowercase())
    };
    let hosts: Vec<String> = endpoints.iter().filter_map(|endpoint| host(endpoint)).collect();
    if host(base_url).is_some_and(|own| hosts.contains(&own)) || endpoints.is_empty() {
        return Ok(());
    }
    if hosts.is_empty() {
        let text = "the destination is no web address, so that nobody can say whether it is this one; the message was taken as one for us";
        let problem = Problem::warning(Category::Value, Place::Element(at.to_string()), text);
        notes.push(problem.unused(Kind::Field, "MessageHeader.destination"));
        return Ok(());
    }
    let text = format!("this message is for another address; this is {base_url}/fhir/$process-message");
    Err(Refusal::at(422, Category::BusinessRule, at, text))
}

/// R4 holds; of the profiles that it claims, what a receiver has to bear is told and no reason to refuse it, and so are full URLs that
/// are no addresses, as some senders write them: what they lead to is in the message.
pub(super) fn check_valid(site: &Site, posted: &Located<'_>, bundle: &Value) -> Result<Vec<Problem>, Refusal> {
    let is_told = |problem: &Problem| problem.severity != Severity::Information;
    // Nothing lost: what is a bundle was found to be a resource.
    let Ok(stated) = Resource::try_from(bundle.clone()) else { return Ok(Vec::new()) };
    let found = validate_against(&stated, &[], &site.profiles);
    if !found.iter().any(Problem::is_error) {
        return Ok(found.into_iter().filter(is_told).collect());
    }
    let mut plain = stated;
    without_profile(plain.as_map_mut());
    let entries = plain.as_map_mut().get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten();
    for entry in entries.filter_map(Value::as_object_mut) {
        if entry.get("fullUrl").and_then(Value::as_str).is_some_and(|url| !url.contains(':')) {
            entry.shift_remove("fullUrl");
        }
        entry.get_mut("resource").and_then(Value::as_object_mut).into_iter().for_each(without_profile);
    }
    let faults = validate_against(&plain, &[], &site.profiles);
    if faults.iter().any(Problem::is_error) {
        // With places in the text, where it is the Bundle that was posted.
        let located = Some(posted).filter(|posted| posted.resource.resource_type() == "Bundle");
        return Err(faulty(faults.into_iter().filter(Problem::is_error).collect(), located));
    }
    let told = found.into_iter().filter(is_told).map(|mut problem| {
        problem.severity = Severity::Warning;
        problem
    });
    Ok(told.collect())
}

fn without_profile(resource: &mut Map<String, Value>) {
    // Nothing lost: what claims no profile is the same without it.
    let Some(Value::Object(meta)) = resource.get_mut("meta") else { return };
    meta.shift_remove("profile");
    if meta.is_empty() {
        resource.shift_remove("meta");
    }
}
