//! A care manager's morning, as one story told by the words and buttons that people see: the huddle, a call that somebody owes, two attempts,
//! a question to a colleague and the answer, the end of it, the plan for the patient on paper; and in the audit who did what.

use fantoccini::Locator;
use handover::site::PasswordHash;

use crate::browser::{self, Browser};
use crate::hands::ENTER;
use crate::harness::{House, adt, code, minutes_ago};

const PASSWORD: &str = "plum tree yard";
const CALL: &str = "Call within two business days of a stay";

async fn practice() -> House {
    let hash = PasswordHash::of(PASSWORD).unwrap().text();
    let person = |login: &str, rest: &str| format!("  {login}: {{ {rest}, password: \"{hash}\" }}\n");
    let people = [
        "people:\n".to_string(),
        person("nbrooks", "name: Nia Brooks RN, roles: [care-manager], panels: [lakeside]"),
        person("treyes", "name: Tomas Reyes, roles: [coach], panels: [lakeside]"),
        person("pia", "name: Pia Novak, roles: [privacy-officer], panels: all, sensitive: true"),
    ];
    let house = House::with_files(&|_, text| text, &[("people.yaml", people.concat())]).await;
    let mut hospital = house.hospital().await;
    for (event, control, minutes) in [("A01", "1", 60 * 50), ("A03", "2", 60 * 11)] {
        let stay =
            adt(event, control, "4711", "V1", &minutes_ago(minutes)).replace("PV1|1|E|ED^04^A", "PV1|1|I|4W^12^A");
        let stay =
            stay.replace("19580314|F", "19580314|F|||12 Harbor Street^^Springfield^MA^01103||555-014-1001^PRN^PH");
        assert_eq!(code(&hospital.send(&stay).await), "AA");
    }
    house
}

/// What one person did by then, in order, by the disclosures of the patient as the privacy officer reads them.
async fn acts(pia: &Browser, name: &str) -> Vec<String> {
    let rows = pia.client.find_all(Locator::Css("section[aria-labelledby=h-rows] tbody tr")).await.unwrap();
    let mut acts = Vec::new();
    for row in rows {
        let text = row.text().await.unwrap();
        if let Some((_, rest)) = text.split_once(name) {
            acts.push(rest.split_whitespace().next().unwrap_or_default().to_string());
        }
    }
    acts.reverse();
    acts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_care_managers_morning_from_the_huddle_to_the_plan_on_paper_and_who_did_what() {
    let Some(nia) = browser::start().await else { return };
    let Some(tomas) = browser::start().await else { return };
    let house = practice().await;

    // In by the gateway's own address, and the huddle: who came home, what is owed.
    nia.log_in(&house.url("/"), "nbrooks", PASSWORD).await;
    nia.sees("My work").await;
    assert!(nia.head().await.contains("Nia Brooks RN"));
    nia.press("Huddle").await;
    nia.sees("Huddle: Lakeside Family Practice").await;
    let huddle = nia.text().await;
    assert!(huddle.contains("Hospital, since the last huddle") && huddle.contains(CALL), "{huddle}");
    nia.tab_to("", "Print, one page").await;

    // From there to the patient, and the call is hers.
    nia.press_in(CALL, "Rosalind M Okafor").await;
    nia.sees("Owed now").await;
    nia.sees("555-014-1001").await;
    nia.press_in(CALL, "Record a step").await;
    nia.press_in(CALL, "I’ll take it").await;
    nia.sees("It is yours now.").await;
    nia.sees("Lakeside Family Practice: Nia Brooks RN").await;

    // Two attempts, the second with a question to the coach.
    nia.press("My work").await;
    nia.sees("Taken by you").await;
    for (number, outcome, note) in
        [(1, "No answer", "rang eight times"), (2, "Left a message", "@treyes do you see her son today?")]
    {
        nia.press_in(CALL, "Record a call").await;
        nia.sees(&format!("This is attempt {number} of 2.")).await;
        nia.tab_to("What happened?", "Reached the patient").await;
        nia.choose(outcome).await;
        nia.write_in("What happened?", "Note", note).await;
        nia.press_in("What happened?", "Save attempt").await;
        nia.sees("The attempt is saved.").await;
        nia.sees(["1 attempt, last Today", "2 attempts, last Today"][number - 1]).await;
    }

    // The coach is told, reads it with the task that it is about, and answers.
    tomas.log_in(&house.url("/"), "treyes", PASSWORD).await;
    tomas.sees("My work").await;
    assert!(tomas.head().await.contains("For you 1"), "{}", tomas.head().await);
    tomas.press("For you").await;
    tomas.sees("1 unread.").await;
    tomas.press_in(CALL, "Nia Brooks RN").await;
    tomas.sees("do you see her son today?").await;
    tomas.write("Your answer", "Yes, at ten. I ask him to pick up.").await;
    tomas.press("Send").await;
    tomas.sees("Answered.").await;
    tomas.press("Back to the list").await;
    tomas.sees("Nothing is unread.").await;

    // She hears of it where she is, opens it, and goes on to the patient from there.
    nia.sees("Somebody told you something.").await;
    nia.press("Show it").await;
    nia.sees("1 unread.").await;
    nia.press_in(CALL, "Tomas Reyes").await;
    nia.sees("Yes, at ten. I ask him to pick up.").await;
    nia.look("morning-thread").await;
    nia.press("To the task, on the patient’s page").await;
    nia.sees("Owed now").await;
    nia.press_in(CALL, "Record a step").await;
    nia.press_in(CALL, "Save and finish").await;
    nia.sees("Not saved: say what happened").await;
    nia.tab_to("What happened?", "Reached the patient").await;
    nia.choose("Reached the patient").await;
    nia.write("Note", "Son brought the phone. Weighs herself, knows whom to call.").await;
    nia.press("Save and finish this task").await;
    nia.sees("Finished.").await;
    nia.sees("Rosalind M Okafor").await;
    let owed = nia.client.find(Locator::Css("#owed")).await.unwrap().text().await.unwrap();
    assert!(!owed.contains(CALL), "{owed}");

    // What matters to the patient, and the plan for her refrigerator.
    nia.press("Add a goal").await;
    nia.write("In the patient’s own words", "Sit on the porch without the oxygen").await;
    nia.write_in("In the patient’s own words", "Their part", "I walk to the mailbox every day").await;
    nia.press_in("In the patient’s own words", "Save goal").await;
    nia.sees("The goal is saved.").await;
    nia.press("Print in English").await;
    nia.sees("My plan").await;
    nia.sees("Sit on the porch without the oxygen").await;
    nia.tab_to("", "Print").await;
    let (paper, pages) = nia.on_paper().await;
    assert_eq!(pages, 1, "a plan is one sheet");
    assert!(paper.contains("I walk to the mailbox every day") && paper.contains("printed by Nia Brooks RN"), "{paper}");
    for not_there in ["J44.1", "COPD", "Log out", "Spanish"] {
        assert!(!paper.contains(not_there), "{not_there} is not for her refrigerator:\n{paper}");
    }
    nia.press("Log out").await;
    nia.sees("You are logged out").await;

    // The privacy officer finds who did what of her, by name.
    let pia = nia;
    pia.log_in(&house.url("/"), "pia", PASSWORD).await;
    pia.sees("To be looked at").await;
    pia.write("Find a patient", &format!("okafor{ENTER}")).await;
    pia.press_in("Lakeside Family Practice", "Rosalind M Okafor").await;
    pia.sees("Owed now").await;
    pia.press("Who has had what, and who looked").await;
    pia.press("All of it, with sums").await;
    pia.sees("Disclosures: Okafor, Rosalind").await;
    let done = acts(&pia, "Nia Brooks RN").await;
    let of: Vec<&str> = done.iter().map(String::as_str).filter(|act| *act != "look" && *act != "mention").collect();
    assert_eq!(
        of,
        ["task-claim", "task-attempt", "task-attempt", "message-read", "task-attempt", "task-complete", "goal-add"]
    );
    let of_tomas = acts(&pia, "Tomas Reyes").await;
    assert!(
        ["look", "message-read", "task-note", "mention"].iter().all(|act| of_tomas.iter().any(|one| one == act)),
        "{of_tomas:?}"
    );
    pia.sees("plan of Patient/").await;
    pia.look("morning-disclosures").await;
    house.running.stop().await;
}
