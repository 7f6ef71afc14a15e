//! history of one resource (http://hl7.org/fhir/R4/http.html#history), newest version first, in pages. Versions that the client
//! may not see are left out; where it may see none, the answer is that of a resource that is not there.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bundle::{bundle, link, version_entry};
use super::negotiate::only;
use super::query::{DEFAULT_COUNT, LARGEST_COUNT};
use super::read::{absent, open};
use crate::agreement::Exit;
use crate::fhir::time::PartialDateTime;
use crate::identity::ResourceId;
use crate::problem::Category;
use crate::store::Cursor;
use crate::web::access::{Reader, Shown, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::service::Service;

const KNOWN: [&str; 3] = ["_count", "_since", "_cursor"];

/// Versions that are looked at for one page.
const MOST_LOOKED: usize = 1000;

pub async fn history(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (resource_type, id) = open(&service, &client, &request, (&path.0, &path.1), &KNOWN)?;
    let (now, base, asked) = (service.gateway.clock.now(), service.fhir_base(), Asked::read(&request)?);
    let place = format!("{resource_type}/{id}/_history");
    let about = format!("{} {}", client.partner, link("next", &base, &place, &asked.used));
    let from = asked.page.as_ref().map(|page| service.seal.open(page, &about, now)).transpose()?;
    let newest = service.gateway.store.resource(resource_type, id).await?.map(|stored| stored.version);

    let mut reader = Reader::new(&service, &client, Exit::History);
    let page = match newest {
        Some(newest) => {
            let from = from.and_then(|cursor| cursor.0.parse().ok()).unwrap_or(newest);
            Some(collect(&service, &mut reader, (resource_type, id), &asked, from).await?)
        }
        None => {
            reader.seek_in_vain(resource_type, id).await?;
            None
        }
    };
    reader.finish(&place).await?;
    let page = page.filter(|page| page.is_readable).ok_or_else(absent)?;

    let mut links = vec![link("self", &base, &place, &asked.used)];
    if let Some(next) = page.next {
        let sealed = service.seal.close(&Cursor(next.to_string()), &about, now)?;
        links.push(link("next", &base, &place, &[asked.used, vec![("_cursor".to_string(), sealed)]].concat()));
    }
    let entries = page.shown.into_iter().map(|one| version_entry(&base, resource_type, one)).collect();
    Ok(write_fhir(&mut HttpResponse::Ok(), &bundle("history", now, None, links, entries)))
}

struct Page {
    shown: Vec<Shown>,
    /// The version to go on with.
    next: Option<u64>,
    /// Whether the client may see any version, wanted or not.
    is_readable: bool,
}

/// Goes from one version to older ones until the page is full and it is known whether another one may be shown.
async fn collect(
    service: &Service,
    reader: &mut Reader<'_>,
    (resource_type, id): (&str, ResourceId),
    asked: &Asked,
    from: u64,
) -> Result<Page, Fault> {
    let (mut shown, oldest) = (Vec::new(), from.saturating_sub(MOST_LOOKED as u64));
    for version in (oldest + 1..=from).rev() {
        let Some(stored) = service.gateway.store.version(resource_type, id, version).await? else { break };
        let is_late = asked.since.is_none_or(|since| stored.updated >= since);
        if !is_late && !shown.is_empty() {
            return Ok(Page { shown, next: None, is_readable: true });
        }
        if !is_late || shown.len() == asked.count {
            if reader.would_show(&stored, &[]).await? {
                return Ok(Page { shown, next: is_late.then_some(version), is_readable: true });
            }
        } else if let Verdict::Shown(one) = reader.judge(stored).await? {
            shown.push(*one);
        }
    }
    let is_readable = !shown.is_empty() || asked.page.is_some();
    Ok(Page { shown, next: (oldest > 0 && is_readable).then_some(oldest), is_readable })
}

/// What the request asks beside the resource.
struct Asked {
    count: usize,
    since: Option<Timestamp>,
    /// The sealed place where to go on: whoever has one may read the resource.
    page: Option<String>,
    used: Vec<(String, String)>,
}

impl Asked {
    fn read(request: &HttpRequest) -> Result<Self, Fault> {
        let mut asked = Self { count: DEFAULT_COUNT, since: None, page: None, used: Vec::new() };
        for (name, value) in only(request, &KNOWN)? {
            match name.as_str() {
                "_count" => {
                    let count: Option<usize> = value.parse().ok().filter(|count| *count > 0);
                    let text = format!("_count must be a number from 1 to {LARGEST_COUNT}");
                    asked.count = count.ok_or_else(|| Fault::bad_request(Category::Value, text))?.min(LARGEST_COUNT);
                    asked.used.push((name, asked.count.to_string()));
                }
                "_since" => {
                    asked.since = Some(instant(&value)?);
                    asked.used.push((name, value));
                }
                "_cursor" => asked.page = Some(value),
                _ => {}
            }
        }
        Ok(asked)
    }
}

fn instant(text: &str) -> Result<Timestamp, Fault> {
    let parsed = PartialDateTime::parse(text).and_then(|date| date.range(&TimeZone::UTC));
    let wrong = || Fault::bad_request(Category::Value, "_since must be an instant such as 2026-03-01T10:00:00Z");
    parsed.map(|(from, _)| from).ok_or_else(wrong)
}
