//! batch and transaction (http://hl7.org/fhir/R4/http.html#transaction): a transaction is one request, done whole or not at all; of a
//! batch each entry is a request of its own, and a bad one harms no other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::door::admit;
use super::reply::{Return, entry, refused, refused_entry};
use super::single::{Found, submission, submit};
use crate::agreement::Exit;
use crate::fhir::{Resource, operation_outcome};
use crate::pipeline::{Condition, Done, Interaction, Refusal, Submission, Submitted, versions};
use crate::problem::Category;
use crate::web::access::Terms;
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::fhir::body::{JSON, check_content, read_body};
use crate::web::fhir::bundle::bundle;
use crate::web::fhir::negotiate::{Handling, check_format, only, parameter};
use crate::web::fhir::own_ids::{OwnIds, meant};
use crate::web::fhir::read::{absent, known_type, show};
use crate::web::fhir::search::{Searcher, searched};
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Entries of one batch, and conditions of one bundle.
const MOST_ENTRIES: usize = 5_000;
const MOST_CONDITIONS: usize = 1_000;
/// Readings of one batch that are written together.
const MOST_TOGETHER: usize = 100;

pub async fn at_base(
    service: web::Data<Service>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    check_format(&request, parameter(&request, "_format").as_deref())?;
    only(&request, &[])?;
    let media_type = check_content(&request, &JSON)?;
    let most = service.gateway.site.load().settings.http.max_body_bytes;
    let body = read_body(payload, most).await?;
    let wanted = Return::of(&request, Return::Minimal);
    // Nothing lost: what cannot be read is refused, and kept, by the path of all writes.
    let read: Option<Value> = serde_json::from_slice(&body).ok();
    let is_batch = read.as_ref().is_some_and(|read| read.get("type").is_some_and(|kind| kind == "batch"));
    match read {
        Some(read) if is_batch => batch(&service, &client, &request, &read, wanted).await,
        read => {
            let (mut read, mut body) = (read.unwrap_or_default(), body);
            if let Some(own) = OwnIds::of(&service, &client) {
                let before = read.clone();
                own.bundle(&mut read)?;
                body = if read == before { body } else { read.to_string().into_bytes() };
            }
            let asked = (media_type, body, read);
            transaction(&service, &client, &request, asked, wanted).await
        }
    }
}

fn items(bundle: &Value) -> &[Value] {
    bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// What an entry's `request` says.
struct Asked<'a> {
    method: &'a str,
    kind: &'a str,
    id: Option<&'a str>,
    /// With its type: `Patient?identifier=a|1`.
    condition: Option<String>,
    unless: Option<String>,
    if_match: Option<Vec<String>>,
}

impl<'a> Asked<'a> {
    fn of(item: &'a Value) -> Self {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
        let url = text("/request/url").unwrap_or_default();
        let url = url.strip_prefix('/').unwrap_or(url);
        let path = url.split('?').next().unwrap_or_default();
        let (kind, id) = path.split_once('/').map_or((path, None), |(kind, id)| (kind, Some(id)));
        let unless = text("/request/ifNoneExist").map(|query| format!("{kind}?{}", query.trim_start_matches('?')));
        Self {
            method: text("/request/method").unwrap_or_default(),
            kind,
            id,
            condition: url.contains('?').then(|| url.to_string()),
            unless,
            if_match: text("/request/ifMatch").map(versions),
        }
    }

    fn is_read(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }

    fn wanted(&self) -> Permissions {
        match self.method {
            "POST" => Permissions::CREATE,
            "DELETE" => Permissions::DELETE,
            _ => Permissions::UPDATE,
        }
    }
}

async fn transaction(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    (media_type, body, read): (String, Vec<u8>, Value),
    wanted: Return,
) -> Result<HttpResponse, Fault> {
    let mut conditions: BTreeSet<String> = BTreeSet::new();
    for item in items(&read) {
        let asked = Asked::of(item);
        if !asked.is_read() {
            admit(service, client, asked.kind, asked.wanted())?;
            conditions.extend(asked.condition.into_iter().chain(asked.unless));
        }
        let resource = item.get("resource").cloned().and_then(|resource| Resource::try_from(resource).ok());
        for reference in resource.iter().flat_map(Resource::references) {
            let is_condition = reference.split('?').next().is_some_and(|kind| known_type(kind).is_ok());
            if reference.contains('?') && is_condition {
                conditions.insert(reference.to_string());
            }
        }
    }
    if conditions.len() > MOST_CONDITIONS {
        let text = format!("at most {MOST_CONDITIONS} conditions are looked up for one bundle; send it in parts");
        return Err(Fault::bad_request(Category::TooCostly, text));
    }
    let found = Found::of(service, client, conditions.into_iter().collect()).await?;
    let asked = submission(client, request, Interaction::Transaction, found.matched.clone())?;
    let submitted = submit(service, Submission { media_type, body, if_match: None, ..asked }).await;
    let done = match &submitted.result {
        Err(refusal) => return Ok(refused(refusal)),
        Ok(done) => done,
    };
    let by_place: BTreeMap<usize, &Done> = done.iter().map(|done| (done.place, done)).collect();
    let mut entries = Vec::new();
    for (place, item) in items(&read).iter().enumerate() {
        let asked = Asked::of(item);
        entries.push(match by_place.get(&place) {
            Some(done) => entry(service, client, done, &submitted, wanted).await?,
            None if asked.is_read() => read_entry(service, client, &asked).await,
            None => json!({ "response": { "status": "204 No Content" } }),
        });
    }
    Ok(answer(service, "transaction-response", entries))
}

fn answer(service: &Service, kind: &str, entries: Vec<Value>) -> HttpResponse {
    let mut body = bundle(kind, service.gateway.clock.now(), None, Vec::new(), entries);
    if let Some(members) = body.as_object_mut() {
        members.shift_remove("link");
    }
    write_fhir(&mut HttpResponse::Ok(), &body)
}

async fn batch(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    read: &Value,
    wanted: Return,
) -> Result<HttpResponse, Fault> {
    let items = items(read);
    if items.len() > MOST_ENTRIES {
        let text = format!("at most {MOST_ENTRIES} entries are taken at once; send several bundles");
        return Err(Fault::bad_request(Category::TooCostly, text));
    }
    let mut entries = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let place = entries.len();
        let (together, others) = rest.split_at(readings(rest, wanted).max(1));
        rest = others;
        if let Some(done) = at_once(service, client, request, (place, together), wanted).await? {
            entries.extend(done);
            // Nothing lost: all of these are answered.
            continue;
        }
        for (number, item) in together.iter().enumerate() {
            entries.push(match one(service, client, request, (place + number, item), wanted).await {
                Ok(entry) => entry,
                Err(fault) => of_fault(&fault),
            });
        }
    }
    Ok(answer(service, "batch-response", entries))
}

/// How many entries from the first on are readings to be created that depend on nothing else: devices send them by the thousand, and one
/// by one each would read the record and wait for the disk.
fn readings(items: &[Value], wanted: Return) -> usize {
    let is_plain = |item: &&Value| {
        let asked = Asked::of(item);
        let resource = item.get("resource").cloned().and_then(|resource| Resource::try_from(resource).ok());
        let refers = |resource: &Resource| resource.references().iter().any(|reference| reference.contains('?'));
        (asked.method, asked.kind, asked.id, &asked.condition, &asked.unless)
            == ("POST", "Observation", None, &None, &None)
            && resource.is_some_and(|resource| !refers(&resource))
    };
    // What is said of each is told apart only where each is a request of its own.
    if wanted == Return::Outcome { 0 } else { items.iter().take(MOST_TOGETHER).take_while(is_plain).count() }
}

/// Readings as one transaction; none where that is refused, so that each is asked for by itself.
async fn at_once(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    (place, items): (usize, &[Value]),
    wanted: Return,
) -> Result<Option<Vec<Value>>, Fault> {
    let may = admit(service, client, "Observation", Permissions::CREATE).is_ok();
    if items.len() < 2 || !may || OwnIds::of(service, client).is_some() {
        return Ok(None);
    }
    // Entries of a batch do not refer to each other.
    let alone = |item: &Value| json!({ "request": item.get("request"), "resource": item.get("resource") });
    let entries: Vec<Value> = items.iter().map(alone).collect();
    let body = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string().into_bytes();
    let known = submission(client, request, Interaction::Transaction, BTreeMap::new())?;
    let request_id = known.request_id.as_ref().map(|id| format!("{id}.{place}-{}", place + items.len()));
    let media_type = "application/fhir+json".to_string();
    let submitted = submit(service, Submission { media_type, body, request_id, if_match: None, ..known }).await;
    // Nothing lost: the refusal is kept, and each entry is asked for by itself.
    let Ok(done) = &submitted.result else { return Ok(None) };
    let by_place: BTreeMap<usize, &Done> = done.iter().map(|done| (done.place, done)).collect();
    let mut answers = Vec::new();
    for number in 0..items.len() {
        // Nothing lost: an entry without a word of its own is asked for by itself, which changes nothing.
        let Some(done) = by_place.get(&number) else { return Ok(None) };
        answers.push(entry(service, client, done, &submitted, wanted).await?);
    }
    Ok(Some(answers))
}

/// One entry of a batch, as if it had been asked by itself.
async fn one(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    (place, item): (usize, &Value),
    wanted: Return,
) -> Result<Value, Fault> {
    let (item, referred) = match OwnIds::of(service, client) {
        None => (Cow::Borrowed(item), BTreeSet::new()),
        Some(own) => {
            let mut single = json!({ "entry": [item] });
            let referred = own.bundle(&mut single)?;
            (Cow::Owned(single.pointer_mut("/entry/0").map(Value::take).unwrap_or_default()), referred)
        }
    };
    let item = &*item;
    let asked = Asked::of(item);
    if asked.is_read() {
        return Ok(read_entry(service, client, &asked).await);
    }
    admit(service, client, asked.kind, asked.wanted())?;
    let conditions: Vec<String> =
        asked.condition.clone().into_iter().chain(asked.unless.clone()).chain(referred).collect();
    let found = Found::of(service, client, conditions).await?;
    let kind = asked.kind.to_string();
    let matched = asked.condition.as_ref().and_then(|condition| found.matched.get(condition).copied());
    let id = match (asked.id, matched) {
        (Some(id), _) => Some(id.parse().map_err(|_| absent())?),
        (None, Some(Condition::One(id))) => Some(id),
        (None, Some(Condition::Several)) => {
            let text = "the condition matches several resources; name more of what tells them apart";
            return Ok(refused_entry(&Refusal::at(412, Category::MultipleMatches, "", text)));
        }
        _ => None,
    };
    let interaction = match (asked.method, id) {
        ("POST", _) => Interaction::Create { kind, unless: asked.unless.clone() },
        ("PUT", Some(id)) => Interaction::Update { kind, id },
        ("PUT", None) if item.pointer("/resource/id").is_none() => Interaction::Create { kind, unless: None },
        ("PUT", None) => {
            let text = "nothing matches, and ids are given here; leave `id` out to create it";
            return Ok(refused_entry(&Refusal::at(422, Category::NotSupported, "", text)));
        }
        ("DELETE", Some(id)) => Interaction::Delete { kind, id },
        ("DELETE", None) => return Ok(json!({ "response": { "status": "204 No Content" } })),
        ("PATCH", Some(id)) => Interaction::Patch { kind, id },
        ("PATCH", None) => return Err(absent()),
        _ => {
            let text = "an entry's method is GET, POST, PUT, PATCH or DELETE";
            return Err(Fault::bad_request(Category::NotSupported, text));
        }
    };
    let (media_type, body) = content(item)?;
    let known = submission(client, request, interaction, found.matched.clone())?;
    // Each entry is a request with a number of its own.
    let request_id = known.request_id.as_ref().map(|id| format!("{id}.{place}"));
    let is_conditional = asked.condition.is_some();
    let submission = Submission { media_type, body, request_id, is_conditional, if_match: asked.if_match, ..known };
    let submitted: Submitted = submit(service, submission).await;
    match &submitted.result {
        Err(refusal) => Ok(refused_entry(refusal)),
        Ok(done) => match done.first() {
            Some(done) => entry(service, client, done, &submitted, wanted).await,
            None => Ok(json!({ "response": { "status": "204 No Content" } })),
        },
    }
}

/// What an entry sends; a Binary holds a JSON Patch.
fn content(item: &Value) -> Result<(String, Vec<u8>), Fault> {
    use base64::Engine as _;
    let Some(resource) = item.get("resource") else { return Ok((String::new(), Vec::new())) };
    let is_patch = item.pointer("/request/method").is_some_and(|method| method == "PATCH");
    if is_patch && resource.get("resourceType").is_some_and(|kind| kind == "Binary") {
        let data = resource.get("data").and_then(Value::as_str).unwrap_or_default();
        let read = base64::engine::general_purpose::STANDARD.decode(data);
        let wrong = |_| Fault::bad_request(Category::Structure, "`data` of the Binary is not base64");
        return Ok(("application/json-patch+json".to_string(), read.map_err(wrong)?));
    }
    Ok(("application/fhir+json".to_string(), resource.to_string().into_bytes()))
}

/// What an entry reads: one resource, or a search.
async fn read_entry(service: &Service, client: &Client, asked: &Asked<'_>) -> Value {
    let found = match (asked.id, &asked.condition) {
        (Some(id), None) => read_one(service, client, asked.kind, id).await,
        (None, _) => search(service, client, asked).await,
        _ => Err(Fault::bad_request(Category::NotSupported, "an entry reads Type/id, or searches Type?parameters")),
    };
    match found {
        Ok(resource) => json!({ "resource": resource, "response": { "status": "200 OK" } }),
        Err(fault) => of_fault(&fault),
    }
}

async fn read_one(service: &Service, client: &Client, kind: &str, id: &str) -> Result<Value, Fault> {
    let resource_type = known_type(kind)?;
    client.require(resource_type, Permissions::READ)?;
    Terms::of(service, client, resource_type)?;
    let known = meant(service, client, resource_type, id).await?.ok_or_else(absent)?;
    let stored = service.gateway.store.resource(resource_type, known).await?;
    Ok(show(service, client, Exit::Read, (resource_type, known), stored).await?.called(id).into_resource().into())
}

async fn search(service: &Service, client: &Client, asked: &Asked<'_>) -> Result<Value, Fault> {
    let searcher = Searcher::for_type(service, client.clone(), asked.kind)?;
    let query =
        asked.condition.as_deref().and_then(|condition| condition.split_once('?')).map_or("", |(_, query)| query);
    let parsed = web::Query::<Vec<(String, String)>>::from_query(query);
    let wrong = |_| Fault::bad_request(Category::Structure, "the search cannot be read");
    searched(service, searcher, Handling::Strict, asked.kind, parsed.map_err(wrong)?.into_inner()).await
}

fn of_fault(fault: &Fault) -> Value {
    let status = format!("{} {}", fault.status.as_u16(), fault.status.canonical_reason().unwrap_or_default());
    let outcome = Value::from(operation_outcome(std::slice::from_ref(&*fault.problem)));
    json!({ "response": { "status": status, "outcome": outcome } })
}
