//! From a message to what is said of a patient: the visit in its focus, what happened to it, and what else stands in the bundle that the
//! partner may tell (Da Vinci Unsolicited Notifications 1.1.0, must-support of a receiver: what is missing is borne, what cannot be used is
//! named).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::bundle::bundle_of;
use super::focus::Focus;
use super::happened::what_happened;
use super::known::{check_named, recognise, without_ours};
use super::links::{Links, rewrite};
use super::shape::{check_destination, check_shape, check_valid};
use crate::fhir::{Resource, home_of};
use crate::mapping;
use crate::pipeline::write::entry::{Entry, Verb};
use crate::pipeline::write::read::parsed;
use crate::pipeline::write::refusal::Refusal;
use crate::pipeline::write::target::local;
use crate::problem::{Category, Place, Problem};
use crate::site::{Feed, Site};
use crate::unused::Kind;

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
    (partner, feed): (&str, &Feed),
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
    let mut notes = Vec::new();
    check_destination(header, &site.settings.base_url, &mut notes)?;
    notes.extend(check_valid(site, &posted, bundle)?);
    let links = Links::of(items, &site.settings.base_url);
    let focus = Focus::of(header, items, &links, &mut notes)?;
    let taken = taken(site, partner, items, &focus, now, &mut notes);
    let left = |place: usize| numbers(items, place, feed);
    let mut entries = Vec::new();
    for place in &taken {
        let Some((item, stated)) = items.get(*place).and_then(|item| Some((item, item.get("resource")?))) else {
            // Nothing lost: these places are of entries with a resource.
            continue;
        };
        let (path, full_url) = (format!("Bundle.entry[{place}].resource"), item.get("fullUrl").and_then(Value::as_str));
        let mut resource = stated.clone();
        let kind = stated.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let (is_about, is_visit) = (focus.is_about(*place, kind), kind == "Encounter");
        let name = |number: usize| if taken.contains(&number) { Ok(called(number)) } else { Err(left(number)) };
        rewrite(&mut resource, (&links, full_url, &path), &name, &mut notes);
        let mut resource = relinked(resource, |link| match links.by_full_url(link) {
            Some(number) if taken.contains(&number) => Some(called(number)),
            _ => None,
        });
        without_ours(&mut resource, &site.settings.base_url);
        recognise(&mut resource, (full_url, header, &path), (is_about, is_about && is_visit), &mut notes);
        check_named(&resource, &path)?;
        // Nothing lost: the bundle was read, and what stands in it are resources.
        let Ok(resource) = Resource::try_from(resource) else { continue };
        let (kind, full_url) = (resource.resource_type().to_string(), Some(called(*place)));
        let verb = if focus.only_names(&kind) { Verb::Name } else { Verb::Tell };
        let (local, event) = (String::new(), None);
        entries.push(Entry { path, place: *place, local, full_url, verb, kind, resource, if_match: None, event });
    }
    let event = what_happened(&focus, bundle, &mut entries, came, &mut notes)?;
    // Whose it is is decided first, and told first where it cannot be.
    entries.sort_by_key(|entry| entry.kind != "Patient");
    entries.iter_mut().enumerate().for_each(|(number, entry)| entry.local = local(number));
    if notes.iter().any(Problem::is_error) {
        let problems = notes.into_iter().filter(Problem::is_error).map(|problem| (problem, String::new())).collect();
        return Err(Refusal { status: 422, problems });
    }
    Ok(Told { entries, notes, event })
}

/// With the addresses in it that lead to entries.
fn relinked(resource: Value, to: impl Fn(&str) -> Option<String>) -> Value {
    match Resource::try_from(resource.clone()) {
        Ok(mut read) => {
            read.rewrite_links(&mut |link| to(link));
            read.into()
        }
        // Nothing lost: it stays as it is.
        Err(_) => resource,
    }
}

/// What other entries call an entry.
fn called(place: usize) -> String {
    format!("urn:handover:entry:{place}")
}

/// The places of what is taken; the rest is named with the reason.
fn taken(
    site: &Site,
    partner: &str,
    items: &[Value],
    focus: &Focus,
    now: Timestamp,
    notes: &mut Vec<Problem>,
) -> BTreeSet<usize> {
    let mut taken = BTreeSet::new();
    for (place, item) in items.iter().enumerate().skip(1) {
        let kind = item.pointer("/resource/resourceType").and_then(Value::as_str).unwrap_or_default();
        let is_told = focus.places.contains(&place);
        // A visit's message is its patient's, too; what else is told of names them by a number where no more may be said.
        let is_bound = is_told || kind == "Patient" && focus.binds_patient();
        let why = if kind.is_empty() {
            "there is no resource in it".to_string()
        } else if home_of(kind).is_none() {
            format!("{kind} is not kept here")
        } else if kind == "Encounter" && !is_told && !focus.only_names(kind) {
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

/// The number by which others may still name an entry that is not taken: of a patient, one that says who it is.
fn numbers(items: &[Value], place: usize, feed: &Feed) -> Option<Value> {
    let resource = items.get(place)?.get("resource")?;
    let mut numbers = resource.get("identifier")?.as_array()?.iter().filter(|one| one.get("value").is_some());
    let is_known = |one: &&Value| {
        one.get("system")
            .and_then(Value::as_str)
            .is_some_and(|system| feed.identified_by.iter().any(|known| known == system))
    };
    let first = numbers.clone().find(is_known).or_else(|| numbers.next())?;
    Some(first.clone())
}
