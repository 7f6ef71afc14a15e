//! search of one type (http://hl7.org/fhir/R4/http.html#search), by GET and by POST to _search, in pages. What the agreements
//! deny is left out, and audited.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::bundle::{bundle, link, match_entry};
use super::containment::lies_within;
use super::negotiate::{check_format, is_strict};
use super::query::{Search, read, seal_cursor};
use super::read::known_type;
use crate::agreement::Exit;
use crate::fhir::operation_outcome;
use crate::problem::{Category, Place, Problem};
use crate::store::Cursor;
use crate::web::access::{Reader, Shown, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Pages of the store that one page of ours is made from at most, when much is denied or does not match.
const STEPS: usize = 8;

pub async fn search_by_get(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    search(&service, &request, &path, query_parameters(&request)?).await
}

/// Parameters may stand in the body and in the address.
pub async fn search_by_post(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Fault> {
    let mut parameters = query_parameters(&request)?;
    parameters.extend(form.into_inner());
    search(&service, &request, &path, parameters).await
}

fn query_parameters(request: &HttpRequest) -> Result<Vec<(String, String)>, Fault> {
    let parsed = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let wrong = |_| Fault::new(StatusCode::BAD_REQUEST, Category::Structure, "the query string cannot be read");
    parsed.map(web::Query::into_inner).map_err(wrong)
}

async fn search(
    service: &Service,
    request: &HttpRequest,
    resource_type: &str,
    parameters: Vec<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(service, request)?;
    let (resource_type, own) = known_type(resource_type)?;
    let format = parameters.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    check_format(request, format)?;
    client.require(resource_type, Permissions::SEARCH)?;
    let base = service.fhir_base();
    let search = read(resource_type, own, &base, parameters, is_strict(request))?;

    let mut reader = Reader::new(service, &client, Exit::Search);
    let (shown, next) = collect(service, &mut reader, &search).await?;
    reader.finish().await?;

    let mut links = vec![link("self", &base, resource_type, &search.used)];
    if let Some(next) = next {
        let mut further = search.used.clone();
        further.push(("_cursor".to_string(), seal_cursor(&next)));
        links.push(link("next", &base, resource_type, &further));
    }
    let mut entries: Vec<Value> = shown.into_iter().map(|one| match_entry(&base, resource_type, one)).collect();
    if !search.ignored.is_empty() {
        entries.push(left_out(&search.ignored));
    }
    let body = bundle("searchset", service.gateway.clock.now(), links, entries);
    Ok(write_fhir(&mut HttpResponse::Ok(), &body))
}

/// Reads on until the page is full, the matches end, or enough was read for one request.
async fn collect(
    service: &Service,
    reader: &mut Reader<'_>,
    search: &Search,
) -> Result<(Vec<Shown>, Option<Cursor>), Fault> {
    let asked = search.elements();
    let mut shown = Vec::new();
    let mut cursor = search.cursor.clone();
    if search.nothing {
        return Ok((shown, None));
    }
    for _ in 0..STEPS {
        let room = search.count - shown.len();
        let page = service.gateway.store.search(&search.query, cursor.as_ref(), room).await?;
        for stored in page.items {
            let inside = |(elements, span): &(&[&str], _)| lies_within(&stored.resource, elements, *span);
            if !search.within.iter().all(inside) {
                continue;
            }
            if let Verdict::Shown(one) = reader.judge_found(stored, &asked).await? {
                shown.push(*one);
            }
        }
        cursor = page.next;
        if cursor.is_none() || shown.len() >= search.count {
            break;
        }
    }
    Ok((shown, cursor))
}

/// Tells which parameters had no effect (http://hl7.org/fhir/R4/search.html#errors).
fn left_out(names: &[String]) -> Value {
    let text = format!("not supported here and left out: {}", names.join(", "));
    let problem = Problem::warning(Category::NotSupported, Place::Whole, text);
    json!({ "resource": Value::from(operation_outcome(&[problem])), "search": { "mode": "outcome" } })
}
