//! Bodies of requests: what they may be written in, and how much of one is read.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpRequest, web};

use crate::problem::Category;
use crate::web::answer::Fault;

/// The names of FHIR JSON.
pub const JSON: [&str; 4] = ["application/fhir+json", "application/json", "text/json", "application/json+fhir"];
/// RFC 6902.
pub const JSON_PATCH: &str = "application/json-patch+json";

/// 415 for a body in what is not among these; nothing said of it is FHIR JSON. The media type that it is in.
pub fn check_content(request: &HttpRequest, known: &[&'static str]) -> Result<String, Fault> {
    let refused = |text: String| Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Category::NotSupported, text);
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(refused("send the resource uncompressed".to_string()));
    }
    let first = known.first().copied().unwrap_or_default();
    let Some(named) = request.headers().get(CONTENT_TYPE) else { return Ok(first.to_string()) };
    let name = named.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if known.contains(&name.as_str()) {
        return Ok(name);
    }
    Err(refused(format!("send it as {first}")))
}

/// A body as it came; 413 for one that is longer than that.
pub async fn read_body(payload: web::Payload, most: usize) -> Result<Vec<u8>, Fault> {
    let too_large = |_| {
        let text = format!("the body has more than the {most} bytes that are taken at once");
        Fault::new(StatusCode::PAYLOAD_TOO_LARGE, Category::TooLong, text)
    };
    let broken = |_| Fault::bad_request(Category::Structure, "the body ended early");
    Ok(payload.to_bytes_limited(most).await.map_err(too_large)?.map_err(broken)?.to_vec())
}

pub fn text(body: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(body).map_err(|_| Fault::bad_request(Category::Structure, "the body is not UTF-8 text"))
}
