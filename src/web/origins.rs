//! Cross-origin access (https://fetch.spec.whatwg.org/#http-cors-protocol) to FHIR, tokens and the keys, from the origins that the
//! site names (`http.origins`), and from no others. Never for the console: its pages count a cookie.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN, VARY,
};

use crate::site::Site;

/// Where a page of another origin may be let in.
const OPEN: [&str; 3] = ["/fhir", "/auth/token", "/.well-known"];

/// The origin a request comes from, when its page may read the answer.
pub fn let_in(request: &ServiceRequest, site: &Site) -> Option<HeaderValue> {
    let inside =
        |root: &&str| request.path().strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let origin = request.headers().get(ORIGIN).filter(|_| OPEN.iter().any(inside))?;
    let named = site.settings.http.origins.iter().any(|known| known.as_bytes() == origin.as_bytes());
    named.then(|| origin.clone())
}

/// Whether a browser only asks what it may ask.
pub fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

pub fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"))
        .insert_header((
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Accept, Prefer, If-None-Match, If-Modified-Since",
        ))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

/// Marks an answer as one that pages of this origin may read.
pub fn mark(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("origin"));
    let exposed = HeaderValue::from_static("ETag, Last-Modified, Retry-After, WWW-Authenticate");
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}
