//! Canonical URLs (http://hl7.org/fhir/R4/references.html#canonical) and the two prefixes that our own files leave out.

pub(super) const PROFILES: &str = "http://hl7.org/fhir/StructureDefinition/";
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

/// The URL and the version of a canonical: `http://…/Patient|4.0.1`. A value set of SNOMED CT by its URL
/// (http://hl7.org/fhir/R4/snomedct.html) has its version within, and in a constraint bars stand around terms.
pub fn split_version(canonical: &str) -> (&str, Option<&str>) {
    match canonical.split_once('|').filter(|(url, _)| !url.contains("?fhir_vs=ecl/")) {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    }
}
