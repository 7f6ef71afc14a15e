//! history of a type and of all that the client may search (http://hl7.org/fhir/R4/http.html#history), newest first, in pages. What the
//! agreements deny is left out and audited; neither a link nor a number tells that it is there.

use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::{bundle, link, version_entry};
use super::negotiate::{check_format, parameter};
use super::read::known_type;
use super::search::turn;
use super::versions::{Asked, Fits};
use crate::agreement::Exit;
use crate::fhir::search::SERVED;
use crate::store::Cursor;
use crate::web::access::{Reader, Shown, Terms, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::found_by::FoundBy;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Versions that are looked at for one page; then it may hold fewer than asked, and has a next.
const MOST_LOOKED: usize = 5_000;
/// Versions that are asked of the store at once, at least.
const LEAST: usize = 16;

pub async fn of_type(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let kind = known_type(&path)?;
    client.require(kind, Permissions::SEARCH)?;
    Terms::of(&service, &client, kind)?;
    answer(&service, &request, client, &[kind], &format!("{kind}/_history")).await
}

/// Of the types that the client may search.
pub async fn of_system(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let may =
        |kind: &&str| client.require(kind, Permissions::SEARCH).is_ok() && Terms::of(&service, &client, kind).is_ok();
    let kinds: Vec<&str> = SERVED.into_iter().filter(may).collect();
    if kinds.is_empty() {
        client.require("*", Permissions::SEARCH)?;
        return Err(Fault::forbidden(format!("no agreement lets {} read anything", client.partner)));
    }
    answer(&service, &request, client, &kinds, "_history").await
}

async fn answer(
    service: &Service,
    request: &HttpRequest,
    client: Client,
    kinds: &[&str],
    place: &str,
) -> Result<HttpResponse, Fault> {
    check_format(request, parameter(request, "_format").as_deref())?;
    let (now, base, asked) = (service.gateway.clock.now(), service.fhir_base(), Asked::read(request)?);
    let about = format!("{} {}", client.partner, link("next", &base, place, &asked.used));
    let from = asked.page.as_ref().map(|page| service.seal.open(page, &about, now)).transpose()?;
    let _turn = turn(service, &client).await?;
    let mut reader = Reader::new(service, &client, Exit::History);
    let (shown, next) = collect(service, &mut reader, &asked, kinds, from).await?;
    reader.finish(place).await?;
    let mut links = vec![link("self", &base, place, &asked.used)];
    if let Some(next) = next {
        let sealed = service.seal.close(&next, &about, now)?;
        links.push(link("next", &base, place, &[asked.used, vec![("_cursor".to_string(), sealed)]].concat()));
    }
    let entries = shown.into_iter().map(|(kind, one)| version_entry(&base, &kind, one)).collect();
    Ok(write_fhir(&mut HttpResponse::Ok(), &bundle("history", now, None, links, entries)))
}

/// Reads on until the page is full and it is known whether another version may be shown, they end, or enough was looked at.
async fn collect(
    service: &Service,
    reader: &mut Reader<'_>,
    asked: &Asked,
    kinds: &[&str],
    from: Option<Cursor>,
) -> Result<(Vec<(String, Shown)>, Option<Cursor>), Fault> {
    let (mut shown, mut cursor, mut last, mut looked) = (Vec::new(), from, None, 0);
    let past = asked.past(kinds);
    loop {
        let room = (asked.count + 1 - shown.len()).max(LEAST);
        let found = service.gateway.store.history(&past, cursor.as_ref(), room).await?;
        looked += found.items.len();
        for one in found.items {
            if asked.fits(service, &one.stored).await? == Fits::Yes {
                if shown.len() == asked.count {
                    if reader.would_show(&one.stored, &FoundBy::default()).await? {
                        return Ok((shown, last));
                    }
                } else {
                    let kind = one.stored.resource.resource_type().to_string();
                    if let Verdict::Shown(one) = reader.judge(one.stored).await? {
                        shown.push((kind, *one));
                    }
                }
            }
            last = Some(one.place);
        }
        cursor = found.next;
        if cursor.is_none() || looked >= MOST_LOOKED {
            return Ok((shown, cursor));
        }
    }
}
