//! `$validate` (http://hl7.org/fhir/R4/resource-operation-validate.html): checks the resource of a body against R4, the
//! profiles that it claims and those asked for. Reads and keeps nothing of any record; any valid access token will do.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::body::{JSON, check_content, read_body, text};
use super::negotiate::check_format;
use crate::fhir::definition::{split_version, type_of_url};
use crate::fhir::{Definitions, Located, Resource, operation_outcome_in_text};
use crate::problem::{Category, Place, Problem};
use crate::profile::{Profiles, validate_against};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::service::Service;

/// More than this is not checked at once, even where a site takes larger bodies.
const MOST_BYTES: usize = 4 << 20;
const MOST_PROFILES: usize = 8;

/// Issues that are listed with their places: finding one is work in the length of the body.
const MOST_ISSUES: usize = 200;

pub async fn validate(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    Client::of(&service, &request)?;
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let query = query.map_err(|_| Fault::bad_request(Category::Structure, "the query string cannot be read"))?;
    let format = query.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    check_format(&request, format)?;
    check_content(&request, &JSON)?;
    let resource_type = path.into_inner();
    if !Definitions::r4().is_resource(&resource_type) {
        return Err(Fault::new(StatusCode::NOT_FOUND, Category::NotSupported, "R4 has no resource of this type"));
    }
    let mut asked = Asked::default();
    for (name, value) in query.into_inner() {
        asked.take(&name, &value)?;
    }
    let site = service.gateway.site.load_full();
    let body = text(read_body(payload, site.settings.http.max_body_bytes.min(MOST_BYTES)).await?)?;
    // Only so many at once: checking is work for a processor, and the others have messages to take.
    let turn = service.validations.acquire().await.map_err(|_| Fault::unavailable("the gateway is stopping"))?;
    let profiles = Arc::clone(&site.profiles);
    let checked = web::block(move || check(&body, &resource_type, asked, &profiles)).await;
    drop(turn);
    let outcome = checked.map_err(|_| Fault::unavailable("the check did not end; try again"))??;
    Ok(write_fhir(&mut HttpResponse::Ok(), &outcome.into()))
}

/// What the caller asks for beside the resource.
#[derive(Default)]
struct Asked {
    profiles: Vec<String>,
}

impl Asked {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        match name {
            "profile" if self.profiles.len() < MOST_PROFILES => self.profiles.push(value.to_string()),
            "profile" => {
                let text = format!("at most {MOST_PROFILES} profiles are checked at once");
                return Err(Fault::bad_request(Category::TooCostly, text));
            }
            "mode" if value != "profile" => return Err(mode(value)),
            _ => {}
        }
        Ok(())
    }

    /// 400 for a profile that is not here: an answer without it would look as if it had been checked.
    fn check(&self, profiles: &Profiles) -> Result<(), Fault> {
        for asked in &self.profiles {
            let core = type_of_url(split_version(asked).0).is_some_and(|name| Definitions::r4().is_resource(name));
            if !core && profiles.library().profile(asked).is_none() {
                let text = "a profile that is asked for is not known here, so nothing was checked";
                return Err(Fault::bad_request(Category::NotSupported, text));
            }
        }
        Ok(())
    }
}

/// Whether a write would be taken depends on the record it is about, and nothing of any record is read here.
fn mode(value: &str) -> Fault {
    let text = match value {
        "create" | "update" | "delete" => {
            "whether a write would be taken only trying it tells, since it depends on the record; leave `mode` out to check the content"
        }
        _ => "there is no such mode; leave `mode` out to check the content",
    };
    Fault::bad_request(Category::NotSupported, text)
}

/// The outcome for a body; a fault when the body cannot be read.
fn check(body: &str, resource_type: &str, mut asked: Asked, profiles: &Profiles) -> Result<Resource, Fault> {
    let located = Located::read(body).map_err(|unreadable| {
        let (line, column) = (unreadable.span.line, unreadable.span.column);
        Fault::bad_request(Category::Structure, format!("{} (line {line}, column {column})", unreadable.text))
    })?;
    let inside = parameters(&located.resource, resource_type, &mut asked)?;
    asked.check(profiles)?;
    let (resource, path) = inside.unwrap_or_else(|| (located.resource.clone(), String::new()));
    let text_of = |span: crate::fhir::Span| format!("{}:{}", span.line, span.column);
    let mut found: Vec<(Problem, String)> =
        located.faults().into_iter().map(|(span, problem)| (problem, text_of(span))).collect();
    if resource.resource_type() != resource_type {
        let text = format!("this was sent to be checked as a {resource_type}, and is another type");
        let place = Place::Element(resource.resource_type().to_string());
        found.push((Problem::error(Category::Structure, place, text), text_of(located.find(&path))));
    }
    let mut problems = validate_against(&resource, &asked.profiles, profiles);
    let more = problems.split_off(problems.len().min(MOST_ISSUES));
    for problem in problems {
        // In the text, the resource may be a part of Parameters.
        let span = match &problem.place {
            Place::Element(own) if !path.is_empty() => {
                let below = own.find('.').and_then(|at| own.get(at..)).unwrap_or_default();
                located.find(&format!("{path}{below}"))
            }
            _ => located.place_of(&problem),
        };
        found.push((problem, text_of(span)));
    }
    if let Some(gravest) = more.iter().max_by_key(|problem| problem.severity) {
        let text = format!("{} more issues are not listed; mend these first", more.len());
        found.push((Problem { text, place: Place::Whole, ..gravest.clone() }, text_of(located.find(""))));
    }
    Ok(operation_outcome_in_text(&found))
}

/// The resource in Parameters, with its path there; none when the body is the resource itself.
fn parameters(body: &Resource, resource_type: &str, asked: &mut Asked) -> Result<Option<(Resource, String)>, Fault> {
    if body.resource_type() != "Parameters" {
        return Ok(None);
    }
    let listed = body.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found = None;
    for (index, parameter) in listed.iter().enumerate() {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        let value = ["valueCode", "valueUri", "valueCanonical", "valueString"]
            .iter()
            .find_map(|key| parameter.get(*key)?.as_str());
        match parameter.get("resource") {
            Some(resource) if name == "resource" && found.is_none() => {
                let resource = Resource::try_from(resource.clone());
                let resource = resource.map_err(|reason| Fault::bad_request(Category::Structure, reason))?;
                found = Some((resource, format!("Parameters.parameter[{index}].resource")));
            }
            // Of Parameters that are to be checked themselves, the parameters are nobody's.
            None if found.is_some() || resource_type != "Parameters" => asked.take(name, value.unwrap_or_default())?,
            _ => {}
        }
    }
    match found {
        None if resource_type != "Parameters" => {
            let text = "there is no parameter `resource`; send it, or the resource itself as the body";
            Err(Fault::bad_request(Category::Required, text))
        }
        found => Ok(found),
    }
}
