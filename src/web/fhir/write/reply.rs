//! What a write is answered with (http://hl7.org/fhir/R4/http.html#create): status, place, version, and as much of the resource as
//! `Prefer` asks for and the agreements let the client read.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HttpDate, LAST_MODIFIED, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use crate::agreement::Exit;
use crate::fhir::{operation_outcome, operation_outcome_in_text};
use crate::pipeline::{Done, Happened, Refusal, Submitted};
use crate::web::access::{Reader, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::service::Service;

/// http://hl7.org/fhir/R4/http.html#ops
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    Minimal,
    Representation,
    Outcome,
}

impl Return {
    /// What the client prefers; the resource, where it says nothing and asks for one resource.
    pub fn of(request: &HttpRequest, usual: Self) -> Self {
        let prefers = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
        let wanted = prefers.flat_map(|value| value.split([',', ';'])).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("return").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        match wanted.as_deref() {
            Some("minimal") => Self::Minimal,
            Some("representation") => Self::Representation,
            Some("operationoutcome") => Self::Outcome,
            _ => usual,
        }
    }
}

pub fn refused(refusal: &Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, 5));
    }
    write_fhir(&mut response, &operation_outcome_in_text(&refusal.problems).into())
}

/// The answer to one request; `called` is the id by which it was asked.
pub async fn reply(
    service: &Service,
    client: &Client,
    submitted: Submitted,
    wanted: Return,
    called: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let done = match &submitted.result {
        Err(refusal) => return Ok(refused(refusal)),
        // A conditional delete of what is not there has nothing to tell of.
        Ok(done) => match done.first() {
            None => return Ok(HttpResponse::NoContent().finish()),
            Some(done) => done,
        },
    };
    let mut response = HttpResponse::build(status(done));
    let moment = HttpDate::from(std::time::SystemTime::from(done.updated));
    response.insert_header((ETAG, etag(done))).insert_header((LAST_MODIFIED, moment));
    if done.happened != Happened::Deleted {
        response.insert_header((LOCATION, location(service, done)));
    }
    match body(service, client, done, (&submitted, wanted), called).await? {
        Some(body) if done.happened != Happened::Deleted => Ok(write_fhir(&mut response, &body)),
        _ => Ok(response.finish()),
    }
}

async fn body(
    service: &Service,
    client: &Client,
    done: &Done,
    (submitted, wanted): (&Submitted, Return),
    called: Option<&str>,
) -> Result<Option<Value>, Fault> {
    match wanted {
        Return::Minimal => Ok(None),
        Return::Outcome => Ok(Some(operation_outcome(&submitted.notes).into())),
        Return::Representation => shown(service, client, done, called).await,
    }
}

/// The resource as the client may read it; none where it may write it only.
async fn shown(service: &Service, client: &Client, done: &Done, called: Option<&str>) -> Result<Option<Value>, Fault> {
    let stored = service.gateway.store.resource(&done.kind, done.id).await?;
    let mut reader = Reader::new(service, client, Exit::Read);
    let verdict = match stored {
        Some(stored) => reader.judge(stored).await?,
        None => Verdict::Denied,
    };
    reader.finish(&done.kind).await?;
    match verdict {
        Verdict::Shown(shown) => {
            let shown = match called {
                Some(id) => shown.called(id),
                None => *shown,
            };
            Ok(Some(shown.into_resource().into()))
        }
        Verdict::Denied => Ok(None),
    }
}

fn status(done: &Done) -> StatusCode {
    match done.happened {
        Happened::Created => StatusCode::CREATED,
        Happened::Updated | Happened::Unchanged => StatusCode::OK,
        Happened::Deleted => StatusCode::NO_CONTENT,
    }
}

fn etag(done: &Done) -> String {
    format!("W/\"{}\"", done.version)
}

fn location(service: &Service, done: &Done) -> String {
    format!("{}/{}/{}/_history/{}", service.fhir_base(), done.kind, done.id, done.version)
}

/// What became of one entry, for the bundle that answers a bundle.
pub async fn entry(
    service: &Service,
    client: &Client,
    done: &Done,
    submitted: &Submitted,
    wanted: Return,
) -> Result<Value, Fault> {
    let status = status(done);
    let mut response = Map::new();
    let words = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    response.insert("status".to_string(), json!(words));
    response.insert("etag".to_string(), json!(etag(done)));
    response.insert("lastModified".to_string(), json!(format!("{:.3}", done.updated)));
    let mut entry = Map::new();
    if done.happened != Happened::Deleted {
        response.insert("location".to_string(), json!(location(service, done)));
        let url = format!("{}/{}/{}", service.fhir_base(), done.kind, done.id);
        entry.insert("fullUrl".to_string(), json!(url));
        let body = body(service, client, done, (submitted, wanted), None).await?;
        if wanted == Return::Outcome {
            response.extend(body.map(|body| ("outcome".to_string(), body)));
        } else {
            entry.extend(body.map(|body| ("resource".to_string(), body)));
        }
    }
    entry.insert("response".to_string(), Value::Object(response));
    Ok(Value::Object(entry))
}

/// What became of an entry that was refused.
pub fn refused_entry(refusal: &Refusal) -> Value {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let outcome = Value::from(operation_outcome_in_text(&refusal.problems));
    json!({ "response": {
        "status": format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()),
        "outcome": outcome,
    } })
}
