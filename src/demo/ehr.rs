//! The stand-in EHR of the demo's practice: a small FHIR server on its own port with its own token endpoint. It checks
//! what it is sent as a partner would, holds it in memory, and shows it on a page. Not for anything but trying out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde_json::Value;

use super::ehr_client::EhrClient;
use super::ehr_pages;
use super::ehr_shelf::{Held, Shelf};
use super::ehr_token::TokenDesk;
use crate::fhir::{Identifier, Resource, operation_outcome};
use crate::problem::{Category, Place, Problem};

/// The running stand-in.
pub struct StandInEhr {
    shelf: Mutex<Shelf>,
    desk: TokenDesk,
    base: String,
    /// As which it writes to the gateway; none where no key could be made.
    client: Option<EhrClient>,
}

/// What it holds; everything else it refuses.
const TAKEN: &[&str] =
    &["Task", "CarePlan", "Flag", "Communication", "Encounter", "Observation", "Condition", "Patient"];

impl StandInEhr {
    /// `base` is the address it will be reached by; `gateway_keys` the address of the gateway's public keys.
    pub fn new(base: String, gateway_keys: String, client_id: String) -> Arc<Self> {
        let desk = TokenDesk::new(format!("{base}/auth/token"), gateway_keys, client_id);
        Arc::new(Self { shelf: Mutex::new(Shelf::new()), desk, base, client: EhrClient::new() })
    }

    pub(super) fn client(&self) -> Option<&EhrClient> {
        self.client.as_ref()
    }

    /// A copy of all it holds of one type.
    pub fn all(&self, resource_type: &str) -> Vec<Held> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.iter().filter(|((kind, _), _)| kind == resource_type).map(|(_, held)| held.clone()).collect()
    }

    /// Somebody at the practice works on what they choose of what it holds.
    pub fn work_on(&self, chosen: impl Fn(&Resource) -> bool, work: impl Fn(&mut Resource)) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, held) in shelf.iter_mut().filter(|(_, held)| chosen(&held.resource)) {
            work(&mut held.resource);
            held.version += 1;
            held.updated = Timestamp::now();
        }
    }

    /// Its routes.
    pub fn configure(self: &Arc<Self>, config: &mut web::ServiceConfig) {
        config
            .app_data(web::Data::from(Arc::clone(self)))
            .app_data(web::PayloadConfig::new(1 << 20))
            .route("/", web::get().to(page))
            .route("/jwks.json", web::get().to(keys))
            .route("/auth/token", web::post().to(token))
            .route("/fhir/.well-known/smart-configuration", web::get().to(smart_configuration))
            .route("/fhir/metadata", web::get().to(statement))
            .route("/fhir/{type}", web::get().to(list))
            .route("/fhir/{type}", web::put().to(update_by_identifier));
    }

    /// Puts a resource on the shelf; true when it was not there yet.
    fn put(&self, identifier: Identifier, resource: Resource) -> (bool, Held) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let number = shelf.len() + 1;
        let key = (resource.resource_type().to_string(), identifier);
        let before = shelf.get(&key);
        let id = before.map_or_else(|| format!("{number}"), |held| held.id.clone());
        let held = Held { id, version: before.map_or(1, |held| held.version + 1), updated: Timestamp::now(), resource };
        let created = before.is_none();
        shelf.insert(key, held.clone());
        (created, held)
    }
}

async fn page(ehr: web::Data<StandInEhr>) -> HttpResponse {
    let shelf = ehr.shelf.lock().unwrap_or_else(PoisonError::into_inner);
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(ehr_pages::worklist(&shelf))
}

async fn keys(ehr: web::Data<StandInEhr>) -> HttpResponse {
    HttpResponse::Ok().json(ehr.client.as_ref().map(EhrClient::keys).unwrap_or_default())
}

async fn smart_configuration(ehr: web::Data<StandInEhr>) -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({
        "token_endpoint": format!("{}/auth/token", ehr.base),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/*.cu"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }))
}

async fn token(ehr: web::Data<StandInEhr>, form: web::Form<BTreeMap<String, String>>) -> HttpResponse {
    match ehr.desk.issue(&form).await {
        Ok(token) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(serde_json::json!({
            "access_token": token, "token_type": "bearer", "expires_in": 300, "scope": "system/*.cu",
        })),
        Err(fault) => HttpResponse::BadRequest()
            .json(serde_json::json!({ "error": "invalid_client", "error_description": fault })),
    }
}

/// http://hl7.org/fhir/R4/capabilitystatement.html
async fn statement() -> HttpResponse {
    let types = TAKEN.iter().map(|kind| {
        serde_json::json!({
            "type": kind, "conditionalUpdate": true,
            "interaction": [{ "code": "update" }, { "code": "search-type" }],
        })
    });
    let statement = serde_json::json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
        "fhirVersion": "4.0.1", "format": ["json"], "software": { "name": "Stand-in EHR of the demo" },
        "rest": [{ "mode": "server", "resource": types.collect::<Vec<_>>() }],
    });
    HttpResponse::Ok().content_type("application/fhir+json").body(statement.to_string())
}

async fn list(ehr: web::Data<StandInEhr>, path: web::Path<String>) -> HttpResponse {
    let entries: Vec<Value> = ehr
        .all(&path)
        .into_iter()
        .map(|held| {
            let mut resource = held.resource;
            resource.set("id", Value::String(held.id));
            let mut meta = resource.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
            meta.insert("versionId".to_string(), Value::String(held.version.to_string()));
            meta.insert("lastUpdated".to_string(), Value::String(held.updated.to_string()));
            resource.set("meta", Value::Object(meta));
            serde_json::json!({ "resource": Value::from(resource) })
        })
        .collect();
    let bundle = serde_json::json!({
        "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries,
    });
    HttpResponse::Ok().content_type("application/fhir+json").body(bundle.to_string())
}

async fn update_by_identifier(
    ehr: web::Data<StandInEhr>,
    path: web::Path<String>,
    query: web::Query<BTreeMap<String, String>>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !ehr.desk.accepts(bearer) {
        return outcome(HttpResponse::Unauthorized(), Category::Login, "no valid bearer token");
    }
    let identifier = query.get("identifier").and_then(|token| token.split_once('|'));
    let Some((system, value)) = identifier else {
        return outcome(HttpResponse::PreconditionFailed(), Category::Required, "update by identifier=system|value");
    };
    let resource = match serde_json::from_slice::<Resource>(&body) {
        Ok(resource) => resource,
        Err(fault) => return outcome(HttpResponse::BadRequest(), Category::Structure, &fault.to_string()),
    };
    let identifier = Identifier::new(system, value);
    let problems = check(&path, &identifier, &resource);
    if !problems.is_empty() {
        let body = Value::from(operation_outcome(&problems)).to_string();
        return HttpResponse::UnprocessableEntity().content_type("application/fhir+json").body(body);
    }
    let (created, held) = ehr.put(identifier, resource);
    let mut response = if created { HttpResponse::Created() } else { HttpResponse::Ok() };
    response
        .insert_header((header::LOCATION, format!("{}/fhir/{path}/{}", ehr.base, held.id)))
        .insert_header((header::ETAG, format!("W/\"{}\"", held.version)))
        .finish()
}

/// What a careful partner checks before it lets a resource into its own record.
fn check(resource_type: &str, identifier: &Identifier, resource: &Resource) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fault = |category, element: &str, text: &str| {
        problems.push(Problem::error(category, Place::Element(format!("{resource_type}{element}")), text));
    };
    if resource.resource_type() != resource_type || !TAKEN.contains(&resource_type) {
        fault(Category::NotSupported, "", "this server does not hold such resources here");
    }
    if resource.id().is_some() {
        fault(Category::Invalid, ".id", "an update by identifier carries no id of the sender");
    }
    if !resource.identifiers().contains(identifier) {
        fault(Category::Invalid, ".identifier", "the resource does not carry the identifier it is updated by");
    }
    let subject = match resource_type {
        "Task" => Some("for"),
        "CarePlan" | "Flag" | "Encounter" | "Observation" | "Condition" => Some("subject"),
        _ => None,
    };
    if let Some(element) = subject {
        let named = resource.get(element).and_then(|subject| subject.get("identifier")).and_then(Identifier::from_json);
        if named.is_none() {
            fault(Category::Required, &format!(".{element}"), "the patient must be named by an identifier");
        }
    }
    problems.extend(crate::profile::validate(resource).into_iter().filter(Problem::is_error));
    problems
}

fn outcome(mut response: actix_web::HttpResponseBuilder, category: Category, text: &str) -> HttpResponse {
    let problem = Problem::error(category, Place::Whole, text);
    response.content_type("application/fhir+json").body(Value::from(operation_outcome(&[problem])).to_string())
}
