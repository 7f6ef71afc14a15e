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
    assert!(look(&Resource::new("Encounter"), &[]).is_err() && look(&named, &["SECRET".to_string()]).is_err());
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
