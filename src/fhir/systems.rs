//! Code systems by the short names people write, with the URL that FHIR uses and the other names that senders use
//! (http://hl7.org/fhir/R4/terminologies-systems.html, HL7 v2 table 0396, OIDs). Holds no codes.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One code system and its names.
#[derive(Debug)]
pub struct CodeSystem {
    /// The short name in our own files: `icd10cm`.
    pub name: &'static str,
    /// The URL that resources carry.
    pub url: &'static str,
    /// OIDs without `urn:oid:`, codes of HL7 v2 table 0396, former URLs.
    pub aliases: &'static [&'static str],
    /// Whether a longer code stands below its prefix, and the dot is only for the eye.
    pub is_prefix_tree: bool,
}

const fn plain(name: &'static str, url: &'static str, aliases: &'static [&'static str]) -> CodeSystem {
    CodeSystem { name, url, aliases, is_prefix_tree: false }
}

const fn tree(name: &'static str, url: &'static str, aliases: &'static [&'static str]) -> CodeSystem {
    CodeSystem { name, url, aliases, is_prefix_tree: true }
}

/// All code systems with a short name.
pub const SYSTEMS: &[CodeSystem] = &[
    tree("icd10cm", "http://hl7.org/fhir/sid/icd-10-cm", &["2.16.840.1.113883.6.90", "I10C", "ICD10CM", "ICD-10-CM"]),
    tree("icd10", "http://hl7.org/fhir/sid/icd-10", &["2.16.840.1.113883.6.3", "I10", "ICD10", "ICD-10"]),
    tree(
        "icd9cm",
        "http://hl7.org/fhir/sid/icd-9-cm",
        &["2.16.840.1.113883.6.103", "2.16.840.1.113883.6.2", "I9CDX", "I9C", "I9", "ICD9CM", "ICD-9-CM", "ICD9"],
    ),
    plain(
        "snomed",
        "http://snomed.info/sct",
        &["2.16.840.1.113883.6.96", "SCT", "SNM", "SNOMED", "SNOMEDCT", "SNOMED-CT"],
    ),
    plain("loinc", "http://loinc.org", &["2.16.840.1.113883.6.1", "LN", "LOINC"]),
    plain("rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm", &["2.16.840.1.113883.6.88", "RXNORM", "RXN"]),
    plain("cpt", "http://www.ama-assn.org/go/cpt", &["2.16.840.1.113883.6.12", "C4", "CPT", "CPT4", "CPT-4"]),
    plain(
        "hcpcs",
        "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        &["2.16.840.1.113883.6.285", "HCPCS", "HPC", "urn:oid:2.16.840.1.113883.6.14"],
    ),
    plain("icd10pcs", "http://www.cms.gov/Medicare/Coding/ICD10", &["2.16.840.1.113883.6.4", "I10P", "ICD10PCS"]),
    plain("cvx", "http://hl7.org/fhir/sid/cvx", &["2.16.840.1.113883.12.292", "CVX"]),
    plain("ndc", "http://hl7.org/fhir/sid/ndc", &["2.16.840.1.113883.6.69", "NDC"]),
    plain("mdc", "urn:iso:std:iso:11073:10101", &["2.16.840.1.113883.6.24", "MDC"]),
    plain("ucum", "http://unitsofmeasure.org", &["2.16.840.1.113883.6.8", "UCUM"]),
    plain("unii", "http://fdasis.nlm.nih.gov", &["2.16.840.1.113883.4.9", "UNII"]),
    plain("nubc", "https://www.nubc.org/CodeSystem/RevenueCodes", &["2.16.840.1.113883.6.301", "NUBC"]),
    plain("nucc", "http://nucc.org/provider-taxonomy", &["2.16.840.1.113883.6.101", "NUCC"]),
    plain(
        "act-code",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        &["2.16.840.1.113883.5.4", "http://hl7.org/fhir/v3/ActCode"],
    ),
    plain(
        "act-reason",
        "http://terminology.hl7.org/CodeSystem/v3-ActReason",
        &["2.16.840.1.113883.5.8", "http://hl7.org/fhir/v3/ActReason"],
    ),
    plain(
        "confidentiality",
        "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        &["2.16.840.1.113883.5.25", "http://hl7.org/fhir/v3/Confidentiality"],
    ),
    plain(
        "observation-category",
        "http://terminology.hl7.org/CodeSystem/observation-category",
        &["http://hl7.org/fhir/observation-category"],
    ),
    tree("atc", "http://www.whocc.no/atc", &["2.16.840.1.113883.6.73", "ATC", "WC"]),
    plain("programme", "https://handover.health/CodeSystem/programme", &[]),
    plain("condition-category", "http://terminology.hl7.org/CodeSystem/condition-category", &[]),
    plain("condition-clinical", "http://terminology.hl7.org/CodeSystem/condition-clinical", &[]),
];

/// By URL and short name as they are, and by the other names in small letters.
static BY_NAME: LazyLock<HashMap<String, &'static CodeSystem>> = LazyLock::new(|| {
    let names = |system: &'static CodeSystem| {
        let aliases = system.aliases.iter().map(|alias| bare(alias).to_ascii_lowercase());
        aliases.chain([system.url.to_string(), system.name.to_string()]).map(move |name| (name, system))
    };
    SYSTEMS.iter().flat_map(names).collect()
});

fn bare(name: &str) -> &str {
    name.strip_prefix("urn:oid:").unwrap_or(name)
}

/// The code system that a name means: its short name, its URL, an OID with or without `urn:oid:`, or a v2 name.
pub fn code_system(name: &str) -> Option<&'static CodeSystem> {
    let other = || BY_NAME.get(bare(name).to_ascii_lowercase().as_str());
    BY_NAME.get(name).or_else(other).copied()
}

/// The URL of a code system by any of its names; what has none stays as it is.
pub fn canonical_system(name: &str) -> &str {
    code_system(name).map_or(name, |system| system.url)
}

/// Whether a code is one that LOINC could have: digits, a hyphen, and the check digit over them (Mod 10, LOINC Users' Guide).
pub fn is_loinc(code: &str) -> bool {
    let Some((digits, check)) = code.split_once('-') else { return false };
    if !(1..=7).contains(&digits.len()) || check.len() != 1 {
        return false;
    }
    let doubled = |at: usize, digit: u32| if at.is_multiple_of(2) { digit * 2 / 10 + digit * 2 % 10 } else { digit };
    let all: Option<Vec<u32>> = digits.chars().rev().map(|letter| letter.to_digit(10)).collect();
    let sum = all.map(|all| all.into_iter().enumerate().map(|(at, digit)| doubled(at, digit)).sum::<u32>());
    sum.is_some_and(|sum| check.parse() == Ok((10 - sum % 10) % 10))
}

/// A code in the form in which codes of its system are compared: without blanks around it, ICD codes without their dot and in
/// capitals.
pub(super) fn comparable(system: &str, code: &str) -> String {
    let code = code.trim();
    match code_system(system) {
        Some(system) if system.is_prefix_tree => {
            code.chars().filter(|letter| *letter != '.').map(|letter| letter.to_ascii_uppercase()).collect()
        }
        _ => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_found_by_every_name_it_goes_by() {
        for name in ["icd10cm", "http://hl7.org/fhir/sid/icd-10-cm", "urn:oid:2.16.840.1.113883.6.90", "I10C", "i10c"] {
            assert_eq!(canonical_system(name), "http://hl7.org/fhir/sid/icd-10-cm", "{name}");
        }
        assert_eq!(canonical_system("http://example.org/own"), "http://example.org/own");
    }

    #[test]
    fn a_code_of_loinc_is_known_by_its_check_digit() {
        for code in ["8867-4", "2339-0", "39156-5", "85354-9"] {
            assert!(is_loinc(code), "{code}");
        }
        for code in ["8867-5", "8867", "GLU-1", "8867-44", "-0", "12345678-2"] {
            assert!(!is_loinc(code), "{code}");
        }
    }

    #[test]
    fn no_two_systems_share_a_name() {
        for system in SYSTEMS {
            for name in system.aliases.iter().chain([&system.name, &system.url]) {
                assert_eq!(code_system(name).map(|found| found.url), Some(system.url), "{name}");
            }
        }
    }
}
