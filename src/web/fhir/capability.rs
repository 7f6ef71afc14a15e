//! capabilities (http://hl7.org/fhir/R4/http.html#capabilities): a CapabilityStatement made from what is served, no more.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::negotiate::{check_format, parameter};
use super::parameters::{COMMON, Parameter, TYPES};
use crate::fhir::Library;
use crate::profile::us_core_profiles;
use crate::web::answer::{Fault, write_fhir};
use crate::web::service::Service;

pub async fn capability(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    check_format(&request, parameter(&request, "_format").as_deref())?;
    let settings = &service.gateway.site.load().settings;
    let cors = !settings.http.origins.is_empty();
    let body = statement(&settings.base_url, &format!("{:.0}", service.started), cors);
    Ok(write_fhir(HttpResponse::Ok().insert_header((CACHE_CONTROL, "max-age=60")), &body))
}

fn statement(base_url: &str, started: &str, cors: bool) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{base_url}/fhir/metadata"),
        "version": version,
        "name": "Handover",
        "title": "Handover FHIR interface",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": { "name": "Handover", "version": version },
        "implementation": { "description": "Care coordination gateway", "url": format!("{base_url}/fhir") },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "security": security(base_url, cors),
            "resource": TYPES.iter().map(|(name, own)| resource(name, own)).collect::<Vec<_>>(),
        }],
    })
}

fn security(base_url: &str, cors: bool) -> Value {
    let text = "Every read needs a SMART Backend Services access token and an agreement that allows it.";
    json!({
        "cors": cors,
        "service": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
            }],
        }],
        "description": text,
        "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            // R4's extension demands both; nobody is sent anywhere to log in here.
            "extension": [
                { "url": "authorize", "_valueUri": { "extension": [{
                    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "not-applicable",
                }] } },
                { "url": "token", "valueUri": format!("{base_url}/auth/token") },
            ],
        }],
    })
}

fn resource(name: &str, own: &[Parameter]) -> Value {
    let parameters = COMMON.iter().chain(own);
    let parameters: Vec<Value> = parameters
        .map(|(parameter, kind)| {
            let known = Library::built_in().search_parameter(name, parameter);
            let mut stated = json!({ "name": parameter, "type": kind.code() });
            if let (Some(known), Some(stated)) = (known, stated.as_object_mut()) {
                stated.insert("definition".to_string(), json!(known.url));
            }
            stated
        })
        .collect();
    let interactions: Vec<Value> =
        ["read", "vread", "history-instance", "search-type"].iter().map(|code| json!({ "code": code })).collect();
    let mut stated = json!({
        "type": name,
        "interaction": interactions,
        "versioning": "versioned",
        "readHistory": true,
        "conditionalRead": "full-support",
        "searchParam": parameters,
        "operation": [{
            "name": "validate",
            "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        }],
    });
    let profiles = us_core_profiles(name);
    if let Some(stated) = stated.as_object_mut().filter(|_| !profiles.is_empty()) {
        // What meets one of them says so in `meta.profile`.
        stated.insert("supportedProfile".to_string(), json!(profiles));
    }
    stated
}
