//! What was answered, written down of a goal or said of a label is taken back by who did it: as it was, with both in the history, the
//! Provenance and the audit, and what followed from it follows no more.

use handover::identity::ResourceId;
use handover::record::Stored;
use serde_json::Value;

use crate::accounts::{Desk, after_a_stay, desk};
use crate::console::Visitor;
use crate::harness::{House, code};
use crate::looks::{careful_house, untold};

/// What a page offers to take back.
fn offered(page: &str) -> String {
    let undo = page.split("name=\"undo\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    undo.unwrap_or_else(|| panic!("nothing to take back:\n{page}")).to_string()
}

async fn take_back(desk: &Desk<'_>, key: &str, undo: &str, back: &str) -> (u16, String) {
    desk.post("/console/undo", &[("form_key", key), ("undo", undo), ("back", back)]).await
}

/// The only patient, and what is known of them by its type.
async fn of_type(house: &House, kind: &str) -> Vec<Stored> {
    let store = &house.running.gateway.store;
    let message = store.messages(&Default::default(), None, 1).await.unwrap().items.remove(0);
    let patient: ResourceId = message.patient.unwrap().parse().unwrap();
    let known = house.running.gateway.load(patient.person, 50).await.unwrap();
    known.record.of_type(kind).cloned().collect()
}

async fn path(house: &House) -> String {
    format!("/console/patients/{}", of_type(house, "Patient").await[0].id)
}

/// What a resource says, whatever its version.
fn says(stored: &Stored) -> Value {
    let mut resource = serde_json::to_value(&stored.resource).unwrap();
    resource.as_object_mut().unwrap().remove("meta");
    resource
}

async fn acts(house: &House, word: &str) -> Vec<String> {
    let audit = house.running.gateway.store.audit(None, None, 200).await.unwrap().items;
    let acts = audit.into_iter().filter(|entry| entry.action.contains(word));
    acts.map(|entry| format!("{} {}", entry.agent, entry.action)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_is_taken_back_and_said_anew_and_a_change_of_it_as_long_as_nobody_else_spoke() {
    let house = after_a_stay().await;
    let (nia, key) = desk(&house, "nbrooks").await;
    let (tomas, other) = desk(&house, "treyes").await;
    let patient = path(&house).await;
    let goals = format!("{patient}/goals");
    let new =
        [("form_key", key.as_str()), ("words", "Dance at the wedding"), ("rank", "2"), ("patient_part", "stairs")];
    let goal = async || of_type(&house, "Goal").await.remove(0);

    let (_, page) = nia.open(&nia.press(&goals, &new).await).await;
    assert!(page.contains("The goal is saved.") && page.contains("Dance at the wedding"), "{page}");
    let undo = offered(&page);
    let (status, page) = take_back(&tomas, &other, &undo, &patient).await;
    assert!(status == 200 && page.contains("quarter of an hour") && page.contains("Back to the patient"), "{page}");
    assert_eq!(take_back(&nia, &key, &undo, &patient).await.0, 303);
    let (_, page) = nia.open(&format!("{patient}?done=undo")).await;
    assert!(page.contains("Taken back") && !page.contains("Dance at the wedding"), "{page}");
    let gone = goal().await;
    assert_eq!((gone.version, gone.resource.text("lifecycleStatus")), (2, Some("entered-in-error")));
    assert!(take_back(&nia, &key, &undo, &patient).await.1.contains("Something else happened to it since"));
    let store = &house.running.gateway.store;
    assert!(
        store.version("Goal", gone.id, 1).await.unwrap().unwrap().resource.text("lifecycleStatus") == Some("active")
    );

    // The same page says it anew.
    assert!(nia.press(&goals, &new).await.contains("saved=goal"));
    let before = goal().await;
    assert_eq!(before.resource.text("lifecycleStatus"), Some("active"));
    let id = before.id.to_string();
    let change = [
        ("form_key", key.as_str()),
        ("goal", id.as_str()),
        ("progress", "worsening"),
        ("rank", "1"),
        ("words", "Dance"),
        ("team_part", "we call"),
    ];
    let (_, page) = nia.open(&nia.press(&goals, &change).await).await;
    assert!(page.contains("At risk"), "{page}");
    let changed = goal().await;
    assert_ne!(says(&changed), says(&before));
    assert_eq!(take_back(&nia, &key, &offered(&page), &patient).await.0, 303);
    let back = goal().await;
    assert_eq!((says(&back), back.version), (says(&before), before.version + 2));
    assert_eq!(back.state.stamps, before.state.stamps, "and who had the last word on what");

    // Somebody else speaks of it meanwhile: what they said is not unsaid.
    let (_, page) = nia.open(&nia.press(&goals, &change).await).await;
    let said = [("form_key", other.as_str()), ("goal", id.as_str()), ("patient_part", "her niece helps")];
    assert!(tomas.press(&goals, &said).await.contains("saved=goal"));
    let (status, page) = take_back(&nia, &key, &offered(&page), &patient).await;
    assert!(status == 200 && page.contains("A goal") && page.contains("so it stays as it is now"), "{page}");
    assert_eq!(goal().await.resource.get("achievementStatus").unwrap()["text"], "At risk");

    assert_eq!(acts(&house, "goal-undo").await, ["person:nbrooks goal-undo", "person:nbrooks goal-undo"]);
    let provenance = of_type(&house, "Provenance").await;
    let of_goal = format!("Goal/{id}");
    let is_undo = |one: &&Stored| {
        one.resource.get("target").is_some_and(|target| target[0]["reference"] == of_goal.as_str())
            && one.resource.get("reason").is_some_and(|reason| reason[0]["text"] == "undo")
    };
    assert_eq!(provenance.iter().filter(is_undo).count(), 2);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_one_form_are_taken_back_together_and_the_questions_wait_again() {
    let house = after_a_stay().await;
    let (nia, key) = desk(&house, "nbrooks").await;
    let patient = path(&house).await;
    let answers = format!("{patient}/answers");
    let waiting = async || {
        let flags = of_type(&house, "Flag").await;
        flags.into_iter().filter(|flag| flag.resource.text("status") == Some("active")).collect::<Vec<_>>()
    };
    let asked = waiting().await;
    assert!(!asked.is_empty(), "the stay asks something");
    let (_, page) = nia.open(&patient).await;
    let first = |flag: &Stored| {
        let field = format!("name=\"answer-{}\" value=\"", flag.id);
        let answers = page.split(&field).skip(1).filter_map(|rest| rest.split('"').next());
        // What somebody was offered is to be followed up.
        let answer = answers.clone().find(|answer| *answer == "offered").or_else(|| answers.clone().next());
        (format!("answer-{}", flag.id), answer.unwrap().to_string())
    };
    let fields: Vec<(String, String)> = asked.iter().map(first).collect();
    let form: Vec<(&str, &str)> = [("form_key", key.as_str())]
        .into_iter()
        .chain(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .collect();
    let (_, page) = nia.open(&nia.press(&answers, &form).await).await;
    assert!(page.contains("The answers are saved."), "{page}");
    assert_eq!(waiting().await.len(), 0);
    let follow_up = async || {
        let tasks = of_type(&house, "Task").await;
        let is = |task: &&Stored| task.resource.get("code").unwrap().to_string().contains("self-management programme");
        tasks.iter().filter(is).map(|task| task.resource.text("status").unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(follow_up().await, ["requested"]);
    let undo = offered(&page);
    assert_eq!(undo.split(' ').count(), asked.len());
    assert_eq!(take_back(&nia, &key, &undo, &patient).await.0, 303);
    assert_eq!(follow_up().await, ["cancelled"], "what followed from the answer follows no more");
    let again = waiting().await;
    assert_eq!(again.iter().map(says).collect::<Vec<_>>(), asked.iter().map(says).collect::<Vec<_>>());
    assert!(again.iter().all(|flag| {
        flag.state.work.as_ref().is_some_and(|work| work["answers"] == asked[0].state.work.as_ref().unwrap()["answers"])
    }));
    let (_, page) = nia.open(&patient).await;
    assert_eq!(page.matches("<fieldset>").count(), asked.len());
    assert_eq!(acts(&house, "prompt-").await.len(), 2 * asked.len(), "that it was answered stays in the audit");

    // The same form answers once more; sent twice it is there once, and there is nothing of it to take back.
    let again_offered = nia.press(&answers, &form).await;
    assert!(again_offered.contains("&undo="));
    assert!(!nia.press(&answers, &form).await.contains("undo="));

    // Whose patient it is no more takes nothing back, and is told so of each.
    let answered = of_type(&house, "Flag").await;
    let undo = offered(&nia.open(&again_offered).await.1);
    house.running.gateway.store.replace_panel("lakeside", Vec::new(), jiff::Timestamp::now()).await.unwrap();
    let (status, page) = take_back(&nia, &key, &undo, &patient).await;
    assert_eq!((status, page.matches("no such patient on your panels").count()), (200, asked.len()), "{page}");
    assert_eq!(of_type(&house, "Flag").await, answered);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_a_label_is_taken_back_and_it_waits_for_a_look_again() {
    let house = careful_house().await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&untold("1", "4711", "Condition eight")).await), "AA");
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let key = visitor.form_key().await;
    let waits = async || house.running.gateway.store.to_look_at(None, 5).await.unwrap().page.items;
    let before = waits().await.remove(0);
    let say = [("form_key", key.as_str()), ("says", "plain"), ("note", "a sprain, says the ward")];
    let (_, page) = visitor.post(&format!("/console/labels/Condition/{}", before.id), &say).await;
    assert!(page.contains("has no label any more"), "{page}");
    assert_eq!(waits().await.len(), 0);
    let patient = path(&house).await;
    let undo = [("form_key", key.as_str()), ("undo", &offered(&page)), ("back", &patient)];
    assert_eq!(visitor.post("/console/undo", &undo).await.0, 303);
    let again = waits().await.remove(0);
    assert_eq!((again.id, says(&again), again.version), (before.id, says(&before), before.version + 2));
    assert_eq!(again.resource.get("meta").unwrap()["security"], before.resource.get("meta").unwrap()["security"]);
    let (_, page) = visitor.open(&format!("{patient}?done=undo-label")).await;
    assert!(page.contains("its labels are as they were") && page.contains("waits for somebody’s look"), "{page}");
    assert_eq!(acts(&house, "label-").await, ["console:Ida Roe label-undo", "console:Ida Roe label-look"]);

    // A sender that says the thing anew has the last word, as it had before.
    let (_, page) = visitor.post(&format!("/console/labels/Condition/{}", before.id), &say).await;
    assert!(page.contains("has no label any more"), "said anew: {page}");
    house.running.stop().await;
}
