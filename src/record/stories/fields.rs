//! What each field deletes, what silence leaves, and which statement outdoes which, said out.

use serde_json::{Value, json};

use super::super::State;
use super::properties::{ranks, telephones};
use super::world::{World, message};

fn phones(world: &World) -> Vec<String> {
    let telecom = world.only("Patient").get("telecom").and_then(Value::as_array).cloned().unwrap_or_default();
    telecom.iter().map(|phone| phone["value"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_field_deletes_what_it_stated_and_silence_leaves_the_rest() {
    let story = telephones();
    assert_eq!(phones(&World::after(&story[..1])), ["1", "3", "2"]);
    assert_eq!(phones(&World::after(&story[..2])), ["2"]);
    assert_eq!(phones(&World::after(&story[..3])), ["2", "4"]);
    assert_eq!(phones(&World::after(&story[..4])), ["5", "2", "4"]);
}

#[test]
fn who_states_a_whole_list_replaces_all_of_it_until_a_field_says_more() {
    let story = telephones();
    let whole: Vec<_> = [0, 1, 2, 4].iter().map(|number| story[*number].clone()).collect();
    assert_eq!(phones(&World::after(&whole)), ["6", "7"]);
    let later: Vec<_> = [0, 1, 2, 4, 3].iter().map(|number| story[*number].clone()).collect();
    assert_eq!(phones(&World::after(&later)), ["5"]);
}

#[test]
fn an_identifier_goes_when_its_field_says_so() {
    let story = telephones();
    assert_eq!(World::after(&story[6..7]).only("Patient").identifiers().len(), 2);
    assert_eq!(World::after(&[story[6].clone(), story[5].clone()]).only("Patient").identifiers().len(), 1);
}

#[test]
fn a_deletion_of_one_type_of_a_choice_leaves_the_other() {
    let story = telephones();
    let patient = World::after(&[story[7].clone(), story[1].clone(), story[2].clone()]);
    assert_eq!(patient.only("Patient").text("deceasedDateTime"), Some("2026"));
    assert_eq!(patient.only("Patient").get("deceasedBoolean"), None);
    let patient = World::after(&[story[7].clone(), story[2].clone()]);
    assert_eq!(patient.only("Patient").get("deceasedBoolean"), None);
}

#[test]
fn a_result_only_fills_the_gaps_of_demographics() {
    let told = message("A04", 0, "1", "A").patient_with("birthDate", json!("1950-01-01"));
    let result = message("R01", 9, "2", "A")
        .patient_with("birthDate", json!("1951-01-01"))
        .patient_with("gender", json!("male"));
    for story in [[told.clone(), result.clone()], [result, told]] {
        let world = World::after(&story);
        assert_eq!(world.only("Patient").text("birthDate"), Some("1950-01-01"));
        assert_eq!(world.only("Patient").text("gender"), Some("male"));
    }
}

#[test]
fn a_preliminary_never_outdoes_a_final_nor_a_final_its_correction_whatever_is_newer() {
    let story = ranks();
    let ending = |numbers: &[usize]| {
        let world = World::after(&numbers.iter().map(|number| story[*number].clone()).collect::<Vec<_>>());
        let observation = world.only("Observation");
        (observation.text("status").unwrap().to_string(), observation.get("valueInteger").cloned().unwrap())
    };
    assert_eq!(ending(&[0, 1, 2]), ("final".to_string(), json!(81)));
    assert_eq!(ending(&[1, 3, 4]), ("corrected".to_string(), json!(83)));
    assert_eq!(ending(&[0, 2]), ("preliminary".to_string(), json!(82)));
}

/// What a version of the gateway stored that knew lists, choices and members only as wholes.
#[test]
fn a_state_of_an_earlier_version_is_still_read() {
    let stamp =
        json!({ "occurred": "2026-03-02T09:00:00Z", "recorded": "2026-03-02T09:00:00Z", "source": "riverside/0" });
    let mut world = World::after(&[message("A04", -90, "0", "A")
        .patient_with("telecom", json!([{ "value": "old" }, { "value": "older" }]))
        .patient_with("deceasedBoolean", json!(true))
        .visit("V1", None, None, None)
        .disposed("01")]);
    for stored in world.resources.values_mut() {
        let transitions = std::mem::take(&mut stored.state.transitions);
        let names: &[&str] = match stored.resource.resource_type() {
            "Patient" => &["telecom", "deceased[x]", "identifier:urn:mrn|A"],
            "Encounter" => &["hospitalization", "subject", "identifier:urn:visit|V1"],
            _ => &[],
        };
        let stamps = names.iter().map(|name| ((*name).to_string(), serde_json::from_value(stamp.clone()).unwrap()));
        stored.state = State { stamps: stamps.collect(), transitions, ..State::default() };
        for transition in &mut stored.state.transitions {
            transition.disposition = None;
        }
    }
    world.play(&message("A08", 0, "1", "A").visit("V1", None, None, None));
    assert_eq!(phones(&world), ["old", "older"], "silence keeps it");
    assert_eq!(
        world.only("Encounter").get("hospitalization").unwrap()["dischargeDisposition"]["coding"][0]["code"],
        "01"
    );
    world.play(&message("A08", 10, "2", "A").patient_by_field("telecom", &[("PID-13", json!({ "value": "new" }))]));
    assert_eq!(phones(&world), ["new"], "what is stated replaces what came from nobody knows which field");
    world.play(&message("A08", 20, "3", "A").patient_with("deceasedDateTime", json!("2026")));
    assert_eq!(world.only("Patient").get("deceasedBoolean"), None);
    world.play(&message("A13", 30, "4", "A").visit("V1", None, None, None));
    assert_eq!(world.only("Encounter").get("hospitalization"), None);
}
