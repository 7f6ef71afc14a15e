//! How one resource is answered: with its version, and a Binary as what it holds (http://hl7.org/fhir/R4/binary.html#rest): to whoever does not ask for FHIR, in its own content type.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, HttpDate, LAST_MODIFIED,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::negotiate::{check_format, parameter};
use crate::problem::Category;
use crate::web::access::Shown;
use crate::web::answer::{Fault, write_fhir};

/// Whether a type is written in more than FHIR; what of it suits the request is known when it is read.
pub fn has_own(resource_type: &str, request: &HttpRequest) -> bool {
    resource_type == "Binary" && parameter(request, "_format").is_none_or(|format| format.is_empty())
}

/// The answer with a resource, in what the request accepts.
pub fn respond_as_wanted(request: &HttpRequest, shown: Shown) -> Result<HttpResponse, Fault> {
    let content_type = shown.resource().text("contentType").map(String::from);
    let Some(content_type) = content_type.filter(|_| has_own(shown.resource().resource_type(), request)) else {
        return Ok(respond(shown));
    };
    let accepted: Vec<String> = request
        .headers()
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .filter(|one| !one.is_empty())
        .collect();
    let asks_for_fhir = accepted.iter().any(|one| one.contains("json") && !one.contains('*'));
    let own = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let main = own.split('/').next().unwrap_or_default();
    let suits = |one: &String| *one == own || one == "*/*" || *one == format!("{main}/*");
    let is_wanted = accepted.is_empty() || accepted.iter().any(suits);
    if asks_for_fhir && !accepted.contains(&own) {
        check_format(request, None)?;
        return Ok(respond(shown));
    }
    if !is_wanted {
        let text = "this is answered in the content type that it has, or as application/fhir+json";
        return Err(Fault::new(StatusCode::NOT_ACCEPTABLE, Category::NotSupported, text));
    }
    // Nothing lost: what is no base64 is answered as the resource that it is.
    let Some(data) = shown.resource().text("data").and_then(|data| STANDARD.decode(data).ok()) else {
        return Ok(respond(shown));
    };
    let named = HeaderValue::from_str(&content_type);
    let named = named.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let mut response = stamped(&shown);
    // Never a page of this address.
    response.insert_header((CONTENT_DISPOSITION, "attachment"));
    response.insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    Ok(response.insert_header((CONTENT_TYPE, named)).body(data))
}

fn respond(shown: Shown) -> HttpResponse {
    let mut response = stamped(&shown);
    write_fhir(&mut response, &shown.into_resource().into())
}

/// An answer that says which version it has.
fn stamped(shown: &Shown) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, etag(shown))).insert_header((LAST_MODIFIED, modified(shown)));
    response
}

pub fn etag(shown: &Shown) -> String {
    format!("W/\"{}\"", shown.version())
}

fn modified(shown: &Shown) -> HttpDate {
    HttpDate::from(std::time::SystemTime::from(shown.updated()))
}
