//! Conditions of writes (http://hl7.org/fhir/R4/http.html#cond-update): a search, over what the client wrote itself or may read. How many
//! it finds is all that is told; who asks under one condition at the same time waits for the other.

use crate::agreement::Exit;
use crate::pipeline::{Condition, said_by};
use crate::problem::Category;
use crate::web::access::Reader;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::fhir::called;
use crate::web::fhir::joins::resolve;
use crate::web::fhir::negotiate::Handling;
use crate::web::fhir::read::known_type;
use crate::web::fhir::reading::Reading;
use crate::web::service::Service;

/// Resources that are looked at for one condition.
const MOST_LOOKED: usize = 5_000;
const PAGE: usize = 50;

/// How many of what the client may know of a condition matches: `Patient?identifier=a|1`.
pub async fn matched(service: &Service, client: &Client, condition: &str) -> Result<Condition, Fault> {
    let (kind, query) = condition.split_once('?').unwrap_or((condition, ""));
    let resource_type = known_type(kind)?;
    let asked = pairs(query)?;
    if !asked.iter().any(|(name, value)| !name.starts_with("_format") && !value.is_empty()) {
        return Err(Fault::bad_request(Category::Required, "a condition names at least one search parameter"));
    }
    let (base, now) = (service.fhir_base(), service.gateway.clock.now());
    let site = service.gateway.site.load_full();
    let (profiles, handling) = (&*site.profiles, Handling::Strict);
    let reading = Reading { resource_type, profiles, base: &base, handling, now, called: None };
    let (mut search, called) = called::read(service, client, &reading, asked).await?;
    let reading = Reading { called: called.as_ref(), ..reading };
    if !search.found_by.profiles.is_empty() {
        let text = "no condition of a write is by _profile: what a resource claims is told as it leaves, and what the client wrote \
                    counts here though it may not read it; name an identifier";
        return Err(Fault::bad_request(Category::NotSupported, text));
    }
    let mut reader = Reader::new(service, client, Exit::Search);
    resolve(service, client, &mut reader, &reading, &mut search).await?;
    if search.nothing {
        reader.finish(resource_type).await?;
        return Ok(Condition::None);
    }
    let (mut found, mut cursor, mut looked) = (None, None, 0);
    loop {
        let page = service.gateway.store.find(&search.query, &[], cursor.as_ref(), PAGE).await?;
        looked += page.looked;
        for one in page.items {
            // Of its own Group, too, a client may not know every member.
            let is_by_member =
                search.found_by.again.is_some() && search.found_by.elements.iter().any(|one| one == "member");
            let is_own = said_by(&one.stored, &client.partner) && !is_by_member;
            if is_own || reader.would_show(&one.stored, &search.found_by).await? {
                // What changed between two pages is on both.
                if found.is_some_and(|known| known != one.stored.id) {
                    reader.finish(resource_type).await?;
                    return Ok(Condition::Several);
                }
                found = Some(one.stored.id);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        if looked >= search.most(MOST_LOOKED) {
            let text = "too much would have to be looked at for this condition; name an identifier or a patient";
            return Err(Fault::bad_request(Category::TooCostly, text));
        }
    }
    reader.finish(resource_type).await?;
    Ok(found.map_or(Condition::None, Condition::One))
}

/// The parameters of a query string.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let parsed = actix_web::web::Query::<Vec<(String, String)>>::from_query(query);
    let wrong = |_| Fault::bad_request(Category::Structure, "the condition cannot be read as a query");
    parsed.map(actix_web::web::Query::into_inner).map_err(wrong)
}
