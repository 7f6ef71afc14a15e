//! `$process-message` (http://hl7.org/fhir/R4/messageheader-operation-process-message.html): who may tell by messages, and the message
//! that answers each. What it means is `pipeline/write/message`'s to say.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::door::admit;
use super::reply::refused;
use super::single::{submission, submit};
use crate::fhir::{home_of, written_types};
use crate::pipeline::{Interaction, Submission};
use crate::problem::Category;
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::fhir::body::{JSON, check_content, read_body};
use crate::web::fhir::negotiate::{check_format, only, parameter};
use crate::web::scope::Permissions;
use crate::web::service::Service;

pub async fn process_message(
    service: web::Data<Service>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    check_format(&request, parameter(&request, "_format").as_deref())?;
    let asked = only(&request, &["async", "response-url"])?;
    if asked.iter().any(|(name, value)| name == "response-url" || name == "async" && value != "false") {
        let text =
            "messages are answered at once, in the response to the request: leave `async` and `response-url` out";
        return Err(Fault::bad_request(Category::NotSupported, text));
    }
    // Who may create nothing has nothing to tell, either.
    if !written_types().any(|kind| admit(&service, &client, kind, Permissions::CREATE).is_ok()) {
        admit(&service, &client, "Patient", Permissions::CREATE)?;
    }
    let media_type = check_content(&request, &JSON)?;
    let most = service.gateway.site.load().settings.http.max_body_bytes;
    let body = read_body(payload, most).await?;
    // What the agreement does not let the partner send is left out and named; what the token leaves out was not asked for.
    for kind in types(&body) {
        let (site, now) = (service.gateway.site.load_full(), service.gateway.clock.now());
        if home_of(&kind).is_some() && site.agreements.sends(&client.partner, &kind, now).is_ok() {
            client.require(&kind, Permissions::CREATE)?;
        }
    }
    let known = submission(&client, &request, Interaction::Message, BTreeMap::new())?;
    // Messages have numbers of their own.
    let told = Submission { media_type, body, request_id: None, if_match: None, ..known };
    let submitted = submit(&service, told).await;
    let status = match &submitted.result {
        Ok(_) => StatusCode::OK,
        // Senders take 404 for an address that is not there, and send no more.
        Err(refusal) if refusal.status == 404 => StatusCode::UNPROCESSABLE_ENTITY,
        Err(refusal) => StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let Some(reply) = &submitted.reply else {
        return match &submitted.result {
            Err(refusal) => Ok(refused(refusal)),
            Ok(_) => Err(Fault::unavailable("the answer is lost; send the message again")),
        };
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, 5));
    }
    Ok(write_fhir(&mut response, reply))
}

/// The types of what stands in a message, by itself or as a parameter.
fn types(body: &[u8]) -> BTreeSet<String> {
    // Nothing lost: what cannot be read is refused, and kept, by the path of all writes.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return BTreeSet::new() };
    let parameters = body.get("parameter").and_then(Value::as_array).into_iter().flatten();
    let contents = parameters.filter_map(|one| one.get("resource"));
    let bundles = std::iter::once(&body).chain(contents);
    let entries = bundles.filter_map(|bundle| bundle.get("entry")?.as_array()).flatten();
    entries.filter_map(|entry| entry.pointer("/resource/resourceType")?.as_str().map(String::from)).collect()
}
