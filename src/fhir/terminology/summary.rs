//! What the head of a definition says of it (profiles/README.md): enough to list it and to find it by name.

use super::held::Head;
use crate::fhir::definition::{split_version, value_set_url};

/// A value set or code system in one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary<'a> {
    pub version: Option<&'a str>,
    /// By http://hl7.org/fhir/R4/valueset-publication-status.html; a head that does not say it leaves it unknown.
    pub status: &'a str,
    pub name: Option<&'a str>,
}

const STATUS: [&str; 4] = ["active", "draft", "retired", "unknown"];
const UNSAID: &str = "unknown";

impl<'a> Summary<'a> {
    /// Reads the head of a block.
    pub fn of(block: &'a str) -> Self {
        let mut words = block.lines().next().unwrap_or_default().split(' ').skip(1);
        let version = words.next().and_then(|canonical| split_version(canonical).1);
        let mut summary = Self { version, status: UNSAID, name: None };
        for word in words {
            summary.status = STATUS.into_iter().find(|status| *status == word).unwrap_or(summary.status);
            summary.name = word.strip_prefix("name=").or(summary.name);
        }
        summary
    }

    /// Of a code system that a site added: its publisher's release.
    pub fn of_head(head: &'a Head) -> Self {
        Self { version: head.version.as_deref(), status: "active", name: head.name.as_deref() }
    }
}

/// The id by which a definition is read here (http://hl7.org/fhir/R4/datatypes.html#id): what its URL ends in, as FHIR allows
/// it.
pub fn definition_id(url: &str) -> String {
    let url = value_set_url(url);
    let last = url.rsplit(['/', ':']).find(|part| !part.is_empty()).unwrap_or_default();
    let mut id: String =
        last.chars().map(|sign| if sign.is_ascii_alphanumeric() || sign == '-' { sign } else { '.' }).collect();
    id.truncate(64);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_version_status_and_name_as_far_as_it_does() {
        let summary = Summary::of("codesystem http://x.example/a|2 complete ignore-case draft name=MyCodes\na");
        assert_eq!(summary, Summary { version: Some("2"), status: "draft", name: Some("MyCodes") });
        assert_eq!(Summary::of("valueset x").status, "unknown");
        assert_eq!(definition_id("urn:oid:2.16.840"), "2.16.840");
        assert_eq!(definition_id("http://snomed.info/sct"), "sct");
        assert_eq!(definition_id("http://x.example/a_b c/"), "a.b.c");
    }
}
