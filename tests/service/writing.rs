//! FHIR writes to the running gateway: what a partner may say, what becomes of it, and how it is answered.

use handover::store::{DeliveryFilter, MessageFilter};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{House, adt, code, eventually, minutes_ago};
use crate::partner::{CLIENT, Reader, Readers, mrn};

const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";
const OID: &str = "urn:oid:2.16.840.1.113883.19.5";
const SCOPES: &str = "system/*.cruds";

/// Lakeside's EHR with leave to write, and a patient on its panel who came to the emergency department.
pub struct Practice {
    pub readers: Readers,
    pub ehr: Reader,
    pub patient: String,
}

impl Practice {
    pub async fn new() -> Self {
        Self::sending("Patient, Observation, Condition, Encounter, Task, Goal, ServiceRequest, DiagnosticReport, Practitioner, Organization, QuestionnaireResponse, Flag.status").await
    }

    /// With this in `sends`.
    pub async fn sending(sends: &str) -> Self {
        Self::with(sends, &|_, text| text).await
    }

    /// With a site that is changed further.
    pub async fn with(sends: &str, change: &dyn Fn(&str, String) -> String) -> Self {
        Self::with_files(sends, &[], change).await
    }

    /// And with more files.
    pub async fn with_files(sends: &str, files: &[(&str, String)], change: &dyn Fn(&str, String) -> String) -> Self {
        let readers = Readers::with_files(files, &|name, text| change(name, match name {
            "partners/lakeside-practice.yaml" => {
                let scopes = text.split("  scopes: ").last().unwrap().trim_end().to_string();
                text.replace(&scopes, "[system/*.cruds]")
            }
            "agreements/lakeside-practice.yaml" => text
                .replace("sends: [Task, Observation, Flag.status, ServiceRequest, Appointment, DiagnosticReport]", &format!("sends: [{sends}]"))
                .replace("  - { resource: Condition, pull: true }", "  - { resource: Condition, pull: true }\n  - { resource: Practitioner, pull: true }\n  - { resource: Goal, pull: true }"),
            _ => text,
        }))
        .await;
        let mut hospital = readers.house.hospital().await;
        let answer = hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(30))).await;
        assert_eq!(code(&answer), "AA", "{answer}");
        let answer = hospital.send(&adt("A04", "2", "9999", "V9", &minutes_ago(30))).await;
        assert_eq!(code(&answer), "AA", "{answer}");
        let patient = patient_of(&readers.house, "4711").await;
        let ehr = readers.reader(&readers.lakeside, CLIENT, SCOPES).await;
        Self { readers, ehr, patient }
    }

    pub async fn stop(self) {
        self.readers.house.running.stop().await;
    }
}

pub async fn patient_of(house: &House, number: &str) -> String {
    let person = house.running.gateway.store.persons_of(&[mrn(number)]).await.unwrap()[0].expect("a record");
    handover::identity::ResourceId::patient(person).to_string()
}

/// An answer with what its headers say.
pub struct Written {
    pub status: u16,
    pub body: Value,
    pub location: Option<String>,
    pub etag: Option<String>,
}

impl Written {
    /// `Observation/id` of its Location.
    pub fn place(&self) -> String {
        let location = self.location.as_ref().unwrap_or_else(|| panic!("no Location: {}", self.body));
        let mut parts = location.split("/fhir/").nth(1).unwrap().split('/');
        format!("{}/{}", parts.next().unwrap(), parts.next().unwrap())
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

pub async fn send(reader: &Reader, method: Method, path: &str, body: &Value, headers: &[(&str, &str)]) -> Written {
    let mut request = reader.http.request(method.clone(), format!("{}/{path}", reader.base)).bearer_auth(&reader.token);
    if !body.is_null() {
        request = request.header("content-type", "application/fhir+json").body(body.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_string());
    let (status, location, etag) = (response.status().as_u16(), header("location"), header("etag"));
    let text = response.text().await.unwrap();
    Written { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), location, etag }
}

pub fn saturation(subject: Value, percent: i64, at: &str) -> Value {
    json!({ "resourceType": "Observation", "status": "final", "subject": subject, "effectiveDateTime": at,
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": LOINC, "code": "59408-5" }] },
        "valueQuantity": { "value": percent, "unit": "%", "system": UCUM, "code": "%" } })
}

fn by_number(number: &str) -> Value {
    json!({ "type": "Patient", "identifier": { "system": OID, "value": number } })
}

fn ago(minutes: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_does_not_sort_its_readings_is_not_refused() {
    let practice = Practice::new().await;
    let mut weight = saturation(by_number("4711"), 81, &ago(4));
    weight["code"] = json!({ "coding": [{ "system": LOINC, "code": "29463-7" }] });
    weight["valueQuantity"] = json!({ "value": 81.4, "unit": "kg", "system": UCUM, "code": "kg" });
    weight["category"] = json!([{ "coding": [{ "system": "https://scales.example/kind", "code": "home" }] }]);
    let prefer = ("prefer", "return=OperationOutcome");
    let written = send(&practice.ehr, Method::POST, "Observation", &weight, &[prefer]).await;
    assert!(written.is(201).body.to_string().contains("Observation.category"), "{}", written.body);
    let vital = format!("Observation?patient={}&category=vital-signs&code=29463-7", practice.patient);
    let found = practice.ehr.search(&vital).await;
    let categories = &found["entry"][0]["resource"]["category"];
    assert_eq!(
        (&categories[0]["coding"][0]["code"], &categories[1]["coding"][0]["code"]),
        (&json!("home"), &json!("vital-signs")),
        "{found}"
    );
    // In a bundle it is said at its place; what is no vital sign by its code is left alone.
    let mut bare = weight.clone();
    bare.as_object_mut().unwrap().remove("category");
    bare["effectiveDateTime"] = json!(ago(3));
    let mut other = bare.clone();
    other["code"] = json!({ "coding": [{ "system": LOINC, "code": "3141-9" }] });
    let request = json!({ "method": "POST", "url": "Observation" });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction",
        "entry": [{ "resource": other, "request": request }, { "resource": bare, "request": request }] });
    let written = send(&practice.ehr, Method::POST, "", &bundle, &[prefer]).await;
    written.is(200);
    let found = practice.ehr.search(&vital).await;
    assert_eq!(found["entry"].as_array().unwrap().len(), 2, "{found}");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observation_is_in_the_record_and_its_alert_is_there_when_the_answer_is() {
    let practice = Practice::new().await;
    let gateway = &practice.readers.house.running.gateway;
    let tasks = format!("Task?patient={}&code=alert&status=requested", practice.patient);
    let before = practice.ehr.ids(&format!("Task?patient={}", practice.patient)).await.len();
    let body = saturation(by_number("4711"), 79, &ago(1));
    let written = send(&practice.ehr, Method::POST, "Observation", &body, &[]).await;
    written.is(201);
    assert_eq!(written.etag.as_deref(), Some("W/\"1\""));
    assert_eq!(written.body["subject"]["reference"], format!("Patient/{}", practice.patient));
    let after = practice.ehr.ids(&format!("Task?patient={}", practice.patient)).await.len();
    assert!(after > before, "no alert by the time of the answer: {tasks}");
    let waiting = gateway.store.deliveries(&DeliveryFilter::default(), None, 50).await.unwrap();
    assert!(waiting.items.iter().any(|delivery| delivery.new.subject.starts_with("Task/")));
    // It is what a search finds, and what is kept of it says who sent what.
    let found = practice.ehr.search(&format!("Observation?patient={}&code={LOINC}|59408-5", practice.patient)).await;
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1));
    let filter = MessageFilter { feed: Some("fhir:lakeside-practice".into()), ..MessageFilter::default() };
    let kept = gateway.store.messages(&filter, None, 10).await.unwrap().items;
    assert_eq!((kept[0].event.as_str(), kept[0].acknowledged.as_str()), ("create Observation", "AA"));
    let entry = gateway.store.message(kept[0].sequence).await.unwrap().unwrap();
    assert!(entry.raw.ends_with(body.to_string().as_bytes()), "the body is kept as it came");
    let person = practice.patient.parse::<handover::identity::ResourceId>().unwrap().person;
    let audit = gateway.store.audit(Some(person), None, 50).await.unwrap().items;
    let line = audit.iter().find(|entry| entry.action == "create").expect("an audit entry");
    assert!(line.allowed && line.because.contains("agreements/lakeside-practice.yaml:"), "{line:?}");
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_said_twice_is_one_resource_and_a_request_number_is_answered_again() {
    let practice = Practice::new().await;
    let body = saturation(by_number("4711"), 95, &ago(3));
    let first = send(&practice.ehr, Method::POST, "Observation", &body, &[("x-request-id", "r1")]).await;
    let again = send(&practice.ehr, Method::POST, "Observation", &body, &[("x-request-id", "r1")]).await;
    let other = send(&practice.ehr, Method::POST, "Observation", &body, &[]).await;
    first.is(201);
    again.is(201);
    other.is(200);
    assert_eq!((again.place(), other.place()), (first.place(), first.place()));
    assert_eq!(other.etag.as_deref(), Some("W/\"1\""));
    let many = (0..20).map(|_| send(&practice.ehr, Method::POST, "Observation", &body, &[]));
    for written in futures_util::future::join_all(many).await {
        written.is(200);
    }
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_replace_what_was_said_and_a_final_result_is_not_taken_back_to_preliminary() {
    let practice = Practice::new().await;
    let body = saturation(json!({ "reference": format!("Patient/{}", practice.patient) }), 95, &ago(3));
    let first = send(&practice.ehr, Method::POST, "Observation", &body, &[]).await;
    let place = first.is(201).place();
    let id = place.split('/').nth(1).unwrap();
    let mut corrected = body.clone();
    corrected["id"] = json!(id);
    corrected["status"] = json!("corrected");
    corrected["valueQuantity"]["value"] = json!(91);
    let second = send(&practice.ehr, Method::PUT, &place, &corrected, &[("if-match", "W/\"1\"")]).await;
    assert_eq!((second.is(200).etag.as_deref(), &second.body["valueQuantity"]["value"]), (Some("W/\"2\""), &json!(91)));
    send(&practice.ehr, Method::PUT, &place, &corrected, &[("if-match", "W/\"1\"")]).await.is(412);
    let mut early = corrected.clone();
    early["status"] = json!("preliminary");
    let refused = send(&practice.ehr, Method::PUT, &place, &early, &[]).await;
    assert_eq!(refused.is(422).body["issue"][0]["expression"], json!(["Observation.status"]));
    // What is left out is taken back: who said it says it no more.
    corrected.as_object_mut().unwrap().remove("category");
    let third = send(&practice.ehr, Method::PUT, &place, &corrected, &[]).await;
    assert_eq!(third.is(200).body.get("category"), None);
    corrected["status"] = json!("entered-in-error");
    send(&practice.ehr, Method::PUT, &place, &corrected, &[]).await.is(200);
    let (status, history) = practice.ehr.get(&format!("{place}/_history")).await;
    assert_eq!((status, history["entry"].as_array().map(Vec::len)), (200, Some(4)));
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_says_why_and_where_and_is_kept() {
    let practice = Practice::sending("Observation, Task.status").await;
    let (ehr, patient) = (&practice.ehr, json!({ "reference": format!("Patient/{}", practice.patient) }));
    let good = saturation(patient.clone(), 95, &ago(3));
    let stranger = patient_of(&practice.readers.house, "9999").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        body
    };
    let post = Method::POST;
    for (body, status, expression) in [
        (with(&|body| body["status"] = json!("done")), 422, "Observation.status"),
        (with(&|body| body["effectiveDateTime"] = json!("yesterday")), 422, "Observation.effective"),
        (with(&|body| body["resourceType"] = json!("Condition")), 400, "resourceType"),
        (with(&|body| _ = body.as_object_mut().unwrap().remove("subject")), 422, "Observation.subject"),
        (with(&|body| body["subject"] = json!({ "display": "somebody" })), 422, "Observation.subject"),
        (with(&|body| body["subject"] = by_number("9999")), 422, "Observation.subject"),
        (with(&|body| body["subject"] = by_number("1")), 422, "Observation.subject"),
        (with(&|body| body["subject"]["reference"] = json!(format!("Patient/{stranger}"))), 422, "Observation.subject"),
        (
            with(&|body| body["subject"]["reference"] = json!("Patient/0000000000000000zzzzzzzzzzzzzzzz")),
            422,
            "Observation.subject",
        ),
        (
            with(&|body| body["encounter"] = json!({ "reference": "Encounter/0000000000000000zzzzzzzzzzzzzzzz" })),
            422,
            "Observation.encounter",
        ),
        (
            with(&|body| body["encounter"] = json!({ "reference": "urn:uuid:7d1ef9d8-0a43-4a5e-8ae6-6d1e8b3e9c01" })),
            422,
            "Observation.encounter",
        ),
    ] {
        let refused = send(ehr, post.clone(), "Observation", &body, &[]).await;
        assert_eq!(refused.status, status, "{expression}: {}", refused.body);
        assert!(refused.body["issue"].to_string().contains(expression), "{expression}: {}", refused.body);
    }
    // Nobody learns whether there is such a patient by the words of the refusal.
    let words = async |subject: Value| {
        let refused =
            send(ehr, Method::POST, "Observation", &with(&|body| body["subject"] = subject.clone()), &[]).await;
        refused.body["issue"].to_string()
    };
    assert_eq!(words(by_number("9999")).await, words(by_number("1")).await);
    let raw = async |body: &str, kind: &str| {
        let request = ehr.http.post(format!("{}/Observation", ehr.base)).bearer_auth(&ehr.token);
        let response = request.header("content-type", kind).body(body.to_string()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, text) = raw("{ \"resourceType\": \"Observation\",\n \"status\": }", "application/fhir+json").await;
    assert!(status == 400 && text.contains("line 2") && text.contains("\"2:"), "{status} {text}");
    let (status, text) = raw(
        "{ \"resourceType\": \"Observation\", \"status\": \"final\", \"status\": \"amended\" }",
        "application/json",
    )
    .await;
    assert!(status == 400 && text.contains("twice"), "{status} {text}");
    let deep = format!("{{\"resourceType\":\"Observation\",\"extension\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(raw(&deep, "application/fhir+json").await.0, 400);
    let nested = (0..100).fold(
        json!({ "url": "urn:x", "valueString": "x" }),
        |inner, _| json!({ "url": "urn:x", "extension": [inner] }),
    );
    let (status, _) =
        raw(&with(&|body| body["extension"] = json!([nested])).to_string(), "application/fhir+json").await;
    assert!(status == 400 || status == 422 || status == 201, "{status}");
    assert_eq!(raw("<Observation/>", "application/fhir+xml").await.0, 415);
    assert_eq!(raw(&" ".repeat(11 << 20), "application/fhir+json").await.0, 413);
    // What the agreement does not let it say names the line; what is no type here is none.
    let task = practice.ehr.search(&format!("Task?patient={}", practice.patient)).await["entry"][0]["resource"].clone();
    let place = format!("Task/{}", task["id"].as_str().unwrap());
    let mut noted = task.clone();
    noted["note"] = json!([{ "text": "hello" }]);
    let refused = send(ehr, Method::PUT, &place, &noted, &[]).await;
    assert!(refused.is(403).body.to_string().contains("agreements/lakeside-practice.yaml:"), "{}", refused.body);
    send(ehr, Method::POST, "Condition", &json!({ "resourceType": "Condition" }), &[]).await.is(403);
    send(ehr, Method::POST, "Basic", &json!({ "resourceType": "Basic" }), &[]).await.is(404);
    // What is only held is not written.
    send(ehr, Method::POST, "ValueSet", &json!({ "resourceType": "ValueSet" }), &[]).await.is(405);
    let other = Method::PUT;
    send(ehr, other.clone(), "Observation/mine", &good, &[]).await.is(405);
    send(ehr, other.clone(), &place, &json!({ "resourceType": "Task", "status": "accepted", "intent": "order" }), &[])
        .await
        .is(400);
    let gateway = &practice.readers.house.running.gateway;
    let filter =
        MessageFilter { feed: Some("fhir:lakeside-practice".into()), faulty: true, ..MessageFilter::default() };
    let kept = gateway.store.messages(&filter, None, 50).await.unwrap().items;
    assert!(kept.len() > 12, "{}", kept.len());
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_said_is_not_the_partners_to_change() {
    let practice = Practice::new().await;
    let visit =
        practice.ehr.search(&format!("Encounter?patient={}", practice.patient)).await["entry"][0]["resource"].clone();
    let place = format!("Encounter/{}", visit["id"].as_str().unwrap());
    let mut ended = visit.clone();
    ended["status"] = json!("finished");
    let refused = send(&practice.ehr, Method::PUT, &place, &ended, &[]).await;
    assert!(refused.is(403).body.to_string().contains("somebody else said"), "{}", refused.body);
    send(&practice.ehr, Method::DELETE, &place, &Value::Null, &[]).await.is(403);
    let hidden = patient_of(&practice.readers.house, "9999").await;
    let body = json!({ "resourceType": "Patient", "id": hidden, "gender": "male" });
    send(&practice.ehr, Method::PUT, &format!("Patient/{hidden}"), &body, &[]).await.is(404);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone_and_may_come_back() {
    let practice = Practice::new().await;
    let condition = json!({ "resourceType": "Condition", "subject": by_number("4711"), "code": { "text": "Eczema" },
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
        "identifier": [{ "system": "urn:lakeside:problem", "value": "1" }] });
    let place = send(&practice.ehr, Method::POST, "Condition", &condition, &[]).await.is(201).place();
    let found = "Condition?identifier=urn:lakeside:problem|1";
    assert_eq!(practice.ehr.ids(found).await.len(), 1);
    send(&practice.ehr, Method::DELETE, &place, &Value::Null, &[]).await.is(204);
    send(&practice.ehr, Method::DELETE, &place, &Value::Null, &[]).await.is(204);
    let (status, outcome) = practice.ehr.get(&place).await;
    assert_eq!((status, &outcome["issue"][0]["code"]), (410, &json!("deleted")));
    assert_eq!(practice.ehr.get(&format!("{place}/_history/2")).await.0, 410);
    assert_eq!(practice.ehr.get(&format!("{place}/_history/1")).await.0, 200);
    assert_eq!(practice.ehr.ids(found).await.len(), 0);
    let (_, history) = practice.ehr.get(&format!("{place}/_history")).await;
    assert_eq!(
        (&history["entry"][0]["request"]["method"], history["entry"][0].get("resource")),
        (&json!("DELETE"), None)
    );
    let mut back = condition.clone();
    back["id"] = json!(place.split('/').nth(1).unwrap());
    send(&practice.ehr, Method::PUT, &place, &back, &[]).await.is(201);
    assert_eq!(practice.ehr.get(&place).await.0, 200);
    eventually("the search finds it again", async || practice.ehr.ids(found).await.len() == 1).await;
    practice.stop().await;
}
