//! One mutant or more of each kind, of small resources of our own: what the validator must find wherever the project stands
//! alone. Each has one defect, and is found as one error at its place.

use handover::fhir::Resource;
use handover::profile::{Profiles, validate_against};
use serde_json::{Value, json};

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition";

fn errors(value: &Value) -> Vec<String> {
    let resource: Resource = serde_json::from_value(value.clone()).unwrap();
    let problems = validate_against(&resource, &[], Profiles::built_in());
    problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect()
}

fn patient() -> Value {
    let omb = json!({ "system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "White" });
    let race = json!([{ "url": "ombCategory", "valueCoding": omb }, { "url": "text", "valueString": "White" }]);
    json!({
        "resourceType": "Patient", "id": "p", "meta": { "profile": [format!("{US_CORE}/us-core-patient")] },
        "extension": [
            { "url": format!("{US_CORE}/us-core-race"), "extension": race },
            { "url": format!("{US_CORE}/us-core-birthsex"), "valueCode": "F" },
        ],
        "identifier": [{ "system": "http://example.org/mrn", "value": "4711" }],
        "name": [{ "family": "Okafor", "given": ["Rosalind"] }], "gender": "female", "birthDate": "1958-03-14",
        "contact": [{ "name": { "family": "Okafor" } }],
    })
}

fn pressure() -> Value {
    let component = |code: &str, value: f64| {
        let quantity =
            json!({ "value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" });
        json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": code }] }, "valueQuantity": quantity })
    };
    let category = "http://terminology.hl7.org/CodeSystem/observation-category";
    json!({
        "resourceType": "Observation", "id": "o", "meta": { "profile": [format!("{US_CORE}/us-core-blood-pressure")] },
        "status": "final", "category": [{ "coding": [{ "system": category, "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "85354-9" }] },
        "subject": { "reference": "Patient/p" }, "effectiveDateTime": "2026-03-02T10:00:00+01:00",
        "component": [component("8480-6", 142.0), component("8462-4", 88.0)],
    })
}

fn bundle() -> Value {
    let patient_url = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let mut observation = pressure();
    observation["subject"] = json!({ "reference": patient_url });
    let other = "urn:uuid:00000000-0000-4000-8000-000000000002";
    json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "fullUrl": patient_url, "resource": patient() }, { "fullUrl": other, "resource": observation } ] })
}

/// What is at the JSON pointer becomes something else; null takes it away. One error, at the place, saying so.
#[track_caller]
fn one(mut value: Value, pointer: &str, new: Value, expected: &str) {
    assert_eq!(errors(&value), Vec::<String>::new(), "the resource must be valid before");
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(map) if new.is_null() => drop(map.shift_remove(key)),
        Value::Object(map) => drop(map.insert(key.to_string(), new)),
        Value::Array(list) if new.is_null() => drop(list.remove(key.parse::<usize>().unwrap())),
        Value::Array(list) if key == "-" => list.push(new),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = new,
        _ => panic!("nothing to change at {pointer}"),
    }
    let found = errors(&value);
    assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:#?}");
}

#[test]
fn cardinality() {
    one(patient(), "/name", Value::Null, "Patient.name: this element is required (us-core-patient)");
    one(pressure(), "/status", Value::Null, "Observation.status: this element is required");
    one(pressure(), "/status", json!(["final", "amended"]), "Observation.status: this element is no list");
    let twice = json!([{ "url": "text", "valueString": "White" }, { "url": "text", "valueString": "White" }]);
    one(
        patient(),
        "/extension/0/extension",
        twice,
        "Patient.extension[0].extension: `text` may stand here at most once",
    );
}

#[test]
fn types() {
    one(patient(), "/gender", json!(7), "Patient.gender");
    one(patient(), "/name/0/given", json!("Rosalind"), "Patient.name[0].given: this element is a list");
    one(pressure(), "/effectiveInteger", json!(3), "Observation.effectiveInteger: Observation has no such element");
    one(pressure(), "/component/0/valueString", json!("high"), "Observation.component[0].value: this element stands");
}

#[test]
fn syntax_of_primitives() {
    one(patient(), "/birthDate", json!("1958-02-30"), "Patient.birthDate: a date is");
    one(pressure(), "/effectiveDateTime", json!("2026-03-02T10:00"), "Observation.effective: a dateTime is");
    one(patient(), "/id", json!("under_score"), "Patient.id: a id is");
    one(patient(), "/_active", json!({}), "Patient.active: an object has at least one element");
    one(patient(), "/_active", json!({ "id": "a" }), "Patient.active: an element has a value or extensions");
}

#[test]
fn codes() {
    one(patient(), "/gender", json!("woman"), "Patient.gender: this code must be one of male, female");
    one(patient(), "/gender", json!(" female"), "Patient.gender: a code is");
}

#[test]
fn slices() {
    one(pressure(), "/component/1", Value::Null, "Observation.component: `diastolic`");
    one(pressure(), "/category/0/coding/0/code", json!("laboratory"), "Observation.category: `VSCat`");
    let again = pressure()["component"][0].clone();
    one(pressure(), "/component/-", again, "Observation.component: `systolic` may stand here at most once");
}

#[test]
fn patterns_and_fixed_values() {
    one(pressure(), "/code/coding/0/code", json!("8867-4"), "Observation.code: this must have at least");
    one(
        pressure(),
        "/component/0/valueQuantity/code",
        json!("kPa"),
        "Observation.component[0].value.code: this must be",
    );
}

#[test]
fn targets_of_references() {
    one(pressure(), "/subject/reference", json!("Medication/1"), "Observation.subject: this reference may point at");
    one(pressure(), "/subject/reference", json!("Group/1"), "Observation.subject: this reference may point at");
    for form in ["Nothing/1", "Patient/under_score", "Patient"] {
        one(pressure(), "/subject/reference", json!(form), "Observation.subject.reference: a reference is Type/id");
    }
    one(pressure(), "/subject/reference", json!("#nobody"), "Observation.subject: nothing contained");
}

#[test]
fn what_is_contained_has_an_id_of_its_own() {
    let mut holder = patient();
    let practice = json!({ "resourceType": "Organization", "id": "o", "name": "Practice" });
    holder["contained"] = json!([practice]);
    holder["managingOrganization"] = json!({ "reference": "#o" });
    one(holder, "/contained/-", practice, "Patient.contained[1].id: another contained resource has this id");
}

#[test]
fn invariants() {
    one(patient(), "/contact/0", json!({ "gender": "female" }), "Patient.contact[0]: the invariant pat-1");
    let empty = json!({ "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"> </div>" });
    one(patient(), "/text", empty, "Patient.text.div: the invariant txt-1");
    let script = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x()</script>text</div>";
    one(patient(), "/text", json!({ "status": "generated", "div": script }), "Patient.text.div: the invariant txt-1");
    one(pressure(), "/effectiveDateTime", json!("2026-03"), "Observation.effective: the invariant vs-1");
}

#[test]
fn what_is_said_of_an_item_holds_for_the_items_inside_it() {
    let item = json!([{ "linkId": "1", "type": "group", "item": [{ "linkId": "2", "type": "string" }] }]);
    let questionnaire = json!({ "resourceType": "Questionnaire", "id": "q", "status": "draft", "item": item });
    let shown = json!({ "linkId": "2", "type": "display", "item": [{ "linkId": "3", "type": "string" }] });
    one(questionnaire, "/item/0/item/0", shown, "Questionnaire.item[0].item[0]: the invariant que-1");
}

#[test]
fn extensions() {
    let modifier = json!([{ "url": "http://example.org/not-known", "valueBoolean": true }]);
    one(patient(), "/modifierExtension", modifier, "Patient.modifierExtension[0]: http://example.org/not-known is not");
    let swapped = json!({ "url": format!("{US_CORE}/us-core-birthsex"), "valueString": "F" });
    one(patient(), "/extension/1", swapped, "Patient.extension[1].value: this must be a code");
    one(patient(), "/extension/0/extension/1", Value::Null, "Patient.extension[0].extension: `text`");
    let part = json!({ "url": "colour", "valueString": "red" });
    one(
        patient(),
        "/extension/0/extension/-",
        part,
        "Patient.extension[0].extension[2]: us-core-race has no such part",
    );
    let nothing = json!({ "url": format!("{US_CORE}/us-core-birthsex") });
    one(patient(), "/extension/1", nothing, "Patient.extension[1]: the invariant ext-1");
    let sex = json!([{ "url": format!("{US_CORE}/us-core-birthsex"), "valueCode": "F" }]);
    one(
        pressure(),
        "/extension",
        sex,
        "Observation.extension[0]: us-core-birthsex may not stand here, only on Patient",
    );
}

/// Advice about what stands before it must not hide an error.
#[test]
fn an_error_is_found_behind_any_number_of_warnings() {
    let mut entries = vec![json!({ "resource": { "resourceType": "Patient", "gender": "female" } }); 300];
    entries.push(json!({ "resource": { "resourceType": "Patient", "gender": "F" } }));
    let found = errors(&json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }));
    assert!(found.len() == 1 && found[0].starts_with("Bundle.entry[300].resource.gender"), "{found:#?}");
}

#[test]
fn bundles() {
    one(bundle(), "/type", json!("letter"), "Bundle.type: this code must be one of");
    let again = json!({ "fullUrl": bundle()["entry"][0]["fullUrl"], "resource": patient() });
    one(bundle(), "/entry/-", again, "Bundle: the invariant bdl-7");
    let nobody = json!("urn:uuid:00000000-0000-4000-8000-000000000077");
    one(bundle(), "/entry/1/resource/subject/reference", nobody, "Bundle.entry[1].resource.subject: no entry");
    one(bundle(), "/entry/1/fullUrl", json!("Observation/o"), "Bundle.entry[1].fullUrl: a full URL is absolute");
    one(bundle(), "/total", json!(2), "Bundle: the invariant bdl-1");
    // A fault of what is pointed at is said there only.
    one(bundle(), "/entry/0/resource/name", Value::Null, "Bundle.entry[0].resource.name: this element is required");
}
