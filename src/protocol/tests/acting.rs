//! What people may do with work, and what the engine makes of it.

use super::stage::{SHIPPED, scene, tell, text_of, work_of};
use crate::fhir::Identifier;
use crate::problem::Category;
use crate::protocol::example::scene::Scene;
use crate::protocol::view::Practice;
use crate::protocol::{Action, Contact, undo};
use crate::record::{Membership, squash};

#[test]
fn a_finished_task_stays_finished() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00' }
         { ed-discharge: '2026-03-02T14:00' }
         { complete: contact, outcome: reached, at: '2026-03-03T09:00' }
         { admission: '2026-03-03T10:00' }",
    );
    let task = work_of(&scene, "contact");
    assert_eq!(text_of(&task, "status"), "completed");
    assert_eq!(task.stored.resource.get("output").unwrap()[0]["valueString"], "reached");
    let refused = SHIPPED.act(&scene.record, task.stored.id, &Action::Accept, "Nurse Kim", scene.now).unwrap_err();
    assert_eq!(
        (refused.category, refused.text.as_str()),
        (Category::Conflict, "This task is completed; it cannot become accepted.")
    );
}

#[test]
fn refusing_needs_a_reason_and_answers_are_known_words() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.9 }\n{ observation: 59408-5, value: 80, unit: '%', at: '2026-03-02T10:00' }");
    let alert = work_of(&scene, "low").stored.id;
    let flag = work_of(&scene, "programme").stored.id;
    let act = |target, action: Action| SHIPPED.act(&scene.record, target, &action, "Nurse Kim", scene.now);
    assert_eq!(act(alert, Action::Cancel { reason: " ".into() }).unwrap_err().category, Category::Required);
    assert_eq!(act(flag, Action::Accept).unwrap_err().category, Category::NotFound);
    let unknown = act(flag, Action::Answer { answer: "perhaps".into() }).unwrap_err();
    assert_eq!(unknown.text, "The answers to this are offered, attended, declined, not-appropriate.");
    let noted = act(alert, Action::Note { text: "called, no answer".into() }).unwrap();
    assert_eq!(noted[0].stored.resource.get("note").unwrap()[0]["authorString"], "Nurse Kim");
    assert_eq!(noted[0].stored.resource.text("status"), Some("requested"));
    assert_eq!(noted[1].stored.resource.resource_type(), "Provenance");
}

#[test]
fn a_note_survives_what_the_engine_writes_later() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T10:00' }");
    let alert = work_of(&scene, "low").stored.id;
    let note = Action::Note { text: "called, no answer".into() };
    for change in SHIPPED.act(&scene.record, alert, &note, "Nurse Kim", scene.now).unwrap() {
        scene.record.apply(&change);
    }
    tell(&mut scene, "{ time: '2026-03-02T11:00' }");
    let task = work_of(&scene, "low");
    assert_eq!(text_of(&task, "priority"), "stat");
    assert_eq!(task.stored.resource.get("note").unwrap()[0]["text"], "called, no answer");
}

#[test]
fn an_action_and_the_evaluation_after_it_are_one_change_of_each_resource() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.9 }");
    let flag = work_of(&scene, "programme").stored.clone();
    let mut changes = SHIPPED
        .act(&scene.record, flag.id, &Action::Answer { answer: "offered".into() }, "Nurse Kim", scene.now)
        .unwrap();
    changes.iter().for_each(|change| scene.record.apply(change));
    changes.extend(scene.look().changes);
    let squashed = squash(changes);
    let of_flag: Vec<_> = squashed.iter().filter(|change| change.stored.id == flag.id).collect();
    assert_eq!(of_flag.len(), 1);
    assert_eq!((of_flag[0].replaces, of_flag[0].stored.version), (flag.version, flag.version + 1));
    assert_eq!(of_flag[0].stored.resource.get("meta").unwrap()["versionId"], (flag.version + 1).to_string());
}

#[test]
fn a_partner_who_takes_a_task_on_without_us_is_not_climbed_over() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T10:00' }");
    let mut stored = work_of(&scene, "low").stored.clone();
    stored.resource.set("status", serde_json::json!("in-progress"));
    stored.version += 1;
    scene.record.apply(&crate::record::Change { replaces: stored.version - 1, stored });
    tell(&mut scene, "{ time: '2026-03-02T12:00' }");
    let task = work_of(&scene, "low");
    assert_eq!((text_of(&task, "status"), text_of(&task, "priority")), ("in-progress".into(), "asap".into()));
}

#[test]
fn attempts_to_reach_a_patient_are_written_down_and_stay() {
    let mut scene = scene("2026-05-04T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-05-04T10:00' }\n{ ed-discharge: '2026-05-04T13:00' }");
    let call = work_of(&scene, "contact").stored.id;
    for (contact, text) in [(Contact::NoAnswer, ""), (Contact::LeftMessage, "with her daughter")] {
        let attempt = Action::Attempt { contact, text: text.into() };
        for change in SHIPPED.act(&scene.record, call, &attempt, "Ida Roe", scene.now).unwrap() {
            scene.record.apply(&change);
        }
    }
    tell(&mut scene, "{ time: '2026-05-04T18:00' }");
    let task = work_of(&scene, "contact");
    let stored = |element: &str, pointer: &str| {
        let all = task.stored.resource.get(element).and_then(serde_json::Value::as_array).unwrap();
        all.iter().map(|one| one.pointer(pointer).unwrap().as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(text_of(&task, "status"), "requested", "trying is not doing");
    assert_eq!(stored("output", "/type/coding/0/code"), ["no-answer", "left-message"]);
    let notes = ["Contact attempt: no answer.", "Contact attempt: left a message. with her daughter"];
    assert_eq!(
        (stored("note", "/text"), stored("note", "/authorString")[1].as_str()),
        (notes.map(String::from).to_vec(), "Ida Roe")
    );
}

#[test]
fn what_is_taken_back_is_as_it_was_and_owed_again() {
    let mut scene = scene("2026-05-04T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-05-04T10:00' }\n{ ed-discharge: '2026-05-04T13:00' }");
    let before = work_of(&scene, "contact").stored.clone();
    let attempt = Action::Attempt { contact: Contact::ReachedPatient, text: "well".into() };
    let steps = [attempt, Action::Complete { outcome: Some("well".into()) }];
    for change in SHIPPED.act_all(&scene.record, before.id, &steps, ("Ida Roe", None), scene.now).unwrap() {
        scene.record.apply(&change);
    }
    tell(&mut scene, "{ time: '2026-05-04T18:00' }");
    assert_eq!(text_of(&work_of(&scene, "contact"), "status"), "completed");
    assert!(steps.iter().all(|step| step.stands(work_of(&scene, "contact").stored)));
    for change in undo(&scene.record, &before, "Ida Roe", scene.now).unwrap() {
        scene.record.apply(&change);
    }
    tell(&mut scene, "{ time: '2026-05-07T18:00' }");
    let task = work_of(&scene, "contact");
    assert_eq!((text_of(&task, "status"), task.stored.resource.get("output")), ("requested".into(), None));
    assert!(!steps.iter().any(|step| step.stands(task.stored)), "done anew it is no second time of the same");
    let refused = undo(&scene.record, &before, "Ida Roe", scene.now).unwrap_err();
    assert_eq!(refused.category, Category::Conflict);
}

#[test]
fn what_is_done_at_once_is_one_change_and_more_can_follow() {
    let mut scene = scene("2026-05-04T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-05-04T10:00' }\n{ ed-discharge: '2026-05-04T13:00' }");
    let call = work_of(&scene, "contact").stored.clone();
    let mut told = std::collections::BTreeSet::new();
    let rounds = [
        vec![Action::Note { text: "rings at seven".into() }, Action::Accept],
        vec![
            Action::Attempt { contact: Contact::ReachedPatient, text: String::new() },
            Action::Complete { outcome: Some("well".into()) },
        ],
    ];
    for (version, actions) in (call.version + 1..).zip(rounds) {
        let changes = SHIPPED.act_all(&scene.record, call.id, &actions, ("Ida Roe", None), scene.now).unwrap();
        assert_eq!((changes.len(), changes[0].stored.version), (2, version));
        assert!(told.insert(changes[1].stored.id), "each time is told in a resource of its own");
        changes.iter().for_each(|change| scene.record.apply(change));
    }
    let task = work_of(&scene, "contact");
    assert_eq!(text_of(&task, "status"), "completed");
    let refused = [Action::Note { text: "too late".into() }, Action::Accept];
    assert!(
        SHIPPED.act_all(&scene.record, call.id, &refused, ("Ida Roe", None), scene.now).is_err(),
        "all of it or none"
    );
}

#[test]
fn a_text_is_measured_in_characters_and_the_same_answer_twice_is_one() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.9 }\n{ ed-arrival: '2026-03-02T08:00' }\n{ ed-discharge: '2026-03-02T09:00' }");
    let call = work_of(&scene, "contact").stored.id;
    let note = |length: usize| Action::Note { text: "ж".repeat(length) };
    let until = scene.now + jiff::SignedDuration::from_hours(24);
    let snooze = Action::Hand(crate::protocol::Hand::Snooze { until, why: "ж".repeat(4_001) });
    assert_eq!(SHIPPED.act(&scene.record, call, &note(4_000), "Ida Roe", scene.now).unwrap().len(), 2);
    for long in [note(4_001), snooze] {
        let refused = SHIPPED.act(&scene.record, call, &long, "Ida Roe", scene.now).unwrap_err();
        assert!(refused.text.contains("at most 4000 characters, and this one has 4001"), "{refused:?}");
    }
    let flag = work_of(&scene, "programme").stored.id;
    let answer = Action::Answer { answer: "offered".into() };
    let mut changes = Vec::new();
    for (minutes, who) in [(0, "Nurse Kim"), (1, "Nurse Kim"), (2, "Coach Lee"), (20, "Coach Lee")] {
        let at = scene.now + jiff::SignedDuration::from_mins(minutes);
        let made = SHIPPED.act(&scene.record, flag, &answer, who, at).unwrap();
        made.iter().for_each(|change| scene.record.apply(change));
        changes.push(made.len());
    }
    assert_eq!(changes, [2, 0, 2, 2], "another's answer and a later one are said");
}

#[test]
fn what_is_known_by_a_form_is_told_of_in_one_place() {
    let mut scene = scene("2026-05-04T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-05-04T10:00' }\n{ ed-discharge: '2026-05-04T13:00' }");
    let call = work_of(&scene, "contact").stored.id;
    let note = [Action::Note { text: "rang".into() }];
    let told = |once: Option<&str>| {
        SHIPPED.act_all(&scene.record, call, &note, ("Ida Roe", once), scene.now).unwrap()[1].stored.id
    };
    assert_eq!(told(Some("a form")), crate::protocol::told_of(call, "a form"));
    assert!(told(Some("a form")) != told(Some("another")) && told(None) != crate::protocol::told_of(call, ""));
}

/// Puts the patient on the panel of another practice as well, or instead.
fn with_hillside(scene: &mut Scene<'_>, instead: bool) {
    let lakeside = scene.practices["lakeside"].clone();
    let hillside = Practice {
        name: "hillside".into(),
        title: "Hillside Practice".into(),
        identifier: Some(Identifier::new("http://hl7.org/fhir/sid/us-npi", "1881888885")),
        ..lakeside
    };
    scene.practices.insert("zz-hillside".into(), hillside);
    let member = Membership { panel: "zz-hillside".into(), ..scene.memberships[0].clone() };
    if instead {
        scene.memberships.clear();
    }
    scene.memberships.push(member);
    scene.look();
}

#[test]
fn what_was_taken_on_in_a_practice_that_the_patient_left_is_asked_of_the_next_one() {
    for rule in ["contact", "low"] {
        let mut scene = scene("2026-03-02T10:00");
        tell(
            &mut scene,
            &format!(
                "{{ ed-arrival: '2026-03-02T10:00' }}
                 {{ ed-discharge: '2026-03-02T14:00' }}
                 {{ observation: 59408-5, value: 80, unit: '%', at: '2026-03-02T14:10' }}
                 {{ accept: {rule}, at: '2026-03-02T15:00' }}"
            ),
        );
        let owner = |scene: &Scene<'_>| {
            let task = work_of(scene, rule);
            let owner = task.stored.resource.get("owner").unwrap()["display"].as_str().unwrap().to_string();
            (text_of(&task, "status"), owner.split(':').next().unwrap().to_string())
        };
        with_hillside(&mut scene, false);
        assert_eq!(owner(&scene), ("accepted".into(), "Lakeside Family Practice".into()), "it is still theirs");
        with_hillside(&mut scene, true);
        assert_eq!(owner(&scene), ("requested".into(), "Hillside Practice".into()));
        let task = work_of(&scene, rule);
        let note = task.stored.resource.get("note").unwrap()[0]["text"].as_str().unwrap();
        assert!(note.starts_with("It was accepted on") && note.contains("with another practice now"), "{note}");
        assert_eq!((task.work.acknowledged, task.is_touched()), (None, false));
    }
}

#[test]
fn a_practice_whose_name_or_number_was_corrected_keeps_what_it_took_on() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00' }
         { ed-discharge: '2026-03-02T14:00' }
         { accept: contact, at: '2026-03-02T15:00' }",
    );
    let practice = scene.practices.get_mut("lakeside").unwrap();
    practice.identifier = Some(Identifier::new("http://hl7.org/fhir/sid/us-npi", "1881888885"));
    scene.look();
    assert_eq!(text_of(&work_of(&scene, "contact"), "status"), "accepted");
}

#[test]
fn what_somebody_takes_stays_theirs_and_what_is_put_aside_comes_back_as_it_was() {
    use crate::protocol::{Hand, Holder, awake, person_of};

    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-03-02T08:00' }\n{ ed-discharge: '2026-03-02T09:00' }");
    let call = work_of(&scene, "contact");
    let (id, first) = (call.stored.id, call.stored.resource.get("owner").cloned());
    let nurse = Holder { id: "kim".into(), name: "Nurse Kim".into() };
    let act = |scene: &mut Scene, hand: Hand| {
        let changes = SHIPPED.act(&scene.record, id, &Action::Hand(hand), "Nurse Kim", scene.now)?;
        changes.iter().for_each(|change| scene.record.apply(change));
        Ok::<(), crate::problem::Problem>(())
    };
    act(&mut scene, Hand::Claim(nurse.clone())).unwrap();
    let other = Holder { id: "lee".into(), name: "Coach Lee".into() };
    let refused = act(&mut scene, Hand::Claim(other.clone())).unwrap_err();
    assert_eq!((refused.category, refused.text.as_str()), (Category::Conflict, "Nurse Kim has taken this."));
    // Whatever the rules look at later, it stays theirs.
    tell(&mut scene, "{ time: '2026-03-02T12:00' }\n{ condition: J44.9 }");
    let held = person_of(&work_of(&scene, "contact").stored.resource);
    assert_eq!(held, Some(("kim".to_string(), "Nurse Kim".to_string())));

    let until = scene.now + jiff::SignedDuration::from_hours(24);
    act(&mut scene, Hand::Snooze { until, why: "on Tuesday".into() }).unwrap();
    tell(&mut scene, "{ time: '2026-03-02T13:00' }\n{ condition: I50.9 }");
    let aside = work_of(&scene, "contact");
    assert_eq!(text_of(&aside, "status"), "on-hold");
    assert_eq!(aside.stored.resource.get("statusReason").unwrap()["text"], "on Tuesday", "whatever the rules look at");
    assert_eq!(awake(&scene.record, scene.now), (Vec::new(), Some(until)));
    let (changes, next) = awake(&scene.record, until);
    assert_eq!((changes.len(), next), (1, None));
    changes.iter().for_each(|change| scene.record.apply(change));
    let back = work_of(&scene, "contact");
    assert_eq!((text_of(&back, "status"), back.stored.resource.get("statusReason")), ("accepted".into(), None));
    assert!(person_of(&back.stored.resource).is_some(), "and still theirs");

    act(&mut scene, Hand::Give(other)).unwrap();
    assert_eq!(text_of(&work_of(&scene, "contact"), "status"), "requested", "asked of somebody else");
    act(&mut scene, Hand::Back).unwrap();
    assert_eq!(work_of(&scene, "contact").stored.resource.get("owner").cloned(), first);
    for (until, why) in [(scene.now, "x"), (until, " "), (until + jiff::SignedDuration::from_hours(24 * 99), "x")] {
        assert!(act(&mut scene, Hand::Snooze { until, why: why.into() }).is_err());
    }
}
