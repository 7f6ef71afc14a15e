//! Reading back over FHIR from the running gateway: searches, pages, versions, what agreements hide, and the audit of it.

use handover::identity::{PersonId, ResourceId};
use handover::store::{DeliveryFilter, DeliveryState};
use serde_json::{Value, json};

use crate::harness::{Hospital, House, adt, code, eventually, minutes_ago};
use crate::partner::{Reader, Readers, link, mrn};

/// The Patient id of a hospital number.
async fn patient_of(house: &House, number: &str) -> String {
    let person = house.running.gateway.store.persons_of(&[mrn(number)]).await.unwrap()[0].expect("a record");
    ResourceId::patient(person).to_string()
}

async fn send(hospital: &mut Hospital, message: &str) {
    let answer = hospital.send(message).await;
    assert_eq!(code(&answer), "AA", "{answer}");
}

/// An ED visit that ended, and a saturation measured during it.
async fn visit(house: &House) -> String {
    let mut hospital = house.hospital().await;
    send(&mut hospital, &adt("A04", "1", "4711", "V1", &minutes_ago(90))).await;
    send(&mut hospital, &adt("A03", "2", "4711", "V1", &minutes_ago(5))).await;
    let at = minutes_ago(60);
    let measured = [
        format!("MSH|^~\\&|RIVER-MON|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|3|P|2.5.1"),
        "PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F".to_string(),
        format!("OBR|1||F1^RIVERSIDE|59408-5^Oxygen saturation^LN|||{at}|||||||||||||||{at}|||F"),
        format!("OBX|1|NM|59408-5^Oxygen saturation^LN||93|%^percent^UCUM|92-100||||F|||{at}\r"),
    ];
    send(&mut hospital, &measured.join("\r")).await;
    patient_of(house, "4711").await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promised_search_finds_what_the_hospital_sent() {
    let readers = Readers::new().await;
    let patient = visit(&readers.house).await;
    let reader = readers.lakeside().await;
    let metadata: Value = reqwest::get(readers.house.url("/fhir/metadata")).await.unwrap().json().await.unwrap();
    assert_eq!((&metadata["resourceType"], &metadata["fhirVersion"]), (&json!("CapabilityStatement"), &json!("4.0.1")));
    assert_eq!(metadata["implementation"]["url"], readers.house.url("/fhir"));

    let encounter = reader.ids(&format!("Encounter?patient={patient}")).await.concat();
    let oid = "urn:oid:2.16.840.1.113883.19.5";
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    for (path, count) in [
        (format!("Patient?_id={patient}"), 1),
        (format!("Patient?identifier={oid}|4711"), 1),
        (format!("Patient?identifier={oid}|4712"), 0),
        ("Patient?identifier=4711".to_string(), 1),
        ("Patient?birthdate=1958-03-14".to_string(), 1),
        ("Patient?birthdate=1958-03-13,1958-03-14".to_string(), 1),
        ("Patient?birthdate=ne1958-03-14".to_string(), 0),
        ("Patient?name=okaf".to_string(), 1),
        ("Patient?family=OKAFOR&given=ros".to_string(), 1),
        ("Patient?name=Weber".to_string(), 0),
        ("Patient?gender=http://hl7.org/fhir/administrative-gender|female".to_string(), 1),
        ("Patient?gender=http://hl7.org/fhir/event-status|female".to_string(), 0),
        (format!("Encounter?identifier={oid}.1|V1"), 1),
        (format!("Encounter?_id={encounter}"), 1),
        (format!("Encounter?patient=Patient/{patient}&status=finished"), 1),
        (format!("Encounter?subject={}/fhir/Patient/{patient}&status=in-progress", readers.house.url("")), 0),
        ("Encounter?date=ge2020-01-01&date=lt2099".to_string(), 1),
        ("Encounter?date=lt2020".to_string(), 0),
        (format!("Encounter?_lastUpdated=ge{today}"), 1),
        (format!("Encounter?_lastUpdated=lt{today}"), 0),
        (format!("Task?patient={patient}&code=ed-follow-up&status=requested,accepted"), 1),
        (format!("Task?patient={patient}&code=ed-follow-up&status=completed"), 0),
        (format!("Observation?patient={patient}&code=http://loinc.org|59408-5&status=final"), 1),
        ("Observation?code=http://loinc.org|8480-6".to_string(), 0),
        (format!("Observation?patient={patient}&code=http://loinc.org|2708-6"), 1),
        (format!("Condition?patient={patient}&code=http://hl7.org/fhir/sid/icd-10|J44.1"), 1),
    ] {
        assert_eq!(reader.ids(&path).await.len(), count, "{path}");
    }
    // What is not a parameter is refused with those that are, unless the client prefers it left out.
    for path in ["Task?colour=red", "Task?status:exact=completed", "Task?_colour=red"] {
        let (status, outcome) = reader.get(path).await;
        assert_eq!((status, &outcome["issue"][0]["code"]), (400, &json!("not-supported")), "{path}");
        assert!(outcome.to_string().contains("authored-on (:missing), "), "{outcome}");
        let lenient = readers.http.get(format!("{}/{path}", reader.base)).bearer_auth(&reader.token);
        let lenient = lenient.header("prefer", "handling=lenient").send().await.unwrap();
        let lenient: Value = lenient.json().await.unwrap();
        assert!(lenient.to_string().contains("left out: "), "{lenient}");
    }
    let form = readers.http.post(format!("{}/Task/_search", reader.base)).bearer_auth(&reader.token);
    let posted: Value = form.form(&[("patient", &patient)]).send().await.unwrap().json().await.unwrap();
    assert_eq!(crate::partner::ids(&posted), reader.ids(&format!("Task?patient={patient}")).await);
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_claims_the_profiles_of_us_core_that_it_meets() {
    let readers = Readers::new().await;
    let patient = visit(&readers.house).await;
    let at = minutes_ago(30);
    let pressure = [
        format!("MSH|^~\\&|RIVER-MON|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|4|P|2.5.1"),
        "PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F".to_string(),
        format!("OBR|1||F2^RIVERSIDE|VITALS^Vitals^L|||{at}"),
        format!("OBX|1|NM|8480-6^Systolic blood pressure^LN||131|mm[Hg]^^UCUM|||||F|||{at}"),
        format!("OBX|2|NM|8462-4^Diastolic blood pressure^LN||84|mm[Hg]^^UCUM|||||F|||{at}\r"),
    ];
    send(&mut readers.house.hospital().await, &pressure.join("\r")).await;
    let reader = readers.lakeside().await;
    let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-";
    for (path, profile) in [
        (format!("Patient?_id={patient}"), "patient"),
        (format!("Encounter?patient={patient}"), "encounter"),
        (format!("Observation?patient={patient}&code=http://loinc.org|59408-5"), "pulse-oximetry"),
        (format!("Observation?patient={patient}&code=http://loinc.org|85354-9"), "blood-pressure"),
        (format!("Observation?patient={patient}&code=http://loinc.org|8480-6"), "vital-signs"),
        (format!("Observation?patient={patient}&code=http://loinc.org|8462-4"), "vital-signs"),
    ] {
        let found = reader.search(&path).await;
        assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{path}: {found}");
        let resource = &found["entry"][0]["resource"];
        assert_eq!(resource["meta"]["profile"], json!([format!("{us_core}{profile}")]), "{path}: {resource}");
        let kind = resource["resourceType"].as_str().unwrap();
        let asked = readers.http.post(format!("{}/{kind}/$validate", reader.base)).bearer_auth(&reader.token);
        let outcome: Value = asked.json(resource).send().await.unwrap().json().await.unwrap();
        assert!(!outcome["issue"].to_string().contains("\"error\""), "{path}: {outcome}");
    }
    let metadata: Value = reqwest::get(readers.house.url("/fhir/metadata")).await.unwrap().json().await.unwrap();
    let supported = metadata["rest"][0]["resource"].to_string();
    assert!(supported.contains(&format!("{us_core}blood-pressure")), "{supported}");
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_everything_once_while_strangers_lie_between() {
    let readers = Readers::new().await;
    let mut hospital = readers.house.hospital().await;
    for number in 1..=9_i64 {
        // Every third visit is of somebody on no panel.
        let patient = ["4711", "4712", "9999"][usize::try_from(number % 3).unwrap()];
        let (control, visit) = (format!("P{number}"), format!("V{number}"));
        send(&mut hospital, &adt("A04", &control, patient, &visit, &minutes_ago(100 - number))).await;
    }
    let reader = readers.lakeside().await;
    for count in [1, 2, 4, 6, 250] {
        let mut found = reader.all_ids(&format!("Encounter?_count={count}")).await;
        let seen = found.len();
        found.sort_unstable();
        found.dedup();
        assert_eq!((seen, found.len()), (6, 6), "pages of {count}");
    }
    let own = patient_of(&readers.house, "4711").await;
    let first = reader.search(&format!("Encounter?patient={own}&_count=2")).await;
    assert_eq!(crate::partner::ids(&first).len(), 2);
    let next = link(&first, "next").expect("a third visit");
    assert!(next.starts_with(&reader.base), "links are whole addresses: {next}");
    // A page that is asked for after something new came still goes on where the last one ended.
    send(&mut hospital, &adt("A04", "P10", "4711", "V10", &minutes_ago(1))).await;
    let further = reader.all_ids(&next).await;
    assert!(further.iter().all(|id| !crate::partner::ids(&first).contains(id)), "{further:?}");
    assert!(!further.is_empty());
    assert_eq!(reader.get("Encounter?_cursor=nonsense!").await.0, 400);
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_conditional_reads_are_what_http_says() {
    let readers = Readers::new().await;
    let patient = visit(&readers.house).await;
    let reader = readers.lakeside().await;
    let id = reader.ids(&format!("Encounter?patient={patient}")).await.concat();
    let read = reader.response(&format!("Encounter/{id}")).await;
    let (tag, modified) = (read.headers()["etag"].clone(), read.headers()["last-modified"].clone());
    assert_eq!(read.headers()["content-type"], "application/fhir+json; charset=utf-8");
    let current: Value = read.json().await.unwrap();
    assert_eq!(tag.to_str().unwrap(), format!("W/\"{}\"", current["meta"]["versionId"].as_str().unwrap()));
    for (name, value) in [("if-none-match", tag), ("if-modified-since", modified)] {
        let again = readers.http.get(format!("{}/Encounter/{id}", reader.base)).bearer_auth(&reader.token);
        assert_eq!(again.header(name, value).send().await.unwrap().status(), 304, "{name}");
    }
    let first = reader.get(&format!("Encounter/{id}/_history/1")).await;
    assert_eq!((first.0, &first.1["status"]), (200, &json!("in-progress")), "{}", first.1);
    assert_eq!(reader.get(&format!("Encounter/{id}/_history/99")).await.0, 404);
    let history = reader.search(&format!("Encounter/{id}/_history")).await;
    let versions: Vec<&Value> =
        history["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]["meta"]["versionId"]).collect();
    assert_eq!(versions, [&json!("2"), &json!("1")]);
    assert_eq!(history["entry"][1]["request"]["method"], "POST");
    assert_eq!(reader.get("Encounter/nobody").await.0, 404);
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agreement_hides_is_hidden_and_every_look_is_audited() {
    let readers = Readers::new().await;
    let own = visit(&readers.house).await;
    let mut hospital = readers.house.hospital().await;
    send(&mut hospital, &adt("A04", "8", "9999", "V8", &minutes_ago(50))).await;
    // A substance-use code is labelled restricted on the way in.
    let sensitive = adt("A04", "9", "4712", "V9", &minutes_ago(40)) + "DG1|2||F10.20^Alcohol dependence^I10|||A\r";
    send(&mut hospital, &sensitive).await;
    let (stranger, other) = (patient_of(&readers.house, "9999").await, patient_of(&readers.house, "4712").await);
    let reader = readers.lakeside().await;

    // Ids are made from record numbers, so whoever knows one must not learn whether there is a record.
    let nobody = ResourceId::patient(PersonId::of(&mrn("8888"))).to_string();
    let answers = [reader.get(&format!("Patient/{stranger}")).await, reader.get(&format!("Patient/{nobody}")).await];
    assert_eq!((answers[0].0, &answers[0].1["resourceType"]), (404, &json!("OperationOutcome")));
    assert_eq!(answers[0], answers[1]);
    assert_eq!(reader.ids(&format!("Patient?_id={stranger}")).await.len(), 0);
    assert_eq!(reader.ids(&format!("Encounter?patient={stranger}")).await.len(), 0);

    let encounter = &reader.search(&format!("Encounter?patient={own}")).await["entry"][0]["resource"];
    assert!(!encounter.to_string().contains("Lindqvist"), "{encounter}");
    let labels = encounter["meta"]["security"].to_string();
    assert!(labels.contains("SUBSETTED"), "{labels}");

    let conditions = reader.search(&format!("Condition?patient={other}")).await;
    assert!(!conditions.to_string().contains("F10.20") && conditions.to_string().contains("J44.1"), "{conditions}");

    let history = reader.ids(&format!("Encounter?patient={own}")).await.concat();
    assert_eq!(reader.get(&format!("Encounter/{history}/_history")).await.0, 200);
    let audit = readers.house.running.gateway.store.audit(None, None, 1000).await.unwrap().items;
    let of = |action: &str, allowed: bool, subject: &str| {
        audit.iter().any(|entry| {
            entry.agent == "lakeside-practice"
                && (entry.action.as_str(), entry.allowed) == (action, allowed)
                && entry.subject.starts_with(subject)
                && entry.because.contains("lakeside-practice")
        })
    };
    assert!(of("read", false, &format!("Patient/{stranger}")), "{audit:#?}");
    assert!(of("search", false, "Encounter/") && of("search", true, "Encounter/"));
    assert!(of("search", false, "Condition/") && of("search", true, "Condition/"));
    assert!(of("history", true, &format!("Encounter/{history}")));
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_has_expired_denies_reads_and_holds_pushes() {
    let readers = Readers::with(&|name, text| match name {
        "agreements/lakeside-practice.yaml" => text.replace("to: 2036-12-31", "to: 2026-01-31"),
        _ => text,
    })
    .await;
    let patient = visit(&readers.house).await;
    let reader = readers.lakeside().await;
    let (status, outcome) = reader.get(&format!("Patient/{patient}")).await;
    assert_eq!(status, 403, "{outcome}");
    let why = outcome["issue"][0]["diagnostics"].as_str().unwrap();
    assert!(why.contains("expired") || why.contains("ended"), "{why}");
    assert_eq!(reader.get("Task").await.0, 403, "an empty list would say that there is nothing");
    let store = &readers.house.running.gateway.store;
    let held = DeliveryFilter { state: Some(DeliveryState::Held), ..DeliveryFilter::default() };
    eventually("pushes are held", async || !store.deliveries(&held, None, 10).await.unwrap().items.is_empty()).await;
    assert!(readers.house.ehr.all("Task").is_empty());
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_say_how_it_goes_and_name_nobody() {
    let readers = Readers::new().await;
    let patient = visit(&readers.house).await;
    let reader: Reader = readers.lakeside().await;
    reader.search(&format!("Task?patient={patient}")).await;
    let health: Value = reqwest::get(readers.house.url("/health")).await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["store"]["engine"]), (&json!("pass"), &json!("fjall")), "{health}");
    assert_eq!((&health["store"]["messages"], &health["store"]["records"]), (&json!(3), &json!(1)), "{health}");
    let answer = reqwest::get(readers.house.url("/metrics")).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text().await.unwrap();
    assert!(text.contains("handover_messages_total{feed=\"riverside\",code=\"AA\"} 3"), "{text}");
    assert!(text.contains("route=\"/fhir/{type}\"") && text.contains("handover_outbox"), "{text}");
    for private in ["4711", "Okafor", patient.as_str(), "V1"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    readers.house.running.stop().await;
}
