//! Whatever a sender writes: any part of a resource replaced by any JSON is answered with problems, each at a place that
//! is in the text, and never with a panic.

use handover::fhir::Located;
use handover::profile::{Profiles, validate_against};
use proptest::prelude::*;
use serde_json::{Value, json};

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition";

/// A bundle that has something of everything: slices, choices, extensions, references, what is contained, a narrative.
fn bundle() -> Value {
    let quantity = json!({ "value": 142, "system": "http://unitsofmeasure.org", "code": "mm[Hg]" });
    let coded = |code: &str| json!({ "coding": [{ "system": "http://loinc.org", "code": code }] });
    let race = json!([{ "url": "text", "valueString": "White" }]);
    let patient_url = "urn:uuid:00000000-0000-4000-8000-000000000001";
    json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "fullUrl": patient_url, "resource": {
            "resourceType": "Patient", "id": "p", "meta": { "profile": [format!("{US_CORE}/us-core-patient")] },
            "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>" },
            "extension": [{ "url": format!("{US_CORE}/us-core-race"), "extension": race }],
            "name": [{ "family": "Okafor", "given": ["R", null], "_given": [null, { "extension": [{ "url": "http://x.example", "valueBoolean": true }] }] }],
            "identifier": [{ "system": "urn:mrn", "value": "1" }], "gender": "female", "deceasedBoolean": false,
            "contained": [{ "resourceType": "Organization", "id": "o", "name": "Practice" }],
            "managingOrganization": { "reference": "#o" } } },
        { "resource": {
            "resourceType": "Observation", "id": "o", "meta": { "profile": [format!("{US_CORE}/us-core-blood-pressure")] },
            "status": "final", "code": coded("85354-9"), "subject": { "reference": patient_url },
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
            "effectivePeriod": { "start": "2026-03-02", "end": "2026-03-03" },
            "component": [{ "code": coded("8480-6"), "valueQuantity": quantity }, { "code": coded("8462-4"), "valueQuantity": quantity }] } },
    ] })
}

/// The pointers of all parts.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_string());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "",
        " ",
        "final",
        "Patient/1",
        "#",
        "#o",
        "2026-02-30",
        "-",
        "http://loinc.org",
        "Observation",
        "\u{0}",
        "🙂",
        "<div",
        "http://hl7.org/fhir/StructureDefinition/Patient",
        "urn:uuid:",
        "a b",
        "99999999999999999999",
        "%",
        "?",
        "Patient?",
    ]);
    let keys = prop::sample::select(vec![
        "extension",
        "url",
        "value",
        "valueString",
        "_value",
        "resourceType",
        "id",
        "reference",
        "coding",
        "code",
        "contained",
        "modifierExtension",
        "entry",
        "resource",
        "profile",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(members.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_in_any_place_is_answered(changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4)) {
        let mut value = bundle();
        for (index, new) in changes {
            let mut found = Vec::new();
            pointers(&value, "", &mut found);
            let pointer: &String = index.get(&found);
            *value.pointer_mut(pointer).unwrap() = new;
        }
        let text = serde_json::to_string_pretty(&value).unwrap();
        let Ok(located) = Located::read(&text) else { return Ok(()) };
        for problem in validate_against(&located.resource, &[], Profiles::built_in()) {
            let span = located.place_of(&problem);
            let line = text.lines().nth(span.line as usize - 1);
            prop_assert!(line.is_some_and(|line| line.chars().count() + 1 >= (span.column + span.length - 1) as usize), "{problem} at {span:?}");
            prop_assert!(!problem.text.is_empty());
        }
    }
}
