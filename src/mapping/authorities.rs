//! Assigning authorities (HD: namespace, universal id, type of it) as FHIR identifier systems. A system is never invented:
//! an authority that neither the feed nor its own universal id explains gives none.

use std::collections::BTreeMap;

/// What one feed's assigning authorities mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    /// Namespace id (`RIVERSIDE`) or universal id → identifier system (a URI).
    pub namespaces: BTreeMap<String, String>,
    /// Systems of identifiers that name no authority, by the word a map asks with: `patient`, `visit`, `practitioner`.
    pub defaults: BTreeMap<String, String>,
}

impl Authorities {
    /// The system of an authority as a message names it; every part may be empty.
    pub fn system(&self, namespace: &str, universal_id: &str, universal_type: &str) -> Option<String> {
        let named = |name: &str| {
            let known = self.namespaces.get(name).filter(|_| !name.is_empty());
            known.or_else(|| {
                self.namespaces.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, system)| system)
            })
        };
        named(namespace).or_else(|| named(universal_id)).cloned().or_else(|| universal(universal_id, universal_type))
    }

    pub fn default_system(&self, word: &str) -> Option<&str> {
        self.defaults.get(word).map(String::as_str)
    }
}

/// HL7 table 0301: the kinds of universal id that are URIs or have a URI form.
fn universal(id: &str, kind: &str) -> Option<String> {
    let id = id.trim();
    match kind.trim().to_ascii_uppercase().as_str() {
        "ISO" | "" | "HCD" if is_oid(id) => Some(canonical(id).map_or_else(|| format!("urn:oid:{id}"), str::to_string)),
        "UUID" | "GUID" if is_uuid(id) => Some(format!("urn:uuid:{}", id.to_ascii_lowercase())),
        "URI" | "URL" if id.contains(':') && !id.contains(char::is_whitespace) => Some(id.to_string()),
        // RFC 4501.
        "DNS" if is_domain(id) => Some(format!("dns:{}", id.to_ascii_lowercase())),
        _ => None,
    }
}

/// The URI that FHIR gives a system in place of its OID (https://terminology.hl7.org/NamingSystem): one number must not
/// become two because one sender writes the OID.
fn canonical(oid: &str) -> Option<&'static str> {
    match oid {
        "2.16.840.1.113883.4.1" => Some("http://hl7.org/fhir/sid/us-ssn"),
        "2.16.840.1.113883.4.6" => Some("http://hl7.org/fhir/sid/us-npi"),
        "2.16.840.1.113883.4.572" => Some("http://hl7.org/fhir/sid/us-medicare"),
        _ => None,
    }
}

pub(super) fn is_oid(text: &str) -> bool {
    let arcs: Vec<&str> = text.split('.').collect();
    arcs.len() > 2
        && matches!(arcs.first(), Some(&"0" | &"1" | &"2"))
        && arcs.iter().all(|arc| {
            !arc.is_empty()
                && arc.bytes().all(|byte| byte.is_ascii_digit())
                && (arc.len() == 1 || !arc.starts_with('0'))
        })
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_domain(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feeds_own_word_comes_first_then_the_universal_id() {
        let namespaces = [("RIVERSIDE".to_string(), "https://riverside.example/mrn".to_string())];
        let authorities = Authorities { namespaces: namespaces.into(), ..Authorities::default() };
        let system = |namespace, id, kind| authorities.system(namespace, id, kind);
        assert_eq!(system("Riverside", "2.16.840.1.113883.19.5", "ISO").unwrap(), "https://riverside.example/mrn");
        assert_eq!(system("LAKE", "2.16.840.1.113883.19.5", "ISO").unwrap(), "urn:oid:2.16.840.1.113883.19.5");
        assert_eq!(system("SSA", "2.16.840.1.113883.4.1", "ISO").unwrap(), "http://hl7.org/fhir/sid/us-ssn");
        assert_eq!(system("", "426D2726-51FC-89FE-A946-8596E80A80EB", "GUID").unwrap().len(), "urn:uuid:".len() + 36);
        assert_eq!(system("", "lake.example.org", "DNS").unwrap(), "dns:lake.example.org");
    }

    #[test]
    fn what_nothing_explains_gives_no_system() {
        for (namespace, id, kind) in [("LAKE", "", ""), ("", "", ""), ("X", "not-an-oid", "ISO"), ("", "1.2..3", "ISO")]
        {
            assert_eq!(Authorities::default().system(namespace, id, kind), None);
        }
    }
}
