//! create, update, patch and delete of one resource (http://hl7.org/fhir/R4/http.html), each with and without a condition.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::conditions::matched;
use super::door::admit;
use super::reply::{Return, refused, reply};
use crate::identity::ResourceId;
use crate::pipeline::{Condition, Interaction, Refusal, Submission, Submitted, versions};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::fhir::body::{JSON, JSON_PATCH, check_content, read_body};
use crate::web::fhir::negotiate::{check_format, only, parameter};
use crate::web::fhir::own_ids::{self, OwnIds, meant};
use crate::web::fhir::read::absent;
use crate::web::scope::Permissions;
use crate::web::service::Service;

const PATCHES: [&str; 4] = [JSON_PATCH, "application/fhir+json", "application/json", "application/json+fhir"];
/// The longest `X-Request-Id` that is kept.
const LONGEST_REQUEST_ID: usize = 199;

type Done = Result<HttpResponse, Fault>;

pub async fn create(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Done {
    let client = Client::of(&service, &request)?;
    let kind = path.into_inner();
    begin(&service, &client, &request, &kind, Permissions::CREATE)?;
    only(&request, &[])?;
    let media_type = check_content(&request, &JSON)?;
    let unless = header(&request, "if-none-exist").map(|query| format!("{kind}?{}", query.trim_start_matches('?')));
    let body = read_body(payload, most(&service)).await?;
    let (body, conditions) = referring(&service, &client, body);
    let found = Found::of(&service, &client, unless.iter().cloned().chain(conditions).collect()).await?;
    let interaction = Interaction::Create { kind, unless };
    let submission = Submission { media_type, body, ..submission(&client, &request, interaction, found.matched)? };
    finish(&service, &client, &request, submission).await
}

pub async fn update(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Done {
    let client = Client::of(&service, &request)?;
    let (kind, id) = path.into_inner();
    begin(&service, &client, &request, &kind, Permissions::UPDATE)?;
    only(&request, &[])?;
    let media_type = check_content(&request, &JSON)?;
    let body = read_body(payload, most(&service)).await?;
    let Ok(id) = id.parse::<ResourceId>() else {
        return upsert(&service, &client, &request, (kind, id), (media_type, body)).await;
    };
    let (body, conditions) = referring(&service, &client, body);
    let found = Found::of(&service, &client, conditions.into_iter().collect()).await?;
    let interaction = Interaction::Update { kind, id };
    let mut submission =
        Submission { media_type, body, ..submission(&client, &request, interaction, found.matched.clone())? };
    if header(&request, "if-none-match") == Some("*") {
        // No version of what is there will do.
        submission.if_match = Some(Vec::new());
    }
    finish(&service, &client, &request, submission).await
}

/// An update of an id of the client's own: of what has it as an identifier, or of what is created with it.
async fn upsert(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    (kind, id): (String, String),
    (media_type, body): (String, Vec<u8>),
) -> Done {
    let own = OwnIds::of(service, client).and_then(|own| Some((own.condition(&kind, &id)?, own)));
    let (condition, own) = own.ok_or_else(own_ids::refused)?;
    let mut conditions = BTreeSet::from([condition.clone()]);
    // Nothing lost: what cannot be read is refused, and kept, by the path of all writes.
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(mut read) => {
            own.name(&mut read, &kind, &id)?;
            own.refer(&mut read, &BTreeMap::new(), &mut conditions);
            read.to_string().into_bytes()
        }
        Err(_) => body,
    };
    let found = Found::of(service, client, conditions.into_iter().collect()).await?;
    let called = id;
    let (interaction, is_there) = match found.matched.get(&condition) {
        Some(Condition::One(id)) => (Interaction::Update { kind, id: *id }, true),
        Some(Condition::Several) => return Ok(refused(&several())),
        _ => {
            client.require(&kind, Permissions::CREATE)?;
            (Interaction::Create { kind, unless: None }, false)
        }
    };
    let known = submission(client, request, interaction, found.matched.clone())?;
    if !is_there && known.if_match.is_some() {
        let text = "there is nothing with this id, and the request asks for a version of it (If-Match)";
        return Ok(refused(&Refusal::at(412, Category::Conflict, "", text)));
    }
    let is_new = header(request, "if-none-match") == Some("*");
    let if_match = if is_new && is_there { Some(Vec::new()) } else { known.if_match };
    let submission = Submission { media_type, body, is_conditional: true, if_match, ..known };
    finish_as(service, client, request, submission, Some(&called)).await
}

/// A body with references by ids of the client's own as conditions, and these.
fn referring(service: &Service, client: &Client, body: Vec<u8>) -> (Vec<u8>, BTreeSet<String>) {
    let mut conditions = BTreeSet::new();
    // Nothing lost: what cannot be read is refused, and kept, by the path of all writes.
    let read = OwnIds::of(service, client).and_then(|own| Some((own, serde_json::from_slice::<Value>(&body).ok()?)));
    let Some((own, mut read)) = read else { return (body, conditions) };
    own.refer(&mut read, &BTreeMap::new(), &mut conditions);
    if conditions.is_empty() { (body, conditions) } else { (read.to_string().into_bytes(), conditions) }
}

pub async fn update_by_condition(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Done {
    let asked = Asked::of(&service, &request, path.into_inner(), (payload, &JSON)).await?;
    let Asked { client, kind, media_type, body, condition, .. } = &asked;
    let interaction = match *condition {
        Condition::One(id) => Interaction::Update { kind: kind.clone(), id },
        Condition::Several => return Ok(refused(&several())),
        Condition::None => {
            client.require(kind, Permissions::CREATE)?;
            has_no_id(body)?;
            Interaction::Create { kind: kind.clone(), unless: None }
        }
    };
    let known = submission(client, &request, interaction, BTreeMap::new())?;
    let submission = Submission { media_type: media_type.clone(), body: body.clone(), is_conditional: true, ..known };
    finish(&service, client, &request, submission).await
}

/// An update that finds nothing creates, and an id of its own is nothing that we could give it.
fn has_no_id(body: &[u8]) -> Result<(), Fault> {
    let stated = serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|body| body.get("id").is_some());
    if stated {
        let text = "nothing matches the condition, and ids are given here; leave `id` out to create it";
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, Category::NotSupported, text));
    }
    Ok(())
}

pub async fn patch(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Done {
    let client = Client::of(&service, &request)?;
    let (kind, id) = path.into_inner();
    begin(&service, &client, &request, &kind, Permissions::UPDATE)?;
    only(&request, &[])?;
    let media_type = check_content(&request, &PATCHES)?;
    let body = read_body(payload, most(&service)).await?;
    let known = meant(&service, &client, &kind, &id).await?.ok_or_else(absent)?;
    let interaction = Interaction::Patch { kind, id: known };
    let submission = Submission { media_type, body, ..submission(&client, &request, interaction, BTreeMap::new())? };
    finish_as(&service, &client, &request, submission, Some(&id)).await
}

pub async fn patch_by_condition(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Done {
    let asked = Asked::of(&service, &request, path.into_inner(), (payload, &PATCHES)).await?;
    let Asked { client, kind, media_type, body, condition, .. } = &asked;
    let id = match *condition {
        Condition::One(id) => id,
        Condition::Several => return Ok(refused(&several())),
        Condition::None => return Err(absent()),
    };
    let interaction = Interaction::Patch { kind: kind.clone(), id };
    let known = submission(client, &request, interaction, BTreeMap::new())?;
    let submission = Submission { media_type: media_type.clone(), body: body.clone(), ..known };
    finish(&service, client, &request, submission).await
}

pub async fn delete(service: web::Data<Service>, request: HttpRequest, path: web::Path<(String, String)>) -> Done {
    let client = Client::of(&service, &request)?;
    let (kind, id) = path.into_inner();
    begin(&service, &client, &request, &kind, Permissions::DELETE)?;
    only(&request, &[])?;
    let id = meant(&service, &client, &kind, &id).await?.ok_or_else(absent)?;
    let submission = submission(&client, &request, Interaction::Delete { kind, id }, BTreeMap::new())?;
    finish(&service, &client, &request, submission).await
}

/// http://hl7.org/fhir/R4/http.html#cdelete: one or none; several are not deleted.
pub async fn delete_by_condition(service: web::Data<Service>, request: HttpRequest, path: web::Path<String>) -> Done {
    let client = Client::of(&service, &request)?;
    let kind = path.into_inner();
    begin(&service, &client, &request, &kind, Permissions::DELETE)?;
    let (found, condition) = one(&service, &client, &request, &kind).await?;
    let id = match condition {
        Condition::One(id) => id,
        Condition::Several => return Ok(refused(&several())),
        Condition::None => return Ok(HttpResponse::NoContent().finish()),
    };
    let submission = submission(&client, &request, Interaction::Delete { kind, id }, BTreeMap::new())?;
    let done = finish(&service, &client, &request, submission).await;
    drop(found);
    done
}

fn begin(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    kind: &str,
    wanted: Permissions,
) -> Result<(), Fault> {
    check_format(request, parameter(request, "_format").as_deref())?;
    admit(service, client, kind, wanted)
}

fn most(service: &Service) -> usize {
    service.gateway.site.load().settings.http.max_body_bytes
}

pub fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// What conditions match, held until it is written.
pub struct Found {
    pub matched: BTreeMap<String, Condition>,
    _held: Vec<OwnedMutexGuard<()>>,
}

impl Found {
    pub async fn of(service: &Service, client: &Client, conditions: Vec<String>) -> Result<Self, Fault> {
        let held = service.conditions.hold(&conditions).await;
        let mut found = BTreeMap::new();
        for condition in conditions {
            let many = matched(service, client, &condition).await?;
            found.insert(condition, many);
        }
        Ok(Self { matched: found, _held: held })
    }
}

/// A body for whatever the query of its address matches, which stays as it is until this is dropped.
struct Asked {
    client: Client,
    kind: String,
    media_type: String,
    body: Vec<u8>,
    condition: Condition,
    _found: Found,
}

impl Asked {
    async fn of(
        service: &Service,
        request: &HttpRequest,
        kind: String,
        (payload, media_types): (web::Payload, &[&'static str]),
    ) -> Result<Self, Fault> {
        let client = Client::of(service, request)?;
        begin(service, &client, request, &kind, Permissions::UPDATE)?;
        let media_type = check_content(request, media_types)?;
        let body = read_body(payload, most(service)).await?;
        let (_found, condition) = one(service, &client, request, &kind).await?;
        Ok(Self { client, kind, media_type, body, condition, _found })
    }
}

/// What the query of an address matches.
async fn one(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    kind: &str,
) -> Result<(Found, Condition), Fault> {
    if request.query_string().is_empty() {
        let text = "name the resource by its id in the address, or by a condition behind it";
        return Err(Fault::bad_request(Category::Required, text));
    }
    let condition = format!("{kind}?{}", request.query_string());
    let found = Found::of(service, client, vec![condition.clone()]).await?;
    let many = found.matched.get(&condition).copied().unwrap_or(Condition::None);
    Ok((found, many))
}

fn several() -> Refusal {
    let text = "the condition matches several resources; name more of what tells them apart";
    Refusal::at(412, Category::MultipleMatches, "", text)
}

/// What is asked, without its body.
pub fn submission(
    client: &Client,
    request: &HttpRequest,
    interaction: Interaction,
    matched: BTreeMap<String, Condition>,
) -> Result<Submission, Fault> {
    let request_id = header(request, "x-request-id").map(str::trim).filter(|id| !id.is_empty());
    if request_id.is_some_and(|id| id.len() > LONGEST_REQUEST_ID) {
        let text = format!("X-Request-Id has more than {LONGEST_REQUEST_ID} characters");
        return Err(Fault::bad_request(Category::TooLong, text));
    }
    Ok(Submission {
        partner: client.partner.clone(),
        request_id: request_id.map(String::from),
        interaction,
        is_conditional: false,
        if_match: header(request, "if-match").map(versions),
        matched,
        media_type: String::new(),
        body: Vec::new(),
        replays: None,
    })
}

async fn finish(service: &Service, client: &Client, request: &HttpRequest, submission: Submission) -> Done {
    finish_as(service, client, request, submission, None).await
}

/// The same for what the address calls by this id.
async fn finish_as(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    submission: Submission,
    called: Option<&str>,
) -> Done {
    let submitted = submit(service, submission).await;
    reply(service, client, submitted, Return::of(request, Return::Representation), called).await
}

/// On a task of its own, so that a client that hangs up leaves nothing half done.
pub async fn submit(service: &Service, submission: Submission) -> Submitted {
    let gateway = service.gateway.clone();
    let running = tokio::spawn(async move { gateway.submit(submission).await });
    running.await.unwrap_or_else(|_| Submitted::unavailable())
}
