//! What search requests are read as.

use actix_web::http::StatusCode;

use super::parameters::served;
use super::query::{DEFAULT_COUNT, LARGEST_COUNT, Search, read, seal_cursor};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::problem::Category;
use crate::store::{Cursor, Term, TokenValue};
use crate::web::answer::Fault;

const BASE: &str = "https://gateway.example/fhir";

fn asked(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn tasks(parameters: &[(&str, &str)]) -> Result<Search, Fault> {
    let (name, own) = served("Task").unwrap();
    read(name, own, BASE, asked(parameters), false)
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
fn modifiers_and_chains_are_refused_even_when_lenient() {
    for name in ["status:not", "patient.name", "_has:Task", "_has", "code:in", "identifier:of-type"] {
        let fault = tasks(&[(name, "x")]).unwrap_err();
        assert_eq!(fault.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(fault.problem.category, Category::NotSupported);
    }
}

#[test]
fn unknown_parameters_are_named_or_when_strict_refused() {
    let search = tasks(&[("colour", "red"), ("status", "draft")]).unwrap();
    assert_eq!(search.ignored, ["colour"]);
    assert_eq!(search.used, asked(&[("status", "draft")]));
    let (name, own) = served("Task").unwrap();
    assert!(read(name, own, BASE, asked(&[("colour", "red")]), true).is_err());
}

#[test]
fn counts_are_bounded() {
    assert_eq!(tasks(&[]).unwrap().count, DEFAULT_COUNT);
    assert_eq!(tasks(&[("_count", "7")]).unwrap().count, 7);
    assert_eq!(tasks(&[("_count", "100000")]).unwrap().count, LARGEST_COUNT);
    assert!(tasks(&[("_count", "0")]).is_err() && tasks(&[("_count", "-1")]).is_err());
}

#[test]
fn dates_narrow_and_what_is_no_date_is_refused() {
    let search = tasks(&[("authored-on", "ge2026-03-01"), ("authored-on", "2026-03-02")]).unwrap();
    assert_eq!((search.query.terms.len(), search.within.len()), (2, 1));
    assert!(tasks(&[("authored-on", "yesterday")]).is_err());
    assert!(tasks(&[("authored-on", "2026,2027")]).is_err());
}

#[test]
fn a_cursor_comes_back_as_it_went_out() {
    let cursor = Cursor("7/Task|x".to_string());
    let search = tasks(&[("_cursor", &seal_cursor(&cursor))]).unwrap();
    assert_eq!(search.cursor, Some(cursor));
    assert!(tasks(&[("_cursor", "%%%")]).is_err());
}
