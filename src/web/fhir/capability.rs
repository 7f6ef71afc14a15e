//! capabilities (http://hl7.org/fhir/R4/http.html#capabilities): a CapabilityStatement made from what is served, no more.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::includes::offered;
use super::negotiate::{check_format, parameter};
use super::reading::is_offered;
use super::table::{Does, OFFERS};
use super::terms::{stated_resources, terminology};
use crate::fhir::search::SERVED;
use crate::problem::Category;
use crate::profile::{Profiles, us_core_profiles};
use crate::web::answer::{Fault, write_fhir};
use crate::web::service::Service;

pub async fn capability(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    check_format(&request, parameter(&request, "_format").as_deref())?;
    let site = service.gateway.site.load_full();
    let settings = &site.settings;
    let cors = !settings.http.origins.is_empty();
    let caller = Caller::of(&service, &request)?;
    let started = format!("{:.0}", service.started);
    let body = match parameter(&request, "mode").as_deref() {
        None | Some("full" | "normative") => statement(&settings.base_url, &started, cors, &caller, &site.profiles),
        Some("terminology") => terminology(&settings.base_url, &started, &site.profiles),
        Some(_) => return Err(Fault::bad_request(Category::NotSupported, "`mode` is full, normative or terminology")),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, caller.cached())).insert_header((VARY, "authorization"));
    Ok(write_fhir(&mut response, &body))
}

fn statement(base_url: &str, started: &str, cors: bool, caller: &Caller<'_>, profiles: &Profiles) -> Value {
    let resources = SERVED.iter().filter_map(|name| resource(name, profiles, caller));
    let resources: Vec<Value> = resources.chain(stated_resources()).collect();
    let version = env!("CARGO_PKG_VERSION");
    let mut stated = json!({
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
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [{
            "mode": "server",
            "security": security(base_url, cors),
            "resource": resources,
            "interaction": on_system(caller),
            "compartment": ["http://hl7.org/fhir/CompartmentDefinition/patient"],
        }],
    });
    if let Some(members) = stated.as_object_mut().filter(|_| caller.may_tell()) {
        let definition = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message";
        if let Some(rest) = members.get_mut("rest").and_then(|rest| rest.get_mut(0)?.as_object_mut()) {
            rest.insert("operation".to_string(), json!([{ "name": "process-message", "definition": definition }]));
        }
        members.insert("messaging".to_string(), messaging(base_url));
    }
    stated
}

/// What is taken by message. An answer is given again for as long as the message is kept, so that no time is stated for it.
fn messaging(base_url: &str) -> Value {
    let text = "Takes notifications of admissions, transfers and discharges (Da Vinci Unsolicited Notifications 1.1.0, and v2's ADT events), \
                registrations, orders, results, appointments, documents, immunizations and charges (by v2's events) as a Bundle of type message \
                or as Parameters, and answers at once, in the response: `async` and `response-url` are refused. A message \
                that was done is answered alike when it comes again; none is sent from this address.";
    json!([{
        "endpoint": [{
            "protocol": { "system": "http://terminology.hl7.org/CodeSystem/message-transport", "code": "http" },
            "address": format!("{base_url}/fhir/$process-message"),
        }],
        "documentation": text,
    }])
}

/// What is about no type of its own (http://hl7.org/fhir/R4/valueset-system-restful-interaction.html).
fn on_system(caller: &Caller<'_>) -> Vec<Value> {
    let offered = OFFERS.iter().filter(|offer| caller.may_on_system(offer));
    let codes = offered.flat_map(|offer| match offer.does {
        Does::Bundle => &["transaction", "batch"][..],
        Does::HistorySystem => &["history-system"],
        _ => &[],
    });
    codes.map(|code| json!({ "code": code })).collect()
}

fn security(base_url: &str, cors: bool) -> Value {
    let text =
        "Every read and every write needs a SMART Backend Services access token and an agreement that allows it.";
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

fn resource(name: &str, profiles: &Profiles, caller: &Caller<'_>) -> Option<Value> {
    let does: Vec<Does> = caller.offers(name).iter().map(|offer| offer.does).collect();
    if does.is_empty() {
        return None;
    }
    let codes: Vec<Value> = does.iter().filter_map(|does| does.code()).map(|code| json!({ "code": code })).collect();
    let operations: Vec<Value> = does
        .iter()
        .filter_map(|does| does.operation())
        .map(|(name, definition)| json!({ "name": name, "definition": definition }))
        .collect();
    let may = |what: Does| does.contains(&what);
    let (includes, reverse_includes) = if may(Does::Search) { offered(profiles, name) } else { Default::default() };
    let parameters = profiles.searches(name).iter().filter(|one| may(Does::Search) && is_offered(&one.name));
    let mut parameters: Vec<Value> =
        parameters.map(|one| json!({ "name": one.name, "definition": one.url, "type": one.kind.code() })).collect();
    if may(Does::Search) {
        parameters.extend(
            caller.specials().map(|(name, what)| json!({ "name": name, "type": "special", "documentation": what })),
        );
    }
    let mut stated = json!({
        "type": name,
        "interaction": codes,
        "versioning": "versioned",
        "readHistory": may(Does::VRead),
        "conditionalRead": if may(Does::Read) { "full-support" } else { "not-supported" },
        "updateCreate": may(Does::Update) && caller.takes_ids(name),
        "conditionalCreate": may(Does::Create),
        "conditionalUpdate": may(Does::UpdateByCondition),
        "conditionalDelete": if may(Does::DeleteByCondition) { "single" } else { "not-supported" },
        "searchInclude": includes,
        "searchRevInclude": reverse_includes,
        "searchParam": parameters,
        "operation": operations,
    });
    let profiles = us_core_profiles(name);
    let members = stated.as_object_mut()?;
    if caller.takes_ids(name) {
        let text = "Ids of the client's own are taken: an update of one creates, and it is read, patched, deleted and searched by.";
        members.insert("documentation".to_string(), json!(text));
    }
    // What meets one of them says so in `meta.profile`.
    members.insert("supportedProfile".to_string(), json!(profiles));
    // Nothing lost: in FHIR what is empty is left out.
    members.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    Some(stated)
}
