//! My work without a browser: taking, trying, putting aside, giving away and finishing; who was quicker; many at once; and what the list
//! says of all that.

use handover::identity::ResourceId;
use handover::record::Stored;
use handover::store::{WorkFilter, WorkPlace};

use crate::accounts::{Desk, after_a_stay, desk};
use crate::harness::{House, code, eventually, minutes_ago};

/// The one open Task of a patient that has this word in its title.
async fn task(house: &House, word: &str) -> Stored {
    let found = house.running.gateway.store.worklist(&WorkFilter::default(), None, 50).await.unwrap().items;
    let is = |stored: &&Stored| stored.resource.get("code").is_some_and(|code| code.to_string().contains(word));
    found.iter().find(is).unwrap_or_else(|| panic!("no {word} in {found:#?}")).clone()
}

async fn again(house: &House, id: ResourceId) -> Stored {
    house.running.gateway.store.resource("Task", id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_taken_tried_twice_and_finished_under_a_name() {
    let house = after_a_stay().await;
    let (nia, key) = desk(&house, "nbrooks").await;
    let (tomas, other) = desk(&house, "treyes").await;
    let call = task(&house, "Call within two business days of a stay").await;
    let path = format!("/console/work/{}", call.id);
    let (_, page) = nia.open("/console/work").await;
    for words in
        ["Rosalind Okafor", "68, F", "tel:555-014-1001", "This is attempt 1 of 2.", "Nobody’s yet", "no attempt yet"]
    {
        assert!(page.contains(words), "{words}:\n{page}");
    }
    let fields = |key: &str, more: &[(&str, &str)]| -> Vec<(String, String)> {
        let all = [("form_key", key), ("panel", "lakeside"), ("back", "/console/work?panel=lakeside")];
        all.iter().chain(more).map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let press = async |desk: &Desk<'_>, key: &str, more: &[(&str, &str)]| {
        let fields = fields(key, more);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        desk.post(&path, &fields).await
    };
    assert_eq!(press(&nia, &key, &[("act", "claim")]).await.0, 303);
    let taken = again(&house, call.id).await;
    let owner = taken.resource.get("owner").unwrap();
    assert_eq!(taken.resource.text("status"), Some("accepted"));
    assert_eq!(owner["identifier"]["value"], "nbrooks");
    assert_eq!(owner["display"], "Lakeside Family Practice: Nia Brooks RN");

    // Somebody else is told who has it, and what they wrote is kept.
    let (status, page) = press(&tomas, &other, &[("act", "claim")]).await;
    assert!(status == 409 && page.contains("Nia Brooks RN has taken this."), "{page}");
    let (status, page) = press(&nia, &key, &[("act", "attempt"), ("note", "rang <eight> times")]).await;
    assert!(
        status == 400 && page.contains("Not saved: say what happened") && page.contains("rang &#60;eight&#62; times"),
        "{page}"
    );
    // Each is sent twice, as by a double click, and is there once; a page shown anew is another.
    let (_, page) = nia.open("/console/work").await;
    let once = page.split("name=\"once\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    for outcome in ["no-answer", "left-message"] {
        let more = [("act", "attempt"), ("outcome", outcome), ("note", "rang"), ("once", once)];
        for _ in 0..2 {
            assert_eq!(press(&nia, &key, &more).await.0, 303);
        }
    }
    assert!(nia.open("/console/work?done=again").await.1.contains("it stands there once"));
    let (status, page) = press(&nia, &key, &[("act", "note"), ("why", &"x".repeat(1 << 20))]).await;
    assert!(status == 413 && page.contains("at most 4000 characters"), "{page}");
    let (status, page) = press(&nia, &key, &[("act", "note"), ("why", &"ж".repeat(4_001))]).await;
    assert!(status == 400 && page.contains("this one has 4001"), "{page}");
    let (_, page) = tomas.open("/console/work?panel=lakeside").await;
    for words in ["2 attempts, last Today", "left a message", "With Nia Brooks RN", "2 attempts are documented"] {
        assert!(page.contains(words), "{words}:\n{page}");
    }
    assert!(nia.open("/console/work?whose=mine").await.1.contains("Taken by you"));
    assert!(!nia.open("/console/work?whose=free").await.1.contains(&call.id.to_string()));
    let (status, _) =
        press(&nia, &key, &[("act", "finish"), ("outcome", "reached-patient"), ("note", "doing well"), ("once", once)])
            .await;
    let last = [("act", "finish"), ("outcome", "reached-patient"), ("note", "doing well"), ("once", once)];
    assert_eq!(press(&nia, &key, &last).await.0, 303, "nobody was quicker than they themselves");
    assert_eq!((status, again(&house, call.id).await.resource.text("status")), (303, Some("completed")));
    let (status, page) =
        press(&tomas, &other, &[("act", "finish"), ("outcome", "no-answer"), ("note", "I rang, too")]).await;
    assert!(status == 409 && page.contains("What you wrote is kept with it"), "{page}");
    let ended = again(&house, call.id).await.resource;
    assert!(ended.get("note").unwrap().to_string().contains("I rang, too"));

    let audit = house.running.gateway.store.audit(Some(call.id.person), None, 100).await.unwrap().items;
    let of = |action: &str, agent: &str| audit.iter().filter(|one| one.action == action && one.agent == agent).count();
    assert_eq!((of("task-claim", "person:nbrooks"), of("task-attempt", "person:nbrooks")), (1, 3));
    assert_eq!((of("task-complete", "person:nbrooks"), of("task-attempt", "person:treyes")), (1, 1));
    assert_eq!(of("task-claim", "person:treyes"), 0);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_given_away_put_aside_and_comes_back_and_many_at_once_are_told_one_by_one() {
    let house = after_a_stay().await;
    let (nia, key) = desk(&house, "nbrooks").await;
    let store = &house.running.gateway.store;
    let now = || jiff::Timestamp::now();
    let call = task(&house, "Call within two business days of a stay").await;
    let path = format!("/console/work/{}", call.id);
    let press = async |more: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> =
            [("form_key", key.as_str()), ("panel", "lakeside")].iter().chain(more).copied().collect();
        nia.post(&path, &all).await
    };
    let (status, page) = press(&[("act", "give"), ("to", "hill"), ("why", "hers")]).await;
    assert!(status == 400 && page.contains("choose to whom it goes"), "she is of another panel: {page}");
    assert_eq!(press(&[("act", "give"), ("to", "treyes"), ("why", "he knows her")]).await.0, 303);
    let given = again(&house, call.id).await.resource;
    assert_eq!(
        (given.text("status"), &given.get("owner").unwrap()["identifier"]["value"]),
        (Some("requested"), &"treyes".into())
    );
    assert!(given.get("note").unwrap().to_string().contains("Given to Tomas Reyes. he knows her"));
    assert_eq!(press(&[("act", "back")]).await.0, 303);
    let back = again(&house, call.id).await.resource;
    assert_eq!(back.get("owner"), call.resource.get("owner"), "the practice's again, as the rules said");

    let before = store.work_counts(None, now()).await.unwrap().total();
    let day = |days: i64| (jiff::Zoned::now().date() + jiff::Span::new().days(days)).to_string();
    for (until, why, words) in [
        ("", "later", "until when"),
        (&day(3), " ", "Say why"),
        (&day(400), "later", "within 90 days"),
        ("2020-01-01", "x", "after today"),
    ] {
        let (status, page) = press(&[("act", "snooze"), ("until", until), ("why", why)]).await;
        assert!(status == 400 && page.contains(words), "{until}: {page}");
    }
    assert_eq!(press(&[("act", "snooze"), ("until", &day(3)), ("why", "back from her sister's then")]).await.0, 303);
    let aside = again(&house, call.id).await;
    assert_eq!(aside.resource.text("status"), Some("on-hold"));
    assert_eq!(store.work_counts(None, now()).await.unwrap().total(), before - 1);
    let snoozed = WorkFilter { owner: Some(WorkPlace::snoozed(None)), ..WorkFilter::default() };
    let found = store.worklist(&snoozed, None, 10).await.unwrap().items;
    assert_eq!(found.iter().map(|stored| stored.id).collect::<Vec<_>>(), [call.id]);
    let (_, page) = nia.open("/console/work?whose=snoozed").await;
    assert!(
        page.contains("Snoozed until") && page.contains("back from her sister’s then".replace('’', "&#39;").as_str()),
        "{page}"
    );
    let head = store.head(call.id.person).await.unwrap().unwrap();
    let wakes = head.wake_at.unwrap();
    assert!(wakes < now() + jiff::SignedDuration::from_hours(4 * 24), "its record wakes for it: {wakes}");

    // Each of the ticked ones is done or not by itself.
    let nothing = ResourceId::of(call.id.person, "Task", "none").to_string();
    let (id, other) = (call.id.to_string(), nothing.as_str());
    let ticked =
        [("form_key", key.as_str()), ("panel", "lakeside"), ("act", "claim"), ("t", id.as_str()), ("t", other)];
    let (status, page) = nia.post("/console/work", &ticked).await;
    assert!(status == 200 && page.contains("1 is done, 1 is not.") && page.contains("no such task"), "{page}");
    let taken = again(&house, call.id).await;
    assert_eq!(taken.resource.text("status"), Some("accepted"), "who takes it takes it up again");
    assert_eq!(store.work_counts(None, now()).await.unwrap().total(), before);
    let none = [("form_key", key.as_str()), ("act", "claim")];
    assert_eq!(nia.post("/console/work", &none).await.0, 409);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_done_is_taken_back_by_who_did_it_as_long_as_nothing_else_happened() {
    let house = after_a_stay().await;
    let (nia, key) = desk(&house, "nbrooks").await;
    let (tomas, other) = desk(&house, "treyes").await;
    let call = task(&house, "Call within two business days of a stay").await;
    let id = call.id.to_string();
    let finish = async || {
        let ticked = [("form_key", key.as_str()), ("panel", "lakeside"), ("act", "finish"), ("t", id.as_str())];
        let said = [("outcome", "reached-patient"), ("note", "@treyes is well"), ("once", "this page")];
        let (status, page) = nia.post("/console/work", &[&ticked[..], &said[..]].concat()).await;
        assert_eq!(status, 200, "{page}");
        page.split("name=\"undo\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).map(String::from)
    };
    let take_back = async |desk: &Desk<'_>, key: &str, undo: &str| {
        desk.post("/console/undo", &[("form_key", key), ("undo", undo), ("back", "/console/work?panel=lakeside")]).await
    };
    let first = finish().await.unwrap();
    assert_eq!(again(&house, call.id).await.resource.text("status"), Some("completed"));
    assert_eq!(finish().await, None, "sent twice it is there once, and there is nothing of it to take back");
    let (status, page) = take_back(&tomas, &other, &first).await;
    assert!(status == 200 && page.contains("quarter of an hour"), "it is hers to take back: {page}");
    assert_eq!(take_back(&nia, &key, &first).await.0, 303);
    let back = again(&house, call.id).await;
    assert_eq!(back.version, call.version + 2, "both are in its history");
    for element in ["status", "note", "output", "owner", "executionPeriod", "restriction"] {
        assert_eq!(back.resource.get(element), call.resource.get(element), "{element}");
    }
    let listed = nia.open("/console/work?panel=lakeside&done=undo").await.1;
    assert!(listed.contains(&id) && listed.contains("Taken back: it is as it was"), "{listed}");
    let (status, page) = take_back(&nia, &key, &first).await;
    assert!(status == 200 && page.contains("Something else happened to it since"), "{page}");

    // The same page once more does it anew; then somebody writes beside it, and it stays.
    let second = finish().await.unwrap();
    assert_eq!(again(&house, call.id).await.resource.text("status"), Some("completed"));
    let note = [("form_key", other.as_str()), ("panel", "lakeside"), ("act", "note"), ("why", "she rang me, too")];
    assert_eq!(tomas.post(&format!("/console/work/{id}"), &note).await.0, 303);
    let (status, page) = take_back(&nia, &key, &second).await;
    assert!(status == 200 && page.contains("so it stays as it is now"), "{page}");
    assert_eq!(again(&house, call.id).await.resource.text("status"), Some("completed"));
    for nothing in ["made-up", "", " "] {
        let (status, page) = take_back(&nia, &key, nothing).await;
        assert!(status == 200 && page.contains("Not taken back"), "{nothing}: {page}");
    }

    let audit = house.running.gateway.store.audit(Some(call.id.person), None, 100).await.unwrap().items;
    let undone: Vec<_> = audit.iter().filter(|one| one.action == "task-undo").map(|one| one.agent.as_str()).collect();
    assert_eq!(undone, ["person:nbrooks"]);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_wait_is_told_to_a_page_that_asks_by_itself() {
    let house = after_a_stay().await;
    let (nia, _) = desk(&house, "nbrooks").await;
    let (hanna, _) = desk(&house, "hill").await;
    let ids = async |desk: &Desk<'_>| {
        let (status, text) = desk.open("/console/news").await;
        assert_eq!(status, 200);
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        told["now"].as_array().unwrap().len()
    };
    let before = ids(&nia).await;
    let mut hospital = house.hospital().await;
    let at = minutes_ago(5);
    let low = format!(
        "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|9|P|2.5.1\r\
         PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F\rOBR|1||R1|59408-5^Oxygen^LN|||{at}\r\
         OBX|1|NM|59408-5^Oxygen saturation^LN||80|%||||||F|||{at}\r"
    );
    assert_eq!(code(&hospital.send(&low).await), "AA");
    eventually("the alert is among what cannot wait", async || ids(&nia).await > before).await;
    assert_eq!(ids(&hanna).await, 0, "nothing of another practice");
    let (_, page) = nia.open("/console/work").await;
    assert!(page.contains("to answer now") && page.contains("data-now="), "{page}");
    house.running.stop().await;
}
