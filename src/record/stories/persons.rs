//! One number and two persons, said out.

use serde_json::{Value, json};

use super::properties::persons;
use super::world::{Message, World, message};
use crate::problem::{Problem, Severity};
use crate::unused::{Duty, Kind};

fn shown(world: &World) -> (String, String, String) {
    let patient = world.only("Patient");
    let family = patient.get("name").and_then(Value::as_array).unwrap().last().unwrap()["family"].as_str().unwrap();
    let text = |element: &str| patient.text(element).unwrap().to_string();
    (family.to_string(), text("birthDate"), text("gender"))
}

fn of(numbers: &[usize]) -> World {
    let story = persons();
    World::after(&numbers.iter().map(|number| story[*number].clone()).collect::<Vec<Message>>())
}

fn doubts(world: &World) -> Vec<&Problem> {
    let is_identity = |problem: &&Problem| problem.unused.as_ref().is_some_and(|unused| unused.kind == Kind::Identity);
    world.problems.iter().filter(is_identity).collect()
}

fn three(family: &str, birth: &str, sex: &str) -> (String, String, String) {
    (family.to_string(), birth.to_string(), sex.to_string())
}

#[test]
fn the_person_told_of_first_keeps_the_number_whatever_comes_first() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 1, 3]] {
        let world = of(&order);
        assert_eq!(shown(&world), three("Halloran", "1944-02-11", "female"));
        let patient = world.only("Patient");
        assert_eq!(patient.get("address").unwrap()[0]["line"][0], "1 Mill Rd");
        assert_eq!(patient.get("maritalStatus"), None);
    }
}

#[test]
fn the_conflict_is_the_practices_work_and_names_the_patient() {
    let world = of(&[1, 2, 3, 4]);
    let found = doubts(&world);
    assert_eq!(found.len(), 2, "one for each message that names the other person");
    let unused = found[0].unused.as_ref().unwrap();
    assert_eq!((unused.duty, found[0].severity), (Some(Duty::Practice), Severity::Warning));
    assert_eq!(unused.about, format!("Patient/{}", world.only("Patient").id().unwrap()));
    assert_eq!(doubts(&of(&[2, 1])).len(), 1, "the one that shows there are two");
    assert!(doubts(&of(&[1, 4])).is_empty(), "somebody who marries is nobody else");
}

#[test]
fn who_only_mentions_a_patient_never_has_the_number() {
    let world = of(&[0, 1]);
    assert_eq!(shown(&world), three("Halloran", "1944-02-11", "female"));
    assert_eq!(shown(&of(&[0])), three("Ilves", "2001-09-09", "male"), "until somebody else tells");
}

#[test]
fn a_message_that_names_both_makes_them_one() {
    let mut story = vec![persons()[1].clone(), persons()[2].clone()];
    let names = [("PID-5", json!({ "family": "Petrov" })), ("PID-9", json!({ "family": "Halloran" }))];
    story.push(
        message("A31", 60, "9", "A").patient_by_field("name", &names).patient_with("birthDate", json!("1990-06-01")),
    );
    let world = World::after(&story);
    assert_eq!(world.only("Patient").text("birthDate"), Some("1990-06-01"));
    story.rotate_left(1);
    assert_eq!(World::after(&story).snapshot(), world.snapshot());
}

#[test]
fn a_message_about_somebody_else_teaches_no_number() {
    let told = persons()[1].clone();
    let other = persons()[2].clone().patient_with(
        "identifier",
        json!([{ "system": "urn:mrn", "value": "A" }, { "system": "urn:mrn", "value": "B" }]),
    );
    let world = World::after(&[told, other.clone()]);
    assert_eq!(world.only("Patient").identifiers().len(), 1);
    assert_eq!(world.snapshot().0[0]["identifiers"].as_array().unwrap().len(), 1);
}
