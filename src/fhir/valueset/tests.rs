//! What value sets hold and what they leave out, and every fault of a file.

use super::{ValueSets, built_in_value_sets};
use crate::yaml::Source;

#[test]
fn the_built_in_value_sets_have_no_fault() {
    let (sets, problems) = ValueSets::compile(&built_in_value_sets());
    assert_eq!(problems, []);
    assert!(sets.names().count() > 20);
}

#[test]
fn copd_is_known_as_real_records_code_it() {
    let sets = ValueSets::built_in();
    let icd = "http://hl7.org/fhir/sid/icd-10-cm";
    for (system, code) in [
        (icd, "J44"),
        (icd, "J44.1"),
        (icd, "J441"),
        ("I10C", "j44.9"),
        ("urn:oid:2.16.840.1.113883.6.90", "J44.0"),
        ("icd9cm", "491.21"),
        ("http://hl7.org/fhir/sid/icd-9-cm", "496"),
        ("http://snomed.info/sct", "13645005"),
        ("http://snomed.info/sct", "185086009"),
        ("http://snomed.info/sct", "87433001"),
    ] {
        assert!(sets.contains("copd", system, code), "{system} {code}");
    }
    for (system, code) in [(icd, "J42"), (icd, "J4"), ("loinc", "J44.1"), ("icd9cm", "490"), ("icd9cm", "494.0")] {
        assert!(!sets.contains("copd", system, code), "{system} {code}");
    }
    for (system, code) in [(icd, "J43.9"), ("icd9cm", "492.8"), ("http://snomed.info/sct", "87433001")] {
        assert!(sets.contains("copd", system, code) && sets.contains("emphysema", system, code), "{system} {code}");
    }
}

#[test]
fn conditions_are_counted_by_group() {
    let sets = ValueSets::built_in();
    let group = |code| sets.groups("high-risk-chronic-conditions", "icd10cm", code);
    assert_eq!(group("J44.1"), ["chronic-lung-disease"]);
    assert_eq!(group("J45.909"), ["chronic-lung-disease"]);
    assert_eq!(group("J43.9"), ["chronic-lung-disease"]);
    assert_eq!(group("I13.0"), ["heart-failure"]);
    assert_eq!(group("N18.32"), ["chronic-kidney-disease"]);
    assert_eq!(group("E11.9"), Vec::<&str>::new());
    assert_eq!(group("S93.4"), Vec::<&str>::new());
}

#[test]
fn exclusions_and_near_misses_stay_out() {
    let sets = ValueSets::built_in();
    assert!(!sets.contains("substance-use", "icd9cm", "305.1"));
    assert!(!sets.contains("substance-use", "icd10cm", "F17.210"));
    assert!(sets.contains("substance-use", "icd10cm", "F10.129"));
    assert!(!sets.contains("depression", "icd10cm", "F32.81"));
    assert!(!sets.contains("oxygen-saturation", "loinc", "8310-5"));
    assert!(sets.contains("oxygen-saturation", "LN", "2708-6"));
    assert!(sets.contains("sensitive-hiv", "icd10cm", "Z21"));
    assert!(sets.contains("emergency-encounter", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "EMER"));
}

#[test]
fn a_site_replaces_a_built_in_set_by_name() {
    let mut sources = built_in_value_sets();
    sources.push(Source::new(
        "profiles/valuesets/copd.yaml",
        "valueset: copd\ntitle: Ours\ninclude: [{ system: icd10cm, under: [J44, J47] }]\n",
    ));
    let (sets, problems) = ValueSets::compile(&sources);
    assert_eq!(problems, []);
    assert!(sets.contains("copd", "icd10cm", "J47.0") && !sets.contains("copd", "snomed", "13645005"));
}

#[test]
fn faults_of_a_set_are_told_with_place_and_nearest_name() {
    let text = "valueset: mine\ntitle: Mine\ninclude:\n  - { system: icd10mc, under: [J44] }\n  - { system: loinc, under: [8480] }\n  \
                - { valueset: copdd }\n  - { system: icd9cm, codes: [492.0] }\n  - { valueset: mine }\n";
    let mut sources = built_in_value_sets();
    sources.push(Source::new("v.yaml", text));
    let (_, problems) = ValueSets::compile(&sources);
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 5, "{texts:#?}");
    assert!(texts[0].starts_with("v.yaml:4:") && texts[0].contains("did you mean `icd10cm`"), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("did you mean `copd`")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("in quotes")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("cannot include itself")), "{texts:#?}");
}

#[test]
fn a_code_is_the_same_with_and_without_its_dot_in_small_letters_and_with_blanks() {
    let sets = ValueSets::built_in();
    for system in ["I10C", "I10", "ICD-10", "icd10cm", "http://hl7.org/fhir/sid/icd-10-cm"] {
        for code in ["T39.1X2A", "T391X2A", "t39.1x2a", " T39.1X2A  ", "X78.0XXA", "T71.112A", "T36.92XA"] {
            assert!(sets.contains("intentional-self-harm", system, code), "{system} {code}");
        }
        for code in ["T39.1X1A", "T39.1X5A", "T36.91XA", "T39.1", "X70", "X92.0XXA", "T14.90XA"] {
            assert!(!sets.contains("intentional-self-harm", "icd10cm", code), "{system} {code}");
        }
    }
    assert!(sets.contains("intentional-self-harm", "icd10", "X64") && sets.contains("drug-overdose", "icd10", "T40.2"));
    assert!(
        !sets.contains("intentional-self-harm", "icd10cm", "X64")
            && !sets.contains("drug-overdose", "icd10", "T40.2X5A")
    );
}

#[test]
fn a_range_that_runs_backwards_and_an_intent_where_codes_say_none_are_faults() {
    let text = "valueset: mine\ntitle: Mine\ninclude:\n  - { system: icd10cm, under: [X83-X71] }\n  - { system: icd10cm, under: [F10-F19.1] }\n  \
                - { system: icd10cm, under: [F10], intent: self-harm }\n  - { system: icd10cm, under: [T40], intent: selfharm }\n";
    let (_, problems) = ValueSets::compile(&[Source::new("v.yaml", text)]);
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = ["v.yaml:4:", "v.yaml:5:", "only the codes under T36-T65", "did you mean `self-harm`?"];
    for words in told {
        assert!(texts.iter().any(|text| text.contains(words)), "{words}: {texts:#?}");
    }
    assert_eq!(texts.len(), 4, "{texts:#?}");
}
