//! What the validator must catch, and what it must leave alone.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Profiles, validate, validate_against, validate_draft};
use crate::fhir::Resource;

fn faults(value: Value) -> Vec<String> {
    let resource: Resource = serde_json::from_value(value).unwrap();
    validate(&resource).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn one_fault(value: Value, part: &str) {
    let found = faults(value);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains(part), "{found:#?}");
}

fn encounter() -> Value {
    json!({
        "resourceType": "Encounter", "id": "e1", "status": "in-progress",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER" },
        "subject": { "reference": "Patient/1" },
        "period": { "start": "2026-03-02T10:00:00+01:00" },
        "location": [{ "location": { "reference": "Location/ed" }, "status": "active" }]
    })
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": "1",
        "identifier": [{ "system": "urn:oid:2.16.840.1.113883.19.5", "value": "4711" }],
        "name": [{ "family": "Doe", "given": ["Jane", null], "_given": [null, { "extension": [{ "url": "http://example.org/unknown", "valueBoolean": true }] }] }],
        "birthDate": "1950-06", "gender": "female", "deceasedBoolean": false,
        "contact": [{ "name": { "family": "Roe" } }],
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "Practice" }],
        "managingOrganization": { "reference": "#o" }
    })
}

fn changed(mut value: Value, key: &str, new: Value) -> Value {
    if new.is_null() {
        value.as_object_mut().unwrap().remove(key);
    } else {
        value[key] = new;
    }
    value
}

#[test]
fn valid_resources_have_no_fault() {
    assert_eq!(faults(encounter()), Vec::<String>::new());
    assert_eq!(faults(patient()), Vec::<String>::new());
}

#[test]
fn missing_and_unknown_elements_are_found() {
    one_fault(changed(encounter(), "status", Value::Null), "Encounter.status: this element is required");
    one_fault(changed(encounter(), "perod", json!("x")), "did you mean `period`");
    one_fault(
        changed(encounter(), "hospitalization", json!({ "origin": { "dispay": "x" } })),
        "did you mean `display`",
    );
    one_fault(
        changed(encounter(), "location", json!([{ "status": "active" }])),
        "Encounter.location[0].location: this",
    );
    one_fault(json!({ "resourceType": "Encountr" }), "did you mean `Encounter`");
}

#[test]
fn lists_and_single_values_are_told_apart() {
    one_fault(changed(patient(), "name", json!({ "family": "Doe" })), "Patient.name: this element is a list");
    one_fault(changed(patient(), "gender", json!(["female"])), "Patient.gender: this element is no list");
    one_fault(changed(patient(), "name", json!([])), "at least one item");
    one_fault(changed(patient(), "birthDate", json!({ "value": "1950" })), "Patient.birthDate");
}

#[test]
fn primitives_and_codes_are_exact() {
    one_fault(changed(patient(), "birthDate", json!("1950-13")), "Patient.birthDate: a date is");
    one_fault(changed(patient(), "active", json!("true")), "without quotes");
    one_fault(changed(patient(), "gender", json!("F")), "one of male, female, other, unknown");
    one_fault(changed(encounter(), "period", json!({ "start": "2026-03-02T10:00" })), "Encounter.period.start");
    one_fault(changed(patient(), "id", json!("a_b")), "Patient.id");
    one_fault(changed(patient(), "language", json!("english, please")), "Patient.language: this code must be from");
    assert_eq!(faults(changed(patient(), "language", json!("de-AT"))), Vec::<String>::new());
}

#[test]
fn a_fault_never_repeats_what_was_found() {
    for found in faults(changed(patient(), "birthDate", json!("June 1950"))) {
        assert!(!found.contains("1950"), "{found}");
    }
}

#[test]
fn choices_stand_once_and_under_a_typed_name() {
    let both = changed(patient(), "deceasedDateTime", json!("2026-01-01"));
    one_fault(both, "Patient.deceased: this element stands here in more than one type");
    one_fault(changed(patient(), "deceased", json!(true)), "deceasedBoolean, deceasedDateTime");
    one_fault(changed(patient(), "deceasedString", json!("x")), "no such element");
}

#[test]
fn references_point_at_allowed_types_and_contained_resources_exist() {
    one_fault(changed(encounter(), "subject", json!({ "reference": "Practitioner/1" })), "not at Practitioner");
    one_fault(
        changed(encounter(), "subject", json!({ "reference": "http://a.example/fhir/Device/1" })),
        "not at Device",
    );
    assert_eq!(faults(changed(encounter(), "subject", json!({ "reference": "urn:uuid:1" }))), Vec::<String>::new());
    let local = changed(encounter(), "subject", json!({ "reference": "#Patient" }));
    one_fault(local.clone(), "nothing contained");
    assert_eq!(validate_draft(&serde_json::from_value(local).unwrap(), &[], Profiles::built_in()), []);
    let wrong = changed(encounter(), "subject", json!({ "reference": "#Location.1" }));
    assert_eq!(validate_draft(&serde_json::from_value(wrong).unwrap(), &[], Profiles::built_in()).len(), 1);
}

#[test]
fn invariants_of_r4_hold() {
    one_fault(changed(patient(), "contact", json!([{ "gender": "female" }])), "the invariant pat-1");
    one_fault(
        changed(encounter(), "period", json!({ "start": "2026-03-02", "end": "2026-03-01" })),
        "Encounter.period: the invariant per-1",
    );
    let unused = changed(patient(), "managingOrganization", Value::Null);
    one_fault(unused, "dom-3");
}

#[test]
fn extensions_have_a_url_and_either_value_or_children() {
    one_fault(changed(patient(), "extension", json!([{ "valueString": "x" }])), "Patient.extension[0].url");
    one_fault(changed(patient(), "extension", json!([{ "url": "http://example.org/x" }])), "ext-1");
}

#[test]
fn faults_of_a_bundle_name_the_entry() {
    let bundle = json!({ "resourceType": "Bundle", "type": "collection",
        "entry": [{ "fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "resource": changed(encounter(), "status", json!("open")) }] });
    one_fault(bundle, "Bundle.entry[0].resource.status");
}

#[test]
fn the_number_of_faults_is_bounded() {
    let names: Vec<Value> = (0..500).map(|_| json!({ "use": "wrong" })).collect();
    assert!(faults(changed(patient(), "name", json!(names))).len() < 250);
}

/// Something that may stand anywhere in JSON.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é]{0,12}".prop_map(Value::from),
        Just(json!("#o")),
        Just(json!({ "reference": "#" })),
        Just(json!([{ "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueString": "x" }])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop_oneof!["[a-z]{1,6}", Just("extension".to_string()), Just("resourceType".to_string())];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::hash_map(key, inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// Puts `new` in place of the nth value of a tree, counted from the root's first child.
fn graft(value: &mut Value, nth: &mut usize, new: &Value) {
    let children: Vec<&mut Value> = match value {
        Value::Object(map) => {
            map.iter_mut().filter(|(key, _)| *key != "resourceType").map(|(_, child)| child).collect()
        }
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if *nth == 0 {
            *child = new.clone();
            *nth = usize::MAX;
            return;
        }
        *nth -= 1;
        graft(child, nth, new);
    }
}

proptest! {
    #[test]
    fn whatever_stands_anywhere_is_told_of_and_nothing_else_happens(mut nth in 0usize..40, new in anything(), which in any::<bool>()) {
        let mut value = if which { encounter() } else { patient() };
        graft(&mut value, &mut nth, &new);
        let resource: Resource = serde_json::from_value(value).unwrap();
        let claimed = format!("http://hl7.org/fhir/us/core/StructureDefinition/us-core-{}", resource.resource_type().to_lowercase());
        let thorough = validate_against(&resource, &[claimed], Profiles::built_in());
        prop_assert!(thorough.len() < 250);
        let plain = validate(&resource);
        prop_assert!(plain.iter().all(|found| !found.is_error() || thorough.iter().any(|other| other.place == found.place)));
    }
}
