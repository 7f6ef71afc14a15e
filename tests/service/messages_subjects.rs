//! FHIR messages about what is no visit (`$process-message`): registrations, orders, results, appointments and documents, shaped as
//! senders shape them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::messages::{Notice, OID, ago, outcome, response};
use crate::peers_hospital::hospital;
use crate::writing::{Practice, Written, patient_of, send};

const V2: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";
const LOINC: &str = "http://loinc.org";

/// A message whose entries call each other by numbers: `urn:uuid:` and the number, as most senders have it.
struct Message(Value);

fn url(number: usize) -> String {
    format!("urn:uuid:5d0c3f7a-2b1e-4c57-9f0a-6f2f4f81d20{number}")
}

fn to(number: usize) -> Value {
    json!({ "reference": url(number) })
}

impl Message {
    fn new(id: &str, code: &str, focus: &[usize], resources: Vec<Value>) -> Self {
        let mut header = json!({ "resourceType": "MessageHeader", "id": format!("{id}-header"),
            "eventCoding": { "system": V2, "code": code }, "source": { "endpoint": "https://lab.example/fhir" } });
        if !focus.is_empty() {
            header["focus"] = focus.iter().map(|number| to(*number)).collect();
        }
        let entries: Vec<Value> = std::iter::once(header)
            .chain(resources)
            .enumerate()
            .map(|(number, resource)| json!({ "fullUrl": url(number), "resource": resource }))
            .collect();
        Self(json!({ "resourceType": "Bundle", "id": id, "type": "message", "timestamp": ago(1), "entry": entries }))
    }

    fn at(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        self.0.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"))[name] = value;
        self
    }

    fn header(self, name: &str, value: Value) -> Self {
        self.at(&format!("/entry/0/resource/{name}"), value)
    }

    /// With other addresses for its entries, and the references to them.
    fn called(self, name: &dyn Fn(usize, &str) -> String) -> Self {
        let entries = self.0["entry"].as_array().unwrap();
        let mut text = self.0.to_string();
        for (number, entry) in entries.iter().enumerate().skip(1) {
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            text = text.replace(&url(number), &name(number, kind));
        }
        Self(serde_json::from_str(&text).unwrap())
    }

    async fn to(&self, practice: &Practice) -> Written {
        send(&practice.ehr, Method::POST, "$process-message", &self.0, &[]).await
    }
}

fn person(number: &str) -> Value {
    json!({ "resourceType": "Patient", "identifier": [{ "system": OID, "value": number }],
        "name": [{ "family": "Okafor", "given": ["Ada"] }], "gender": "female", "birthDate": "1961-08-30" })
}

fn order(number: &str, status: &str) -> Value {
    json!({ "resourceType": "ServiceRequest", "identifier": [{ "system": "urn:lab:order", "value": number }], "status": status,
        "intent": "order", "subject": to(2), "code": { "coding": [{ "system": LOINC, "code": "2345-7" }] } })
}

fn glucose(number: Option<&str>, status: &str, value: f64) -> Value {
    let mut result = json!({ "resourceType": "Observation", "status": status, "subject": to(2), "effectiveDateTime": ago(50),
        "code": { "coding": [{ "system": LOINC, "code": "2345-7" }] },
        "valueQuantity": { "value": value, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL" } });
    if let Some(number) = number {
        result["identifier"] = json!([{ "system": "urn:lab:result", "value": number }]);
    }
    result
}

fn report(status: &str, results: &[usize]) -> Value {
    json!({ "resourceType": "DiagnosticReport", "identifier": [{ "system": "urn:lab:report", "value": "R-1" }], "status": status,
        "subject": to(2), "code": { "coding": [{ "system": LOINC, "code": "51990-0" }] },
        "result": results.iter().map(|number| to(*number)).collect::<Value>() })
}

fn appointment(number: &str, status: &str) -> Value {
    let is_open = status == "proposed";
    let mut stated = json!({ "resourceType": "Appointment", "identifier": [{ "system": "urn:clinic:booking", "value": number }],
        "status": status, "participant": [{ "actor": to(2), "status": if is_open { "needs-action" } else { "accepted" } }] });
    if !is_open {
        stated["start"] = json!("2026-12-03T09:00:00Z");
        stated["end"] = json!("2026-12-03T09:30:00Z");
    }
    stated
}

/// The only resource that a search finds.
async fn one(practice: &Practice, search: &str) -> Value {
    let found = practice.ehr.search(search).await;
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{search}: {found}");
    found["entry"][0]["resource"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_are_taken_without_a_visit() {
    let practice = hospital().await;
    // A header that its address alone names, a focus with its type, a payer and a relative beside the patient.
    let relative = json!({ "resourceType": "RelatedPerson", "patient": to(1), "name": [{ "family": "Okafor", "given": ["Chidi"] }],
        "identifier": [{ "system": "urn:trust:kin", "value": "K1" }], "relationship": [{ "text": "son" }] });
    let coverage = json!({ "resourceType": "Coverage", "status": "active", "beneficiary": to(1), "payor": [{ "display": "National payer" }],
        "identifier": [{ "system": "urn:trust:policy", "value": "P1" }] });
    let mut told = Message::new("reg-1", "A28", &[1], vec![person("5001"), relative, coverage])
        .header("focus", json!([{ "reference": url(1), "type": "Patient" }]))
        .header("sender", json!({ "identifier": { "system": "urn:ods", "value": "699X0" }, "display": "Trust" }))
        .header("destination", json!([{ "endpoint": "https//tie.example.nhs.uk", "receiver": { "display": "GLH" } }]));
    told.0["entry"][0]["resource"].as_object_mut().unwrap().shift_remove("id");
    let first = told.to(&practice).await;
    assert_eq!(response(&first.is(200).body)["code"], "ok");
    assert!(outcome(&first.body).contains("no web address"), "{}", first.body);
    let patient = patient_of(&practice.readers.house, "5001").await;
    assert_eq!(one(&practice, &format!("RelatedPerson?patient={patient}")).await["name"][0]["given"][0], "Chidi");
    one(&practice, &format!("Coverage?beneficiary={patient}")).await;
    assert_eq!(told.to(&practice).await.is(200).body, first.body, "the same message is done once");
    // A change, coded as v2 writes it; a pre-admission of which there is no visit yet, at addresses of the sender's server.
    let moved = Message::new("reg-2", "ADT^A31^ADT_A05", &[1], vec![person("5001")])
        .at("/entry/1/resource/address", json!([{ "city": "Leeds" }]));
    moved.to(&practice).await.is(200);
    assert_eq!(one(&practice, &format!("Patient?_id={patient}")).await["address"][0]["city"], "Leeds");
    let at_server = Message::new("reg-3", "A04", &[1], vec![person("5002")])
        .called(&|number, kind| format!("https://ehr.example/fhir/{kind}/{number}"));
    at_server.to(&practice).await.is(200);
    patient_of(&practice.readers.house, "5002").await;
    // Another content under the ids of what was done.
    let other = Message::new("reg-2", "A31", &[1], vec![person("5001")]);
    other.to(&practice).await.is(409);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_taken_with_their_specimens_and_leave_visits_as_they_are() {
    let practice = hospital().await;
    let visit = |status: &str| {
        json!({ "resourceType": "Encounter", "status": status, "subject": to(2),
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP" },
        "identifier": [{ "system": "urn:bayview:visit", "value": "L1" }] })
    };
    Notice::admit("4713", "L1", 90).to(&practice).await.is(200);
    let specimen = json!({ "resourceType": "Specimen", "subject": to(2), "identifier": [{ "system": "urn:lab:tube", "value": "T1" }],
        "type": { "text": "Serum" }, "request": [to(1)] });
    let mut ordered = order("O1", "active");
    ordered["encounter"] = to(3);
    ordered["specimen"] = json!([to(4)]);
    let told = Message::new("ord-1", "O21", &[1], vec![ordered, person("4713"), visit("finished"), specimen]);
    let answer = told.to(&practice).await;
    assert!(outcome(&answer.is(200).body).contains("how the visit goes was not taken"), "{}", answer.body);
    let known = one(&practice, "Encounter?identifier=urn:bayview:visit|L1").await;
    assert_eq!((&known["status"], &known["class"]["code"]), (&json!("in-progress"), &json!("EMER")));
    let stored = one(&practice, "ServiceRequest?identifier=urn:lab:order|O1").await;
    assert_eq!(stored["encounter"]["reference"], json!(format!("Encounter/{}", known["id"].as_str().unwrap())));
    let tube = stored["specimen"][0]["reference"].as_str().unwrap().to_string();
    assert_eq!(
        practice.ehr.get(&tube).await.1["request"][0]["reference"],
        json!(format!("ServiceRequest/{}", stored["id"].as_str().unwrap()))
    );
    // Cancelled by the same event, at relative addresses, for a machine that is called by its name.
    let cancelled = Message::new("ord-2", "OML^O21", &[1], vec![order("O1", "revoked"), person("4713")])
        .header("destination", json!([{ "name": "OMR", "endpoint": "localhost:52773/fhir/retilab/Omr" }]))
        .called(&|number, kind| format!("{kind}/m{number}"));
    cancelled.to(&practice).await.is(200);
    assert_eq!(one(&practice, "ServiceRequest?identifier=urn:lab:order|O1").await["status"], "revoked");
    // A referral whose focus is its Task; a report under the event of an order.
    let task =
        json!({ "resourceType": "Task", "status": "requested", "intent": "order", "focus": to(1), "for": to(2) });
    let referral = Message::new("ord-3", "I12", &[3], vec![order("O2", "active"), person("4713"), task]);
    let answer = referral.to(&practice).await;
    let said = outcome(&answer.is(200).body);
    assert!(said.contains("the focus names no ServiceRequest") && said.contains("a Task is answered by"), "{said}");
    one(&practice, "ServiceRequest?identifier=urn:lab:order|O2").await;
    let letter = json!({ "resourceType": "DocumentReference", "status": "current", "subject": to(2), "identifier": [{ "system": "urn:doc", "value": "D0" }],
        "content": [{ "attachment": { "contentType": "text/plain", "data": "aGVsbG8=" } }] });
    let odd = Message::new("ord-4", "O21", &[1], vec![letter, person("4713")]).to(&practice).await;
    assert!(outcome(&odd.is(200).body).contains("the focus is something else"), "{}", odd.body);
    // Nothing is ordered.
    let none = Message::new("ord-5", "O23", &[1], vec![person("4713")]).to(&practice).await;
    assert!(outcome(&none.is(422).body).contains("an order is of a ServiceRequest"), "{}", none.body);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_taken_and_corrected_and_never_stepped_back() {
    let practice = hospital().await;
    let results = |id: &str, status: &str, value: f64| {
        Message::new(id, "R01", &[1], vec![report(status, &[3]), person("4713"), glucose(Some("G1"), status, value)])
    };
    results("res-1", "preliminary", 110.0).to(&practice).await.is(200);
    results("res-2", "final", 118.0).to(&practice).await.is(200);
    results("res-3", "corrected", 181.0).to(&practice).await.is(200);
    let late = results("res-4", "preliminary", 99.0).to(&practice).await;
    late.is(200);
    let stored = one(&practice, "Observation?identifier=urn:lab:result|G1").await;
    assert_eq!(
        (&stored["status"], &stored["valueQuantity"]["value"]),
        (&json!("corrected"), &json!(181.0)),
        "{stored}"
    );
    let whole = one(&practice, "DiagnosticReport?identifier=urn:lab:report|R-1").await;
    assert_eq!(whole["result"][0]["reference"], json!(format!("Observation/{}", stored["id"].as_str().unwrap())));
    // A monitor: no focus, no numbers, a machine's name; what repeats is one thing, by what it says.
    let monitor = |id: &str| {
        Message::new(id, "ORU^R01", &[], vec![glucose(None, "final", 96.0), person("4713")])
            .header("destination", json!([{ "endpoint": "hostname" }]))
            .header("source", json!({ "name": "ICU", "endpoint": "USDANRMMD1NBR488" }))
    };
    let answer = monitor("mon-1").to(&practice).await;
    assert!(outcome(&answer.is(200).body).contains("recognised by its content"), "{}", answer.body);
    let same = monitor("mon-2").at("/entry/1/resource/effectiveDateTime", json!(ago(50)));
    same.to(&practice).await.is(200);
    let patient = patient_of(&practice.readers.house, "4713").await;
    let found = practice.ehr.search(&format!("Observation?patient={patient}&code=2345-7&value-quantity=96")).await;
    assert!(found["entry"].as_array().is_some_and(|all| !all.is_empty() && all.len() <= 2), "{found}");
    practice.stop().await;
    // A laboratory that may not tell of people names whose it is by the number in the Patient that it sends along.
    let practice = Practice::sending("Observation, DiagnosticReport").await;
    let told = results("res-5", "final", 140.0).at("/entry/2/resource/identifier/0/value", json!("4711"));
    let answer = told.to(&practice).await;
    assert!(outcome(&answer.is(200).body).contains("send Patient"), "{}", answer.body);
    let found = practice.ehr.search(&format!("Observation?patient={}&code=2345-7", practice.patient)).await;
    assert_eq!(found["entry"][0]["resource"]["valueQuantity"]["value"], json!(140.0), "{found}");
    let stranger =
        results("res-6", "final", 140.0).at("/entry/2/resource/identifier/0/value", json!("9999")).to(&practice).await;
    assert!(outcome(&stranger.is(422).body).contains("subject"), "{}", stranger.body);
    // Without leave for what the message is about, nothing of it is.
    let practice_two = Practice::sending("Patient, Observation").await;
    let refused = results("res-7", "final", 140.0).to(&practice_two).await;
    assert!(outcome(&refused.is(403).body).contains("DiagnosticReport"), "{}", refused.body);
    practice_two.stop().await;
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appointments_and_documents_are_followed_through_their_events() {
    let practice = hospital().await;
    let told = |id: &str, code: &str, status: &str| {
        Message::new(id, code, &[1], vec![appointment("B1", status), person("4713")])
    };
    let booked = async || one(&practice, "Appointment?identifier=urn:clinic:booking|B1").await["status"].clone();
    for (number, (code, status)) in
        [("S12", "proposed"), ("SIU_S13", "booked"), ("S14", "booked"), ("SIU^S15^SIU_S12", "cancelled")]
            .into_iter()
            .enumerate()
    {
        let answer = told(&format!("app-{number}"), code, status).to(&practice).await;
        answer.is(200);
        assert_eq!(booked().await, status);
        assert!(!outcome(&answer.body).contains("taken as it says"), "{}", answer.body);
    }
    // What it says outweighs the event, and the answer says so.
    let answer = told("app-8", "S26", "booked").to(&practice).await;
    assert!(outcome(&answer.is(200).body).contains("after S26 its status is noshow"), "{}", answer.body);
    told("app-9", "S26", "noshow").to(&practice).await.is(200);
    assert_eq!(booked().await, "noshow");
    // A letter: new, replaced, withdrawn; the event by its URI.
    let letter = |id: &str, code: &str, status: &str, data: &str| {
        let letter = json!({ "resourceType": "DocumentReference", "status": status, "subject": to(2),
            "identifier": [{ "system": "urn:doc", "value": "D1" }], "type": { "text": "Letter" },
            "content": [{ "attachment": { "contentType": "text/plain", "data": data } }] });
        Message::new(id, code, &[1], vec![letter, person("4713")])
    };
    let mut by_uri =
        letter("doc-1", "T02", "current", "Zmlyc3Q=").header("eventUri", json!("http://hl7.org/fhir/v2/0003#T02"));
    by_uri.0["entry"][0]["resource"].as_object_mut().unwrap().shift_remove("eventCoding");
    by_uri.to(&practice).await.is(200);
    letter("doc-2", "MDM^T08", "current", "c2Vjb25k").to(&practice).await.is(200);
    let stored = one(&practice, "DocumentReference?identifier=urn:doc|D1").await;
    assert_eq!(stored["content"][0]["attachment"]["data"], "c2Vjb25k");
    letter("doc-3", "MDM_T11", "entered-in-error", "c2Vjb25k").to(&practice).await.is(200);
    assert_eq!(one(&practice, "DocumentReference?identifier=urn:doc|D1").await["status"], "entered-in-error");
    // Events of nobody's table are refused with the list of those that are taken.
    for code in ["appointment", "servicerequest-request", "1.4", "A40", "QRY^R02", "ACK"] {
        let refused = told(&format!("not-{}", code.len()), code, "booked").to(&practice).await;
        let said = outcome(&refused.is(422).body);
        for family in
            ["registrations (A04, ", "orders (O01, ", "results (R01, ", "appointments (S12, ", "documents (T01, "]
        {
            assert!(said.contains(family), "{code}: {said}");
        }
    }
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_of_one_message_have_each_its_own_event_and_time() {
    let practice = hospital().await;
    let mut notice = Notice::new("notification-discharge", "4713", "M1", 300, Some(200));
    let entries = notice.bundle["entry"].as_array_mut().unwrap();
    let mut second = entries[1].clone();
    second["fullUrl"] = json!("urn:uuid:second-visit");
    second["resource"]["identifier"][0]["value"] = json!("M2");
    second["resource"]["period"] = json!({ "start": ago(90), "end": ago(20) });
    second["resource"].as_object_mut().unwrap().shift_remove("diagnosis");
    entries.push(second);
    entries[0]["resource"]["focus"].as_array_mut().unwrap().push(json!({ "reference": "urn:uuid:second-visit" }));
    let notice = notice.with("/timestamp", json!(ago(10)));
    notice.to(&practice).await.is(200);
    for (number, place) in [("M1", 1), ("M2", 7)] {
        let stored = one(&practice, &format!("Encounter?identifier=urn:bayview:visit|{number}")).await;
        let told = &notice.bundle["entry"][place]["resource"]["period"];
        assert_eq!((&stored["status"], &stored["period"]["end"]), (&json!("finished"), &told["end"]), "{stored}");
    }
    practice.stop().await;
}
