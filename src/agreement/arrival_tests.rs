//! Who has the last word about a label: the sender's flag, the content, a person who looked.

use serde_json::{Value, json};

use super::arrival::{Uncoded, label_arrival, look, protection};
use crate::fhir::{Resource, ValueSets};

fn condition(code: Value) -> Resource {
    Resource::new("Condition").with("code", code)
}

fn arrive(resource: &mut Resource, known: Option<&Resource>, uncoded: Uncoded) -> bool {
    label_arrival(resource, known, ValueSets::built_in(), uncoded)
}

fn codes(resource: &Resource) -> Vec<&str> {
    let labels = resource.get("meta").and_then(|meta| meta.get("security")).and_then(Value::as_array);
    labels.into_iter().flatten().filter_map(|label| label["code"].as_str()).collect()
}

/// The thing as the record has it after somebody looked.
fn looked(resource: &Resource, labels: &[&str]) -> Resource {
    let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
    let look = look(resource, &labels).unwrap();
    let mut after = resource.clone();
    if let Some(Value::Object(meta)) = after.as_map_mut().get_mut("meta") {
        let part = |label: &Value| {
            format!("meta.security:{}|{}", label["system"].as_str().unwrap(), label["code"].as_str().unwrap())
        };
        meta["security"].as_array_mut().unwrap().retain(|label| !look.deleted.contains(&part(label)));
    }
    let stated = look.statement.get("meta").unwrap();
    after.add_to_meta("tag", stated["tag"].as_array().cloned().unwrap());
    after.add_to_meta("security", stated.get("security").and_then(Value::as_array).cloned().unwrap_or_default());
    after
}

#[test]
fn a_label_of_the_sender_without_a_confidentiality_means_restricted() {
    let mut flagged = condition(json!({ "text": "Knee pain" }));
    flagged.add_to_meta(
        "security",
        vec![json!({ "system": "http://terminology.hl7.org/CodeSystem/v2-0177", "code": "ZZ" })],
    );
    arrive(&mut flagged, None, Uncoded::Recognised);
    assert_eq!(codes(&flagged), ["ZZ", "said-by-sender", "R"]);
    let mut normal = condition(json!({ "text": "Knee pain" }));
    let usual = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V" });
    normal.add_to_meta("security", vec![usual]);
    arrive(&mut normal, None, Uncoded::Recognised);
    assert_eq!(codes(&normal), ["V", "said-by-sender"]);
}

#[test]
fn a_diagnosis_that_nobody_can_look_up_is_kept_back_where_the_feed_says_so() {
    let text = || condition(json!({ "coding": [{ "code": "LOC-7", "display": "Condition seven" }] }));
    let mut taken = text();
    assert!(!arrive(&mut taken, None, Uncoded::Recognised) && codes(&taken).is_empty());
    let mut kept = text();
    assert!(arrive(&mut kept, None, Uncoded::Restricted));
    assert_eq!(codes(&kept), ["not-looked-at", "R"]);
    let coding = json!({ "system": "http://snomed.info/sct", "code": "13645005" });
    let mut coded = condition(json!({ "coding": [coding, { "code": "LOC-7" }] }));
    assert!(!arrive(&mut coded, None, Uncoded::Restricted) && codes(&coded).is_empty());
}

#[test]
fn what_a_person_looked_at_stays_as_they_said_until_it_is_another_thing() {
    let mut kept = condition(json!({ "text": "Condition seven" }));
    arrive(&mut kept, None, Uncoded::Restricted);
    let plain = looked(&kept, &[]);
    assert!(codes(&plain).is_empty(), "{plain:?}");
    let mut again = condition(json!({ "text": "Condition seven" }));
    assert!(!arrive(&mut again, Some(&plain), Uncoded::Restricted) && codes(&again).is_empty());
    let mut other = condition(json!({ "text": "Condition eight" }));
    assert!(arrive(&mut other, Some(&plain), Uncoded::Restricted));
    let sensitive = looked(&kept, &["HIV"]);
    assert_eq!(codes(&sensitive), ["HIV", "R"].map(|code| code).to_vec().into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_person_corrects_what_words_alone_made_sensitive_and_not_what_the_sender_flagged() {
    let mut named = condition(json!({ "text": "Fall in the Detox Road" }));
    arrive(&mut named, None, Uncoded::Recognised);
    assert!(codes(&named).contains(&"ETH"));
    assert!(codes(&looked(&named, &[])).is_empty());
    let mut flagged = condition(json!({ "text": "Detox" }));
    flagged.add_to_meta(
        "security",
        vec![json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2" })],
    );
    arrive(&mut flagged, None, Uncoded::Recognised);
    let after = looked(&flagged, &[]);
    assert!(["42CFRPart2", "R", "said-by-sender"].iter().all(|code| codes(&after).contains(code)), "{after:?}");
    assert!(look(&Resource::new("Patient"), &[]).is_err() && look(&named, &["SECRET".to_string()]).is_err());
}

#[test]
fn protection_goes_on_and_what_a_visit_was_about_does_not() {
    let mut visit = Resource::new("Encounter").with("reasonCode", json!([{ "text": "Heroin overdose" }]));
    arrive(&mut visit, None, Uncoded::Recognised);
    assert!(codes(&visit).contains(&"R") && protection(&visit).is_empty());
    visit.add_to_meta(
        "security",
        vec![json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" })],
    );
    let mut flagged = Resource::new("Encounter").with("reasonCode", json!([{ "text": "Heroin overdose" }]));
    flagged.add_to_meta(
        "security",
        vec![json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" })],
    );
    arrive(&mut flagged, None, Uncoded::Recognised);
    let goes_on: Vec<Value> = protection(&flagged);
    assert_eq!(goes_on.iter().filter_map(|label| label["code"].as_str()).collect::<Vec<_>>(), ["R", "said-by-sender"]);
}

#[test]
fn what_was_looked_at_may_be_said_again_in_fewer_elements_and_nothing_new_beside_it() {
    let full = || {
        condition(json!({ "coding": [{ "code": "Q7" }], "text": "Condition seven" }))
            .with("note", json!([{ "text": "left side" }]))
    };
    let mut kept = full();
    arrive(&mut kept, None, Uncoded::Restricted);
    let plain = looked(&kept, &[]);
    let mut fewer = condition(json!({ "coding": [{ "code": "Q7" }], "text": "Condition seven" }));
    assert!(!arrive(&mut fewer, Some(&plain), Uncoded::Restricted), "the note is not told again");
    let mut other = condition(json!({ "coding": [{ "code": "Q8" }], "text": "Condition seven" }));
    assert!(arrive(&mut other, Some(&plain), Uncoded::Restricted), "a code of no system is a code");
    let allergy = Resource::new("AllergyIntolerance").with("code", json!({ "text": "Disulfiram" }));
    let plain = looked(&allergy, &[]);
    let mut told = allergy.with("reaction", json!([{ "description": "after heroin overdose" }]));
    arrive(&mut told, Some(&plain), Uncoded::Recognised);
    assert!(codes(&told).contains(&"ETH"), "a reaction tells, too");
}

#[test]
fn a_look_at_a_visit_says_nothing_of_its_course_and_leaves_no_trace_in_a_part_of_it() {
    let mut visit = Resource::new("Encounter")
        .with("status", json!("finished"))
        .with("reasonCode", json!([{ "text": "Fall in the Detox Road" }]));
    arrive(&mut visit, None, Uncoded::Recognised);
    let look = look(&visit, &[]).unwrap();
    assert_eq!(look.statement.get("status"), None);
    let plain = looked(&visit, &[]);
    assert!(codes(&plain).is_empty());
    assert!(Value::from(plain.clone()).to_string().contains("looked-at"));
    let part = super::redact::redact(&plain, &["reasonCode".to_string()]);
    assert!(!Value::from(part).to_string().contains("looked-at"), "hashes of few words can be tried out");
}
