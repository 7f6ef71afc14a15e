//! Content negotiation (http://hl7.org/fhir/R4/http.html#mime-type): this server writes and reads FHIR JSON, version 4.0.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;

use crate::problem::Category;
use crate::web::answer::Fault;

const JSON_TYPES: [&str; 6] =
    ["application/fhir+json", "application/json", "application/*", "*/*", "json", "text/json"];

/// 406 when the client wants something other than FHIR JSON. `format` is the _format parameter, which wins over Accept.
pub fn check_format(request: &HttpRequest, format: Option<&str>) -> Result<(), Fault> {
    let refused = || {
        let text = "this server answers with application/fhir+json, fhirVersion=4.0, and nothing else";
        Fault::new(StatusCode::NOT_ACCEPTABLE, Category::NotSupported, text)
    };
    if let Some(format) = format.filter(|format| !format.is_empty()) {
        return if is_ours(format) { Ok(()) } else { Err(refused()) };
    }
    let mut accepts = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok()).peekable();
    if accepts.peek().is_none() || accepts.flat_map(|value| value.split(',')).any(is_ours) {
        return Ok(());
    }
    Err(refused())
}

fn is_ours(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    // A `+` in a query string arrives as a space.
    let known = JSON_TYPES.contains(&name.replace(' ', "+").as_str());
    known && parts.all(|part| part.strip_prefix("fhirVersion=").is_none_or(|version| version.starts_with("4.0")))
}

/// One query parameter of a read.
pub fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let all = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?;
    all.into_inner().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Whether unknown parameters shall be refused (http://hl7.org/fhir/R4/search.html#errors).
pub fn is_strict(request: &HttpRequest) -> bool {
    let prefers = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    prefers.flat_map(|value| value.split([',', ';'])).any(|part| part.trim() == "handling=strict")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn accepts(value: &str) -> bool {
        check_format(&TestRequest::get().insert_header((ACCEPT, value)).to_http_request(), None).is_ok()
    }

    #[test]
    fn json_in_all_its_names_and_nothing_else() {
        for value in [
            "application/fhir+json",
            "application/json;q=0.9",
            "text/html, */*",
            "application/fhir+json; fhirVersion=4.0",
        ] {
            assert!(accepts(value), "{value}");
        }
        for value in ["application/fhir+xml", "text/html", "application/fhir+json; fhirVersion=3.0"] {
            assert!(!accepts(value), "{value}");
        }
        assert!(check_format(&TestRequest::get().to_http_request(), None).is_ok());
    }

    #[test]
    fn the_parameter_wins_over_the_header() {
        let request = TestRequest::get().insert_header((ACCEPT, "text/html")).to_http_request();
        assert!(check_format(&request, Some("json")).is_ok());
        assert!(check_format(&request, Some("application/fhir json")).is_ok());
        assert!(check_format(&TestRequest::get().to_http_request(), Some("xml")).is_err());
    }
}
