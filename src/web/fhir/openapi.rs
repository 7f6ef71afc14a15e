//! `/fhir/openapi.json`: what is offered below `/fhir`, type by type, with the search parameters of each; with a token, what is for its client.

use actix_web::http::header::{CACHE_CONTROL, ContentType, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::includes::offered;
use super::reading::{is_offered, is_sortable};
use super::table::{Does, OFFERS};
use crate::profile::Profiles;
use crate::web::answer::Fault;
use crate::web::offer::Offer;
use crate::web::openapi::{About, Paths, add, document};
use crate::web::service::Service;

/// The statuses of faults that any answer may have: a parameter, a format, a body that is late, too many requests, a store that does not answer.
const FAULTS: [u16; 6] = [400, 406, 408, 429, 500, 503];

pub async fn openapi(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let caller = Caller::of(&service, &request)?;
    let site = service.gateway.site.load_full();
    let (base_url, base) = (&site.settings.base_url, service.fhir_base());
    let paths = paths(&caller, &site.profiles, "");
    let body = document("Handover FHIR interface", &base, base_url, &caller.types(), paths);
    let mut response = HttpResponse::Ok();
    response.insert_header(ContentType::json()).insert_header((CACHE_CONTROL, caller.cached()));
    Ok(response.insert_header((VARY, "authorization")).body(body.to_string()))
}

/// The paths below `/fhir`, each with this before it.
pub fn paths(caller: &Caller<'_>, profiles: &Profiles, before: &str) -> Paths {
    let mut paths = Paths::new();
    let is_typed = |offer: &Offer<Does>| offer.path.contains("{type}") || offer.does == Does::Everything;
    for offer in OFFERS.iter().filter(|offer| !is_typed(offer) && caller.may_on_system(offer)) {
        let path = if before.is_empty() && offer.path.is_empty() { "/" } else { offer.path };
        let about = About {
            path: format!("{before}{path}"),
            id: format!("{:?}", offer.does),
            tag: "System",
            kind: "*",
            parameters: Vec::new(),
            faults: &FAULTS,
        };
        add(&mut paths, offer, about);
    }
    for kind in caller.types() {
        for offer in caller.offers(kind) {
            let about = About {
                path: format!("{before}{}", offer.path.replace("{type}", kind)),
                id: format!("{:?}{kind}", offer.does),
                tag: kind,
                kind,
                parameters: parameters(offer.does, kind, profiles),
                faults: &FAULTS,
            };
            add(&mut paths, offer, about);
        }
    }
    paths
}

/// The search parameters of a type, where they are conditions here, and those that say how an answer is written.
fn parameters(does: Does, kind: &str, profiles: &Profiles) -> Vec<Value> {
    let is_search = matches!(does, Does::Search | Does::SearchByPost | Does::SearchCompartment);
    if !is_search && !matches!(does, Does::UpdateByCondition | Does::PatchByCondition | Does::DeleteByCondition) {
        return Vec::new();
    }
    let query = |name: &str, what: &str, schema: Value| json!({ "name": name, "in": "query", "description": what, "schema": schema });
    let texts = json!({ "type": "array", "items": { "type": "string", "minLength": 1 } });
    let searched: Vec<_> = profiles.searches(kind).iter().filter(|one| is_offered(&one.name)).collect();
    let mut all: Vec<Value> = searched
        .iter()
        .map(|one| query(&one.name, &format!("{}: {}", one.kind.code(), one.url), texts.clone()))
        .collect();
    if is_search {
        let (includes, reverse) = offered(profiles, kind);
        let one_of = |values: Vec<String>| json!({ "type": "array", "items": { "enum": values } });
        let sorted: Vec<String> = searched
            .iter()
            .filter(|one| is_sortable(one))
            .flat_map(|one| [one.name.clone(), format!("-{}", one.name)])
            .collect();
        all.push(query("_count", "matches on a page", json!({ "type": "integer", "minimum": 0, "maximum": 250 })));
        all.push(query("_sort", "in which order", json!({ "enum": sorted })));
        all.push(query("_summary", "how much of each", json!({ "enum": ["count", "true", "text", "data", "false"] })));
        all.push(query("_total", "whether they are counted", json!({ "enum": ["none", "estimate", "accurate"] })));
        all.push(query("_elements", "elements, joined by commas", json!({ "type": "string", "minLength": 1 })));
        all.extend((!includes.is_empty()).then(|| query("_include", "what matches name", one_of(includes))));
        all.extend((!reverse.is_empty()).then(|| query("_revinclude", "what names matches", one_of(reverse))));
    }
    all
}
