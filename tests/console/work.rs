//! A care manager's morning in a browser: logging in, taking work on, two attempts and the end of it, by keyboard where it matters.

use std::time::Duration;

use fantoccini::Locator;
use handover::pipeline::Words;
use handover::protocol::{Action, Holder};
use handover::site::PasswordHash;
use handover::store::WorkFilter;
use serde_json::json;

use crate::browser;
use crate::harness::{House, adt, code, minutes_ago};

const PASSWORD: &str = "plum tree yard";

#[tokio::test(flavor = "multi_thread")]
async fn a_care_manager_logs_in_takes_a_call_tries_twice_and_finishes_it() {
    let Some(browser) = browser::start().await else { return };
    let hash = PasswordHash::of(PASSWORD).unwrap().text();
    let people = format!(
        "people:\n  nbrooks: {{ name: Nia Brooks RN, roles: [care-manager], panels: [lakeside], password: \"{hash}\" }}\n  \
         treyes: {{ name: Tomas Reyes, roles: [coach], panels: all, password: \"{hash}\" }}\n"
    );
    let settings = |name: &str, text: String| match name {
        "handover.yaml" => text + "console: { title: Riverside Care Network, contact: 555-014-2000 }\n",
        _ => text,
    };
    let house = House::with_files(&settings, &[("people.yaml", people)]).await;
    let mut hospital = house.hospital().await;
    for (event, control, minutes) in [("A01", "1", 90), ("A03", "2", 30)] {
        let sent =
            adt(event, control, "4711", "V1", &minutes_ago(minutes)).replace("PV1|1|E|ED^04^A", "PV1|1|I|4W^12^A");
        assert_eq!(code(&hospital.send(&sent).await), "AA");
    }
    let client = &browser.client;
    client.goto(&house.url("/console/work")).await.unwrap();
    browser.sees("Riverside Care Network").await;
    // By keyboard alone: the focus stands in the first field, and Enter logs in.
    let active = async || client.active_element().await.unwrap();
    active().await.send_keys("nbrooks\u{E004}not the password\u{E007}").await.unwrap();
    browser.sees("Name, password or code is wrong. After 4 more tries").await;
    browser.look("login").await;
    active().await.send_keys("plum tree yard\u{E007}").await.unwrap();
    browser.sees("My work").await;
    let me = client.find(Locator::Css(".me")).await.unwrap().text().await.unwrap();
    assert!(me.contains("Nia Brooks RN") && me.contains("Care manager, Lakeside Family Practice"), "{me}");
    browser.look("work-first").await;
    // A view is kept under a name, by keyboard, and is there with its count; deleting it asks nothing else.
    let kept = client.find(Locator::Css("form[action='/console/views'] input[name=name]")).await.unwrap();
    kept.send_keys("All that Lakeside owes\u{E007}").await.unwrap();
    browser.sees("The view is kept.").await;
    let line = client.find(Locator::Css(".kept li")).await.unwrap().text().await.unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let all = Locator::XPath("//label[input[@name='whose' and @value='']]/b");
    let all = client.find(all).await.unwrap().text().await.unwrap();
    assert!(all != "0" && words.starts_with(&["All", "that", "Lakeside", "owes", all.as_str()]), "{line}, {all}");
    browser.look("work-views").await;
    dark(&browser, "work-views").await;
    browser.click(".kept button").await;
    browser.sees("The view is not kept any more.").await;

    let css = "//li[contains(., 'Call within two business days')]";
    let within = async |rest: &str| client.find(Locator::XPath(&format!("{css}{rest}"))).await.unwrap();
    within("//button[@value='claim']").await.send_keys("\u{E007}").await.unwrap();
    browser.sees("It is yours now").await;
    browser.look("work-undo").await;
    browser.click("#undo").await;
    browser.sees("Taken back: it is as it was").await;
    within("//button[@value='claim']").await.send_keys("\u{E007}").await.unwrap();
    browser.sees("It is yours now").await;
    for (number, outcome) in ["no-answer", "left-message"].into_iter().enumerate() {
        within("//details[1]/summary[contains(., 'Record a call')]").await.send_keys("\u{E007}").await.unwrap();
        browser.sees(&format!("This is attempt {} of 2.", number + 1)).await;
        within("//textarea").await.send_keys("Son says he has the new water pill").await.unwrap();
        within(&format!("//input[@value='{outcome}']")).await.send_keys(" \u{E007}").await.unwrap();
        browser.sees(&format!("{}, last Today", ["1 attempt", "2 attempts"][number])).await;
    }
    browser.look("work-tried").await;
    within("//details[1]/summary[contains(., 'Record a call')]").await.click().await.unwrap();
    browser.look("work-form").await;
    within("//button[@value='finish']").await.click().await.unwrap();
    browser.sees("Not saved: say what happened").await;
    browser.look("work-kept").await;
    client.find(Locator::Css("textarea[name=note]")).await.unwrap().send_keys("reached her at last").await.unwrap();
    client.find(Locator::Css("input[value=reached-patient]")).await.unwrap().click().await.unwrap();
    browser.click("button[value=finish]").await;
    browser.sees("Finished.").await;

    // Something that cannot wait is said in one line, and no row moves.
    let at = minutes_ago(2);
    let low = format!(
        "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|9|P|2.5.1\r\
         PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F\rOBR|1||R1|59408-5^Oxygen^LN|||{at}\r\
         OBX|1|NM|59408-5^Oxygen saturation^LN||80|%||||||F|||{at}\r"
    );
    assert_eq!(code(&hospital.send(&low).await), "AA");
    browser.sees("new to answer now since").await;
    browser.click("#news a").await;
    browser.sees("Answer now").await;
    browser.look("work-now").await;
    dark(&browser, "work-now").await;

    // A colleague names her: said without a reload, opened, and answered by keyboard.
    let store = &house.running.gateway.store;
    let task = store.worklist(&WorkFilter::default(), None, 1).await.unwrap().items.remove(0);
    let from = Holder { id: "treyes".to_string(), name: "Tomas Reyes".to_string() };
    let text = "@nbrooks her son says she sleeps sitting up. Send her in?".to_string();
    let steps = [("task-note", Action::Note { text: text.clone() })];
    let words = Words { text, from, answers: None, once: None };
    let heard = house.running.gateway.take_steps(task.id, &steps, &words, "person:treyes").await.unwrap();
    assert_eq!((heard.told.len(), heard.untold.len()), (1, 0));
    browser.sees("Somebody told you something.").await;
    let count = client.find(Locator::Css("#for-you [data-unread]")).await.unwrap().text().await.unwrap();
    assert_eq!(count, "1");
    browser.click("#new-for-you a").await;
    browser.sees("1 unread.").await;
    browser.look("for-you").await;
    client.find(Locator::Css(".jobs a.btn")).await.unwrap().send_keys("\u{E007}").await.unwrap();
    browser.sees("sleeps sitting up").await;
    client
        .find(Locator::Css("textarea"))
        .await
        .unwrap()
        .send_keys("Yes, I call her now.\u{E004}\u{E007}")
        .await
        .unwrap();
    browser.sees("Answered.").await;
    browser.look("thread").await;
    dark(&browser, "thread").await;
    client.goto(&house.url("/console/measures?months=3")).await.unwrap();
    browser.sees("Followed up within 2 business days").await;
    browser.look("measures").await;
    dark(&browser, "measures").await;

    browser.click(".me button").await;
    browser.sees("You are logged out").await;
    dark(&browser, "login").await;
    let audit = house.running.gateway.store.audit(None, None, 200).await.unwrap().items;
    let of = |action: &str| audit.iter().filter(|one| one.agent == "person:nbrooks" && one.action == action).count();
    assert_eq!((of("task-claim"), of("task-attempt"), of("task-complete"), of("logout")), (2, 3, 1, 1));
    browser.client.clone().close().await.unwrap();
    house.running.stop().await;
}

/// The same page as people see it who work at night.
async fn dark(browser: &browser::Browser, name: &str) {
    let Some(folder) = std::env::var_os("HANDOVER_SCREENSHOTS") else { return };
    let script = "const all = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]); \
                  for (const rule of all) if (rule.media && rule.conditionText.includes('prefers-color-scheme: dark')) rule.media.mediaText = 'all'";
    browser.client.execute(script, vec![json!(null)]).await.unwrap();
    for (width, kind) in [(1280, "desk"), (390, "phone")] {
        browser.client.set_window_size(width, 900).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        let image = browser.client.screenshot().await.unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}-{kind}-dark.png")), image).unwrap();
    }
    browser.client.set_window_size(1280, 900).await.unwrap();
}
