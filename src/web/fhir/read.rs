//! read (http://hl7.org/fhir/R4/http.html#read), with ETag and conditional read (#cread).

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};

use super::native::{etag, has_own, respond_as_wanted};
use super::negotiate::{check_format, only};
use super::own_ids::meant;
use crate::agreement::Exit;
use crate::fhir::search::served;
use crate::identity::ResourceId;
use crate::problem::Category;
use crate::record::Stored;
use crate::web::access::{Reader, Shown, Terms, Verdict};
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

pub async fn read(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (resource_type, id) = open(&service, &client, &request, (&path.0, &path.1), &[]).await?;
    let stored = service.gateway.store.resource(resource_type, id).await?;
    let shown = show(&service, &client, Exit::Read, (resource_type, id), stored).await?.called(&path.1);
    if is_known(&request, &shown) {
        return Ok(HttpResponse::build(StatusCode::NOT_MODIFIED).insert_header((ETAG, etag(&shown))).finish());
    }
    respond_as_wanted(&request, shown)
}

/// What every interaction with one resource asks first: the type is served, the parameters are known, the answer can be written as wanted, scope and
/// agreements let the client read the type, and the id may be one of ours, or is one of the client's own. Nothing else is looked up for it.
pub async fn open(
    service: &Service,
    client: &Client,
    request: &HttpRequest,
    (resource_type, id): (&str, &str),
    known: &[&str],
) -> Result<(&'static str, ResourceId), Fault> {
    let resource_type = known_type(resource_type)?;
    let asked = only(request, known)?;
    let format = asked.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    if !has_own(resource_type, request) {
        check_format(request, format)?;
    }
    client.require(resource_type, Permissions::READ)?;
    Terms::of(service, client, resource_type)?;
    Ok((resource_type, meant(service, client, resource_type, id).await?.ok_or_else(absent)?))
}

/// The type as served; 404 for others.
pub fn known_type(resource_type: &str) -> Result<&'static str, Fault> {
    served(resource_type).ok_or_else(|| {
        let text = "this resource type is not served here; /fhir/metadata lists those that are";
        Fault::new(StatusCode::NOT_FOUND, Category::NotSupported, text)
    })
}

pub fn absent() -> Fault {
    Fault::not_found("there is no such resource here")
}

/// What the client may see of one resource, its disclosure on record. One that is not there and one that is not the client's
/// are answered alike: ids are made from record numbers, so any other answer would tell who has a record, and of what.
pub async fn show(
    service: &Service,
    client: &Client,
    exit: Exit,
    (resource_type, id): (&str, ResourceId),
    stored: Option<Stored>,
) -> Result<Shown, Fault> {
    let mut reader = Reader::new(service, client, exit);
    let verdict = match stored {
        Some(stored) => reader.judge(stored).await?,
        None => {
            reader.seek_in_vain(resource_type, id).await?;
            Verdict::Denied
        }
    };
    reader.finish(resource_type).await?;
    match verdict {
        Verdict::Shown(shown) if shown.is_deleted() => Err(gone()),
        Verdict::Shown(shown) => Ok(*shown),
        Verdict::Denied => Err(absent()),
    }
}

/// It was there for this client, and is deleted (http://hl7.org/fhir/R4/http.html#delete).
fn gone() -> Fault {
    Fault::new(StatusCode::GONE, Category::Deleted, "this resource was deleted; its history has what it said before")
}

/// Whether the client has this version already. If-None-Match wins over If-Modified-Since (RFC 9110, 13.1.3).
fn is_known(request: &HttpRequest, shown: &Shown) -> bool {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(tags) = header(IF_NONE_MATCH) {
        let own = etag(shown);
        let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_string();
        return tags.trim() == "*" || tags.split(',').any(|tag| bare(tag) == bare(&own));
    }
    let since = header(IF_MODIFIED_SINCE).and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    since.is_some_and(|since| shown.updated().as_second() <= since.timestamp().as_second())
}
