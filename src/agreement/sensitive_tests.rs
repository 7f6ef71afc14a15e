//! What is labelled as sensitive, by codes, by codes without a system, and by words; and what only looks like it.

use serde_json::{Value, json};

use super::sensitive::label_sensitive;
use crate::fhir::{Resource, ValueSets};

fn labels(resource: Value) -> Vec<&'static str> {
    label_sensitive(&mut Resource::try_from(resource).unwrap(), ValueSets::built_in())
}

fn condition(code: Value) -> Vec<&'static str> {
    labels(json!({ "resourceType": "Condition", "code": code }))
}

fn coded(system: &str, code: &str) -> Vec<&'static str> {
    condition(json!({ "coding": [{ "system": system, "code": code }] }))
}

#[test]
fn a_protected_diagnosis_is_labelled_once_and_another_is_not() {
    let of = |code: &str| {
        let code = json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code }] });
        Resource::new("Condition").with("code", code)
    };
    let mut opioid = of("F11.20");
    assert!(label_sensitive(&mut opioid, ValueSets::built_in()).contains(&"ETH"));
    let before = opioid.clone();
    label_sensitive(&mut opioid, ValueSets::built_in());
    assert_eq!(opioid, before);
    assert!(opioid.get("meta").unwrap()["security"].as_array().unwrap().iter().any(|label| label["code"] == "R"));
    let mut copd = of("J44.1");
    assert!(label_sensitive(&mut copd, ValueSets::built_in()).is_empty());
    assert_eq!(copd.get("meta"), None);
}

#[test]
fn a_diagnosis_in_words_alone_is_known_by_them() {
    for (text, label) in [
        ("Alcohol dependence, uncomplicated", "ETH"),
        ("ETOH withdrawal", "ETH"),
        ("pt found after heroin OVERDOSE", "ETH"),
        ("On Suboxone maintenance", "ETH"),
        ("Suicidal ideation", "PSY"),
        ("Hx of schizophrenia", "PSY"),
        ("self harm", "PSY"),
        ("Asymptomatic HIV-1 infection", "HIV"),
        ("Counselling for PrEP", "HIV"),
        ("Missed abortion", "SEX"),
        ("Removal of IUD", "SEX"),
        ("Sexual assault, initial encounter", "SDV"),
        ("Victim of domestic violence", "SDV"),
    ] {
        assert!(condition(json!({ "text": text })).contains(&label), "{text}");
        assert!(condition(json!({ "coding": [{ "code": "X77", "display": text }] })).contains(&label), "{text}");
    }
}

#[test]
fn what_only_looks_like_it_is_not_labelled() {
    for text in [
        "ST depression in V4-V6",
        "Respiratory depression",
        "Allergy to alcohol swab",
        "Hearing aids fitted",
        "Bowel prep for colonoscopy",
        "Chlamydia pneumoniae pneumonia",
        "COPD with acute exacerbation",
        "Fall from ladder",
        "Manicure injury",
    ] {
        assert_eq!(condition(json!({ "text": text })), Vec::<&str>::new(), "{text}");
    }
    // What is not the phrase that only looks like it still counts.
    assert_eq!(condition(json!({ "text": "ST depression; major depression" })), ["PSY"]);
}

#[test]
fn a_code_whose_system_nobody_named_is_taken_for_what_it_looks_like() {
    for (code, label) in [("F10.20", "ETH"), ("f1120", "ETH"), ("B20", "HIV"), ("T74.21XA", "SDV"), ("44261-6", "PSY")]
    {
        assert!(condition(json!({ "coding": [{ "code": code }] })).contains(&label), "{code}");
        assert!(coded("urn:oid:1.2.3.4.5", code).contains(&label), "{code}");
    }
    assert_eq!(condition(json!({ "coding": [{ "code": "J44.9" }] })), Vec::<&str>::new());
    // A table of HL7's own is no list of diagnoses.
    assert_eq!(coded("http://terminology.hl7.org/CodeSystem/v2-0069", "F20"), Vec::<&str>::new());
}

#[test]
fn questionnaires_are_known_by_panel_items_and_total() {
    for (codes, label) in [
        (["72109-2", "68518-0", "68519-8", "68520-6", "75626-2", "96841-2", "96843-8"].as_slice(), "ETH"),
        (
            ["44249-1", "44250-9", "44260-8", "44261-6", "89204-2", "69737-5", "69725-0", "69736-7", "70274-6"]
                .as_slice(),
            "PSY",
        ),
        (["82810-3", "86645-9", "2106-3"].as_slice(), "SEX"),
        (["76501-6", "93026-3", "76504-0", "76499-3", "76500-8", "76502-4", "76503-2"].as_slice(), "SDV"),
    ] {
        for code in codes {
            assert!(coded("http://loinc.org", code).contains(&label), "{code}");
        }
    }
    // How often somebody smokes is asked of everybody.
    assert!(coded("http://loinc.org", "96842-0").is_empty() && coded("http://loinc.org", "72166-2").is_empty());
}

#[test]
fn products_are_known_and_not_their_ingredients_alone() {
    let rxnorm = |code| coded("http://www.nlm.nih.gov/research/umls/rxnorm", code);
    for code in ["351267", "1010604", "864718", "637213", "1819"] {
        assert!(rxnorm(code).contains(&"ETH"), "{code}");
    }
    for code in ["476556", "1747691", "1999667"] {
        assert!(rxnorm(code).contains(&"HIV"), "{code}");
    }
    // Prophylaxis as it is billed: injected, swallowed, and handed out by a pharmacy.
    for code in ["J0738", "J0739", "J0752", "Q0516", "Q0521"] {
        assert!(coded("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", code).contains(&"HIV"), "{code}");
    }
    assert!(rxnorm("483325").contains(&"SEX"), "emergency contraception");
    assert!(rxnorm("313782").is_empty() && rxnorm("745679").is_empty(), "paracetamol, salbutamol");
}

#[test]
fn a_pregnancy_is_labelled_and_not_restricted_and_one_that_ended_is() {
    assert_eq!(coded("I10C", "O14.13"), ["PREGNANT"]);
    assert_eq!(coded("I10C", "Z34.90"), ["PREGNANT"]);
    let ended = coded("I10C", "O03.9");
    assert!(ended.contains(&"SEX") && !ended.contains(&"PREGNANT"), "{ended:?}");
    let mut pregnant = Resource::new("Condition").with("code", json!({ "text": "Pregnancy, 30 weeks" }));
    label_sensitive(&mut pregnant, ValueSets::built_in());
    assert_eq!(pregnant.get("meta").unwrap()["security"].as_array().unwrap().len(), 1);
}

#[test]
fn who_treats_is_no_content_and_where_is() {
    let visit = |participant: &str, place: &str| {
        labels(json!({ "resourceType": "Encounter", "status": "finished",
            "participant": [{ "individual": { "reference": "Practitioner/1", "display": participant } }],
            "location": [{ "location": { "reference": "Location/1", "display": place } }] }))
    };
    assert!(visit("Dr. Heroin Manic", "Ward 4").is_empty());
    assert_eq!(visit("Dr. Osei", "Methadone Clinic"), ["ETH"]);
    let race = json!({ "system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "White" });
    let extension = json!([{ "url": "race", "extension": [{ "url": "ombCategory", "valueCoding": race }] }]);
    assert!(labels(json!({ "resourceType": "Patient", "extension": extension })).is_empty(), "no pregnancy test");
    assert!(labels(json!({ "resourceType": "Patient", "name": [{ "text": "Rape Overdose" }] })).is_empty());
}
