//! From the body of a request to what it asks for: JSON, one resource or a transaction, valid R4 and valid by the profiles that it
//! claims. Every fault is told with its place in the resource and in the text.

use serde_json::Value;

use super::entry::{Entry, Patch, Verb};
use super::kept::{Condition, Interaction, Submission};
use super::refusal::Refusal;
use super::target::local;
use crate::fhir::{Located, Resource, Span, home_of};
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::profile::{add_vital_sign_category, validate_against};
use crate::site::Site;

/// Faults that are told with their places; how many more there are is said.
const MOST_TOLD: usize = 100;
/// Entries of one transaction.
pub(super) const MOST_ENTRIES: usize = 5_000;

/// What a request asks for, and advice about it.
pub(super) type Read = (Vec<Entry>, Vec<Problem>);

pub(super) fn read(site: &Site, submission: &Submission) -> Result<Read, Refusal> {
    let body = || {
        std::str::from_utf8(&submission.body)
            .map_err(|_| Refusal::at(400, Category::Structure, "", "the body is not UTF-8 text"))
    };
    match &submission.interaction {
        Interaction::Delete { kind, id } => {
            Ok((vec![single(kind, Verb::Delete(*id), Resource::new(kind), submission)], Vec::new()))
        }
        Interaction::Patch { kind, id } => {
            let patch = patch(body()?, &submission.media_type)?;
            Ok((vec![single(kind, Verb::Patch(*id, patch), Resource::new(kind), submission)], Vec::new()))
        }
        Interaction::Create { kind, unless } => {
            let (resource, notes) = resource(site, body()?, kind)?;
            let found = unless.as_ref().map(|unless| submission.matched.get(unless).copied());
            let verb = created(found)?;
            Ok((vec![single(kind, verb, resource, submission)], notes))
        }
        Interaction::Update { kind, id } => {
            let (resource, notes) = resource(site, body()?, kind)?;
            check_id(&resource, *id, submission.is_conditional)?;
            Ok((vec![single(kind, Verb::Update(*id), resource, submission)], notes))
        }
        Interaction::Transaction => transaction(site, body()?, submission),
        // Read by `message/told.rs`, since it says what happened as well.
        Interaction::Message => Ok((Vec::new(), Vec::new())),
    }
}

fn single(kind: &str, verb: Verb, resource: Resource, submission: &Submission) -> Entry {
    Entry {
        path: String::new(),
        place: 0,
        local: local(0),
        full_url: None,
        verb,
        kind: kind.to_string(),
        resource,
        if_match: submission.if_match.clone(),
        event: None,
    }
}

/// Conditional create (http://hl7.org/fhir/R4/http.html#ccreate).
fn created(found: Option<Option<Condition>>) -> Result<Verb, Refusal> {
    match found {
        None | Some(Some(Condition::None)) => Ok(Verb::Create),
        Some(Some(Condition::One(id))) => Ok(Verb::Stays(id)),
        Some(Some(Condition::Several) | None) => Err(several()),
    }
}

fn several() -> Refusal {
    Refusal::at(
        412,
        Category::MultipleMatches,
        "",
        "the condition matches several resources; name more of what tells them apart",
    )
}

/// http://hl7.org/fhir/R4/http.html#update: the body says which resource it is. Where a condition says it, the body need not.
fn check_id(resource: &Resource, id: ResourceId, is_conditional: bool) -> Result<(), Refusal> {
    let kind = resource.resource_type();
    match resource.id() {
        Some(stated) if stated == id.to_string() => Ok(()),
        None if is_conditional => Ok(()),
        None => {
            let text = "the resource has no `id`, and the address names one; both say the same in an update";
            Err(Refusal::at(400, Category::Required, format!("{kind}.id"), text))
        }
        Some(_) => {
            let text = "the resource's `id` is another than the one that is to be updated";
            Err(Refusal::at(400, Category::Invalid, format!("{kind}.id"), text))
        }
    }
}

pub(super) fn parsed(text: &str) -> Result<Located<'_>, Refusal> {
    let at = |span: Span| format!("{}:{}", span.line, span.column);
    let located = Located::read(text).map_err(|unreadable| {
        let (line, column) = (unreadable.span.line, unreadable.span.column);
        let words = format!("{} (line {line}, column {column})", unreadable.text);
        let problem = Problem::error(Category::Structure, Place::Whole, words);
        Refusal { status: 400, problems: vec![(problem, at(unreadable.span))] }
    })?;
    let faults = located.faults();
    if faults.is_empty() {
        return Ok(located);
    }
    Err(Refusal { status: 400, problems: faults.into_iter().map(|(span, problem)| (problem, at(span))).collect() })
}

/// One resource of a type, valid; with advice.
fn resource(site: &Site, text: &str, kind: &str) -> Result<(Resource, Vec<Problem>), Refusal> {
    let mut located = parsed(text)?;
    if located.resource.resource_type() != kind {
        let text = format!("the address is for {kind}, and the body is another type");
        return Err(Refusal::at(400, Category::Invalid, "resourceType", text));
    }
    let notes = valid(site, &mut located)?;
    Ok((located.resource, notes))
}

/// What R4 asks of vital signs and devices leave out is told by their codes; a reading is not refused for it.
fn complete(resource: &mut Resource) -> Vec<Problem> {
    let kind = resource.resource_type().to_string();
    let map = resource.as_map_mut();
    let mut added = Vec::new();
    if add_vital_sign_category(map) {
        added.push(kind);
    }
    let entries = map.get_mut("entry").and_then(Value::as_array_mut);
    for (place, entry) in entries.into_iter().flatten().enumerate() {
        let resource = entry.get_mut("resource").and_then(Value::as_object_mut);
        if resource.is_some_and(add_vital_sign_category) {
            added.push(format!("Bundle.entry[{place}].resource"));
        }
    }
    let note = |place: String| {
        let text = "the code makes this a vital sign, and the category `vital-signs` that R4 asks of it was added";
        // Nothing lost: it is in the outcome and kept with the request; nothing was left unused.
        Problem::information(Category::BusinessRule, Place::Element(format!("{place}.category")), text)
    };
    added.into_iter().map(note).collect()
}

/// Advice about what is valid; what is not is refused.
fn valid(site: &Site, located: &mut Located<'_>) -> Result<Vec<Problem>, Refusal> {
    let added = complete(&mut located.resource);
    let found = validate_against(&located.resource, &[], &site.profiles);
    let (faults, advice): (Vec<Problem>, Vec<Problem>) = found.into_iter().partition(Problem::is_error);
    let mut notes: Vec<Problem> = added.into_iter().chain(advice).collect();
    // Nothing lost: how many more there are is said.
    let unlisted = notes.len().saturating_sub(MOST_TOLD);
    if unlisted > 0 {
        // Nothing lost: how many more there are is said.
        notes.truncate(MOST_TOLD);
        let text = format!("{unlisted} more notes are not listed");
        // Nothing lost: these are advice about what is taken.
        notes.push(Problem::information(Category::Informational, Place::Whole, text));
    }
    if faults.is_empty() { Ok(notes) } else { Err(faulty(faults, Some(located))) }
}

/// What is not valid, with places in the text where that is known.
pub(super) fn faulty(faults: Vec<Problem>, located: Option<&Located<'_>>) -> Refusal {
    let more = faults.len().saturating_sub(MOST_TOLD);
    let placed = faults.into_iter().take(MOST_TOLD).map(|problem| {
        let span = located.map(|located| located.place_of(&problem));
        (problem, span.map(|span| format!("{}:{}", span.line, span.column)).unwrap_or_default())
    });
    let mut problems: Vec<(Problem, String)> = placed.collect();
    if more > 0 {
        let text = format!("{more} more faults are not listed; mend these first");
        problems.push((Problem::error(Category::Invalid, Place::Whole, text), String::new()));
    }
    Refusal { status: 422, problems }
}

fn patch(text: &str, media_type: &str) -> Result<Patch, Refusal> {
    if media_type.contains("json-patch") {
        let unreadable = |error: serde_json::Error| {
            let text = format!("this is not readable as JSON (line {}, column {})", error.line(), error.column());
            Refusal::at(400, Category::Structure, "", text)
        };
        return serde_json::from_str(text).map(Patch::Json).map_err(unreadable);
    }
    let located = parsed(text)?;
    if located.resource.resource_type() != "Parameters" {
        let text = "a FHIRPath Patch is a Parameters resource; a JSON Patch is sent as application/json-patch+json";
        return Err(Refusal::at(400, Category::Invalid, "resourceType", text));
    }
    Ok(Patch::FhirPath(located.resource))
}

/// http://hl7.org/fhir/R4/http.html#transaction. What is only read in it is nothing to write.
fn transaction(site: &Site, text: &str, submission: &Submission) -> Result<Read, Refusal> {
    let mut located = parsed(text)?;
    let bundle = &located.resource;
    if (bundle.resource_type(), bundle.text("type")) != ("Bundle", Some("transaction")) {
        let text = "what is posted to the base is a Bundle of type transaction or batch";
        return Err(Refusal::at(400, Category::Invalid, "Bundle.type", text));
    }
    // Nothing lost: the client is told, and nothing is taken.
    if items(bundle).len() > MOST_ENTRIES {
        // Nothing lost: the client is told, and nothing is taken.
        let text = format!("at most {MOST_ENTRIES} entries are taken as one; send several bundles");
        return Err(Refusal::at(413, Category::TooCostly, "Bundle.entry", text));
    }
    let notes = valid(site, &mut located)?;
    let mut entries = Vec::new();
    for (place, item) in items(&located.resource).iter().enumerate() {
        entries.extend(entry(place, item, submission)?.map(|entry| Entry { local: local(entries.len()), ..entry }));
    }
    once(&entries)?;
    Ok((entries, notes))
}

fn items(bundle: &Resource) -> &[Value] {
    bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn entry(place: usize, item: &Value, submission: &Submission) -> Result<Option<Entry>, Refusal> {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
    let at = format!("Bundle.entry[{place}].request");
    let (method, url) = (text("/request/method").unwrap_or_default(), text("/request/url").unwrap_or_default());
    if matches!(method, "GET" | "HEAD") {
        return Ok(None);
    }
    let url = url.strip_prefix('/').unwrap_or(url);
    let (path, query) = url.split_once('?').map_or((url, None), |(path, _)| (path, Some(url)));
    let (kind, id) = path.split_once('/').map_or((path, None), |(kind, id)| (kind, Some(id)));
    if home_of(kind).is_none() {
        return Err(Refusal::at(422, Category::NotSupported, format!("{at}.url"), format!("{kind} is not taken here")));
    }
    // Nothing lost: the bundle was found valid, and an entry without a resource is refused where it needs one.
    let stated = item.get("resource").cloned().and_then(|resource| Resource::try_from(resource).ok());
    let path = format!("Bundle.entry[{place}].resource");
    let is_patch = method == "PATCH";
    if let Some(resource) = stated.as_ref().filter(|resource| !is_patch && resource.resource_type() != kind) {
        let text = format!("the request is for {kind}, and this is a {}", resource.resource_type());
        return Err(Refusal::at(400, Category::Invalid, path, text));
    }
    let found = found(&submission.matched, id, query, &at)?;
    let needed = || {
        stated
            .clone()
            .ok_or_else(|| Refusal::at(400, Category::Required, path.clone(), "there is no resource to write"))
    };
    let (verb, resource) = match (method, found) {
        ("POST", _) => {
            let unless = text("/request/ifNoneExist").map(|query| format!("{kind}?{}", query.trim_start_matches('?')));
            let found = unless.map(|unless| submission.matched.get(&unless).copied());
            (created(found).map_err(|refusal| refusal.within("", &at))?, needed()?)
        }
        ("PUT", Found::One(id)) => {
            let resource = needed()?;
            check_id(&resource, id, query.is_some()).map_err(|refusal| refusal.within(kind, &path))?;
            (Verb::Update(id), resource)
        }
        ("PUT", Found::None) => {
            (new_by_condition(&needed()?).map_err(|refusal| refusal.within(kind, &path))?, needed()?)
        }
        ("PATCH", Found::One(id)) => (Verb::Patch(id, patch_of(&needed()?, &path)?), Resource::new(kind)),
        ("PATCH", Found::None) => return Err(Refusal::absent().within("", &at)),
        ("DELETE", Found::One(id)) => (Verb::Delete(id), Resource::new(kind)),
        ("DELETE", Found::None) => return Ok(None),
        _ => {
            let text = "a transaction has GET, POST, PUT, PATCH and DELETE";
            return Err(Refusal::at(400, Category::NotSupported, format!("{at}.method"), text));
        }
    };
    let full_url = text("/fullUrl").map(String::from);
    let if_match = text("/request/ifMatch").map(versions);
    let (local, kind, event) = (String::new(), kind.to_string(), None);
    Ok(Some(Entry { path, place, local, full_url, verb, kind, resource, if_match, event }))
}

/// What an update creates where its condition matches nothing: an id of its own we cannot give it.
pub(super) fn new_by_condition(resource: &Resource) -> Result<Verb, Refusal> {
    if resource.id().is_none() {
        return Ok(Verb::Create);
    }
    let text = "nothing matches the condition, and ids are given here; leave `id` out to create it, with what the condition asks for";
    Err(Refusal::at(422, Category::NotSupported, format!("{}.id", resource.resource_type()), text))
}

enum Found {
    None,
    One(ResourceId),
}

fn found(
    matched: &std::collections::BTreeMap<String, Condition>,
    id: Option<&str>,
    query: Option<&str>,
    at: &str,
) -> Result<Found, Refusal> {
    match (id, query) {
        (Some(id), _) => id.parse().map(Found::One).map_err(|_| Refusal::absent().within("", at)),
        (None, Some(query)) => match matched.get(query) {
            Some(Condition::None) => Ok(Found::None),
            Some(Condition::One(id)) => Ok(Found::One(*id)),
            _ => Err(several().within("", at)),
        },
        (None, None) => Ok(Found::None),
    }
}

/// A patch in a transaction: Parameters, or a Binary that holds a JSON Patch.
fn patch_of(resource: &Resource, path: &str) -> Result<Patch, Refusal> {
    use base64::Engine as _;
    if resource.resource_type() != "Binary" {
        return Ok(Patch::FhirPath(resource.clone()));
    }
    let data = resource.text("data").unwrap_or_default();
    let read = base64::engine::general_purpose::STANDARD.decode(data);
    // Nothing lost: what cannot be read is refused below.
    let json = read.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    json.map(Patch::Json)
        .ok_or_else(|| Refusal::at(400, Category::Structure, format!("{path}.data"), "this holds no JSON Patch"))
}

/// Versions of an entity tag list (RFC 9110, 13.1.1): `W/"3", "4"`, and what clients write without quotes.
pub fn versions(tags: &str) -> Vec<String> {
    tags.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').to_string()).collect()
}

/// http://hl7.org/fhir/R4/http.html#trules: no resource is named twice.
fn once(entries: &[Entry]) -> Result<(), Refusal> {
    let (mut ids, mut urls) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for entry in entries {
        let is_new = entry.id().is_none_or(|id| matches!(entry.verb, Verb::Stays(_)) || ids.insert((&entry.kind, id)));
        if !is_new || !entry.full_url.iter().all(|url| urls.insert(url)) {
            let text = "a transaction names each resource once, and this one stands in it twice";
            return Err(Refusal::at(400, Category::Invalid, entry.path.clone(), text));
        }
    }
    Ok(())
}
