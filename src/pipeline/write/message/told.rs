//! From a message to what is said of a patient: the visit in its focus, what happened to it, and what else stands in the bundle that the
//! partner may tell (Da Vinci Unsolicited Notifications 1.1.0, must-support of a receiver: what is missing is borne, what cannot be used is
//! named).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::bundle::bundle_of;
use super::event::{self, Event, KNOWN};
use super::header::Header;
use super::links::{Link, Links, rewrite};
use crate::fhir::{Located, Resource, home_of};
use crate::mapping;
use crate::pipeline::find::FHIR;
use crate::pipeline::write::entry::{Entry, Verb};
use crate::pipeline::write::read::{MOST_ENTRIES, faulty, parsed};
use crate::pipeline::write::refusal::Refusal;
use crate::pipeline::write::target::local;
use crate::problem::{Category, Place, Problem, Severity};
use crate::profile::validate_against;
use crate::site::Site;
use crate::unused::Kind;

/// How far a sender's clock may be ahead without a word.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// What a message says.
#[derive(Debug)]
pub(in crate::pipeline::write) struct Told {
    pub entries: Vec<Entry>,
    pub notes: Vec<Problem>,
    pub event: mapping::Event,
}

/// Reads a message of a partner that came at a time; what it may tell is what it may tell now.
pub(in crate::pipeline::write) fn read(
    site: &Site,
    partner: &str,
    body: &[u8],
    (came, now): (Timestamp, Timestamp),
) -> Result<Told, Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Refusal::at(400, Category::Structure, "", "the body is not UTF-8 text"))?;
    let posted = parsed(text)?;
    let whole = Value::from(posted.resource.clone());
    let bundle = bundle_of(&whole)?;
    let items = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let header = check_shape(bundle, items)?;
    let happened = Event::of(header).ok_or_else(|| {
        let text = format!("this event is none that can be worked on here; {KNOWN}");
        Refusal::at(422, Category::NotSupported, "Bundle.entry[0].resource.eventCoding", text)
    })?;
    check_destination(header, &site.settings.base_url)?;
    let mut notes = check_valid(site, &posted, bundle)?;
    let links = Links::of(items, &site.settings.base_url);
    let visits = visits(header, items, &links, &mut notes)?;
    let taken = taken(site, partner, items, &visits, now, &mut notes);
    let mut entries = Vec::new();
    for place in &taken {
        let Some((item, stated)) = items.get(*place).and_then(|item| Some((item, item.get("resource")?))) else {
            // Nothing lost: these places are of entries with a resource.
            continue;
        };
        let (path, full_url) = (format!("Bundle.entry[{place}].resource"), item.get("fullUrl").and_then(Value::as_str));
        let mut resource = stated.clone();
        let name = |number: usize| taken.contains(&number).then(|| called(number));
        rewrite(&mut resource, (&links, full_url, &path), &name, &mut notes);
        without_ours(&mut resource, &site.settings.base_url);
        recognise(&mut resource, (full_url, header, &path), visits.contains(place), &mut notes);
        check_named(&resource, &path)?;
        // Nothing lost: the bundle was read, and what stands in it are resources.
        let Ok(resource) = Resource::try_from(resource) else { continue };
        let (kind, full_url) = (resource.resource_type().to_string(), Some(called(*place)));
        let (local, verb) = (String::new(), Verb::Tell);
        entries.push(Entry { path, place: *place, local, full_url, verb, kind, resource, if_match: None });
    }
    let event = what_happened(happened, bundle, (&mut entries, &visits), came, &mut notes)?;
    // Whose it is is decided first, and told first where it cannot be.
    entries.sort_by_key(|entry| entry.kind != "Patient");
    entries.iter_mut().enumerate().for_each(|(number, entry)| entry.local = local(number));
    if notes.iter().any(Problem::is_error) {
        let problems = notes.into_iter().filter(Problem::is_error).map(|problem| (problem, String::new())).collect();
        return Err(Refusal { status: 422, problems });
    }
    Ok(Told { entries, notes, event })
}

/// What other entries call an entry.
fn called(place: usize) -> String {
    format!("urn:handover:entry:{place}")
}

/// http://hl7.org/fhir/R4/messaging.html: a message, its header first, that is no answer.
fn check_shape<'b>(bundle: &Value, items: &'b [Value]) -> Result<&'b Value, Refusal> {
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

/// A message for somebody else is not ours to take.
fn check_destination(header: &Value, base_url: &str) -> Result<(), Refusal> {
    let named = header.get("destination").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let endpoints: Vec<&str> = named.iter().filter_map(|one| one.get("endpoint")?.as_str()).collect();
    let host = |url: &str| {
        let rest = url.split_once("://").map(|(_, rest)| rest)?;
        Some(rest.split('/').next().unwrap_or(rest).to_ascii_lowercase())
    };
    let is_ours = |endpoint: &&str| host(endpoint).is_some() && host(endpoint) == host(base_url);
    if endpoints.is_empty() || endpoints.iter().any(is_ours) {
        return Ok(());
    }
    let text = format!("this message is for another address; this is {base_url}/fhir/$process-message");
    Err(Refusal::at(422, Category::BusinessRule, "Bundle.entry[0].resource.destination", text))
}

/// R4 holds; of the profiles that it claims, what a receiver has to bear is told and no reason to refuse it.
fn check_valid(site: &Site, posted: &Located<'_>, bundle: &Value) -> Result<Vec<Problem>, Refusal> {
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
    let resources = entries.filter_map(|entry| entry.get_mut("resource")?.as_object_mut());
    resources.for_each(without_profile);
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

/// The places of the visits in focus.
fn visits(
    header: &Value,
    items: &[Value],
    links: &Links<'_>,
    notes: &mut Vec<Problem>,
) -> Result<BTreeSet<usize>, Refusal> {
    let is_visit = |place: usize| {
        items.get(place).and_then(|item| item.pointer("/resource/resourceType")).is_some_and(|kind| kind == "Encounter")
    };
    let focus = header.get("focus").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let full_url = items.first().and_then(|item| item.get("fullUrl")).and_then(Value::as_str);
    let mut found = BTreeSet::new();
    for (number, one) in focus.iter().enumerate() {
        let at = format!("Bundle.entry[0].resource.focus[{number}]");
        let reference = one.get("reference").and_then(Value::as_str).unwrap_or_default();
        match links.follow(reference, full_url) {
            Link::Entry(place) => found.extend(is_visit(place).then_some(place)),
            _ => {
                let text = "the focus of a message is one of its entries, and this one is not there; put it in, with this `fullUrl`";
                return Err(Refusal::at(422, Category::NotFound, at, text));
            }
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let mut others = (0..items.len()).filter(|place| is_visit(*place));
    match (others.next(), others.next()) {
        (Some(only), None) => {
            let text = "the focus names no Encounter; the only one in the message was taken for it";
            let place = Place::Element("Bundle.entry[0].resource.focus".to_string());
            notes
                .push(Problem::warning(Category::Required, place, text).unused(Kind::Event, "focus without Encounter"));
            Ok(BTreeSet::from([only]))
        }
        _ => {
            let text = "an admission, a transfer or a discharge is of an Encounter: put it into the message, and name it in `focus`";
            Err(Refusal::at(422, Category::Required, "Bundle.entry[0].resource.focus", text))
        }
    }
}

/// The places of what is taken; the rest is named with the reason.
fn taken(
    site: &Site,
    partner: &str,
    items: &[Value],
    visits: &BTreeSet<usize>,
    now: Timestamp,
    notes: &mut Vec<Problem>,
) -> BTreeSet<usize> {
    let mut taken = BTreeSet::new();
    for (place, item) in items.iter().enumerate().skip(1) {
        let kind = item.pointer("/resource/resourceType").and_then(Value::as_str).unwrap_or_default();
        let is_bound = visits.contains(&place) || kind == "Patient";
        let why = if kind.is_empty() {
            "there is no resource in it".to_string()
        } else if home_of(kind).is_none() {
            format!("{kind} is not kept here")
        } else if kind == "Encounter" && !is_bound {
            "it is no visit in the focus of the message".to_string()
        } else if kind == "Task" {
            "a Task is answered by its own address".to_string()
        } else {
            match site.agreements.sends(partner, kind, now) {
                // Without these nothing of the message can be taken, and the refusal names the agreement's line.
                Err(why) if !is_bound => why,
                _ => {
                    taken.insert(place);
                    String::new()
                }
            }
        };
        if !why.is_empty() {
            let place = Place::Element(format!("Bundle.entry[{place}]"));
            let problem = Problem::warning(Category::NotSupported, place, format!("not taken: {why}"));
            notes.push(problem.unused(Kind::Field, &format!("{kind} in a message")));
        }
    }
    taken
}

/// Who is named by no number would be somebody new with each message.
fn check_named(resource: &Value, path: &str) -> Result<(), Refusal> {
    let is_patient = resource.get("resourceType").is_some_and(|kind| kind == "Patient");
    if !is_patient || resource.get("identifier").is_some() {
        return Ok(());
    }
    let text = "a notification names its patient by a number: state `identifier` with system and value";
    Err(Refusal::at(422, Category::Required, format!("{path}.identifier"), text))
}

/// What this gateway told somebody comes back with the identifiers that it gave: it is known by its own number.
fn without_ours(resource: &mut Value, base_url: &str) {
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
fn recognise(
    resource: &mut Value,
    (full_url, header, path): (Option<&str>, &Value, &str),
    is_visit: bool,
    notes: &mut Vec<Problem>,
) {
    let has_number = resource.get("identifier").is_some_and(|numbers| match numbers {
        Value::Array(numbers) => numbers.iter().any(|number| number.get("value").is_some()),
        number => number.get("value").is_some(),
    });
    if has_number || resource.get("resourceType").is_some_and(|kind| kind == "Patient") {
        return;
    }
    let id = resource.get("id").and_then(Value::as_str);
    let at_source = header.pointer("/source/endpoint").and_then(Value::as_str).zip(id);
    let address = match full_url.filter(|url| url.starts_with("http")) {
        Some(url) => Some(url.to_string()),
        // Ids of other resources may be made for the message.
        None if is_visit => at_source
            .map(|(endpoint, id)| format!("{}/Encounter/{id}", endpoint.trim_end_matches('/')))
            .or(full_url.map(String::from)),
        None => None,
    };
    if is_visit {
        let text = "the visit has no number; it is recognised by its address, and looks like another visit where that changes: state `identifier`";
        let place = Place::Element(format!("{path}.identifier"));
        notes.push(Problem::warning(Category::Required, place, text).unused(Kind::Visit, "no visit number"));
    }
    if let (Some(address), Some(members)) = (address, resource.as_object_mut()) {
        let identifier = json!({ "system": "urn:ietf:rfc:3986", "value": address });
        let is_list = !matches!(members.get("resourceType").and_then(Value::as_str), Some("QuestionnaireResponse"));
        members.insert("identifier".to_string(), if is_list { json!([identifier]) } else { identifier });
    }
}

/// What happened to the visits, and when.
fn what_happened(
    event: Event,
    bundle: &Value,
    (entries, visits): (&mut [Entry], &BTreeSet<usize>),
    now: Timestamp,
    notes: &mut Vec<Problem>,
) -> Result<mapping::Event, Refusal> {
    let recorded = sent(bundle, now, notes);
    let mut told: Option<(&'static str, Timestamp)> = None;
    for entry in entries.iter_mut().filter(|entry| visits.contains(&entry.place)) {
        let class = entry.resource.get("class").and_then(|class| class.get("code")?.as_str()).unwrap_or_default();
        let stated = entry.resource.text("status").unwrap_or_default();
        let at = entry.at("status");
        let (trigger, status, note) =
            event.judge(class, stated).map_err(|text| Refusal::at(422, Category::BusinessRule, at.clone(), text))?;
        let is_over = matches!(stated, "finished") || trigger == "A03";
        if let Some(text) = note {
            let problem = Problem::warning(Category::BusinessRule, Place::Element(at), text);
            notes.push(problem.unused(Kind::Visit, "event and status of a visit"));
        }
        if !status.is_empty() {
            entry.resource.set("status", json!(status));
        }
        let visit = Value::from(entry.resource.clone());
        let at = event::happened(trigger, &visit).and_then(|at| at.parse::<Timestamp>().ok());
        let occurred = at.filter(|at| *at <= recorded).unwrap_or(recorded);
        if told.is_some_and(|told| told != (trigger, occurred)) {
            let text = "the visits of one message have one event and one time; send a message for each";
            return Err(Refusal::at(422, Category::BusinessRule, entry.at(""), text));
        }
        told = Some((trigger, occurred));
        if !is_over
            && let Some(Value::Object(period)) = entry.resource.as_map_mut().get_mut("period")
            && period.shift_remove("end").is_some()
        {
            period.shift_remove("_end");
            let text = "a visit that goes on has no end; it was left out";
            let place = Place::Element(entry.at("period.end"));
            notes
                .push(Problem::warning(Category::BusinessRule, place, text).unused(Kind::Time, "Encounter.period.end"));
        }
    }
    let (trigger, occurred) = told.unwrap_or(("A08", recorded));
    Ok(mapping::Event { code: FHIR.into(), trigger: trigger.into(), occurred, recorded })
}

/// When the message was made; a clock that is ahead would outdo all that is said until then.
fn sent(bundle: &Value, now: Timestamp, notes: &mut Vec<Problem>) -> Timestamp {
    let stated = bundle.get("timestamp").and_then(Value::as_str);
    let text = match stated.map(str::parse::<Timestamp>) {
        // Clocks differ by a little.
        Some(Ok(at)) if at <= now.saturating_add(SKEW).unwrap_or(now) => return at.min(now),
        Some(Ok(_)) => "the message is from the future; the time of its arrival stands in for it",
        Some(Err(_)) => "this cannot be read as a time; that of its arrival stands in for it",
        None => "the message does not say when it was made; the time of its arrival stands in for it",
    };
    let place = Place::Element("Bundle.timestamp".to_string());
    notes.push(Problem::warning(Category::Value, place, text).unused(Kind::Time, "Bundle.timestamp"));
    now
}
