//! One person under the numbers of two hospitals on one roster row: one record, whichever hospital speaks first, and whether
//! the roster comes before the messages or after.

use std::sync::Arc;

use handover::pipeline::story::Story;
use handover::record::Membership;
use handover::site::Site;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::habits::changed;

const ROW: &str = "member_id,mrn:RIVERSIDE,mrn:HARBOR\nL-3001,88001,H-17\nL-3002,88002,H-18\n";

/// A second hospital beside the demo's, and a roster with both numbers of a person.
fn two_hospitals(feed: &str) -> Vec<(&'static str, String)> {
    let harbor = feed
        .replace("feed: riverside", "feed: harbor")
        .replace("2575", "2577")
        .replace("RIVERSIDE", "HARBOR")
        .replace("113883.19.5", "113883.19.78");
    vec![("feeds/harbor.yaml", harbor), ("panels/lakeside.csv", ROW.to_string())]
}

fn at(text: &str) -> Timestamp {
    text.parse::<jiff::civil::DateTime>().unwrap().in_tz("America/New_York").unwrap().timestamp()
}

fn message(house: &str, event: &str, number: &str, class: &str, made: &str, (birth, end): (&str, &str)) -> Vec<u8> {
    let structure = if event == "A03" { "ADT_A03" } else { "ADT_A01" };
    [
        format!("MSH|^~\\&|ADT|{house}|HANDOVER|DEMO|{made}||ADT^{event}^{structure}|{house}{made}|P|2.5.1"),
        format!("EVN|{event}|{made}"),
        format!("PID|1||{number}^^^{house}^MR||Reyes^Paz||{birth}|F"),
        format!("PV1|1|{class}|A^1^1^{house}||||||||||||||||V-{class}^^^{house}-VISIT^VN|||||||||||||||||||||||||20260504080000|{end}"),
    ]
    .join("\r")
    .into_bytes()
}

fn riverside(birth: &str) -> Vec<Vec<u8>> {
    let arrives = message("RIVERSIDE", "A04", "88001", "E", "20260504080000", (birth, ""));
    vec![arrives, message("RIVERSIDE", "A03", "88001", "E", "20260504120000", (birth, "20260504120000"))]
}

fn harbor(birth: &str) -> Vec<u8> {
    message("HARBOR", "A01", "H-17", "I", "20260504150000", (birth, ""))
}

async fn begin(members: &[Membership]) -> (Story, Arc<Site>) {
    let (site, _) = changed(two_hospitals);
    let panels = [("lakeside".to_string(), members.to_vec())].into();
    (Story::begin(Arc::clone(&site), &panels, at("2026-05-04T16:00:00")).await.unwrap(), site)
}

/// Patients that were not merged away, the status of the call, and the visits of the record.
async fn ends(story: &Story) -> (usize, Vec<String>, usize) {
    let record: Vec<Value> =
        story.resources().await.unwrap().into_iter().map(|stored| stored.resource.into()).collect();
    let of = |kind: &'static str| record.iter().filter(move |one| one["resourceType"] == kind);
    let calls = of("Task").filter(|task| task["code"].to_string().contains("\"ed-follow-up\""));
    let statuses = calls.map(|task| task["status"].as_str().unwrap().to_string()).collect();
    (of("Patient").filter(|patient| patient["active"] != false).count(), statuses, of("Encounter").count())
}

#[tokio::test]
async fn the_admission_at_the_other_hospital_ends_the_call_in_both_orders() {
    let (_, members) = changed(two_hospitals);
    let (mut forth, _) = begin(&members).await;
    for told in riverside("19710203") {
        forth.take("riverside", &told).await.unwrap();
    }
    assert_eq!(ends(&forth).await, (1, vec!["requested".to_string()], 1));
    forth.take("harbor", &harbor("19710203")).await.unwrap();
    assert_eq!(ends(&forth).await, (1, vec!["cancelled".to_string()], 2));

    let (mut back, _) = begin(&members).await;
    back.take("harbor", &harbor("19710203")).await.unwrap();
    for told in riverside("19710203") {
        back.take("riverside", &told).await.unwrap();
    }
    let (patients, calls, visits) = ends(&back).await;
    assert_eq!((patients, calls.contains(&"requested".to_string()), visits), (1, false, 2));
}

#[tokio::test]
async fn a_roster_that_comes_later_joins_the_records_there_are() {
    let (_, members) = changed(two_hospitals);
    let alone = [Membership::new("lakeside", members[0].identifiers[..2].to_vec())];
    let (mut story, _) = begin(&alone).await;
    for told in riverside("19710203") {
        story.take("riverside", &told).await.unwrap();
    }
    story.take("harbor", &harbor("19710203")).await.unwrap();
    assert_eq!(ends(&story).await.0, 2, "nobody said yet that they are one");
    story.gateway.store.replace_panel("lakeside", members, story.now()).await.unwrap();
    story.pass_to(story.now() + SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(ends(&story).await, (1, vec!["cancelled".to_string()], 2));
}

#[tokio::test]
async fn people_with_two_dates_of_birth_are_not_joined_and_it_is_said() {
    let (_, members) = changed(two_hospitals);
    let (mut story, _) = begin(&members).await;
    for told in riverside("19710203") {
        story.take("riverside", &told).await.unwrap();
    }
    let told = story.take("harbor", &harbor("19990909")).await.unwrap();
    let said = told.entry.unwrap().trace.problems.iter().any(|line| line.text.contains("dates of birth differ"));
    assert!(said);
    assert_eq!(ends(&story).await.0, 2);
}

#[tokio::test]
async fn what_protects_one_of_two_that_become_one_protects_what_is_told_of_the_other() {
    let (_, members) = changed(two_hospitals);
    let alone = [Membership::new("lakeside", members[0].identifiers[..2].to_vec())];
    let (mut story, _) = begin(&alone).await;
    for told in riverside("19710203") {
        let flagged = String::from_utf8(told).unwrap().replace("\rPV1", "\rPD1||||||||||||Y\rPV1");
        story.take("riverside", flagged.as_bytes()).await.unwrap();
    }
    story.take("harbor", &harbor("19710203")).await.unwrap();
    story.gateway.store.replace_panel("lakeside", members, story.now()).await.unwrap();
    story.pass_to(story.now() + SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(ends(&story).await.0, 1);
    for stored in story.resources().await.unwrap() {
        let resource = Value::from(stored.resource);
        let is_protected = resource["meta"]["security"].to_string().contains("\"R\"");
        assert!(is_protected || resource["resourceType"] != "Encounter", "{resource}");
    }
}
