//! The huddle of a practice: what came by every way stands on one sheet, for the terminal and for the browser.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{House, eventually};
use crate::writing::{Practice, send};
use handover::pipeline::Operation;

fn appointment(patient: &str, start: Timestamp, status: &str) -> Value {
    json!({
        "resourceType": "Appointment",
        "identifier": [{ "system": "urn:lakeside:appointments", "value": format!("{patient}-{start}-{status}") }],
        "status": status,
        "start": start.to_string(),
        "end": (start + SignedDuration::from_mins(20)).to_string(),
        "reasonCode": [{ "text": "Pressure check" }],
        "participant": [
            { "actor": { "reference": format!("Patient/{patient}") }, "status": "accepted" },
            { "actor": { "display": "Dr. Helen Park" }, "status": "accepted" }
        ]
    })
}

async fn sheet(house: &House, panel: &str, day: Option<jiff::civil::Date>) -> Value {
    house.running.gateway.perform(Operation::Huddle { panel: panel.to_string(), day }).await.unwrap()
}

fn count(sheet: &Value, part: &str) -> usize {
    sheet[part].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practices_day_is_on_one_sheet() {
    let practice = Practice::sending("Patient, Appointment, Encounter, Task, Observation").await;
    let house = &practice.readers.house;
    let zone = TimeZone::get("America/New_York").unwrap();
    let now = Timestamp::now();
    let today = now.to_zoned(zone.clone()).date();
    let noon = |days: i64| {
        let day = today.saturating_add(jiff::Span::new().days(days));
        day.at(12, 0, 0, 0).to_zoned(zone.clone()).unwrap().timestamp()
    };
    // Of another day, and one that does not take place: neither is on the sheet.
    for (start, status) in [(noon(0), "booked"), (noon(1), "booked"), (noon(0), "cancelled")] {
        send(&practice.ehr, Method::POST, "Appointment", &appointment(&practice.patient, start, status), &[])
            .await
            .is(201);
    }
    let mut hospital = house.hospital().await;
    let home = crate::harness::adt("A03", "H1", "4711", "V1", &crate::harness::minutes_ago(5));
    assert_eq!(crate::harness::code(&hospital.send(&home).await), "AA");
    eventually("the call after the visit is owed", async || {
        count(&sheet(house, "lakeside", None).await, "hospital") > 0
    })
    .await;

    let of_today = sheet(house, "lakeside", None).await;
    assert_eq!(count(&of_today, "appointments"), 1, "{of_today}");
    let visit = &of_today["appointments"][0];
    assert_eq!((&visit["reason"], &visit["with"]), (&json!("Pressure check"), &json!(["Dr. Helen Park"])), "{visit}");
    assert!(visit["patient"]["name"].as_str().unwrap().contains("Okafor"), "{visit}");
    let needs: Vec<&str> = visit["needs"].as_array().unwrap().iter().filter_map(|need| need["text"].as_str()).collect();
    assert!(!needs.is_empty(), "a visit shows what a card would ask: {visit}");
    let call = &of_today["hospital"][0];
    assert_eq!(call["title"], "Call after an emergency visit", "{call}");
    assert!(call["happened"].is_string() && call["due"].is_string(), "{call}");
    assert_eq!((&of_today["open"], &of_today["late"], &of_today["missing"]), (&json!(1), &json!(0), &json!([])));
    let tomorrow = sheet(house, "lakeside", Some(today.tomorrow().unwrap())).await;
    assert_eq!(count(&tomorrow, "appointments"), 1, "{tomorrow}");

    let unknown = Operation::Huddle { panel: "lakesid".to_string(), day: None };
    let refused = house.running.gateway.perform(unknown).await.unwrap_err();
    assert!(refused.text.contains("no panel `lakesid`") && refused.text.contains("lakeside"), "{}", refused.text);
    practice.stop().await;
}
