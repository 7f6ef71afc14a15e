//! Pressures that came as two results: one panel beside them, whatever came first, brought up to date and taken back with them.

use std::collections::BTreeSet;

use handover::pipeline::Operation;
use handover::pipeline::story::Story;
use serde_json::{Value, json};

use super::habits::changed_by;

/// What one result says: order, code, value, status, time.
type Result = (&'static str, &'static str, u32, &'static str, &'static str);

const SYSTOLIC: &str = "8480-6^Systolic blood pressure^LN";
const DIASTOLIC: &str = "8462-4^Diastolic blood pressure^LN";
const MORNING: &str = "20260504081500";

fn told(number: usize, results: &[Result]) -> Vec<u8> {
    let mut lines = vec![
        format!("MSH|^~\\&|MON|RIVERSIDE|HANDOVER|DEMO|202605041{number:02}000||ORU^R01^ORU_R01|B{number}|P|2.5.1"),
        "PID|1||4711^^^RIVERSIDE^MR||Reyes^Paz||19710203|F".to_string(),
    ];
    for (place, (order, code, value, status, time)) in results.iter().enumerate() {
        lines.push(format!("OBR|{}||{order}^MON|BP^Blood pressure^L|||{time}", place + 1));
        lines.push(format!("OBX|1|NM|{code}||{value}|mmHg|||||{status}|||{time}"));
    }
    lines.join("\r").into_bytes()
}

async fn after(messages: &[Vec<u8>]) -> Story {
    let (site, members) = changed_by(&|_| Vec::new());
    let begin = "2026-05-04T12:00:00Z".parse().unwrap();
    let mut story = Story::begin(site, &[("lakeside".to_string(), members)].into(), begin).await.unwrap();
    for message in messages {
        let told = story.take("riverside", message).await.unwrap();
        assert_eq!(told.acknowledged.code, handover::pipeline::Code::AA, "{}", String::from_utf8_lossy(message));
    }
    story
}

async fn observations(story: &Story) -> Vec<Value> {
    let resources = story.resources().await.unwrap().into_iter().map(|stored| Value::from(stored.resource));
    resources.filter(|resource| resource["resourceType"] == "Observation").collect()
}

/// Status, and the values of the components, of each panel that stands.
async fn panels(story: &Story) -> BTreeSet<String> {
    let all = observations(story).await;
    let panels =
        all.iter().filter(|one| one["code"]["coding"][0]["code"] == "85354-9" && one["status"] != "entered-in-error");
    panels
        .map(|panel| {
            let [systolic, diastolic] = panel["component"].as_array().unwrap().as_slice() else { panic!("{panel}") };
            assert_eq!(
                (&systolic["code"]["coding"][0]["code"], &diastolic["code"]["coding"][0]["code"]),
                (&json!("8480-6"), &json!("8462-4"))
            );
            format!(
                "{} {}/{}",
                panel["status"].as_str().unwrap(),
                systolic["valueQuantity"]["value"],
                diastolic["valueQuantity"]["value"]
            )
        })
        .collect()
}

/// The panels after these messages, the same in every order.
async fn in_every_order(messages: &[Vec<u8>]) -> BTreeSet<String> {
    let mut outcomes: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    let mut order: Vec<Vec<u8>> = messages.to_vec();
    for turn in 0..messages.len() {
        order.rotate_left(1);
        outcomes.insert(panels(&after(&order).await).await);
        if turn == 0 {
            let reversed: Vec<Vec<u8>> = order.iter().rev().cloned().collect();
            outcomes.insert(panels(&after(&reversed).await).await);
        }
    }
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    outcomes.pop_first().unwrap()
}

fn one(panel: &str) -> BTreeSet<String> {
    BTreeSet::from([panel.to_string()])
}

#[tokio::test]
async fn two_results_are_one_panel_and_stay_two_results() {
    let story = after(&[told(1, &[("P1", SYSTOLIC, 131, "F", MORNING), ("P2", DIASTOLIC, 84, "F", MORNING)])]).await;
    assert_eq!(panels(&story).await, one("final 131/84"));
    let all = observations(&story).await;
    let parts: BTreeSet<String> = all
        .iter()
        .filter(|part| part.get("component").is_none())
        .map(|part| format!("Observation/{}", part["id"].as_str().unwrap()))
        .collect();
    let panel = all.iter().find(|one| one.get("component").is_some()).unwrap();
    let derived: BTreeSet<String> = panel["derivedFrom"]
        .as_array()
        .unwrap()
        .iter()
        .map(|from| from["reference"].as_str().unwrap().to_string())
        .collect();
    assert_eq!((all.len(), &derived), (3, &parts));
}

#[tokio::test]
async fn the_two_may_come_apart_and_be_corrected_apart() {
    let systolic = told(1, &[("P1", SYSTOLIC, 131, "F", MORNING)]);
    let diastolic = told(2, &[("P2", DIASTOLIC, 84, "P", MORNING)]);
    assert!(panels(&after(std::slice::from_ref(&systolic)).await).await.is_empty(), "half a pressure is none");
    assert_eq!(in_every_order(&[systolic.clone(), diastolic.clone()]).await, one("preliminary 131/84"));
    let corrected = told(3, &[("P2", DIASTOLIC, 88, "C", MORNING)]);
    assert_eq!(in_every_order(&[systolic, diastolic, corrected]).await, one("corrected 131/88"));
}

#[tokio::test]
async fn a_panel_goes_with_a_result_that_is_taken_back_or_moved() {
    let both = told(1, &[("P1", SYSTOLIC, 131, "F", MORNING), ("P2", DIASTOLIC, 84, "F", MORNING)]);
    let wrong = told(2, &[("P1", SYSTOLIC, 131, "W", MORNING)]);
    assert!(in_every_order(&[both.clone(), wrong]).await.is_empty());
    let later = told(2, &[("P2", DIASTOLIC, 84, "C", "20260504082000")]);
    // OBX-14 tells results of one order apart, so that a time of its own makes another result.
    let moved = String::from_utf8(later).unwrap().replace("|||C|||20260504082000", "|||C");
    let untimed = String::from_utf8(both).unwrap().replace("|||F|||20260504081500", "|||F");
    let messages = [untimed.into_bytes(), moved.into_bytes()];
    assert!(in_every_order(&messages).await.is_empty());
    let story = after(&messages).await;
    let withdrawn = observations(&story).await.into_iter().filter(|one| one["status"] == "entered-in-error").count();
    assert_eq!(withdrawn, 1, "who read the panel learns that it is none");
}

#[tokio::test]
async fn results_of_one_minute_are_joined_only_where_it_is_clear_which_belong_together() {
    let first = told(1, &[("P1", SYSTOLIC, 131, "F", MORNING), ("P2", DIASTOLIC, 84, "F", MORNING)]);
    let second = told(2, &[("P3", SYSTOLIC, 158, "F", MORNING), ("P4", DIASTOLIC, 97, "F", MORNING)]);
    let expected = BTreeSet::from(["final 131/84".to_string(), "final 158/97".to_string()]);
    assert_eq!(in_every_order(&[first, second]).await, expected);
    let mixed = told(
        1,
        &[
            ("P1", SYSTOLIC, 131, "F", MORNING),
            ("P2", DIASTOLIC, 84, "F", MORNING),
            ("P3", SYSTOLIC, 158, "F", MORNING),
            ("P4", DIASTOLIC, 97, "F", MORNING),
        ],
    );
    let mut story = after(&[]).await;
    let told = story.take("riverside", &mixed).await.unwrap();
    assert!(panels(&story).await.is_empty());
    let trace = serde_json::to_string(&told.entry.unwrap().trace.decisions).unwrap();
    assert!(trace.contains("not put together as a blood pressure panel"), "{trace}");
}

#[tokio::test]
async fn a_third_result_takes_a_panel_back_and_its_leaving_brings_it_again() {
    let systolic = told(1, &[("P1", SYSTOLIC, 131, "F", MORNING)]);
    let diastolic = told(2, &[("P2", DIASTOLIC, 84, "F", MORNING)]);
    let third = told(3, &[("P3", SYSTOLIC, 158, "F", MORNING)]);
    let wrong = told(4, &[("P3", SYSTOLIC, 158, "W", MORNING)]);
    let three = [systolic.clone(), diastolic.clone(), third.clone()];
    assert!(in_every_order(&three).await.is_empty(), "nobody knows which of the two it belongs to");
    assert_eq!(in_every_order(&[systolic, diastolic, third, wrong]).await, one("final 131/84"));
}

#[tokio::test]
async fn a_panel_is_as_confidential_as_its_results_and_none_is_made_beside_a_senders_own() {
    let text = String::from_utf8(told(1, &[("P1", SYSTOLIC, 131, "F", MORNING), ("P2", DIASTOLIC, 84, "F", MORNING)]))
        .unwrap();
    let confidential =
        text.replace("OBR|2", "ORC|RE||P2^MON|||||||||||||||||||||||||PSY^Psychiatric patient^HL70177\rOBR|2");
    let story = after(&[confidential.into_bytes()]).await;
    let all = observations(&story).await;
    let panel = all.iter().find(|one| one.get("component").is_some()).unwrap();
    assert!(panel["meta"]["security"].to_string().contains("PSY"), "{panel}");
    let resource = format!("Observation/{}", panel["id"].as_str().unwrap());
    let (labels, note, who) = (Vec::new(), "read it".to_string(), "maria".to_string());
    let refused = story.gateway.perform(Operation::Look { resource, labels, note, who }).await.unwrap_err();
    assert!(refused.text.contains("look at Observation/"), "one look would free what two results keep back: {refused}");
    let own = format!(
        "{text}\rOBR|3||P9^MON|BP^Blood pressure^L|||{MORNING}\rOBX|1|ST|85354-9^Blood pressure^LN||131/84|mmHg|||||F|||{MORNING}"
    );
    let story = after(&[own.into_bytes()]).await;
    assert_eq!(panels(&story).await, one("final 131/84"));
    assert_eq!(observations(&story).await.len(), 3);
    // Nor where it comes in a message of its own.
    let apart = text.replace("|B1|", "|B2|").split("OBR|1").next().unwrap().to_string()
        + &format!(
            "OBR|1||P9^MON|BP^Blood pressure^L|||{MORNING}\rOBX|1|ST|85354-9^Blood pressure^LN||132/84|mmHg|||||F|||{MORNING}"
        );
    let messages = [text.into_bytes(), apart.into_bytes()];
    assert_eq!(in_every_order(&messages).await, one("final 132/84"));
}

#[tokio::test]
async fn a_panel_says_that_its_time_stands_in_for_another_as_its_results_do() {
    let untimed = told(1, &[("O1", SYSTOLIC, 151, "F", ""), ("O1", DIASTOLIC, 94, "F", "")]);
    let all = observations(&after(&[untimed]).await).await;
    assert_eq!(all.len(), 3);
    for one in &all {
        assert_eq!(one["_effectiveDateTime"]["extension"][0]["valueString"], "MSH-7 instead of OBX-14", "{one}");
        assert_eq!(one["note"], Value::Null);
    }
}
