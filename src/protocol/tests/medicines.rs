//! Classes of medicines: by codes, by name where no code tells, and said where neither does.

use serde_json::json;

use super::stage::scene;
use crate::fhir::{ValueSets, words_of};
use crate::unused::{Duty, Kind};

#[test]
fn a_class_is_known_by_ingredient_drug_atc_and_name() {
    let sets = ValueSets::built_in();
    for (class, system, code) in [
        ("medicine-ace-inhibitor", "rxnorm", "314076"),
        ("medicine-anticoagulant", "rxnorm", "11289"),
        ("medicine-loop-diuretic", "atc", "C03CA01"),
        ("medicine-opioid", "atc", "N02AX02"),
        ("medicine-insulin", "atc", "A10AE04"),
        ("medicine-inhaled-steroid", "atc", "R03AK07"),
    ] {
        assert!(sets.contains(class, system, code), "{class} {code}");
        assert!(sets.contains("medicine-known", system, code), "{class} {code}");
    }
    for (name, is_inhaled) in [
        ("Fluticasone propionate 44 MCG/ACT inhaler", true),
        ("Breo Ellipta", true),
        ("fluticasone propionate 50 mcg nasal spray", false),
        ("Albuterol inhaler", false),
    ] {
        assert_eq!(sets.is_told("medicine-inhaled-steroid", &words_of(name)), is_inhaled, "{name}");
    }
}

#[test]
fn a_medicine_that_no_table_knows_is_work_for_the_feed_once() {
    let mut scene = scene("2026-03-02T10:00");
    let order = |code: &str, text: &str| {
        let coding = json!([{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code }]);
        json!({ "status": "active", "intent": "order", "authoredOn": "2026-03-02",
            "medicationCodeableConcept": { "coding": coding, "text": text } })
    };
    scene.put("MedicationRequest", "known", order("1364430", "apixaban"));
    scene.put("MedicationRequest", "named", order("99999998", "Amoxicillin 250 mg"));
    scene.put("MedicationRequest", "unknown", order("99999999", "Zzyxol"));
    let said: Vec<_> = scene.look().unused.into_iter().filter_map(|problem| problem.unused).collect();
    let said: Vec<_> = said.into_iter().map(|it| (it.kind, it.about, it.duty)).collect();
    assert_eq!(said, [(Kind::Code, "rxnorm 99999999".to_string(), Some(Duty::Feed))]);
}
