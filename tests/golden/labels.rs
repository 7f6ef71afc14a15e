//! Security labels from a sender's flags, from what a feed says of who treats, and from a person who looked: on the resources as
//! they are served, whatever came first.

use std::sync::Arc;

use handover::pipeline::Operation;
use handover::pipeline::story::Story;
use jiff::Timestamp;
use serde_json::Value;

use super::habits::changed_by;

fn at(text: &str) -> Timestamp {
    text.parse::<jiff::civil::DateTime>().unwrap().in_tz("America/New_York").unwrap().timestamp()
}

/// A message about one visit of one person: protected by PD1-12 and PV2-22, with these segments behind it.
fn message(number: u32, (person, visit): (&str, &str), more: &[&str]) -> Vec<u8> {
    let head = if more.iter().any(|line| line.starts_with("OBR")) { "ORU^R01^ORU_R01" } else { "ADT^A08^ADT_A01" };
    let mut lines = vec![
        format!("MSH|^~\\&|ADT|RIVERSIDE|HANDOVER|DEMO|2026050410{number:02}00||{head}|L{number}|P|2.5.1"),
        format!("EVN|A08|2026050410{number:02}00"),
        "PID|1||4711^^^RIVERSIDE^MR||Reyes^Paz||19710203|F".to_string(),
        format!("PD1||||||||||||{person}"),
        "PV1|1|O|||||||||||||||||V-77^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||20260504080000".to_string(),
        format!("PV2||||||||||||||||||||||{visit}"),
    ];
    lines.extend(more.iter().map(ToString::to_string));
    if head.starts_with("ORU") {
        lines.remove(1);
    }
    lines.join("\r").into_bytes()
}

const KNEE: &str = "DG1|1||M25.561^Pain in right knee^I10C|||A";
const ORDER: &str = "OBR|1||F9^LAB|2951-2^Sodium^LN|||20260504090000";
const SODIUM: &str = "OBX|1|NM|2951-2^Sodium^LN||139|mmol/L|||||F";

async fn begin(more: &str) -> Story {
    let (site, members) = with(more);
    Story::begin(Arc::clone(&site), &[("lakeside".to_string(), members)].into(), at("2026-05-04T10:00:00"))
        .await
        .unwrap()
}

/// The demo's site whose feed says more.
fn with(more: &str) -> (Arc<handover::site::Site>, Vec<handover::record::Membership>) {
    changed_by(&|feed: &str| vec![("feeds/riverside.yaml", format!("{feed}{more}"))])
}

/// The labels of each resource of a type, sorted.
async fn labels(story: &Story, kind: &str) -> Vec<Vec<String>> {
    let resources = story.resources().await.unwrap();
    let of_kind = resources.iter().filter(|stored| stored.resource.resource_type() == kind);
    of_kind.map(|stored| codes(&stored.resource.clone().into())).collect()
}

fn codes(resource: &Value) -> Vec<String> {
    let security = resource["meta"]["security"].as_array().cloned().unwrap_or_default();
    let mut codes: Vec<String> = security.iter().map(|label| label["code"].as_str().unwrap().to_string()).collect();
    codes.sort();
    codes
}

async fn tell(story: &mut Story, raw: Vec<u8>) {
    let told = story.take("riverside", &raw).await.unwrap();
    assert_eq!(told.acknowledged.code, handover::pipeline::Code::AA, "{}", String::from_utf8_lossy(&raw));
}

#[tokio::test]
async fn a_protected_person_protects_what_was_told_before_and_what_is_told_later() {
    for order in [[1, 2, 3], [2, 3, 1], [3, 1, 2]] {
        let mut story = begin("").await;
        for number in order {
            tell(
                &mut story,
                match number {
                    1 => message(1, ("", ""), &[KNEE]),
                    2 => message(2, ("Y", ""), &[]),
                    _ => message(3, ("N", ""), &[ORDER, SODIUM]),
                },
            )
            .await;
        }
        for kind in ["Patient", "Encounter", "Condition", "Observation"] {
            assert_eq!(labels(&story, kind).await, [["R", "said-by-sender"]], "{kind} {order:?}");
        }
    }
}

#[tokio::test]
async fn a_protected_visit_protects_what_belongs_to_it_and_nothing_else() {
    let mut story = begin("").await;
    tell(&mut story, message(1, ("", ""), &[KNEE])).await;
    tell(&mut story, message(2, ("", "Y"), &[])).await;
    tell(&mut story, message(3, ("", ""), &[ORDER, SODIUM])).await;
    assert_eq!(labels(&story, "Patient").await, [Vec::<String>::new()]);
    for kind in ["Encounter", "Condition", "Observation"] {
        assert_eq!(labels(&story, kind).await, [["R", "said-by-sender"]], "{kind}");
    }
}

#[tokio::test]
async fn a_flagged_diagnosis_is_restricted_alone() {
    let mut story = begin("").await;
    tell(&mut story, message(1, ("", ""), &[KNEE, "DG1|2||L40.0^Psoriasis vulgaris^I10C|||A||||||||||||Y"])).await;
    let mut conditions = labels(&story, "Condition").await;
    conditions.sort();
    assert_eq!(conditions, [vec![], vec!["R".to_string(), "said-by-sender".to_string()]]);
    assert_eq!(labels(&story, "Encounter").await, [Vec::<String>::new()]);
}

#[tokio::test]
async fn a_programme_of_part_2_is_known_by_what_the_feed_says_of_it() {
    let mut story = begin("labels:\n  - { give: [42CFRPart2, R], when: 'PV1-10 in [SUD, DTX]' }\n").await;
    tell(&mut story, message(1, ("", ""), &[KNEE])).await;
    assert_eq!(labels(&story, "Condition").await, [Vec::<String>::new()]);
    let raw = String::from_utf8(message(2, ("", ""), &[KNEE])).unwrap();
    tell(&mut story, raw.replace("PV1|1|O||||||||||", "PV1|1|O||||||||DTX||").into_bytes()).await;
    assert_eq!(labels(&story, "Condition").await, [["42CFRPart2", "R", "said-by-sender"]]);
    assert_eq!(labels(&story, "Patient").await, [Vec::<String>::new()], "others know who it is, too");
}

#[tokio::test]
async fn what_nobody_can_tell_waits_for_a_look_which_holds_and_is_audited() {
    let mut story = begin("uncoded_diagnoses: restricted\n").await;
    let local = "DG1|1||Q7^Condition seven^L|||A";
    let told = story.take("riverside", &message(1, ("", ""), &[local])).await.unwrap();
    let problems = told.entry.unwrap().trace.problems;
    assert!(format!("{problems:?}").contains("kept back until somebody has looked"), "{problems:?}");
    assert_eq!(labels(&story, "Condition").await, [["R", "not-looked-at"]]);
    let condition = story.resources().await.unwrap();
    let condition = condition.iter().find(|stored| stored.resource.resource_type() == "Condition").unwrap().id;
    let look = |note: &str| Operation::Look {
        resource: format!("Condition/{condition}"),
        labels: Vec::new(),
        note: note.to_string(),
        who: "maria".to_string(),
    };
    assert!(story.gateway.perform(look(" ")).await.is_err(), "a look says how somebody knows");
    story.gateway.perform(look("a sprain, says the ward")).await.unwrap();
    assert_eq!(labels(&story, "Condition").await, [Vec::<String>::new()]);
    tell(&mut story, message(2, ("", ""), &[local])).await;
    assert_eq!(labels(&story, "Condition").await, [Vec::<String>::new()], "it is told again with each update");
    tell(&mut story, message(3, ("", ""), &["DG1|1||Q7^Opioid dependence^L|||A"])).await;
    let now = labels(&story, "Condition").await;
    assert!(now.iter().any(|labels| labels.contains(&"ETH".to_string())), "another thing is looked at anew: {now:?}");
    let listed =
        story.gateway.perform(Operation::LookList { patient: "urn:oid:2.16.840.1.113883.19.5|4711".to_string() });
    assert!(listed.await.unwrap()["items"].as_array().is_some_and(|items| !items.is_empty()));
}

/// Looks at the one resource of a type.
async fn look(story: &Story, kind: &str) {
    let stored = story.resources().await.unwrap();
    let one = stored.iter().find(|stored| stored.resource.resource_type() == kind).unwrap();
    let (resource, note) = (format!("{kind}/{}", one.id), "says the ward".to_string());
    let look = Operation::Look { resource, labels: Vec::new(), note, who: "maria".to_string() };
    story.gateway.perform(look).await.unwrap();
}

#[tokio::test]
async fn what_a_look_did_not_see_is_kept_back_however_late_it_comes() {
    let mut story = begin("uncoded_diagnoses: restricted\n").await;
    tell(&mut story, message(1, ("", ""), &["DG1|1||Q7^Condition seven^L|||A"])).await;
    story.pass_to(at("2026-05-04T12:00:00")).await.unwrap();
    look(&story, "Condition").await;
    look(&story, "Condition").await;
    assert_eq!(labels(&story, "Condition").await, [Vec::<String>::new()]);
    tell(&mut story, message(2, ("", ""), &["DG1|1||Q7^Condition seven of the left side^L|||A"])).await;
    assert_eq!(labels(&story, "Condition").await, [["R", "not-looked-at"]], "it was said before the look");
}

#[tokio::test]
async fn a_visit_labelled_for_the_words_of_its_reason_can_be_looked_at() {
    let mut story = begin("").await;
    let reason = |number, words: &str| {
        let raw = String::from_utf8(message(number, ("", ""), &[])).unwrap();
        raw.replace("PV2||||", &format!("PV2|||^{words}|")).into_bytes()
    };
    tell(&mut story, reason(1, "Fell in the Detox Road")).await;
    assert_eq!(labels(&story, "Encounter").await, [["ETH", "R"]]);
    let course = |resources: Vec<handover::record::Stored>| {
        let visit = resources.into_iter().find(|stored| stored.resource.resource_type() == "Encounter").unwrap();
        (visit.resource.get("status").cloned(), visit.resource.get("period").cloned(), visit.state.transitions)
    };
    let before = course(story.resources().await.unwrap());
    look(&story, "Encounter").await;
    assert_eq!(labels(&story, "Encounter").await, [Vec::<String>::new()]);
    assert_eq!(course(story.resources().await.unwrap()), before);
    tell(&mut story, reason(2, "Fell in the Detox Road")).await;
    assert_eq!(labels(&story, "Encounter").await, [Vec::<String>::new()]);
    tell(&mut story, reason(3, "Heroin overdose")).await;
    assert_eq!(labels(&story, "Encounter").await, [["ETH", "R"]]);
}

#[tokio::test]
async fn a_call_that_waited_for_a_look_goes_out_after_it() {
    let mut story = begin("uncoded_diagnoses: restricted\n").await;
    let visit = |number: u32, event: &str, times: &str| {
        let raw = String::from_utf8(message(number, ("", ""), &["DG1|1||Q7^Condition seven^L|||A"])).unwrap();
        let (raw, stay) =
            (raw.replace("A08", event), format!("PV1|1|E|||||||||||||||||V-77^^^RIVERSIDE-VISIT^VN{times}"));
        let lines = raw.split('\r').map(|line| if line.starts_with("PV1") { stay.as_str() } else { line });
        lines.collect::<Vec<_>>().join("\r").into_bytes()
    };
    let begun = "|".repeat(25) + "20260504080000";
    tell(&mut story, visit(1, "A04", &begun)).await;
    tell(&mut story, visit(2, "A03", &format!("{begun}|20260504100000"))).await;
    assert_eq!(labels(&story, "Task").await, [["R", "not-looked-at"]; 2], "of the arrival and of the discharge");
    look(&story, "Condition").await;
    assert_eq!(labels(&story, "Task").await, [const { Vec::<String>::new() }; 2]);
}

#[tokio::test]
async fn what_is_older_than_what_is_read_of_a_record_can_be_looked_at() {
    let mut story = begin("").await;
    let words = "OBX|1|ST|8661-1^Chief complaint^LN||Fell in the Detox Road||||||F";
    tell(&mut story, message(1, ("", ""), &["OBR|1||F1^LAB|8661-1^Complaint^LN|||20260504070000", words])).await;
    let many: Vec<String> =
        (0..260).map(|number| format!("OBX|{number}|NM|2951-2^Sodium^LN|{number}|139|mmol/L|||||F")).collect();
    let lines: Vec<&str> = std::iter::once(ORDER).chain(many.iter().map(String::as_str)).collect();
    tell(&mut story, message(2, ("", ""), &lines)).await;
    let person = story.resources().await.unwrap()[0].id.person;
    let store = &story.gateway.store;
    let all = store.record(person, &[], 1000).await.unwrap();
    let labelled =
        all.resources.values().find(|stored| codes(&stored.resource.clone().into()).contains(&"ETH".to_string()));
    let (id, resource) = labelled.map(|stored| (stored.id, format!("Observation/{}", stored.id))).unwrap();
    assert!(store.record(person, &[], 256).await.unwrap().get("Observation", id).is_none());
    let (note, who) = ("an address".to_string(), "maria".to_string());
    let look = Operation::Look { resource, labels: Vec::new(), note, who };
    story.gateway.perform(look).await.unwrap();
    let after = store.resource("Observation", id).await.unwrap().unwrap();
    assert_eq!(codes(&after.resource.into()), Vec::<String>::new());
}
