//! What the shipped value sets must and must not hold, and how faults of a site's own are told.

use super::*;

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
    for (system, code) in [(icd, "J43.9"), (icd, "J4"), ("loinc", "J44.1"), ("icd9cm", "490"), ("icd9cm", "494.0")] {
        assert!(!sets.contains("copd", system, code), "{system} {code}");
    }
    assert!(sets.contains("emphysema", icd, "J43.9"));
}

#[test]
fn conditions_are_counted_by_group() {
    let sets = ValueSets::built_in();
    let group = |code| sets.groups("high-risk-chronic-conditions", "icd10cm", code);
    assert_eq!(group("J44.1"), ["chronic-lung-disease"]);
    assert_eq!(group("J45.909"), ["chronic-lung-disease"]);
    assert_eq!(group("I13.0"), ["chronic-kidney-disease", "heart-failure"]);
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
        "valueset: copd\ntitle: Ours\ninclude: [{ system: icd10cm, under: [J44] }, { valueset: emphysema }]\n",
    ));
    let (sets, problems) = ValueSets::compile(&sources);
    assert_eq!(problems, []);
    assert!(sets.contains("copd", "icd10cm", "J43.9") && !sets.contains("copd", "snomed", "13645005"));
}

#[test]
fn faults_of_a_set_are_told_with_place_and_nearest_name() {
    let text = "valueset: mine\ntitle: Mine\ninclude:\n  - { system: icd10mc, under: [J44] }\n  - { system: loinc, under: [8480] }\n  \
                - { valueset: copdd }\n  - { system: icd9cm, codes: [492.0] }\n  - { valueset: mine }\n";
    let mut sources = built_in_value_sets();
    sources.push(Source::new("v.yaml", text));
    let (_, problems) = ValueSets::compile(&sources);
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 6, "{texts:#?}");
    assert!(texts[0].starts_with("v.yaml:4:") && texts[0].contains("did you mean `icd10cm`"), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("did you mean `copd`")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("in quotes")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("cannot include itself")), "{texts:#?}");
}
