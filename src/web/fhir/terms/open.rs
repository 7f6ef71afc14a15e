//! The addresses of the terminology service, and what every request to them passes: a token, what is asked, a turn.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde_json::Value;

use super::asked::Asked;
use super::{closure, expand, input, lookup, search, subsumes, translate, validate_code};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::methods::{get, only};
use crate::web::service::Service;

/// What answers it. May read files, so it runs where waiting harms nobody.
type Answer = fn(&Asked) -> Result<Value, Fault>;

const KINDS: [&str; 3] = ["CodeSystem", "ValueSet", "ConceptMap"];

/// Everything about these three types that is offered.
pub fn routes(config: &mut ServiceConfig) {
    for (kind, operation, known, answer) in OPERATIONS {
        config.service(address(&format!("/{kind}/${operation}"), kind, known, answer));
        // Whatever is asked by a code alone names its system.
        if operation != "lookup" {
            config.service(address(&format!("/{kind}/{{id}}/${operation}"), kind, known, answer));
        }
    }
    let closure_only = web::resource(CLOSURE).route(web::post().to(closure::closure));
    config.service(closure_only.default_service(only("POST")));
    for kind in KINDS {
        config.service(posts(&format!("/{kind}/_search"), kind, search::KNOWN, search::search));
        config.service(reads(&format!("/{kind}"), kind, search::KNOWN, search::search));
        config.service(reads(&format!("/{kind}/{{id}}"), kind, &[], search::read));
    }
}

/// One address, as it is described.
pub struct Address {
    pub path: String,
    pub kind: &'static str,
    /// The parameters that it takes.
    pub known: &'static [&'static str],
    /// The type of its answer.
    pub gives: &'static str,
    pub is_read: bool,
    /// Takes its parameters in the address.
    pub is_got: bool,
    /// Takes its parameters as a body.
    pub is_posted: bool,
}

/// Each address that `routes` makes, but for searches by POST.
pub fn addresses() -> Vec<Address> {
    let mut all = Vec::new();
    for (kind, operation, known, _) in OPERATIONS {
        let gives = if operation == "expand" { "ValueSet" } else { "Parameters" };
        let at = |path: String| Address { path, kind, known, gives, is_read: false, is_got: true, is_posted: true };
        all.push(at(format!("/{kind}/${operation}")));
        all.extend((operation != "lookup").then(|| at(format!("/{kind}/{{id}}/${operation}"))));
    }
    for kind in KINDS {
        let at = |path: String, known, gives, is_read| Address {
            path,
            kind,
            known,
            gives,
            is_read,
            is_got: true,
            is_posted: false,
        };
        all.push(at(format!("/{kind}"), search::KNOWN, "Bundle", false));
        all.push(at(format!("/{kind}/{{id}}"), &[], kind, true));
    }
    let (path, known, gives) = (CLOSURE.to_string(), closure::KNOWN, "ConceptMap");
    all.push(Address { path, kind: "ConceptMap", known, gives, is_read: false, is_got: false, is_posted: true });
    all
}

const CLOSURE: &str = "/ConceptMap/$closure";

const OPERATIONS: [(&str, &str, &[&str], Answer); 6] = [
    ("ValueSet", "expand", expand::KNOWN, expand::expand),
    ("ValueSet", "validate-code", validate_code::KNOWN, validate_code::in_value_set),
    ("CodeSystem", "validate-code", validate_code::KNOWN_OF_SYSTEM, validate_code::in_code_system),
    ("CodeSystem", "lookup", lookup::KNOWN, lookup::lookup),
    ("CodeSystem", "subsumes", subsumes::KNOWN, subsumes::subsumes),
    ("ConceptMap", "translate", translate::KNOWN, translate::translate),
];

fn reads(path: &str, kind: &'static str, known: &'static [&'static str], answer: Answer) -> Resource {
    let handler = move |service, request, payload| respond(service, request, payload, kind, known, answer);
    web::resource(path).route(get().to(handler)).default_service(only("GET, HEAD"))
}

fn posts(path: &str, kind: &'static str, known: &'static [&'static str], answer: Answer) -> Resource {
    let handler = move |service, request, payload| respond(service, request, payload, kind, known, answer);
    web::resource(path).route(web::post().to(handler)).default_service(only("POST"))
}

fn address(path: &str, kind: &'static str, known: &'static [&'static str], answer: Answer) -> Resource {
    let handler = move |service, request, payload| respond(service, request, payload, kind, known, answer);
    let resource = web::resource(path).route(get().to(handler)).route(web::post().to(handler));
    resource.default_service(only("GET, HEAD, POST"))
}

async fn respond(
    service: web::Data<Service>,
    request: HttpRequest,
    payload: web::Payload,
    kind: &'static str,
    known: &'static [&'static str],
    answer: Answer,
) -> Result<HttpResponse, Fault> {
    Client::of(&service, &request)?;
    let input = input::read(&request, payload, known).await?;
    let id = request.match_info().get("id").map(str::to_string);
    let (site, now) = (service.gateway.site.load_full(), service.gateway.clock.now());
    let asked = Asked { site, input, now, id, kind };
    // Only so many at once: going through a large code system is work for a processor.
    let turn = service.terminology.acquire().await.map_err(|_| Fault::unavailable("the gateway is stopping"))?;
    let answered = web::block(move || answer(&asked)).await;
    drop(turn);
    let body = answered.map_err(|_| Fault::unavailable("the answer did not come about; try again"))??;
    Ok(write_fhir(&mut HttpResponse::Ok(), &body))
}
