//! Single objects: what is another's, or is never let out, under an id that anybody can compute.

use reqwest::Method;
use serde_json::{Value, json};

use super::Attempts;
use super::stranger::{NOBODY, OTHER, OWN, SENSITIVE, Stranger, told};
use crate::partner::CLIENT;

pub async fn attempts(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Objects of others");
    let readers = &stranger.readers;
    let (other, nobody, hidden) = (stranger.patient(OTHER), stranger.patient(NOBODY), stranger.hidden().await);
    // The same record, and a diagnosis that it does not have.
    let none = format!("{}{}", &hidden[..16], &nobody[16..]);
    for (what, path, there, absent) in [
        ("a patient of nobody's panel", "Patient", &other, &nobody),
        ("a diagnosis that is never let out", "Condition", &hidden, &none),
    ] {
        for (how, method, suffix) in [
            ("read", Method::GET, ""),
            ("HEAD", Method::HEAD, ""),
            ("its first version", Method::GET, "/_history/1"),
            ("its history", Method::GET, "/_history"),
            ("its history since 2030", Method::GET, "/_history?_since=2030"),
        ] {
            let one = stranger.ask(method.clone(), &format!("/fhir/{path}/{there}{suffix}")).await;
            let two = stranger.ask(method.clone(), &format!("/fhir/{path}/{absent}{suffix}")).await;
            assert_eq!((one.0, &one), (404, &two), "{what}, {how}");
            attempts.add(format!("{what}, by its computed id: {how}"), "404, as for one that is not there");
        }
    }
    let tagged =
        readers.http.get(stranger.url(&format!("/fhir/Patient/{other}"))).bearer_auth(&stranger.lakeside.token);
    assert_eq!(tagged.header("if-none-match", "*").send().await.unwrap().status(), 404);
    attempts.add("whether it is there, asked by `If-None-Match: *`", "404");
    for (attempt, path) in [
        ("others' patients among own ids (`_id=a,b`)", format!("Patient?_id={},{other}", stranger.patient(OWN))),
        ("all of everybody's patients", "Patient?_count=250".to_string()),
    ] {
        let text = stranger.search(&path).await["entry"].to_string();
        assert!(text.contains(&stranger.patient(OWN)) && !text.contains(&other), "{text}");
        attempts.add(attempt, "200, own ones only");
    }
    for (attempt, path) in [
        ("others' patients by record number", format!("Patient?identifier={OTHER}")),
        ("what is known of them", format!("Condition?patient={other}")),
        ("the diagnosis by its code", "Condition?code=F10.20".to_string()),
        ("the diagnosis by its time", format!("Condition?_id={hidden}&_lastUpdated=gt2020")),
    ] {
        let found = stranger.search(&path).await;
        assert!(found.get("entry").is_none() && found["total"] == 0, "{found}");
        attempts.add(attempt, "200, nothing, total 0");
    }
    for (attempt, path) in [
        ("what others' tasks are about, by `_include`", "Task?_include=Task:patient"),
        ("who refers to it, by `_revinclude`", "Patient?_revinclude=Condition:subject"),
        ("the same of all that may refer, again and again", "Patient?_revinclude:iterate=*&_include:iterate=*"),
    ] {
        let text = stranger.search(path).await["entry"].to_string();
        assert!(text.contains(&stranger.patient(OWN)) && !text.contains(&other), "{text}");
        // A visit names its diagnosis by an id; what that is stays out.
        assert!(!text.contains(&format!("/fhir/Condition/{hidden}\"")) && !text.contains("F10.20"), "{text}");
        attempts.add(attempt, "200, own ones only");
    }
    for (attempt, path) in [
        ("others by a chain (`subject.identifier`)", format!("Condition?subject.identifier={OTHER}")),
        ("others by `_has`", "Patient?_has:Condition:patient:code=F10.20".to_string()),
        ("the diagnosis by what it is not", format!("Condition?_id={hidden}&code:missing=false")),
    ] {
        let found = stranger.search(&path).await;
        assert!(found.get("entry").is_none() && found["total"] == 0, "{found}");
        attempts.add(attempt, "200, nothing, total 0");
    }
    for (attempt, method, path, expected) in [
        ("everything of a patient (`$everything`)", Method::GET, format!("/fhir/Patient/{other}/$everything"), 404),
        ("everything there is (`$export`)", Method::GET, "/fhir/Patient/$export".to_string(), 404),
        ("to overwrite a patient", Method::PUT, format!("/fhir/Patient/{other}"), 403),
        ("to delete one", Method::DELETE, format!("/fhir/Patient/{}", stranger.patient(OWN)), 403),
        ("to make a task", Method::POST, "/fhir/Task".to_string(), 403),
    ] {
        let (status, body) = stranger.ask(method, &path).await;
        assert_eq!(status, expected, "{attempt}: {body}");
        attempts.add(attempt, told(status, &body));
    }
    cards(stranger, &mut attempts).await;
    attempts
}

/// CDS Hooks: a card is of a record, too.
async fn cards(stranger: &Stranger, attempts: &mut Attempts) {
    let readers = &stranger.readers;
    let call = async |path: &str, body: Value| {
        let url = stranger.url(path);
        let token = readers.lakeside.sign(&readers.claims(CLIENT, &url)).unwrap();
        let response = readers.http.post(url).bearer_auth(token).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let view = "/cds-services/handover-patient-view";
    let opened = |patient: String| {
        json!({ "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": { "userId": "Practitioner/1", "patientId": patient } })
    };
    let of_other = call(view, opened(stranger.patient(OTHER))).await;
    assert_eq!((of_other.0, &of_other), (200, &call(view, opened(stranger.patient(NOBODY))).await));
    attempts.add("cards of a patient who is not theirs, and of one who is not there", "200, no cards, both");
    let feedback = |card: String| json!({ "feedback": [{ "card": card, "outcome": "overridden", "overrideReason": { "reason": { "code": "x" } } }] });
    let (there, absent) = (stranger.hidden().await, stranger.patient(SENSITIVE));
    let answers = [
        call(&format!("{view}/feedback"), feedback(there)).await,
        call(&format!("{view}/feedback"), feedback(absent)).await,
    ];
    assert_eq!((answers[0].0, &answers[0]), (404, &answers[1]));
    attempts.add("feedback on a card that is none of theirs", "404, as for one that is not there");
}
