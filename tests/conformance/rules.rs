//! What R4 demands beyond its own text: corrected rules, profiles that a code implies, answers against what was asked, bundles as a
//! whole. Each line is something that is right beside something that is nearly so.

use handover::fhir::Resource;
use handover::problem::{Problem, Severity};
use handover::profile::{Profiles, validate_against};
use serde_json::{Value, json};

fn check(resource: Value) -> Vec<Problem> {
    validate_against(&Resource::try_from(resource).unwrap(), &[], Profiles::built_in())
}

fn texts(problems: &[Problem], severity: Severity) -> Vec<String> {
    problems.iter().filter(|problem| problem.severity == severity).map(ToString::to_string).collect()
}

fn errors(resource: Value) -> Vec<String> {
    texts(&check(resource), Severity::Error)
}

/// The right one is valid; the wrong one has an error that says `word`.
fn differ(right: Value, wrong: Value, word: &str) {
    assert_eq!(errors(right), Vec::<String>::new());
    let found = errors(wrong);
    assert!(found.iter().any(|text| text.contains(word)), "{word}: {found:?}");
}

fn form(items: Value) -> Value {
    json!({ "resourceType": "Questionnaire", "status": "active", "item": items })
}

fn vital(code: &str, more: Value) -> Value {
    let mut observation = json!({ "resourceType": "Observation", "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] }, "subject": { "reference": "Patient/7" } });
    observation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    observation
}

#[test]
fn rules_that_r4_published_wrongly_are_evaluated_as_meant_and_told_in_words() {
    let asks = |answer: Value| {
        let mut condition = json!({ "question": "smokes", "operator": "exists" });
        condition.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        form(
            json!([{ "linkId": "smokes", "type": "string" }, { "linkId": "packs", "type": "integer", "enableWhen": [condition] }]),
        )
    };
    differ(asks(json!({ "answerBoolean": false })), asks(json!({ "answerString": "no" })), "asked with true or false");
    let two = |more: Value| {
        let condition = |value: i32| json!({ "question": "age", "operator": ">", "answerInteger": value });
        let mut item = json!({ "linkId": "b", "type": "string", "enableWhen": [condition(3), condition(9)] });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        form(json!([{ "linkId": "age", "type": "integer" }, item]))
    };
    differ(two(json!({ "enableBehavior": "any" })), two(json!({})), "que-12");
    let empty_group = check(form(json!([{ "linkId": "g", "type": "group" }])));
    assert_eq!(texts(&empty_group, Severity::Error), Vec::<String>::new());
    assert!(texts(&empty_group, Severity::Warning).iter().any(|text| text.contains("a group should have items")));
    let shown =
        |kind: &str| form(json!([{ "linkId": "g", "type": kind, "item": [{ "linkId": "x", "type": "string" }] }]));
    differ(shown("group"), shown("display"), "what is displayed has no items");
    let risk = |prediction: Value| json!({ "resourceType": "RiskAssessment", "status": "final", "subject": { "display": "x" }, "prediction": [prediction] });
    differ(risk(json!({ "rationale": "smokes" })), risk(json!({ "probabilityDecimal": 130.5 })), "at most 100");
    let lasts = |duration: Value| json!({ "resourceType": "Encounter", "status": "finished", "class": { "code": "AMB" }, "length": duration });
    differ(lasts(json!({ "system": "http://unitsofmeasure.org", "code": "h" })), lasts(json!({ "value": 2 })), "drt-1");
    let problem = |category: &str, status: Value| {
        let mut condition = json!({ "resourceType": "Condition", "subject": { "display": "x" },
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": category }] }] });
        condition.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
        texts(&check(condition), Severity::Warning).iter().any(|text| text.contains("con-3"))
    };
    let confirmed = json!({ "verificationStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed" }] } });
    assert!(!problem("encounter-diagnosis", confirmed.clone()) && !problem("problem-list-item", json!({})));
    assert!(problem("problem-list-item", confirmed));
    let describes = |path: &str| {
        let element = |path: &str| json!({ "id": path, "path": path });
        json!({ "resourceType": "StructureDefinition", "url": "urn:x", "name": "X", "status": "draft", "kind": "resource", "abstract": false,
            "type": "Patient", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
            "differential": { "element": [element("Patient"), element(path)] } })
    };
    differ(describes("Patient.name"), describes("Patient.na me"), "eld-19");
}

#[test]
fn an_allergy_without_statuses_lacks_one_as_r4_has_it() {
    let status = |name: &str, code: &str| json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/allergyintolerance-{name}"), "code": code }] });
    let allergy = |more: Value| {
        let mut allergy = json!({ "resourceType": "AllergyIntolerance", "patient": { "display": "x" } });
        allergy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        allergy
    };
    // R4B lets the second be; R4's words and rule do not (profiles/errata.txt).
    differ(allergy(json!({ "clinicalStatus": status("clinical", "active") })), allergy(json!({})), "ait-1");
    let mistaken = allergy(json!({ "verificationStatus": status("verification", "entered-in-error") }));
    differ(mistaken, allergy(json!({ "verificationStatus": status("verification", "confirmed") })), "ait-1");
}

#[test]
fn a_reference_to_the_whole_stands_in_what_is_contained_only() {
    let medication = |contained: Value, form: &str| json!({ "resourceType": "Medication", "contained": [contained], "ingredient": [{ "itemReference": { "reference": form } }] });
    let inner = json!({ "resourceType": "Medication", "id": "in", "manufacturer": { "display": "x" } });
    differ(medication(inner.clone(), "#in"), medication(inner, "#"), "contained");
}

#[test]
fn a_vital_sign_meets_the_profile_of_its_code_whether_it_claims_it_or_not() {
    let rate = |more: Value| vital("9279-1", more);
    let value = json!({ "value": 18, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" });
    differ(
        rate(json!({ "effectivePeriod": { "start": "2026-02-01T10:00:00Z" }, "valueQuantity": value })),
        rate(json!({ "effectiveDateTime": "2026-02", "valueQuantity": value })),
        "dated to the day",
    );
    let odd = json!({ "value": 18, "unit": "1/min", "system": "http://unitsofmeasure.org", "code": "1/min" });
    let found = errors(rate(json!({ "effectiveDateTime": "2026-02-01", "valueQuantity": odd })));
    assert!(found.iter().any(|text| text.contains("resprate")), "{found:?}");
    let mut other = vital("1234-5", json!({ "valueString": "eighteen" }));
    other["code"]["coding"][0]["system"] = json!("urn:local");
    assert_eq!(errors(other), Vec::<String>::new(), "another code is no vital sign");
}

#[test]
fn answers_are_checked_against_the_questions_that_are_at_hand() {
    let questions = json!({ "resourceType": "Questionnaire", "id": "phq", "url": "https://forms.example/phq", "status": "active", "item": [
        { "linkId": "mood", "type": "choice", "required": true, "answerOption": [{ "valueCoding": { "code": "low" } }, { "valueCoding": { "code": "fair" } }] },
        { "linkId": "days", "type": "integer", "enableWhen": [{ "question": "mood", "operator": "=", "answerCoding": { "code": "low" } }], "required": true },
        { "linkId": "note", "type": "string", "maxLength": 5 },
        { "linkId": "home", "type": "group", "item": [{ "linkId": "alone", "type": "boolean" }] },
    ] });
    let answered = |items: Value, status: &str| json!({ "resourceType": "QuestionnaireResponse", "contained": [questions], "questionnaire": "#phq", "status": status, "item": items });
    let item = |id: &str, value: Value| json!({ "linkId": id, "answer": [value] });
    let mood = |code: &str| item("mood", json!({ "valueCoding": { "code": code, "display": "anything" } }));
    let fair = json!([mood("fair"), item("note", json!({ "valueString": "ok" })), { "linkId": "home", "item": [item("alone", json!({ "valueBoolean": true }))] }]);
    assert_eq!(errors(answered(fair, "completed")), Vec::<String>::new());
    for (items, word) in [
        (json!([mood("low")]), "`days` is required"),
        (json!([item("note", json!({ "valueString": "ok" }))]), "`mood` is required"),
        (json!([mood("gone")]), "none of the Questionnaire's options"),
        (json!([mood("fair"), item("days", json!({ "valueDecimal": 2.5 }))]), "valueInteger, not by valueDecimal"),
        (json!([mood("fair"), item("note", json!({ "valueString": "too long" }))]), "longer than the 5"),
        (json!([mood("fair"), item("alone", json!({ "valueBoolean": true }))]), "no item `alone` here"),
        (json!([mood("fair"), mood("low"), item("days", json!({ "valueInteger": 2 }))]), "more than once"),
        (json!([mood("fair"), item("home", json!({ "valueBoolean": true }))]), "group is not answered"),
        (
            json!([mood("fair"), { "linkId": "note", "answer": [{ "valueString": "a" }, { "valueString": "b" }] }]),
            "takes one answer",
        ),
    ] {
        let found = errors(answered(items.clone(), "completed"));
        assert!(found.iter().any(|text| text.contains(word)), "{word}: {found:?} of {items}");
    }
    let begun = answered(json!([item("note", json!({ "valueString": "so" }))]), "in-progress");
    assert_eq!(errors(begun), Vec::<String>::new(), "what is not finished may lack answers");
    let mut elsewhere = answered(json!([mood("gone")]), "completed");
    elsewhere.as_object_mut().unwrap().remove("contained");
    elsewhere["questionnaire"] = json!("https://forms.example/phq|2");
    let told = texts(&check(elsewhere.clone()), Severity::Information);
    assert!(told.iter().any(|text| text.contains("not checked against it")), "{told:?}");
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": questions }, { "resource": elsewhere }] });
    let found = errors(bundle);
    assert!(
        found.iter().any(|text| text.contains("none of the Questionnaire's options")),
        "in one bundle it is at hand: {found:?}"
    );
}

#[test]
fn bundles_say_once_how_they_were_asked_for_and_hold_what_can_be_reached() {
    let patient = |more: Value| {
        let mut patient = json!({ "resourceType": "Patient", "active": true });
        patient.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        patient
    };
    let found = |links: Value, resource: Value, mode: &str| json!({ "resourceType": "Bundle", "type": "searchset", "link": links, "entry": [{ "resource": resource, "search": { "mode": mode } }] });
    let own = |url: &str| json!({ "relation": "self", "url": url });
    let right = found(
        json!([own("https://a.example/Patient"), { "relation": "next", "url": "https://a.example/2" }]),
        patient(json!({ "id": "p" })),
        "match",
    );
    differ(
        right.clone(),
        found(json!([own("https://a.example/x"), own("https://a.example/y")]), patient(json!({ "id": "p" })), "match"),
        "one link `self`",
    );
    differ(right, found(json!([own("https://a.example/x")]), patient(json!({})), "include"), "found has an id");
    let outcome = json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "information", "code": "informational" }] });
    assert_eq!(errors(found(json!([own("https://a.example/x")]), outcome, "outcome")), Vec::<String>::new());

    let document = |last: Value| {
        json!({ "resourceType": "Bundle", "type": "document", "identifier": { "system": "urn:x", "value": "1" }, "timestamp": "2026-03-01T10:00:00Z", "entry": [
            { "fullUrl": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000001", "resource": { "resourceType": "Composition", "status": "final",
                "type": { "text": "Letter" }, "date": "2026-03-01", "title": "Letter", "author": [{ "display": "x" }],
                "subject": { "reference": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000002" } } },
            { "fullUrl": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000002", "resource": patient(json!({})) },
            { "fullUrl": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000003", "resource": last } ] })
    };
    let origin = json!({ "resourceType": "Provenance", "recorded": "2026-03-01T10:00:00Z", "agent": [{ "who": { "display": "x" } }],
        "target": [{ "reference": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000002" }] });
    differ(
        document(origin),
        document(json!({ "resourceType": "Organization", "name": "nobody's" })),
        "leads from its Composition",
    );

    let beside = |reference: &str| {
        let condition = json!({ "resourceType": "Condition", "subject": { "reference": reference } });
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
            { "fullUrl": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000004", "resource": patient(json!({ "id": "p" })) },
            { "fullUrl": "urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000005", "resource": condition } ] });
        texts(&check(bundle), Severity::Warning).iter().any(|text| text.contains("leads nowhere from here"))
    };
    assert!(beside("Patient/p") && !beside("urn:uuid:0b0f0a3e-0f3c-4a39-8a55-000000000004"));
}
