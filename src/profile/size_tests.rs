//! That what checking costs grows with what is checked, and not with its square.

use serde_json::{Value, json};

use super::steps::taken;
use super::{Profiles, validate_against};
use crate::fhir::Resource;
use crate::problem::Problem;

/// What is found, and in how many steps.
fn found(value: Value) -> (Vec<Problem>, usize) {
    let resource: Resource = serde_json::from_value(value).unwrap();
    taken();
    let found = validate_against(&resource, &[], Profiles::built_in());
    (found, taken())
}

fn says(found: &[Problem], part: &str) -> bool {
    found.iter().any(|problem| problem.to_string().contains(part))
}

#[test]
fn thousands_of_answers_to_thousands_of_questions_are_each_looked_at_once() {
    let count = 1_000;
    let asked = |number: usize| {
        json!({ "linkId": format!("q{number}"), "type": "integer", "required": true,
            "enableWhen": [{ "question": "last", "operator": "=", "answerInteger": 1 }] })
    };
    let questions: Vec<Value> = (0..count).map(asked).chain([json!({ "linkId": "last", "type": "integer" })]).collect();
    let answer = |id: String| json!({ "linkId": id, "answer": [{ "valueInteger": 1 }] });
    let answers: Vec<Value> =
        (1..count).map(|number| answer(format!("q{number}"))).chain([answer("last".to_string())]).collect();
    let form = json!({ "resourceType": "Questionnaire", "url": "https://forms.example/f", "status": "active", "item": questions });
    let response = json!({ "resourceType": "QuestionnaireResponse", "questionnaire": "https://forms.example/f", "status": "completed", "item": answers });
    let bundle = json!({ "resourceType": "Bundle", "type": "collection",
        "entry": [{ "fullUrl": "urn:uuid:1e9e2a72-0a6c-4a3b-8d0e-3f0a4b1d9c01", "resource": form }, { "fullUrl": "urn:uuid:1e9e2a72-0a6c-4a3b-8d0e-3f0a4b1d9c02", "resource": response }] });
    let (found, steps) = found(bundle);
    assert!(says(&found, "`q0` is required"), "{found:#?}");
    assert!(!says(&found, "`q1` is required"), "{found:#?}");
    // Each answer is read and checked, each question asked for, each condition of one without an answer looked up.
    assert!(steps <= 4 * count, "{steps} steps");
}

#[test]
fn a_document_that_leads_from_entry_to_entry_is_followed_once() {
    let count = 1_000;
    let url = |number: usize| format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
    let entry = |number: usize| {
        json!({ "fullUrl": url(number), "resource": { "resourceType": "Basic", "code": { "text": "x" },
            "subject": { "reference": url(number + 1) } } })
    };
    // The chain runs backwards through the entries, so that going through them all finds one more each time.
    let composition = json!({ "fullUrl": url(0), "resource": { "resourceType": "Composition", "status": "final", "title": "t",
        "type": { "text": "t" }, "date": "2026-01-01", "author": [{ "reference": url(1) }] } });
    let entries: Vec<Value> = std::iter::once(composition).chain((1..count).rev().map(entry)).collect();
    let document = json!({ "resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": url(count + 1) }, "entry": entries });
    let (found, steps) = found(document);
    assert!(!says(&found, "nothing in this document leads"), "{found:#?}");
    assert!(steps <= 3 * count, "{steps} steps");
}

#[test]
fn unknown_elements_are_compared_with_known_ones_only_while_that_is_said() {
    let mut patient = json!({ "resourceType": "Patient", "birthDat": "1958-03-14" });
    for number in 0..2_000 {
        patient[&format!("{}{number}", "y".repeat(12))] = json!(1);
    }
    let (found, steps) = found(patient);
    assert!(says(&found, "did you mean `birthDate`?"));
    assert!(says(&found, "more than 200 faults"));
    assert!(steps <= 200, "{steps} steps");
}
