//! Whom a restriction or a label of a message is about, and that there is an end to their number.

use serde_json::{Value, json};

use super::tests::{at, map};
use crate::mapping::Mapped;

const LAB: &str = "MSH|^~\\&|LAB|RIVERSIDE|HANDOVER||20260301103000||ORU^R01^ORU_R01|2|P|2.9\n";

fn labels(mapped: &Mapped, local: &str) -> Vec<Value> {
    let listed = at(mapped, local, "meta/security").and_then(Value::as_array).into_iter().flatten();
    listed.map(|label| label["code"].clone()).collect()
}

fn none() -> Vec<Value> {
    Vec::new()
}

#[test]
fn a_restriction_is_of_the_patient_it_follows_and_not_of_one_before() {
    let mapped = map(&format!(
        "{LAB}PID|1||4711^^^RIVERSIDE^MR||Doe^Jane
PV1|1|O|||||||||||||||||V100^^^RIVERSIDE^VN
PID|2||4712^^^RIVERSIDE^MR||Roe^Ann
ARV|1|A|EMP^Employee
PV1|1|O|||||||||||||||||V200^^^RIVERSIDE^VN
ARV|2|A|PSY^Psychiatry
"
    ));
    assert_eq!(labels(&mapped, "Patient"), none());
    assert_eq!(labels(&mapped, "Encounter"), none());
    assert_eq!(labels(&mapped, "Patient.2"), [json!("EMP")], "{:#?}", mapped.problems);
    assert_eq!(labels(&mapped, "Encounter.2"), [json!("PSY")]);
    let merged = map("MSH|^~\\&|ADT|RIVERSIDE|HANDOVER||20260301101600||ADT^A40^ADT_A39|1|P|2.9
EVN|A40|20260301101500
PID|1||5501^^^RIVERSIDE^MR||Brandt^Ines
MRG|5502^^^RIVERSIDE^MR
PV1|1|O
PID|2||5503^^^RIVERSIDE^MR||Amari^Joel
ARV|1|A|EMP^Employee
MRG|5504^^^RIVERSIDE^MR
");
    assert_eq!(labels(&merged, "Patient"), none());
    assert_eq!(labels(&merged, "Patient.2"), [json!("EMP")], "{:#?}", merged.problems);
}

#[test]
fn a_restriction_behind_a_visit_that_is_none_is_of_the_patient() {
    let mapped = map(&format!("{LAB}PID|1||4711^^^RIVERSIDE^MR||Doe^Jane\nPV1|1|N\nARV|1|X|EMP^Employee\n"));
    assert_eq!(labels(&mapped, "Patient"), [json!("EMP")], "{:#?}", mapped.problems);
}

#[test]
fn more_labels_than_a_policy_has_refuse_the_message_and_fewer_are_each_kept_once() {
    let codes = |count: usize| (0..count).map(|number| format!("L{number}")).collect::<Vec<_>>().join("~");
    let message = |header: &str, arv: &str| {
        map(&format!(
            "MSH|^~\\&|LAB|RIVERSIDE|HANDOVER||20260301103000||ORU^R01^ORU_R01|2|P|2.9||||||||||||||R|{header}
PID|1||4711^^^RIVERSIDE^MR||Doe^Jane
{arv}OBR|1||F77^LAB|VITALS^Vital signs^L|||20260301102500
OBX|1|NM|59408-5^Oxygen saturation^LN||86|%|92-100|LL|||F
"
        ))
    };
    let kept = message(&codes(31), "");
    assert!(!kept.has_errors(), "{:#?}", kept.problems);
    assert_eq!(labels(&kept, "Observation").len(), 32);
    assert_eq!(labels(&message("R~R~V", ""), "Observation"), [json!("R"), json!("V")]);
    let by_segments: String = (0..33).map(|number| format!("ARV|{number}|A|L{number}\n")).collect();
    for refused in [message(&codes(32), ""), message(&codes(1_000), ""), message("", &by_segments)] {
        let said: Vec<String> = refused.problems.iter().filter(|one| one.is_error()).map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains("more than 32 security labels"), "{said:?}");
    }
}

#[test]
fn what_denies_one_kind_of_allergy_denies_no_other() {
    let codes = |kind: &str, word: &str| {
        let mapped = map(&format!(
            "MSH|^~\\&|ADT|RIVERSIDE|HANDOVER||20260301101600||ADT^A08^ADT_A01|1|P|2.5.1
EVN||20260301101500
PID|1||4711^^^RIVERSIDE^MR||Doe^Jane
PV1|1|E
AL1|1|{kind}|{word}
"
        ));
        let made = mapped.drafts.iter().find(|draft| draft.local == "AllergyIntolerance");
        made.map(|made| made.resource.get("code").and_then(|code| code.pointer("/coding/0/code").cloned()))
    };
    for word in ["None", "^NONE REPORTED", "^^^^^^^^denies"] {
        assert_eq!(codes("DA", word), Some(Some(json!("409137002"))), "{word}");
        assert_eq!(codes("FA", word), Some(Some(json!("429625007"))), "{word}");
        assert_eq!(codes("EA^Environmental", word), Some(Some(json!("428607008"))), "{word}");
        assert_eq!(codes("", word), Some(Some(json!("716186003"))), "{word}");
        assert_eq!(codes("PA", word), None, "one kind's denial is no general one: {word}");
        assert_eq!(codes("LA", word), None, "{word}");
    }
    for kind in ["", "DA", "MA"] {
        assert_eq!(codes(kind, "^None Recorded"), None, "{kind}");
    }
    assert_eq!(codes("DA", "^NKA"), Some(Some(json!("716186003"))), "which is general whatever was asked about");
}
