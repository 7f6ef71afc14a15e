//! Transactions, batches and conditions to the running gateway, and what the CapabilityStatement says of all writes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::writing::{Practice, saturation, send};

const URN: &str = "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c";

fn entry(number: usize, method: &str, url: &str, resource: Value) -> Value {
    json!({ "fullUrl": format!("{URN}{number}"), "resource": resource, "request": { "method": method, "url": url } })
}

fn bundle(kind: &str, entries: Vec<Value>) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

fn statuses(answer: &Value) -> Vec<String> {
    let entries = answer["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_string()).collect()
}

fn goal(subject: Value, text: &str) -> Value {
    json!({ "resourceType": "Goal", "lifecycleStatus": "active", "subject": subject, "description": { "text": text } })
}

fn doctor(number: &str) -> Value {
    json!({ "resourceType": "Practitioner", "name": [{ "family": "Reed" }], "identifier": [{ "system": "urn:lakeside:staff", "value": number }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_done_whole_with_its_references_or_not_at_all() {
    let practice = Practice::new().await;
    let patient = json!({ "reference": format!("Patient/{}", practice.patient) });
    let mut reading = saturation(patient.clone(), 96, "2026-03-01T10:00:00Z");
    reading["performer"] = json!([{ "reference": format!("{URN}1") }]);
    let mut report = json!({ "resourceType": "DiagnosticReport", "status": "final", "code": { "text": "Home readings" },
        "subject": patient, "result": [{ "reference": format!("{URN}2") }] });
    let entries = |report: &Value| {
        vec![
            entry(3, "POST", "DiagnosticReport", report.clone()),
            entry(1, "POST", "Practitioner", doctor("7")),
            entry(2, "POST", "Observation", reading.clone()),
            json!({ "request": { "method": "GET", "url": format!("Observation?patient={}", practice.patient) } }),
        ]
    };
    let done = send(&practice.ehr, Method::POST, "", &bundle("transaction", entries(&report)), &[]).await;
    assert_eq!(
        (statuses(&done.is(200).body), &done.body["type"]),
        (vec!["201".into(), "201".into(), "201".into(), "200".into()], &json!("transaction-response"))
    );
    let place = |at: usize| {
        let location = done.body["entry"][at]["response"]["location"].as_str().unwrap();
        location.split("/fhir/").nth(1).unwrap().split("/_history").next().unwrap().to_string()
    };
    assert_eq!(done.body["entry"][3]["resource"]["entry"][0]["resource"]["performer"][0]["reference"], place(1));
    let stored = practice.ehr.get(&place(2)).await.1;
    assert_eq!(stored["performer"][0]["reference"], json!(place(1)));
    // Half of it fails: nothing is there.
    let counted = async || {
        practice.ehr.search(&format!("Observation?patient={}&_summary=count", practice.patient)).await["total"].clone()
    };
    let before = counted().await;
    reading["valueQuantity"]["value"] = json!(97);
    report["result"] = json!([{ "reference": format!("{URN}9") }]);
    let half =
        vec![entry(2, "POST", "Observation", reading.clone()), entry(3, "POST", "DiagnosticReport", report.clone())];
    send(&practice.ehr, Method::POST, "", &bundle("transaction", half), &[]).await.is(422);
    reading.as_object_mut().unwrap().remove("performer");
    let missing = vec![
        entry(2, "POST", "Observation", reading.clone()),
        json!({ "request": { "method": "DELETE", "url": "Goal/0000000000000000zzzzzzzzzzzzzzzz" } }),
    ];
    send(&practice.ehr, Method::POST, "", &bundle("transaction", missing), &[]).await.is(404);
    assert_eq!(counted().await, before);
    let twice = vec![entry(1, "PUT", &place(2), stored.clone()), entry(2, "PUT", &place(2), stored)];
    send(&practice.ehr, Method::POST, "", &bundle("transaction", twice), &[]).await.is(400);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_in_a_circle_and_conditions_are_resolved() {
    let practice = Practice::new().await;
    let patient = json!({ "reference": format!("Patient/{}", practice.patient) });
    send(&practice.ehr, Method::POST, "Practitioner", &doctor("8"), &[]).await.is(201);
    let mut goals = [goal(patient.clone(), "walk"), goal(patient.clone(), "sleep")];
    goals[0]["addresses"] = json!([{ "reference": format!("{URN}1") }]);
    let request = json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": patient, "code": { "text": "Spirometry" },
        "requester": { "reference": "Practitioner?identifier=urn:lakeside:staff|8" }, "supportingInfo": [{ "reference": format!("{URN}2") }] });
    let mut circular = request.clone();
    circular["basedOn"] = json!([{ "reference": format!("{URN}1") }]);
    let mut other = request.clone();
    (other["basedOn"], other["code"]) =
        (json!([{ "reference": format!("{URN}0") }]), json!({ "text": "Plethysmography" }));
    let all = vec![
        entry(0, "POST", "ServiceRequest", circular),
        entry(1, "POST", "ServiceRequest", other),
        entry(2, "POST", "Goal", goals[1].clone()),
    ];
    let done =
        send(&practice.ehr, Method::POST, "", &bundle("transaction", all), &[("prefer", "return=representation")])
            .await;
    assert_eq!(statuses(&done.is(200).body), ["201", "201", "201"], "{}", done.body);
    let mut nobody = request.clone();
    nobody.as_object_mut().unwrap().remove("supportingInfo");
    nobody["requester"] = json!({ "reference": "Practitioner?identifier=urn:lakeside:staff|none" });
    let refused = send(
        &practice.ehr,
        Method::POST,
        "",
        &bundle("transaction", vec![entry(1, "POST", "ServiceRequest", nobody)]),
        &[],
    )
    .await;
    assert_eq!(refused.status, 412, "{}", refused.body);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_entry_of_a_batch_harms_no_other() {
    let practice = Practice::new().await;
    let patient = json!({ "reference": format!("Patient/{}", practice.patient) });
    let mut bad = saturation(patient.clone(), 96, "2026-03-01T10:00:00Z");
    bad["effectiveDateTime"] = json!("2026-02-31");
    let all = vec![
        entry(1, "POST", "Observation", bad),
        entry(2, "POST", "Observation", saturation(patient, 95, "2026-03-02T10:00:00Z")),
        json!({ "request": { "method": "GET", "url": format!("Patient/{}", practice.patient) } }),
        json!({ "request": { "method": "POST", "url": "ValueSet" }, "resource": { "resourceType": "ValueSet" } }),
        json!({ "request": { "method": "DELETE", "url": "Goal?identifier=urn:x|none" } }),
    ];
    let done = send(&practice.ehr, Method::POST, "", &bundle("batch", all), &[]).await;
    assert_eq!(statuses(&done.is(200).body), ["422", "201", "200", "404", "204"], "{}", done.body);
    assert_eq!(done.body["entry"][2]["resource"]["resourceType"], "Patient");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_find_one_none_or_several() {
    let practice = Practice::new().await;
    let ehr = &practice.ehr;
    let patient = json!({ "reference": format!("Patient/{}", practice.patient) });
    let mut wanted = goal(patient.clone(), "walk");
    wanted["identifier"] = json!([{ "system": "urn:lakeside:goal", "value": "1" }]);
    let header = [("if-none-exist", "identifier=urn:lakeside:goal|1")];
    let many = (0..20).map(|_| send(ehr, Method::POST, "Goal", &wanted, &header));
    let answers = futures_util::future::join_all(many).await;
    assert_eq!(answers.iter().filter(|one| one.status == 201).count(), 1);
    assert!(answers.iter().all(|one| matches!(one.status, 200 | 201) && one.place() == answers[0].place()));
    let by_number = "Goal?identifier=urn:lakeside:goal|1";
    wanted["lifecycleStatus"] = json!("completed");
    let changed = send(ehr, Method::PUT, by_number, &wanted, &[]).await;
    assert_eq!(
        (changed.is(200).etag.as_deref(), &changed.body["lifecycleStatus"]),
        (Some("W/\"2\""), &json!("completed"))
    );
    wanted["id"] = json!("other");
    send(ehr, Method::PUT, by_number, &wanted, &[]).await.is(400);
    wanted.as_object_mut().unwrap().remove("id");
    let by_patient = format!("Goal?patient={}", practice.patient);
    send(ehr, Method::POST, "Goal", &goal(patient, "sleep"), &[]).await.is(201);
    send(ehr, Method::PUT, &by_patient, &wanted, &[]).await.is(412);
    send(ehr, Method::DELETE, &by_patient, &Value::Null, &[]).await.is(412);
    wanted["identifier"] = json!([{ "system": "urn:lakeside:goal", "value": "2" }]);
    send(ehr, Method::PUT, "Goal?identifier=urn:lakeside:goal|2", &wanted, &[]).await.is(201);
    send(ehr, Method::PUT, "Goal?colour=red", &wanted, &[]).await.is(400);
    send(ehr, Method::PUT, "Goal", &wanted, &[]).await.is(400);
    send(ehr, Method::DELETE, by_number, &Value::Null, &[]).await.is(204);
    send(ehr, Method::DELETE, by_number, &Value::Null, &[]).await.is(204);
    practice.stop().await;
}

/// Each interaction that the CapabilityStatement names is called: none answers that it is not offered.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_capability_statement_names_is_wired_and_nothing_else() {
    let practice = Practice::new().await;
    let ehr = &practice.ehr;
    let (_, statement) = ehr.get("metadata").await;
    let mut named = 0;
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        let codes: Vec<&str> =
            resource["interaction"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
        let id = "0000000000000000zzzzzzzzzzzzzzzz";
        // Nothing that is taken, of whichever type.
        let body = json!({ "resourceType": kind, "nothing": true });
        for (code, method, path, unwired) in [
            ("read", Method::GET, format!("{kind}/{id}"), [403, 405]),
            ("search-type", Method::GET, format!("{kind}?_id={id}"), [403, 405]),
            ("create", Method::POST, kind.to_string(), [403, 405]),
            ("update", Method::PUT, format!("{kind}/{id}"), [403, 405]),
            ("patch", Method::PATCH, format!("{kind}/{id}"), [403, 405]),
            ("delete", Method::DELETE, format!("{kind}/{id}"), [403, 405]),
        ] {
            let said = if method == Method::GET || method == Method::DELETE { Value::Null } else { body.clone() };
            let status = send(ehr, method, &path, &said, &[]).await.status;
            let is_deletable = code != "delete" || !matches!(kind, "Patient" | "Practitioner" | "Organization");
            if codes.contains(&code) {
                named += 1;
                assert!(!unwired.contains(&status), "{code} {kind}: {status}");
            } else if is_deletable {
                assert!(unwired.contains(&status) || status == 404, "{code} {kind} is wired and not named: {status}");
            }
        }
    }
    assert!(named > 60, "{named}");
    let anybody: Value =
        reqwest::get(practice.readers.house.url("/fhir/metadata")).await.unwrap().json().await.unwrap();
    let of = |statement: &Value| statement["rest"][0]["resource"].as_array().unwrap().len();
    assert!(of(&anybody) > of(&statement), "a client is told of what holds for it");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_offered_booked_and_answered() {
    let practice = Practice::sending("Patient, Schedule, Slot, Appointment, AppointmentResponse, Practitioner").await;
    let ehr = &practice.ehr;
    let doctor = json!({ "resourceType": "Practitioner", "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1982777003" }] });
    let doctor = send(ehr, Method::POST, "Practitioner", &doctor, &[]).await.is(201).place();
    let request = |kind: &str| json!({ "method": "POST", "url": kind });
    let schedule = "urn:uuid:7c1b2b8a-5c55-4c0f-9a43-0a5a1b6f7d01";
    let slot = |start: &str, end: &str| {
        json!({ "request": request("Slot"), "resource": { "resourceType": "Slot", "schedule": { "reference": schedule },
            "status": "free", "start": start, "end": end } })
    };
    let offered = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": schedule, "request": request("Schedule"),
          "resource": { "resourceType": "Schedule", "active": true, "actor": [{ "reference": doctor }] } },
        slot("2026-12-01T14:00:00Z", "2026-12-01T14:30:00Z"),
        slot("2026-12-01T14:30:00Z", "2026-12-01T15:00:00Z"),
    ] });
    let offered = send(ehr, Method::POST, "", &offered, &[]).await;
    offered.is(200);
    let place = |entry: usize| {
        let location = offered.body["entry"][entry]["response"]["location"].as_str().unwrap();
        location.trim_start_matches(&format!("{}/", ehr.base)).split("/_history").next().unwrap().to_string()
    };
    let first = place(1);
    // An answer is with the patient of what it answers, in the same bundle and later.
    let visit = json!({ "resourceType": "Appointment", "status": "proposed", "slot": [{ "reference": first }],
        "participant": [{ "actor": { "reference": format!("Patient/{}", practice.patient) }, "status": "accepted" },
                        { "actor": { "reference": doctor }, "status": "needs-action" }] });
    let answer = |appointment: &str| {
        json!({ "resourceType": "AppointmentResponse", "appointment": { "reference": appointment },
        "actor": { "reference": doctor }, "participantStatus": "tentative" })
    };
    let urn = "urn:uuid:7c1b2b8a-5c55-4c0f-9a43-0a5a1b6f7d09";
    let both = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": urn, "resource": visit, "request": request("Appointment") },
        { "resource": answer(urn), "request": request("AppointmentResponse") } ] });
    let both = send(ehr, Method::POST, "", &both, &[]).await;
    both.is(200);
    let visit = both.body["entry"][0]["response"]["location"].as_str().unwrap().to_string();
    let visit = visit.split("/fhir/").nth(1).unwrap().split("/_history").next().unwrap().to_string();
    let mut accepted = answer(&visit);
    accepted["participantStatus"] = json!("accepted");
    let accepted = send(ehr, Method::POST, "AppointmentResponse", &accepted, &[]).await.is(201).place();
    let record =
        |place: &str| place.split('/').nth(1).unwrap().parse::<handover::identity::ResourceId>().unwrap().person;
    assert_eq!(record(&accepted), record(&visit));
    assert_eq!(record(&accepted), record(&format!("Patient/{}", practice.patient)));
    let nothing = format!("Appointment/{}", "0".repeat(32));
    send(ehr, Method::POST, "AppointmentResponse", &answer(&nothing), &[]).await.is(422);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_results_under_one_number_are_refused_and_not_made_one() {
    let practice = Practice::new().await;
    let patient = json!({ "reference": format!("Patient/{}", practice.patient) });
    let numbered = |number: &str, value: i64| {
        let mut reading = saturation(patient.clone(), value, "2026-03-01T10:00:00Z");
        reading["identifier"] = json!([{ "system": "urn:lakeside:results", "value": number }]);
        reading
    };
    let both = |kind: &str, one: Value, other: Value| {
        bundle(kind, vec![entry(1, "POST", "Observation", one), entry(2, "POST", "Observation", other)])
    };
    let body = both("transaction", numbered("R-1", 96), numbered("R-1", 88));
    let refused = send(&practice.ehr, Method::POST, "", &body, &[]).await;
    let issue = &refused.is(409).body["issue"][0];
    assert_eq!(issue["expression"], json!(["Bundle.entry[1].resource.identifier"]));
    assert!(issue["diagnostics"].as_str().unwrap().contains("Bundle.entry[0].resource"), "{issue}");
    let found = practice.ehr.search("Observation?identifier=urn:lakeside:results|R-1").await;
    assert_eq!(found["total"], 0);
    // In a batch each stands for itself, as one after the other.
    let body = both("batch", numbered("R-2", 96), numbered("R-2", 88));
    let answer = send(&practice.ehr, Method::POST, "", &body, &[]).await;
    assert_eq!(statuses(&answer.is(200).body), ["201", "409"]);
    // The same told twice is one.
    let body = both("transaction", numbered("R-3", 91), numbered("R-3", 91));
    let answer = send(&practice.ehr, Method::POST, "", &body, &[]).await;
    let places: Vec<_> = (0..2).map(|at| answer.is(200).body["entry"][at]["response"]["location"].clone()).collect();
    assert_eq!(places[0], places[1]);
    practice.stop().await;
}
