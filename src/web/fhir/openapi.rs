//! `/fhir/openapi.json`: what is offered below `/fhir`, type by type, with the search parameters of each; with a token, what is for its client.

use actix_web::http::header::{CACHE_CONTROL, ContentType, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::includes::offered;
use super::reading::{is_offered, is_sortable};
use super::table::{Does, OFFERS};
use super::terms;
use crate::profile::Profiles;
use crate::web::answer::Fault;
use crate::web::offer::Method::{Get, Post};
use crate::web::offer::{Content, Offer, Who};
use crate::web::openapi::{About, Described, add, document};
use crate::web::service::Service;

/// The statuses of faults that any answer may have: a parameter, a format, a body that is late, too many requests, a store that does not answer.
const FAULTS: [u16; 6] = [400, 406, 408, 429, 500, 503];

pub async fn openapi(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let caller = Caller::of(&service, &request)?;
    let site = service.gateway.site.load_full();
    let (base_url, base) = (&site.settings.base_url, service.fhir_base());
    let body = caller.told(&site, "fhir", || {
        let described = described(&caller, &site.profiles, "");
        document("Handover FHIR interface", &base, base_url, &caller.types(), described).to_string()
    });
    let mut response = HttpResponse::Ok();
    response.insert_header(ContentType::json()).insert_header((CACHE_CONTROL, caller.cached()));
    Ok(response.insert_header((VARY, "authorization")).body(body))
}

/// What is below `/fhir`, each path with this before it.
pub fn described(caller: &Caller<'_>, profiles: &Profiles, before: &str) -> Described {
    let mut described = Described::default();
    let paths = &mut described.paths;
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
        add(paths, offer, about);
    }
    for kind in caller.types() {
        let (conditions, results) = (conditions(kind, profiles, caller), results(kind, profiles));
        let key = |one: &Value| format!("{kind}.{}", one["name"].as_str().unwrap_or_default());
        let names = |of: &[Value]| of.iter().map(key).collect::<Vec<_>>();
        for offer in caller.offers(kind) {
            let parameters = match offer.does {
                Does::Search | Does::SearchCompartment => [names(&conditions), names(&results)].concat(),
                Does::UpdateByCondition | Does::PatchByCondition | Does::DeleteByCondition => names(&conditions),
                _ => Vec::new(),
            };
            let about = About {
                path: format!("{before}{}", offer.path.replace("{type}", kind)),
                id: format!("{:?}{kind}", offer.does),
                tag: kind,
                kind,
                parameters,
                faults: &FAULTS,
            };
            add(paths, offer, about);
        }
        let all = conditions.into_iter().chain(results);
        let each: Map<String, Value> = all.map(|one| (key(&one), one)).collect();
        let named = |one: &Value| one["name"].as_str().unwrap_or_default().to_string();
        let form: Map<String, Value> = each.values().map(|one| (named(one), one["schema"].clone())).collect();
        described.schemas.insert(format!("{kind}.search"), json!({ "type": "object", "properties": form }));
        described.parameters.extend(each);
    }
    describe_terminology(&mut described, before);
    described
}

const ASK: Offer<()> = Offer::new((), Get, "", "Ask of codes").of(Who::Token).faults(&[404, 422]);
const ASK_BY_BODY: Offer<()> = Offer::new((), Post, "", "Ask of codes, the parameters in the body")
    .of(Who::Token)
    .takes(Content::One("Parameters"))
    .faults(&[404, 413, 415, 422]);

/// What is held of codes, and what can be asked of it.
fn describe_terminology(described: &mut Described, before: &str) {
    for address in terms::addresses() {
        let of = address.path.trim_start_matches('/').replace(['/', '{', '}', '$'], ".");
        let key = |name: &&str| format!("{of}.{name}");
        let texts = json!({ "type": "string", "minLength": 1 });
        described.parameters.extend(address.known.iter().map(|name| (key(name), query(name, name, texts.clone()))));
        let gives: &'static [(u16, Content)] = match address.gives {
            _ if address.is_read => &[(200, Content::Resource)],
            "ValueSet" => &[(200, Content::One("ValueSet"))],
            "Bundle" => &[(200, Content::One("Bundle"))],
            "ConceptMap" => &[(200, Content::One("ConceptMap"))],
            _ => &[(200, Content::One("Parameters"))],
        };
        let about = |method: &str, parameters| About {
            path: format!("{before}{}", address.path),
            id: format!("{method}.{of}"),
            tag: address.kind,
            kind: address.kind,
            parameters,
            faults: &FAULTS,
        };
        if address.is_got {
            add(&mut described.paths, &ASK.gives(gives), about("get", address.known.iter().map(key).collect()));
        }
        if address.is_posted {
            add(&mut described.paths, &ASK_BY_BODY.gives(gives), about("post", Vec::new()));
        }
    }
}

fn query(name: &str, what: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": what, "schema": schema })
}

/// The search parameters of a type.
fn conditions(kind: &str, profiles: &Profiles, caller: &Caller<'_>) -> Vec<Value> {
    let texts = json!({ "type": "array", "items": { "type": "string", "minLength": 1 } });
    let offered = profiles.searches(kind).iter().filter(|one| is_offered(&one.name));
    let special = caller.specials().map(|(name, what)| query(name, what, texts.clone()));
    offered
        .map(|one| query(&one.name, &format!("{}: {}", one.kind.code(), one.url), texts.clone()))
        .chain(special)
        .collect()
}

/// Those that say how what is found is given.
fn results(kind: &str, profiles: &Profiles) -> Vec<Value> {
    let (includes, reverse) = offered(profiles, kind);
    let one_of = |values: Vec<String>| json!({ "type": "array", "items": { "enum": values } });
    let sorted: Vec<String> = profiles
        .searches(kind)
        .iter()
        .filter(|one| is_offered(&one.name) && is_sortable(one))
        .flat_map(|one| [one.name.clone(), format!("-{}", one.name)])
        .collect();
    let mut all = vec![
        query("_count", "matches on a page", json!({ "type": "integer", "minimum": 0, "maximum": 250 })),
        query("_sort", "in which order", json!({ "enum": sorted })),
        query("_summary", "how much of each", json!({ "enum": ["count", "true", "text", "data", "false"] })),
        query("_total", "whether they are counted", json!({ "enum": ["none", "estimate", "accurate"] })),
        query("_elements", "elements, joined by commas", json!({ "type": "string", "minLength": 1 })),
    ];
    all.extend((!includes.is_empty()).then(|| query("_include", "what matches name", one_of(includes))));
    all.extend((!reverse.is_empty()).then(|| query("_revinclude", "what names matches", one_of(reverse))));
    all
}
