//! FHIR messages to the running gateway (`$process-message`): notifications as real senders shape them, what becomes of them, and how they
//! are answered.

use handover::store::MessageFilter;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{adt, code, minutes_ago};
use crate::writing::{Practice, Written, patient_of, send};

pub const OID: &str = "urn:oid:2.16.840.1.113883.19.5";
const SENDS: &str = "Patient, Encounter, Condition, Practitioner, Location, Organization, Task";
const EVENTS: &str = "http://hl7.org/fhir/us/davinci-alerts/CodeSystem/notification-event";
const URN: &str = "urn:uuid:0b3f6c1e-52d4-4b4e-9c53-7a1f2e6d900";

/// A notification in parts that a test may change.
pub struct Notice {
    pub bundle: Value,
}

pub fn ago(minutes: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Notice {
    /// Of an emergency visit with this number, `start` and perhaps `end` in minutes ago, as the guide's examples are shaped.
    pub fn new(event: &str, patient: &str, visit: &str, start: i64, end: Option<i64>) -> Self {
        let mut period = json!({ "start": ago(start) });
        if let Some(end) = end {
            period["end"] = json!(ago(end));
        }
        let entry =
            |number: usize, resource: Value| json!({ "fullUrl": format!("{URN}{number}"), "resource": resource });
        let reference = |number: usize| json!({ "reference": format!("{URN}{number}") });
        let header = json!({ "resourceType": "MessageHeader", "id": format!("header-{event}-{visit}"),
            "meta": { "profile": ["http://hl7.org/fhir/us/davinci-alerts/StructureDefinition/notifications-messageheader"] },
            "eventCoding": { "system": EVENTS, "code": event },
            "source": { "name": "Bayview ADT", "endpoint": "https://bayview.example/fhir" },
            "sender": reference(5), "focus": [reference(1)] });
        let mut encounter = json!({ "resourceType": "Encounter", "id": format!("{URN}1").replace("urn:uuid:", ""),
            "meta": { "profile": ["http://hl7.org/fhir/us/davinci-alerts/StructureDefinition/adt-notification-encounter"] },
            "status": if end.is_some() { "finished" } else { "in-progress" },
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER" },
            "type": [{ "text": "Emergency" }], "subject": reference(2), "period": period,
            "identifier": [{ "system": "urn:bayview:visit", "value": visit }],
            "participant": [{ "individual": reference(4) }],
            "location": [{ "location": reference(3) }], "diagnosis": [{ "condition": reference(6) }] });
        if end.is_some() {
            encounter["hospitalization"] = json!({ "dischargeDisposition": { "coding": [{ "system": "https://www.nubc.org/CodeSystem/PatDischargeStatus", "code": "01" }] } });
        }
        let person = json!({ "resourceType": "Patient", "identifier": [{ "system": OID, "value": patient }], "gender": "female",
            "name": [{ "family": "Abara", "given": ["Ngozi"] }], "birthDate": "1957-02-11" });
        let condition = json!({ "resourceType": "Condition", "subject": reference(2), "encounter": reference(1),
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "encounter-diagnosis" }] }],
            "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J44.1" }] } });
        let entries = vec![
            entry(0, header),
            entry(1, encounter),
            entry(2, person),
            entry(3, json!({ "resourceType": "Location", "name": "Bayview Emergency", "status": "active" })),
            entry(
                4,
                json!({ "resourceType": "Practitioner", "name": [{ "family": "Ono" }], "identifier": [{ "system": "urn:bayview:staff", "value": "9" }] }),
            ),
            entry(5, json!({ "resourceType": "Organization", "name": "Bayview Hospital", "active": true })),
            entry(6, condition),
        ];
        let bundle = json!({ "resourceType": "Bundle", "id": format!("bundle-{event}-{visit}"), "type": "message",
            "timestamp": ago(end.unwrap_or(start)), "entry": entries });
        Self { bundle }
    }

    pub fn admit(patient: &str, visit: &str, start: i64) -> Self {
        Self::new("notification-admit", patient, visit, start, None)
    }

    pub fn discharge(patient: &str, visit: &str, start: i64, end: i64) -> Self {
        Self::new("notification-discharge", patient, visit, start, Some(end))
    }

    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        self.bundle.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"))[name] = value;
        self
    }

    pub fn without(mut self, pointer: &str) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        self.bundle.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name);
        self
    }

    pub async fn to(&self, practice: &Practice) -> Written {
        send(&practice.ehr, Method::POST, "$process-message", &self.bundle, &[]).await
    }
}

/// The response of a message that answers one.
pub fn response(answer: &Value) -> &Value {
    assert_eq!((&answer["resourceType"], &answer["type"]), (&json!("Bundle"), &json!("message")), "{answer}");
    &answer["entry"][0]["resource"]["response"]
}

/// What an answer says of what was not taken, as one text.
pub fn outcome(answer: &Value) -> String {
    assert_eq!(response(answer)["details"]["reference"], answer["entry"][1]["fullUrl"]);
    answer["entry"][1]["resource"]["issue"].to_string()
}

async fn visit(practice: &Practice, number: &str) -> Value {
    let found = practice.ehr.search(&format!("Encounter?identifier=urn:bayview:visit|{number}")).await;
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
    found["entry"][0]["resource"].clone()
}

/// The kinds of work of a patient, with their statuses.
async fn work(practice: &Practice, patient: &str) -> Vec<String> {
    let id = patient_of(&practice.readers.house, patient).await;
    let found = practice.ehr.search(&format!("Task?patient={id}&_count=200")).await;
    let tasks = found["entry"].as_array().cloned().unwrap_or_default();
    let word =
        |task: &Value| format!("{} {}", task["resource"]["code"]["coding"][0]["code"], task["resource"]["status"]);
    let mut all: Vec<String> = tasks.iter().map(word).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_visit_told_by_fhir_makes_the_work_that_hl7_makes() {
    let practice = Practice::sending(SENDS).await;
    let mut hospital = practice.readers.house.hospital().await;
    let told = Notice::admit("4713", "B1", 40).to(&practice).await;
    told.is(200);
    assert_eq!(
        (&response(&told.body)["code"], &response(&told.body)["identifier"]),
        (&json!("ok"), &json!("header-notification-admit-B1"))
    );
    assert_eq!(told.body["entry"][0]["resource"]["eventCoding"]["code"], "notification-admit");
    let answer = hospital.send(&adt("A04", "91", "4712", "V2", &minutes_ago(40))).await;
    assert_eq!(code(&answer), "AA", "{answer}");
    let (by_fhir, by_hl7) = (work(&practice, "4713").await, work(&practice, "4712").await);
    assert!(!by_fhir.is_empty(), "an arrival is worth a glance");
    assert_eq!(by_fhir, by_hl7);
    Notice::discharge("4713", "B1", 40, 10).to(&practice).await.is(200);
    let discharge = adt("A03", "92", "4712", "V2", &minutes_ago(10));
    assert_eq!(code(&hospital.send(&discharge).await), "AA");
    let (by_fhir, by_hl7) = (work(&practice, "4713").await, work(&practice, "4712").await);
    assert!(by_fhir.iter().any(|word| word.contains("follow-up")), "{by_fhir:?}");
    assert_eq!(by_fhir, by_hl7);
    // The visit is one, with its places and people, and what is kept says who told it.
    let visit = visit(&practice, "B1").await;
    assert_eq!((&visit["status"], &visit["class"]["code"]), (&json!("finished"), &json!("EMER")));
    assert_eq!(visit["statusHistory"][0]["status"], "in-progress");
    assert!(visit["location"][0]["location"]["reference"].as_str().unwrap().starts_with("Location/"), "{visit}");
    let gateway = &practice.readers.house.running.gateway;
    let filter = MessageFilter { feed: Some("fhir:lakeside-practice".into()), ..MessageFilter::default() };
    let kept = gateway.store.messages(&filter, None, 10).await.unwrap().items;
    let events: Vec<&str> = kept.iter().map(|one| one.event.as_str()).collect();
    assert_eq!(events, ["message notification-discharge", "message notification-admit"]);
    let person =
        patient_of(&practice.readers.house, "4713").await.parse::<handover::identity::ResourceId>().unwrap().person;
    let audit = gateway.store.audit(Some(person), None, 100).await.unwrap().items;
    let line = audit.iter().find(|entry| entry.action == "message").expect("an audit entry");
    assert!(line.because.contains("agreements/lakeside-practice.yaml:"), "{line:?}");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_done_once_and_answered_alike() {
    let practice = Practice::sending(SENDS).await;
    let admit = Notice::admit("4713", "B2", 50);
    let first = admit.to(&practice).await;
    first.is(200);
    let version = visit(&practice, "B2").await["meta"]["versionId"].clone();
    // A retry after a lost answer, made anew by its sender.
    let again = Notice { bundle: admit.bundle.clone() }.with("/timestamp", json!(ago(1))).to(&practice).await;
    assert_eq!(again.is(200).body, first.body);
    // Many at once.
    let many = (0..8).map(|_| admit.to(&practice));
    for again in futures_util::future::join_all(many).await {
        assert_eq!(again.is(200).body, first.body);
    }
    // The same header in a new Bundle is sent for another try, and changes nothing.
    let resubmitted = Notice { bundle: admit.bundle.clone() }.with("/id", json!("bundle-2")).to(&practice).await;
    assert_eq!(response(&resubmitted.is(200).body)["code"], "ok");
    assert_ne!(resubmitted.body["id"], first.body["id"]);
    assert_eq!(visit(&practice, "B2").await["meta"]["versionId"], version);
    // Another content, or another message, under the ids of one that was done.
    let class = "/entry/1/resource/class/code";
    let changed = Notice { bundle: admit.bundle.clone() }.with(class, json!("IMP")).to(&practice).await;
    assert_eq!(response(&changed.is(409).body)["code"], "fatal-error");
    assert!(outcome(&changed.body).contains("another content"), "{}", changed.body);
    let other =
        Notice { bundle: admit.bundle.clone() }.with("/entry/0/resource/id", json!("header-9")).to(&practice).await;
    assert!(outcome(&other.is(409).body).contains("another MessageHeader.id"), "{}", other.body);
    // It is refused as often as it comes.
    let changed = Notice { bundle: admit.bundle.clone() }.with(class, json!("IMP")).to(&practice).await;
    changed.is(409);
    assert_eq!(visit(&practice, "B2").await["class"]["code"], "EMER");
    // Without a Bundle.id, the header alone tells messages apart.
    let bare = Notice::admit("4714", "B3", 50).without("/id");
    let first = bare.to(&practice).await;
    first.is(200);
    assert_eq!(bare.to(&practice).await.is(200).body, first.body);
    let changed = Notice { bundle: bare.bundle.clone() }.with(class, json!("IMP")).to(&practice).await;
    assert!(outcome(&changed.is(409).body).contains("no Bundle.id"), "{}", changed.body);
    // What was refused may be mended under its ids: nothing of it was done.
    let wrong = Notice::admit("4715", "B4", 50).with("/entry/1/resource/status", json!("begun"));
    wrong.to(&practice).await.is(422);
    Notice::admit("4715", "B4", 50).to(&practice).await.is(200);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_the_same_in_whatever_order_it_is_told() {
    let practice = Practice::sending(SENDS).await;
    let admit = || Notice::admit("4713", "B5", 300).with("/entry/1/resource/class/code", json!("IMP"));
    let transfer = Notice::new("notification-transfer", "4713", "B5", 300, None)
        .with("/entry/1/resource/class/code", json!("IMP"))
        .with("/entry/3/resource/name", json!("Bayview Ward 4"))
        .with("/entry/1/resource/location/0/period", json!({ "start": ago(200) }))
        .with("/timestamp", json!(ago(200)));
    let discharge = Notice::discharge("4713", "B5", 300, 100)
        .with("/entry/1/resource/class/code", json!("IMP"))
        .without("/entry/1/resource/location");
    for told in [&discharge, &transfer, &admit()] {
        told.to(&practice).await.is(200);
    }
    let stay = visit(&practice, "B5").await;
    let told = &discharge.bundle["entry"][1]["resource"]["period"];
    assert_eq!((&stay["status"], &stay["period"]["end"]), (&json!("finished"), &told["end"]));
    let place = stay["location"][0]["location"]["reference"].as_str().unwrap().to_string();
    let stored = practice
        .readers
        .house
        .running
        .gateway
        .store
        .resource("Location", place.split('/').nth(1).unwrap().parse().unwrap())
        .await;
    assert_eq!(stored.unwrap().unwrap().resource.text("name"), Some("Bayview Ward 4"));
    // A cancellation, as v2 codes it.
    let cancelled = Notice::new("A11", "4713", "B5", 300, None)
        .with("/entry/0/resource/eventCoding/system", json!("http://terminology.hl7.org/CodeSystem/v2-0003"));
    cancelled.to(&practice).await.is(200);
    assert_eq!(visit(&practice, "B5").await["status"], "cancelled");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_taken_as_real_senders_shape_them_and_what_is_left_out_is_named() {
    let practice = Practice::sending(SENDS).await;
    // Parameters, relative references without full URLs, an event by its URI, profiles that are not met, resources nobody keeps.
    let mut bundle = Notice::admit("4716", "B6", 30)
        .without("/entry/0/resource/eventCoding")
        .with(
            "/entry/0/resource/eventUri",
            json!("http://hl7.org/fhir/us/davinci-alerts/CodeSystem/notification-event#notification-admit"),
        )
        .with(
            "/entry/2/resource/meta",
            json!({ "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"] }),
        )
        .without("/entry/2/resource/gender")
        .without("/timestamp")
        .bundle;
    for (number, entry) in bundle["entry"].as_array_mut().unwrap().iter_mut().enumerate() {
        entry.as_object_mut().unwrap().shift_remove("fullUrl");
        if number > 0 {
            entry["resource"]["id"] = json!(format!("r{number}"));
        }
    }
    let kinds = ["MessageHeader", "Encounter", "Patient", "Location", "Practitioner", "Organization", "Condition"];
    let mut text = bundle.to_string();
    for (number, kind) in kinds.iter().enumerate() {
        text = text.replace(&format!("{URN}{number}"), &format!("{kind}/r{number}"));
    }
    let mut bundle: Value = serde_json::from_str(&text).unwrap();
    let extra = |resource: Value| json!({ "resource": resource });
    let entries = bundle["entry"].as_array_mut().unwrap();
    entries[1]["resource"]["serviceProvider"] = json!({ "reference": "Organization/not-sent" });
    entries[1]["resource"]["extension"] =
        json!([{ "url": "urn:bayview:bed", "valueReference": { "reference": "Basic/r7" } }]);
    entries.push(extra(json!({ "resourceType": "Basic", "id": "r7", "code": { "text": "bed" } })));
    entries.push(extra(json!({ "resourceType": "Coverage", "id": "r8", "status": "active", "beneficiary": { "reference": "Patient/r2" }, "payor": [{ "display": "Payer" }] })));
    let wrapped = json!({ "resourceType": "Parameters", "parameter": [{ "name": "content", "resource": bundle }, { "name": "async", "valueBoolean": false }] });
    let told = send(&practice.ehr, Method::POST, "$process-message", &wrapped, &[]).await;
    told.is(200);
    let said = outcome(&told.body);
    for named in
        ["Basic is not kept here", "send Coverage", "Bundle.timestamp", "not in the message", "serviceProvider"]
    {
        assert!(said.contains(named), "{named}: {said}");
    }
    let seen = visit(&practice, "B6").await;
    assert_eq!(seen["extension"][0]["valueReference"], json!({ "display": "(what is not taken)" }));
    assert_eq!(seen["status"], "in-progress");
    // Full URLs at the sender's server, references relative to it, what is not sent stays there; no number of the visit.
    let mut text = Notice::discharge("4716", "B7", 90, 20).without("/entry/1/resource/identifier").bundle.to_string();
    for (number, kind) in kinds.iter().enumerate() {
        let url = format!("https://bayview.example/fhir/{kind}/s{number}");
        text = text.replace(&format!("\"fullUrl\":\"{URN}{number}\""), &format!("\"fullUrl\":\"{url}\""));
        text = text.replace(&format!("{URN}{number}"), &format!("{kind}/s{number}"));
        text = text.replace(&format!("\"id\":\"{}{number}\"", &URN[9..]), &format!("\"id\":\"s{number}\""));
    }
    let mut bundle: Value = serde_json::from_str(&text).unwrap();
    bundle["entry"][0]["resource"]["id"] = json!("s0");
    bundle["entry"][1]["resource"]["partOf"] = json!({ "reference": "Encounter/elsewhere" });
    let told = send(&practice.ehr, Method::POST, "$process-message", &bundle, &[]).await;
    assert!(outcome(&told.is(200).body).contains("the visit has no number"), "{}", told.body);
    let found =
        practice.ehr.search("Encounter?identifier=urn:ietf:rfc:3986|https://bayview.example/fhir/Encounter/s1").await;
    let seen = &found["entry"][0]["resource"];
    assert_eq!(
        (&seen["status"], &seen["partOf"]["reference"]),
        (&json!("finished"), &json!("https://bayview.example/fhir/Encounter/elsewhere"))
    );
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_another_told_of_is_changed_by_leave_alone() {
    let visits = json!([{ "system": "urn:oid:2.16.840.1.113883.19.5.2", "value": "V1" }]);
    let about = |practice: &Practice| (format!("Encounter?patient={}", practice.patient), visits.clone());
    let practice = Practice::sending(SENDS).await;
    let (search, _) = about(&practice);
    let known = practice.ehr.search(&search).await["entry"][0]["resource"].clone();
    let number = known["identifier"].clone();
    // It says what the hospital said.
    let same = Notice::admit("4711", "X", 30).with("/entry/1/resource/identifier", number.clone()).to(&practice).await;
    assert!(outcome(&same.is(200).body).contains("somebody else said it"), "{}", same.body);
    assert_eq!(
        practice.ehr.search(&search).await["entry"][0]["resource"]["meta"]["versionId"],
        known["meta"]["versionId"]
    );
    let ended =
        Notice::discharge("4711", "X", 30, 5).with("/entry/1/resource/identifier", number.clone()).to(&practice).await;
    assert_eq!(response(&ended.is(403).body)["code"], "fatal-error");
    assert!(outcome(&ended.body).contains("agreements/lakeside-practice.yaml:"), "{}", ended.body);
    practice.stop().await;
    let practice =
        Practice::sending(&format!("{SENDS}, Encounter.status, Encounter.period, Encounter.hospitalization")).await;
    let (search, _) = about(&practice);
    let number = practice.ehr.search(&search).await["entry"][0]["resource"]["identifier"].clone();
    Notice::discharge("4711", "X", 30, 5).with("/entry/1/resource/identifier", number).to(&practice).await.is(200);
    let ended = practice.ehr.search(&search).await["entry"][0]["resource"].clone();
    assert_eq!(ended["status"], "finished");
    practice.stop().await;
}
