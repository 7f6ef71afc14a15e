//! Code systems whose codes are told by their form: languages (BCP 47), media types (BCP 13), units (UCUM).

use std::sync::LazyLock;

use regex_lite::Regex;

/// RFC 5646, section 2.1: language, extended languages, script, region, variants, extensions, private use.
#[expect(clippy::unwrap_used, reason = "the pattern is a constant, and a test reads it")]
static LANGUAGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "^(?i:[a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})(?i:-[a-z]{4})?(?i:-([a-z]{2}|[0-9]{3}))?\
         (?i:-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?i:-[a-wyz0-9](-[a-z0-9]{2,8})+)*(?i:-x(-[a-z0-9]{1,8})+)?$",
    )
    .unwrap()
});

/// RFC 6838, section 4.2, with parameters after it.
#[expect(clippy::unwrap_used, reason = "the pattern is a constant, and a test reads it")]
static MEDIA_TYPE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9*][A-Za-z0-9!#$&^_.+-]*( *;.*)?$").unwrap()
});

/// Whether the code has the form that its system asks for; none for systems that list their codes.
pub(super) fn is_code_of(system: &str, code: &str) -> Option<bool> {
    match system {
        "urn:ietf:bcp:47" => Some(LANGUAGE.is_match(code)),
        "urn:ietf:bcp:13" => Some(MEDIA_TYPE.is_match(code)),
        "http://unitsofmeasure.org" => Some(octofhir_ucum::validate(code).is_ok()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_media_types_and_units_are_told_by_their_form() {
        for (system, good, bad) in [
            ("urn:ietf:bcp:47", "de-AT", "german_at"),
            ("urn:ietf:bcp:13", "application/fhir+json; fhirVersion=4.0", "pdf"),
            ("http://unitsofmeasure.org", "mm[Hg]", "mmHg of pressure"),
        ] {
            assert_eq!((is_code_of(system, good), is_code_of(system, bad)), (Some(true), Some(false)), "{system}");
        }
        assert_eq!(is_code_of("http://loinc.org", "8480-6"), None);
    }
}
