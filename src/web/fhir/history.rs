//! history of one resource (http://hl7.org/fhir/R4/http.html#history), newest version first, in pages. Versions that the client
//! may not see are left out; where it may see none, the answer is that of a resource that is not there.

use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::{bundle, link, version_entry};
use super::read::{absent, open};
use super::versions::{Asked, Fits, KNOWN};
use crate::agreement::Exit;
use crate::identity::ResourceId;
use crate::store::Cursor;
use crate::web::access::{Reader, Shown, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::found_by::FoundBy;
use crate::web::service::Service;

/// Versions that are looked at for one page.
const MOST_LOOKED: usize = 1000;

pub async fn history(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (resource_type, id) = open(&service, &client, &request, (&path.0, &path.1), &KNOWN).await?;
    let (now, base, asked) = (service.gateway.clock.now(), service.fhir_base(), Asked::read(&request)?);
    let place = format!("{resource_type}/{}/_history", path.1);
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
    let entries = page.shown.into_iter().map(|one| version_entry(&base, resource_type, one.called(&path.1))).collect();
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
    // Whoever has a sealed place may read the resource.
    let mut is_readable = asked.page.is_some();
    for version in (oldest + 1..=from).rev() {
        let Some(stored) = service.gateway.store.version(resource_type, id, version).await? else { break };
        let fits = asked.fits(service, &stored).await?;
        if fits == Fits::NoneBefore && is_readable {
            return Ok(Page { shown, next: None, is_readable });
        }
        if fits == Fits::Yes && shown.len() < asked.count {
            if let Verdict::Shown(one) = reader.judge(stored).await? {
                shown.push(*one);
                is_readable = true;
            }
        } else if (fits == Fits::Yes || !is_readable) && reader.would_show(&stored, &FoundBy::default()).await? {
            is_readable = true;
            match fits {
                Fits::Yes => return Ok(Page { shown, next: Some(version), is_readable }),
                Fits::NoneBefore => return Ok(Page { shown, next: None, is_readable }),
                Fits::No => {}
            }
        }
    }
    Ok(Page { shown, next: (oldest > 0 && is_readable).then_some(oldest), is_readable })
}
