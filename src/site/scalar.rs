//! Single values of a site's files: time zones, URIs, names and identifiers. Each reader says what is wrong and what would be right.

use jiff::tz::TimeZone;

use crate::fhir::Identifier;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// Takes an optional key and reads its value, reporting the fault when it cannot be read.
pub fn optional<T>(
    fields: &mut Fields<'_>,
    key: &'static str,
    read: impl FnOnce(&Node) -> Result<T, Problem>,
) -> Option<T> {
    let node = fields.optional(key)?;
    keep(fields, read(node))
}

/// Takes a required key and reads its value, reporting the fault when it is missing or cannot be read.
pub fn required<T>(
    fields: &mut Fields<'_>,
    key: &'static str,
    read: impl FnOnce(&Node) -> Result<T, Problem>,
) -> Option<T> {
    let node = fields.required(key)?;
    keep(fields, read(node))
}

/// The value, or nothing and the fault reported.
pub fn keep<T>(fields: &mut Fields<'_>, read: Result<T, Problem>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(problem) => {
            fields.report(problem);
            None
        }
    }
}

/// Text that is not blank.
pub fn text(node: &Node) -> Result<String, Problem> {
    match node.as_text() {
        Some(text) if !text.trim().is_empty() => Ok(text.trim().to_string()),
        Some(_) => Err(node.problem("this is empty; write a value or leave the key out")),
        None => Err(node.problem(format!("this must be text; this is {}", node.kind_name()))),
    }
}

/// A name that stands in addresses and metrics: lower-case letters, digits and hyphens.
pub fn is_name(text: &str) -> bool {
    let plain = text.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-');
    plain && !text.is_empty() && text.len() <= 64 && !text.starts_with('-')
}

/// An IANA time zone.
pub fn zone(node: &Node) -> Result<TimeZone, Problem> {
    let name = text(node)?;
    if let Ok(zone) = TimeZone::get(&name) {
        return Ok(zone);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_string()).collect();
    // People know the city; the continent is what they get wrong.
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let hint = nearest(&name, known.iter().map(String::as_str))
        .or_else(|| known.iter().map(String::as_str).find(|candidate| city(candidate) == city(&name)))
        .map_or_else(
            || "; write an IANA name such as America/New_York".to_string(),
            |near| format!("; did you mean `{near}`?"),
        );
    Err(node.mark.problem(Category::CodeInvalid, format!("`{name}` is not a time zone{hint}")))
}

/// An absolute URI, as FHIR wants every identifier system to be (http://hl7.org/fhir/R4/datatypes.html#Identifier).
pub fn system(node: &Node) -> Result<String, Problem> {
    let uri = text(node)?;
    check_system(&uri).map_err(|fault| node.mark.problem(Category::Value, fault))?;
    Ok(uri)
}

/// Whether a text may be an identifier system; the fault says what to write instead.
pub fn check_system(uri: &str) -> Result<(), String> {
    let looks_like_oid = uri.contains('.') && uri.chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    if looks_like_oid {
        return Err(format!("`{uri}` is a bare OID; as a system it is written `urn:oid:{uri}`"));
    }
    let is_absolute = uri.split_once(':').is_some_and(|(scheme, rest)| {
        let starts = scheme.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
        let plain = scheme.chars().all(|sign| sign.is_ascii_alphanumeric() || "+-.".contains(sign));
        starts && plain && !rest.is_empty()
    });
    if !is_absolute || uri.chars().any(char::is_whitespace) {
        return Err(format!(
            "`{uri}` is not an absolute URI; a system is one, such as urn:oid:1.2.36 or https://hospital.example/mrn"
        ));
    }
    Ok(())
}

/// An `http(s)` address without a trailing slash, query or fragment.
pub fn web_address(node: &Node) -> Result<String, Problem> {
    let written = text(node)?;
    let address = written.trim_end_matches('/').to_string();
    match reqwest::Url::parse(&address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            if url.query().is_some() || url.fragment().is_some() {
                return Err(node.problem("an address here has no `?query` and no `#fragment`"));
            }
            if !url.username().is_empty() || url.password().is_some() {
                return Err(node
                    .mark
                    .problem(Category::Security, "a user name or password does not stand in an address"));
            }
            Ok(address)
        }
        _ => Err(node.problem(format!("`{written}` is not an http or https address"))),
    }
}

/// The origin of a web page, as browsers write it (RFC 6454, 6.2): https, or http on this machine, without a path. No `*`: what
/// reads patients' data is named.
pub fn origin(node: &Node) -> Result<String, Problem> {
    let written = text(node)?;
    let is_origin = reqwest::Url::parse(&written).is_ok_and(|url| url.origin().ascii_serialization() == written);
    if !is_origin || !(written.starts_with("https://") || written.starts_with("http://")) {
        let text =
            format!("`{written}` is not the origin of a page, such as https://app.example or https://app.example:8443");
        return Err(node.problem(text));
    }
    if written.starts_with("http://") && !is_loopback(&written) {
        let text = "a page that reads patients' data must come over https; write the https origin";
        return Err(node.mark.problem(Category::Security, text));
    }
    Ok(written)
}

/// Whether an address reaches this machine only.
pub fn is_loopback(address: &str) -> bool {
    let host = reqwest::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_string));
    host.is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// `{ system, value }`.
pub fn identifier(node: &Node) -> Result<Identifier, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut fields = Fields::of(node, "an identifier");
    let uri = required(&mut fields, "system", system);
    let value = required(&mut fields, "value", text);
    fields.finish(&mut problems);
    match (uri, value) {
        (Some(uri), Some(value)) if problems.is_empty() => Ok(Identifier::new(uri, value)),
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn node(text: &str) -> Node {
        parse(&Source::new("x.yaml", text)).unwrap()
    }

    #[test]
    fn a_zone_is_found_by_near_name_and_by_city() {
        assert!(zone(&node("America/Chicago")).is_ok());
        assert!(zone(&node("America/Chicgao")).unwrap_err().text.contains("did you mean `America/Chicago`"));
        assert!(zone(&node("US/Chicago")).unwrap_err().text.contains("America/Chicago"));
    }

    #[test]
    fn a_bare_oid_is_told_how_to_be_a_system() {
        assert!(check_system("2.16.840.1.113883.19.5").unwrap_err().contains("urn:oid:2.16.840.1.113883.19.5"));
        assert!(check_system("RIVERSIDE").is_err());
        assert!(check_system("urn:oid:1.2.3").is_ok());
        assert!(check_system("https://riverside.example/mrn").is_ok());
    }

    #[test]
    fn addresses_carry_no_password() {
        assert!(web_address(&node("https://u:p@ehr.example/fhir")).is_err());
        assert_eq!(web_address(&node("https://ehr.example/fhir/")).unwrap(), "https://ehr.example/fhir");
        assert!(is_loopback("http://[::1]:80/x") && is_loopback("http://localhost:1") && !is_loopback("http://ehr"));
    }
}
