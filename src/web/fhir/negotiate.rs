//! Content negotiation (http://hl7.org/fhir/R4/http.html#mime-type): this server writes and reads FHIR JSON, version 4.0.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;

use crate::problem::Category;
use crate::web::answer::Fault;

/// The last is what FHIR called it until 2015, and some clients still do.
const JSON_TYPES: [&str; 7] =
    ["application/fhir+json", "application/json", "application/*", "*/*", "json", "text/json", "application/json+fhir"];

/// 406 when the client wants something other than FHIR JSON. `format` is the _format parameter, which wins over Accept.
pub fn check_format(request: &HttpRequest, format: Option<&str>) -> Result<(), Fault> {
    let refused = || {
        let text = "this server answers with application/fhir+json, fhirVersion=4.0, and nothing else";
        Fault::new(StatusCode::NOT_ACCEPTABLE, Category::NotSupported, text)
    };
    if let Some(format) = format.filter(|format| !format.is_empty()) {
        return if is_ours(format) { Ok(()) } else { Err(refused()) };
    }
    let accepts = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    // An empty list asks for nothing in particular.
    let mut wanted = accepts.flat_map(|value| value.split(',')).filter(|one| !one.trim().is_empty()).peekable();
    if wanted.peek().is_none() || wanted.any(is_ours) {
        return Ok(());
    }
    Err(refused())
}

fn is_ours(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    // A `+` in a query string arrives as a space.
    JSON_TYPES.contains(&name.replace(' ', "+").as_str()) && parts.all(suits)
}

/// A parameter of a media type: another version of FHIR does not suit, nor what is wanted with a weight of nothing.
fn suits(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    let value = value.trim().trim_matches('"');
    match name.trim().to_ascii_lowercase().as_str() {
        "fhirversion" => value == "4.0" || value.starts_with("4.0."),
        "q" => value.parse::<f32>().is_ok_and(|weight| weight > 0.0),
        _ => true,
    }
}

/// One query parameter of a read.
pub fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let all = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?;
    all.into_inner().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// A parameter's name as it may be repeated to whoever sent it.
pub fn shown(name: &str) -> String {
    name.chars().take(60).filter(|letter| letter.is_ascii_graphic()).collect()
}

/// What shall become of parameters that are not understood (http://hl7.org/fhir/R4/search.html#errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// They are refused: also where the client says nothing, since leaving them out would show more than was asked.
    Strict,
    Lenient,
}

pub fn handling(request: &HttpRequest) -> Handling {
    let prefers = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    let lenient = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("handling") && value.trim().trim_matches('"').eq_ignore_ascii_case("lenient")
    };
    if prefers.flat_map(|value| value.split([',', ';'])).any(lenient) { Handling::Lenient } else { Handling::Strict }
}

/// The parameters of an address.
pub fn parameters(request: &HttpRequest) -> Result<Vec<(String, String)>, Fault> {
    let parsed = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let wrong = |_| Fault::bad_request(Category::Structure, "the query string cannot be read");
    parsed.map(actix_web::web::Query::into_inner).map_err(wrong)
}

/// The parameters of a read; 400 for one that is not among these, unless the client wants it left out.
pub fn only(request: &HttpRequest, known: &[&str]) -> Result<Vec<(String, String)>, Fault> {
    let asked = parameters(request)?;
    let is_known = |name: &str| known.contains(&name) || ["_format", "_pretty"].contains(&name);
    // `_summary=false` asks for what everybody gets.
    let foreign = asked.iter().find(|(name, value)| !is_known(name) && (name != "_summary" || value != "false"));
    match foreign {
        Some((name, _)) if handling(request) == Handling::Strict => {
            let text = format!(
                "{} is not supported here; these are: {}. With Prefer: handling=lenient the rest is left out",
                shown(name),
                [known, &["_format", "_pretty"]].concat().join(", ")
            );
            Err(Fault::bad_request(Category::NotSupported, text))
        }
        _ => Ok(asked),
    }
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
            "application/fhir+json; fhirVersion=\"4.0.1\"; charset=\"utf-8\"",
            "application/json+fhir",
            "",
            " , text/json",
        ] {
            assert!(accepts(value), "{value}");
        }
        for value in [
            "application/fhir+xml",
            "text/html",
            "application/fhir+json; fhirVersion=3.0",
            "application/fhir+json; fhirVersion=\"4.3\"",
            "application/json;q=0, text/html",
        ] {
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
