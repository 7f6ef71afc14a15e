//! The huddle of a practice: what came by every way stands on one sheet, for the terminal and for the browser.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{House, eventually};
use crate::writing::{Practice, send};
use handover::fhir::{Identifier, Resource};
use handover::identity::{PersonId, ResourceId};
use handover::pipeline::Operation;
use handover::record::{Change, Stored};
use handover::store::{WorkFilter, WriteUnit};

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
    // The call, and in the weeks after her birthday the yearly review.
    let owed = house.running.gateway.store.worklist(&WorkFilter::default(), None, 50).await.unwrap().items.len();
    assert_eq!((&of_today["open"], &of_today["late"], &of_today["missing"]), (&json!(owed), &json!(0), &json!([])));
    let tomorrow = sheet(house, "lakeside", Some(today.tomorrow().unwrap())).await;
    assert_eq!(count(&tomorrow, "appointments"), 1, "{tomorrow}");

    let unknown = Operation::Huddle { panel: "lakesid".to_string(), day: None };
    let refused = house.running.gateway.perform(unknown).await.unwrap_err();
    assert!(refused.text.contains("no panel `lakesid`") && refused.text.contains("lakeside"), "{}", refused.text);
    practice.stop().await;
}

/// A referral to a cardiologist, so many days old.
fn referral(patient: &str, number: u32, days: i64) -> Value {
    json!({
        "resourceType": "ServiceRequest",
        "identifier": [{ "system": "urn:lakeside:referrals", "value": format!("R{number}") }],
        "status": "active",
        "intent": "order",
        "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral" }] }],
        "code": { "text": format!("Cardiology {number}") },
        "subject": { "reference": format!("Patient/{patient}") },
        "authoredOn": (Timestamp::now() - SignedDuration::from_hours(24 * days)).to_string(),
        "performer": [{ "display": "Dr. Arjun Mehrotra" }]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_of_referrals_shows_where_each_is_stuck() {
    let practice = Practice::sending("Patient, Appointment, ServiceRequest, Task, DiagnosticReport").await;
    let house = &practice.readers.house;
    let post =
        async |kind: &str, body: Value| send(&practice.ehr, Method::POST, kind, &body, &[]).await.is(201).place();
    let old = post("ServiceRequest", referral(&practice.patient, 1, 12)).await;
    let fresh = post("ServiceRequest", referral(&practice.patient, 2, 1)).await;
    let seen = post("ServiceRequest", referral(&practice.patient, 3, 40)).await;
    let mut kept = appointment(&practice.patient, Timestamp::now() - SignedDuration::from_hours(24 * 3), "fulfilled");
    kept["basedOn"] = json!([{ "reference": seen }]);
    post("Appointment", kept).await;

    let board = || async {
        house.running.gateway.perform(Operation::Referrals { panel: "lakeside".to_string() }).await.unwrap()
    };
    let told = board().await;
    let rows: Vec<(String, String, bool)> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let referral = &row["referral"];
            let until: Timestamp = referral["until"].as_str().unwrap().parse().unwrap();
            let text = |name: &str| referral[name].as_str().unwrap().to_string();
            (text("request"), text("stage"), until < Timestamp::now())
        })
        .collect();
    let of = |place: &str, stage: &str, late| (place.replace("ServiceRequest/", ""), stage.to_string(), late);
    // What is longest beyond its time comes first; three days after a visit a report is not late.
    assert_eq!(rows, [of(&old, "requested", true), of(&fresh, "requested", false), of(&seen, "seen", false)], "{told}");
    let work = told["rows"][0]["work"].as_array().unwrap();
    assert_eq!(work[0]["title"], "Referral without an answer", "{told}");
    // Seven days, by the rule about all referrals; that about referrals to a programme, which are answered within two, is not about these.
    let moment = |name: &str| told["rows"][0]["referral"][name].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(moment("until").duration_since(moment("since")), SignedDuration::from_hours(7 * 24), "{told}");

    // The report of the one referred to does not close it: somebody has to read it.
    let report = json!({
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": { "text": "Cardiology letter" },
        "subject": { "reference": format!("Patient/{}", practice.patient) },
        "basedOn": [{ "reference": seen }],
        "issued": Timestamp::now().to_string(),
        "performer": [{ "display": "Dr. Arjun Mehrotra" }]
    });
    post("DiagnosticReport", report).await;
    let told = board().await;
    let row = told["rows"].as_array().unwrap().iter().find(|row| row["referral"]["stage"] == "reported").unwrap();
    assert_eq!(row["work"][0]["title"], "Read the report of a referral", "{row}");
    let task = row["work"][0]["task"].as_str().unwrap().parse().unwrap();
    let read = Operation::TaskAct {
        task,
        action: handover::pipeline::TaskAction::Complete,
        attempt: None,
        note: "read; told the patient".to_string(),
        who: "person:park".to_string(),
    };
    house.running.gateway.perform(read).await.unwrap();
    let stages: Vec<Value> =
        board().await["rows"].as_array().unwrap().iter().map(|row| row["referral"]["stage"].clone()).collect();
    assert_eq!(stages, ["requested", "requested"], "read, and so closed");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caseload_shows_who_is_in_a_programme_and_who_slips() {
    let practice = Practice::sending("Patient, EpisodeOfCare, Goal, Task").await;
    let house = &practice.readers.house;
    let post =
        async |kind: &str, body: Value| send(&practice.ehr, Method::POST, kind, &body, &[]).await.is(201).place();
    let since = Timestamp::now() - SignedDuration::from_hours(24 * 13);
    let of = |code: &str, display: &str| json!({ "coding": [{ "system": "https://handover.health/CodeSystem/programme", "code": code, "display": display }] });
    post(
        "EpisodeOfCare",
        json!({
            "resourceType": "EpisodeOfCare",
            "status": "active",
            "type": [of("enhanced-care", "Enhanced care"), of("level-high", "High")],
            "patient": { "reference": format!("Patient/{}", practice.patient) },
            "period": { "start": since.to_string() },
            "careManager": { "display": "Nia Brooks RN" }
        }),
    )
    .await;
    post(
        "Goal",
        json!({
            "resourceType": "Goal",
            "lifecycleStatus": "active",
            "description": { "text": "Walk to church on Sundays" },
            "subject": { "reference": format!("Patient/{}", practice.patient) }
        }),
    )
    .await;
    let board = house.running.gateway.perform(Operation::Caseload { panel: "lakeside".to_string() }).await.unwrap();
    let people = board["rows"].as_array().unwrap();
    assert_eq!(people.len(), 1, "{board}");
    let (one, enrolment) = (&people[0], &people[0]["enrolment"]);
    assert_eq!((&enrolment["level"], &enrolment["lead"]), (&json!("High"), &json!("Nia Brooks RN")), "{one}");
    assert_eq!(enrolment["goals"], json!(["Walk to church on Sundays"]), "{one}");
    // Once a week.
    assert!((enrolment["contacts_a_month"].as_f64().unwrap() - 30.0 / 7.0).abs() < 0.01, "{one}");
    let titles: Vec<&str> =
        one["work"].as_array().unwrap().iter().map(|work| work["title"].as_str().unwrap()).collect();
    assert!(titles.contains(&"Complete the assessment within 30 days"), "{titles:?}");
    assert!(titles.contains(&"Contact of the week"), "{titles:?}");
    let due: Timestamp = one["next_contact"].as_str().unwrap().parse().unwrap();
    assert!(due > Timestamp::now() - SignedDuration::from_hours(24 * 7), "{one}");
    // However many of other practices' changed since, nobody is pushed off the board, and nobody is said to be.
    let others = (0..700).map(|number| {
        let person = PersonId::of(&Identifier::new("urn:elsewhere", format!("{number}")));
        let id = ResourceId::of(person, "EpisodeOfCare", "1");
        let resource = Resource::new("EpisodeOfCare").with("status", json!("active"));
        let stored = Stored { id, version: 1, updated: Timestamp::now(), resource, state: Default::default() };
        Change { stored, replaces: 0 }
    });
    let unit = WriteUnit { changes: others.collect(), ..WriteUnit::default() };
    house.running.gateway.store.commit(unit).await.unwrap();
    let crowded = house.running.gateway.perform(Operation::Caseload { panel: "lakeside".to_string() }).await.unwrap();
    assert_eq!((&crowded["rows"], &crowded["missing"]), (&board["rows"], &json!([])));
    practice.stop().await;
}
