//! Canonical URLs (http://hl7.org/fhir/R4/references.html#canonical) and the two prefixes that our own files leave out.

const PROFILES: &str = "http://hl7.org/fhir/StructureDefinition/";
const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

/// The URL of a type or profile, which may be written without its prefix: `Patient`.
pub fn profile_url(name: &str) -> String {
    expanded(name, PROFILES)
}

/// The URL of a value set, which may be written without its prefix: `administrative-gender`.
pub fn value_set_url(name: &str) -> String {
    expanded(name, VALUE_SETS)
}

fn expanded(name: &str, prefix: &str) -> String {
    if name.contains(':') { name.to_string() } else { format!("{prefix}{name}") }
}

/// The type that a URL stands for, when it is one of those that R4 itself defines types under.
pub fn type_of_url(url: &str) -> Option<&str> {
    let name = url.strip_prefix(PROFILES)?;
    super::Definitions::r4().kind(name).map(|_| name)
}

/// The URL and the version of a canonical: `http://…/Patient|4.0.1`.
pub fn split_version(canonical: &str) -> (&str, Option<&str>) {
    match canonical.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    }
}
