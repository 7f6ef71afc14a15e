//! A care manager's few minutes with one patient: found, read, asked, a goal written down, the plan printed in two languages.

use crate::browser::Browser;
use fantoccini::Locator;

use crate::browser;
use crate::harness::{House, adt, code, minutes_ago};

const DAY: i64 = 24 * 60;

/// A result that was measured at home.
fn reading(control: &str, minutes: i64, results: &[(&str, &str, &str)]) -> String {
    let at = minutes_ago(minutes);
    let mut segments = vec![
        format!("MSH|^~\\&|RIVER-LAB|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|{control}|P|2.5.1"),
        "PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F|||12 Harbor Street^^Springfield^MA^01103|"
            .to_string()
            + "|555-014-1001^PRN^PH",
        format!("OBR|1||{control}^RIVERSIDE|34566-0^Vital signs^LN|||{at}|||||||||||||||{at}|||F"),
    ];
    for (number, (code, value, unit)) in results.iter().enumerate() {
        segments.push(format!("OBX|{}|NM|{code}^Reading^LN||{value}|{unit}^{unit}^UCUM|||||F|||{at}", number + 1));
    }
    segments.join("\r") + "\r"
}

/// A stay for heart failure, and readings of two months.
async fn lived(house: &House) {
    let mut hospital = house.hospital().await;
    let (admitted, home) = (minutes_ago(12 * DAY), minutes_ago(6 * DAY));
    let stay = |event: &str, control: &str, at: &str| {
        let message = adt(event, control, "4711", "V7", at).replace("|E|ED^04^A", "|I|3N^04^A");
        let message = message.replace(&format!("|{home}|{home}"), &format!("|{admitted}|{home}"));
        message.replace("J44.1^COPD with exacerbation", "I50.9^Heart failure")
    };
    assert_eq!(code(&hospital.send(&stay("A01", "S1", &admitted)).await), "AA");
    assert_eq!(code(&hospital.send(&stay("A03", "S2", &home)).await), "AA");
    for day in (0..50_i64).rev().filter(|day| !(6..=12).contains(day)) {
        let weight = if day == 0 { "173.4".to_string() } else { format!("{}.{}", 166 + day % 3, day % 10) };
        let (upper, lower) = (126 + (day * 7) % 24, 74 + (day * 5) % 12);
        let results = [
            ("29463-7", weight.as_str(), "[lb_av]"),
            ("8480-6", &upper.to_string(), "mm[Hg]"),
            ("8462-4", &lower.to_string(), "mm[Hg]"),
            ("59408-5", &(94 + day % 4).to_string(), "%"),
        ];
        let answer = hospital.send(&reading(&format!("R{day}"), day * DAY + 20, &results)).await;
        assert_eq!(code(&answer), "AA", "day {day}");
    }
}

/// Somebody whose birthday was last week and who lives with COPD: the review of the year, and what it holds.
async fn reviewed(house: &House, browser: &browser::Browser) {
    let birthday = minutes_ago(6 * DAY);
    let born = format!("1958{}", birthday.get(4..8).unwrap().replace("0229", "0301"));
    let other = |event: &str, at: &str| {
        adt(event, &format!("Y{event}"), "4712", "V9", at)
            .replace("Okafor^Rosalind^M", "Chen^Wei")
            .replace("19580314", &born)
    };
    let mut hospital = house.hospital().await;
    for (event, minutes) in [("A04", 90), ("A03", 30)] {
        assert_eq!(code(&hospital.send(&other(event, &minutes_ago(minutes))).await), "AA", "{event}");
    }
    browser.client.goto(&house.url("/console/patients?find=4712")).await.unwrap();
    browser.sees("Yearly review, with the patient’s own goals").await;
    browser.sees("What it holds: 6").await;
    browser.click("#owed .what summary").await;
    browser.sees("Questions that wait").await;
    browser.sees("Has inhaler technique been watched and corrected?").await;
    browser.look("review").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_is_found_read_asked_and_given_a_plan() {
    let Some(browser) = browser::start().await else { return };
    let house = House::new().await;
    let client = &browser.client;
    lived(&house).await;
    client.goto(&house.running.console_link()).await.unwrap();
    client.find(Locator::Css("input[name=name]")).await.unwrap().send_keys("Ida Roe").await.unwrap();
    browser.click("#log-in").await;
    browser.sees("Overview").await;

    let find = async |text: &str| {
        let address = house.url(&format!("/console/patients?find={}", text.replace(' ', "+")));
        client.goto(&address).await.unwrap();
    };
    find("hernandez 1969").await;
    browser.sees("Nobody matches “hernandez 1969”").await;
    browser.look("nobody").await;
    find("okaf 4/1/1958").await;
    browser.sees("Close").await;
    browser.sees("born Apr 1, 1958 or Jan 4, 1958").await;
    client.find(Locator::Css("#find")).await.unwrap().send_keys("ókafor 3/14/1958\u{E007}").await.unwrap();
    browser.sees("1 person for “ókafor 3/14/1958”").await;
    browser.look("people").await;
    browser.click("#found a[href^='/console/patients/']").await;
    browser.sees("Owed now").await;
    let page = client.current_url().await.unwrap();
    find("4711").await;
    browser.sees("Owed now").await;
    assert_eq!(client.current_url().await.unwrap(), page, "a number leads straight there");

    let text = browser.text().await;
    for expected in [
        "Rosalind M Okafor",
        "Mar 14, 1958",
        "555-014-1001",
        "Allergies: not known",
        "Weight",
        "173.4 lb",
        "Blood pressure",
        "Hospital stay",
        "Nia Brooks RN",
        "No goal is written down yet",
    ] {
        assert!(text.contains(expected), "the page tells of {expected}:\n{text}");
    }
    let count = async |css: &str| client.find_all(Locator::Css(css)).await.unwrap().len();
    assert!(count("figure.plot svg").await >= 3, "weight, pressure, oxygen");
    assert!(count(".p-range").await > 20 && count(".p-line").await >= 2 && count(".p-stay").await > 3);
    assert!(count("path.p-alert").await > 1, "the weight of today is marked, beside the key");
    browser.look("patient").await;
    browser.photograph("patient").await;

    browser.click("#owed summary").await;
    browser.click("#owed button[value=claim]").await;
    browser.sees("Lakeside Family Practice: Ida Roe").await;
    assert_eq!(client.current_url().await.unwrap().path(), page.path(), "back where one was");

    let asked = count("#ask fieldset").await;
    let words = client.find(Locator::Css("#ask legend")).await.unwrap().text().await.unwrap();
    browser.click("#ask fieldset label").await;
    browser.click("#ask button").await;
    browser.sees("The answers are saved.").await;
    assert_eq!(count("#ask fieldset").await, asked - 1, "what was answered waits no more");
    browser.sees(&format!("{words}: ")).await;

    browser.click("#new-goal summary").await;
    let field = async |name: &str, text: &str| {
        let css = format!("#new-goal [name={name}]");
        client.find(Locator::Css(&css)).await.unwrap().send_keys(text).await.unwrap();
    };
    field("words", "Caminar hasta la iglesia <sin parar>").await;
    field("meaning", "Walk to church without stopping").await;
    field("rank", "1").await;
    field("patient_part", "Camino después de comer").await;
    client.find(Locator::Css("#new-goal select")).await.unwrap().select_by_value("es").await.unwrap();
    browser.look("goal-form").await;
    browser.click("#new-goal button.go").await;
    browser.sees("The goal is saved.").await;
    browser.sees("Caminar hasta la iglesia <sin parar>").await;
    browser.click(".goal summary").await;
    client.find(Locator::Css(".goal select")).await.unwrap().select_by_value("worsening").await.unwrap();
    browser.click(".goal button.go").await;
    browser.sees("At risk").await;

    client.goto(&format!("{page}/plan?lang=es")).await.unwrap();
    browser.sees("Mi plan").await;
    let plan = browser.text().await;
    for expected in [
        "Caminar hasta la iglesia",
        "Yo: Camino",
        "Lakeside",
        "su peso sube 2 libras en 1 día",
        "14 de marzo de 1958",
        "impreso por Ida Roe",
    ] {
        assert!(plan.contains(expected), "the plan says {expected}:\n{plan}");
    }
    for code in ["I50", "Heart failure", "29463", "heart-failure"] {
        assert!(!plan.contains(code), "no diagnosis and no code: {code}");
    }
    browser.look("plan-es").await;
    browser.photograph("plan-es").await;
    client.goto(&format!("{page}/plan")).await.unwrap();
    browser.sees("My plan").await;
    browser.sees("Walk to church without stopping").await;
    browser.look("plan-en").await;
    client.goto(&format!("{page}/plan?lang=xx")).await.unwrap();
    browser.sees("There are no words for a plan in “xx” yet; there are in: en, es.").await;

    client.goto(page.as_str()).await.unwrap();
    browser.click("#new-barrier summary").await;
    client.find(Locator::Css("#new-barrier select")).await.unwrap().select_by_value("transport").await.unwrap();
    client
        .find(Locator::Css("#new-barrier [name=words]"))
        .await
        .unwrap()
        .send_keys("El autobús no pasa los martes")
        .await
        .unwrap();
    browser.look("barrier-form").await;
    browser.click("#new-barrier button.go").await;
    browser.sees("What stands in the way is saved.").await;
    browser.sees("“El autobús no pasa los martes”").await;
    browser.sees("Arrange transport").await;
    browser.click("#barriers li summary").await;
    client.find(Locator::Css("#barriers [name=helped]")).await.unwrap().send_keys("her niece drives").await.unwrap();
    browser.click("#barriers li button.go").await;
    browser.sees("stands in the way no longer").await;
    enrolled(&browser, page.as_str()).await;
    reviewed(&house, &browser).await;

    let audit = house.running.gateway.store.audit(None, None, 200).await.unwrap().items;
    for action in
        ["search", "look", "prompt-answer", "goal-add", "goal-change", "barrier-add", "barrier-over", "programme-enrol"]
    {
        let done = audit.iter().find(|entry| entry.action == action && entry.person.is_some());
        assert!(done.is_some_and(|entry| entry.agent == "console:Ida Roe"), "{action} is in the audit");
    }
    browser.client.clone().close().await.unwrap();
    house.running.stop().await;
}

/// Enrolled on the page, which makes the programme's work in the same moment; what is left out is said.
async fn enrolled(browser: &Browser, page: &str) {
    let client = &browser.client;
    client.goto(page).await.unwrap();
    browser.sees("Not enrolled.").await;
    browser.click("#enrol summary").await;
    browser.look("enrol-form").await;
    browser.click("#enrol button[value=decline]").await;
    browser.sees("Write down why").await;
    client.goto(page).await.unwrap();
    browser.click("#enrol summary").await;
    client.find(Locator::Css("#enrol select[name=level]")).await.unwrap().select_by_label("High").await.unwrap();
    browser.click("#enrol button[value=enrol]").await;
    browser.sees("What was done about the programme is saved.").await;
    browser.sees("level High, with Ida Roe").await;
    browser.sees("Complete the assessment within 30 days").await;
}
