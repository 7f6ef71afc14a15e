//! What search requests are read as.

use actix_web::http::StatusCode;

use super::negotiate::Handling;
use super::parameters::served;
use super::query::{DEFAULT_COUNT, LARGEST_COUNT, Reading, Search, Total};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::problem::Category;
use crate::store::{Sort, SortBy, Term, TokenValue};
use crate::web::answer::Fault;

const BASE: &str = "https://gateway.example/fhir";

fn asked(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn read(parameters: &[(&str, &str)], handling: Handling) -> Result<Search, Fault> {
    let (resource_type, own) = served("Task").unwrap();
    let now = "2026-03-11T00:00:00Z".parse().unwrap();
    let reading = Reading { resource_type, parameters: own, base: BASE, handling, now };
    Search::read(&reading, asked(parameters))
}

fn tasks(parameters: &[(&str, &str)]) -> Result<Search, Fault> {
    read(parameters, Handling::Strict)
}

fn value(system: Option<&str>, code: Option<&str>) -> TokenValue {
    TokenValue { system: system.map(String::from), code: code.map(String::from) }
}

#[test]
fn tokens_are_read_with_their_escapes() {
    let search =
        tasks(&[("status", "requested,in-progress"), ("identifier", "urn:x|a\\|b\\,c"), ("code", "s|")]).unwrap();
    let expected = [
        Term::Token {
            element: "status",
            values: vec![value(None, Some("requested")), value(None, Some("in-progress"))],
        },
        Term::Identifier(vec![value(Some("urn:x"), Some("a|b,c"))]),
        Term::Token { element: "code", values: vec![value(Some("s"), None)] },
    ];
    assert_eq!(search.query.terms, expected);
    assert_eq!(search.used.len(), 3);
}

#[test]
fn a_patient_is_found_by_id_in_each_form_and_a_foreign_one_matches_nothing() {
    let person = PersonId::of(&Identifier::new("urn:mrn", "1"));
    let id = ResourceId::patient(person);
    for text in [id.to_string(), format!("Patient/{id}"), format!("{BASE}/Patient/{id}")] {
        let search = tasks(&[("patient", &text)]).unwrap();
        assert_eq!(search.query.terms, [Term::Patient(vec![person])]);
        assert!(!search.nothing);
    }
    for text in ["4711", "Patient/4711", &ResourceId::of(person, "Task", "x").to_string(), "Group/1"] {
        assert!(tasks(&[("subject", text)]).unwrap().nothing, "{text}");
    }
}

#[test]
fn what_is_not_supported_is_refused_with_what_is() {
    for (name, value) in [
        ("status:not", "x"),
        ("patient.name", "x"),
        ("_has:Task:owner:status", "x"),
        ("_filter", "x"),
        ("identifier:of-type", "x"),
        ("colour", "red"),
        ("Status", "requested"),
        ("_at", "2026"),
        ("_elements", "status"),
        ("_summary", "true"),
        ("_summary", "text"),
        ("_include", "Task:owner"),
        ("_sort", "colour"),
        ("_sort", "owner"),
        ("_sort", "status,-colour"),
        ("status", ""),
        ("_sort", ""),
    ] {
        let fault = tasks(&[("priority", "stat"), (name, value)]).unwrap_err();
        assert_eq!((fault.status, fault.problem.category), (StatusCode::BAD_REQUEST, Category::NotSupported), "{name}");
        let text = &fault.problem.text;
        assert!(text.contains(&format!("without a value: {name}. Task")) && text.contains("authored-on"), "{text}");
        let lenient = read(&[("priority", "stat"), (name, value)], Handling::Lenient).unwrap();
        assert_eq!(
            (lenient.ignored.as_slice(), lenient.used),
            ([name.to_string()].as_slice(), asked(&[("priority", "stat")]))
        );
    }
}

#[test]
fn a_value_that_cannot_be_read_is_refused_however_lenient() {
    for (name, value) in [
        ("authored-on", "yesterday"),
        ("authored-on", "2026,soon"),
        ("_lastUpdated", "2026-13"),
        ("_count", "-1"),
        ("_count", "many"),
        ("_total", "all"),
    ] {
        let fault = read(&[(name, value)], Handling::Lenient).unwrap_err();
        assert_eq!(
            (fault.status, fault.problem.category),
            (StatusCode::BAD_REQUEST, Category::Value),
            "{name}={value}"
        );
    }
    assert!(
        tasks(&[("_count", "1"), ("_count", "2")]).is_err()
            && tasks(&[("_sort", "code"), ("_sort", "status")]).is_err()
    );
    assert!(tasks(&[("_id", "a"), ("_id", "b")]).is_ok());
}

#[test]
fn counts_are_bounded_and_none_asks_for_the_number_alone() {
    assert_eq!(tasks(&[]).unwrap().count, DEFAULT_COUNT);
    assert_eq!(tasks(&[("_count", "7")]).unwrap().count, 7);
    let most = tasks(&[("_count", "100000")]).unwrap();
    assert_eq!(
        (most.count, most.used),
        (LARGEST_COUNT, asked(&[("_count", "250")])),
        "the self link says what was used"
    );
    for number in [vec![("_count", "0")], vec![("_summary", "count")], vec![("_summary", "count"), ("_count", "5")]] {
        assert_eq!(tasks(&number).unwrap().count, 0, "{number:?}");
    }
    assert_eq!(tasks(&[("_summary", "false")]).unwrap().count, DEFAULT_COUNT);
    assert_eq!(tasks(&[("_totalMethod", "count")]).unwrap().total, Total::Accurate);
}

#[test]
fn orders_are_read_with_their_direction() {
    let search = tasks(&[("_sort", "-authored-on,_id,-_lastUpdated")]).unwrap();
    let by = |by, descending| Sort { by, descending };
    let expected = [by(SortBy::Date(&["authoredOn"]), true), by(SortBy::Id, false), by(SortBy::LastUpdated, true)];
    assert_eq!(search.sort, expected);
    assert_eq!(search.ordering, ["authoredOn", "meta"]);
}

#[test]
fn dates_narrow_when_repeated_and_widen_by_commas() {
    let search = tasks(&[("authored-on", "ge2026-03-01"), ("authored-on", "2026-03-02,ne2026,ap2025-12-01")]).unwrap();
    let values: Vec<usize> = search
        .query
        .terms
        .iter()
        .map(|term| match term {
            Term::Date { values, .. } => values.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(values, [1, 3]);
}

#[test]
fn a_code_of_a_wrong_system_matches_nothing() {
    assert!(tasks(&[("status", "http://hl7.org/fhir/flag-status|requested")]).unwrap().nothing);
    let some = tasks(&[("status", "http://hl7.org/fhir/task-status|requested,urn:x|draft")]).unwrap();
    assert!(!some.nothing);
    let expected = Term::Token { element: "status", values: vec![value(None, Some("requested"))] };
    assert_eq!(some.query.terms, [expected]);
}
