//! history of one resource (http://hl7.org/fhir/R4/http.html#history), newest version first, in pages.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bundle::{bundle, link, version_entry};
use super::negotiate::{check_format, parameter};
use super::query::{DEFAULT_COUNT, LARGEST_COUNT};
use super::read::{absent, address};
use crate::agreement::Exit;
use crate::fhir::time::PartialDateTime;
use crate::problem::Category;
use crate::web::access::{Reader, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

pub async fn history(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (resource_type, id) = address(&path.0, &path.1)?;
    check_format(&request, parameter(&request, "_format").as_deref())?;
    client.require(resource_type, Permissions::READ)?;
    let number = |name: &str| parameter(&request, name).and_then(|text| text.parse::<u64>().ok());
    let count = number("_count").and_then(|count| usize::try_from(count).ok()).unwrap_or(DEFAULT_COUNT);
    let count = count.clamp(1, LARGEST_COUNT);
    let since = parameter(&request, "_since").map(|text| instant(&text)).transpose()?;

    let store = &service.gateway.store;
    let newest = store.resource(resource_type, id).await?.ok_or_else(absent)?.version;
    let mut version = number("_cursor").unwrap_or(newest).min(newest);
    let mut reader = Reader::new(&service, &client, Exit::History);
    let (mut shown, mut denied) = (Vec::new(), None);
    for _ in 0..count {
        if version == 0 {
            break;
        }
        let Some(stored) = store.version(resource_type, id, version).await? else { break };
        if since.is_some_and(|since| stored.updated < since) {
            version = 0;
            break;
        }
        version -= 1;
        match reader.judge(stored).await? {
            Verdict::Shown(one) => shown.push(*one),
            Verdict::Denied(why) => denied = Some(why),
        }
    }
    reader.finish().await?;
    if let (true, Some(why)) = (shown.is_empty(), denied) {
        return Err(Fault::forbidden(why));
    }

    let base = service.fhir_base();
    let place = format!("{resource_type}/{id}/_history");
    let mut used = vec![("_count".to_string(), count.to_string())];
    if let Some(since) = since {
        used.push(("_since".to_string(), since.to_string()));
    }
    let mut links = vec![link("self", &base, &place, &used)];
    if version > 0 {
        used.push(("_cursor".to_string(), version.to_string()));
        links.push(link("next", &base, &place, &used));
    }
    let entries = shown.into_iter().map(|one| version_entry(&base, resource_type, one)).collect();
    let body = bundle("history", service.gateway.clock.now(), links, entries);
    Ok(write_fhir(&mut HttpResponse::Ok(), &body))
}

fn instant(text: &str) -> Result<Timestamp, Fault> {
    let parsed = PartialDateTime::parse(text).and_then(|date| date.range(&TimeZone::UTC));
    let wrong = || Fault::bad_request(Category::Value, "_since must be an instant such as 2026-03-01T10:00:00Z");
    parsed.map(|(from, _)| from).ok_or_else(wrong)
}
