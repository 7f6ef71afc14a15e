//! Histories of a type and of all that may be searched: what comes, in which order, and what nobody is told.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fhir::deleted_tag;
use crate::identity::ResourceId;
use crate::web::trial::{Answer, Trial, member, stranger};

/// A trial in which one second after another the first Task, the visit and the first Task again are changed, also those of a stranger.
async fn lived() -> Trial {
    let trial = Trial::new().await;
    for (kind, key, status) in
        [("Task", "a", "accepted"), ("Encounter", "V", "in-progress"), ("Task", "a", "completed")]
    {
        trial.clock.advance(SignedDuration::from_secs(60));
        trial.rewrite(member(), kind, key, status).await;
        trial.rewrite(stranger(), kind, key, status).await;
    }
    trial.clock.advance(SignedDuration::from_secs(60));
    trial
}

/// Status of each version that a bundle holds, with its number.
fn told(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!((answer.status.as_u16(), &answer.body["type"]), (200, &json!("history")), "{}", answer.text);
    let entries = answer.body["entry"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    entries.iter().map(|one| (text(&one["resource"]["status"]), text(&one["response"]["etag"]))).collect()
}

fn pairs(expected: &[(&str, u8)]) -> Vec<(String, String)> {
    expected.iter().map(|(status, version)| (status.to_string(), format!("W/\"{version}\""))).collect()
}

#[actix_web::test]
async fn the_history_of_a_type_has_what_the_client_may_see_newest_first_in_pages() {
    let trial = lived().await;
    // Three Tasks each: one is labelled restricted, and the stranger is on no panel.
    let newest = [("completed", 3), ("accepted", 2)];
    let whole = trial.get("/fhir/Task/_history").await;
    let all = told(&whole);
    assert_eq!(all[..2], pairs(&newest));
    assert_eq!((all.len(), whole.link("next"), whole.body.get("total")), (4, None, None));
    assert!(!whole.text.contains(&ResourceId::of(stranger(), "Task", "a").to_string()));
    assert!(!whole.text.contains(&ResourceId::of(member(), "Task", "c").to_string()));
    let first = &whole.body["entry"][0];
    assert_eq!(first["request"]["method"], "PUT");
    assert_eq!(first["response"]["lastModified"], "2026-03-02T10:03:00.000Z");
    assert_eq!(whole.body["entry"][3]["request"], json!({ "method": "POST", "url": "Task" }));

    let (mut paged, mut next) = (Vec::new(), Some("/fhir/Task/_history?_count=1".to_string()));
    while let Some(path) = next {
        let page = trial.get(&path).await;
        assert_eq!(told(&page).len(), 1, "no page is there only to say that something is hidden");
        paged.extend(told(&page));
        trial.clock.advance(SignedDuration::from_secs(1));
        trial.rewrite(member(), "Task", "b", "in-progress").await;
        next = page.link("next");
    }
    assert_eq!(paged, all, "what is written meanwhile moves nothing");
    let stolen = trial.get("/fhir/Task/_history?_count=1").await.link("next").unwrap();
    let stolen = stolen.replace("/fhir/Task/", "/fhir/Encounter/");
    assert_eq!(trial.get(&stolen).await.status, 400, "a link counts for its own history");
    let audit = trial.audit().await;
    assert!(audit.iter().any(|entry| entry.action == "history" && !entry.allowed && entry.subject.contains("Task/")));
}

#[actix_web::test]
async fn a_history_begins_and_is_looked_at_when_it_is_asked() {
    let trial = lived().await;
    for (query, expected) in [
        ("Task/_history?_since=2026-03-02T10:03:00Z", pairs(&[("completed", 3)])),
        ("Task/_history?_since=2026-03-02T10:00:01Z", pairs(&[("completed", 3), ("accepted", 2)])),
        ("Task/_history?_since=2026-03-02T10:03:01Z", pairs(&[])),
        ("Encounter/_history?_at=2026-03-02T10:01:30Z", pairs(&[("finished", 1)])),
        ("Encounter/_history?_at=2026-03-02T10:02:00Z", pairs(&[("in-progress", 2)])),
        ("Encounter/_history?_at=2026-03-02T10:01", pairs(&[("finished", 1)])),
        ("Encounter/_history?_at=2026-03", pairs(&[("in-progress", 2), ("finished", 1)])),
        ("Encounter/_history?_at=2026-03-01", pairs(&[])),
        ("Encounter/_history?_at=2026-03-05", pairs(&[("in-progress", 2)])),
        ("Encounter/_history?_sort=-_lastUpdated&_since=2026-03-02T10:01:00Z", pairs(&[("in-progress", 2)])),
    ] {
        trial.clock.advance(SignedDuration::from_millis(100));
        assert_eq!(told(&trial.get(&format!("/fhir/{query}")).await), expected, "{query}");
    }
    let task = format!("/fhir/Task/{}/_history", ResourceId::of(member(), "Task", "a"));
    for (query, expected) in [
        ("_at=2026-03-02T10:01:30Z", pairs(&[("accepted", 2)])),
        ("_at=2026-03-02T10:00:30Z", pairs(&[("requested", 1)])),
        ("_at=2026-03-02T10:02", pairs(&[("accepted", 2)])),
        ("_at=2026-03-02T10", pairs(&[("completed", 3), ("accepted", 2), ("requested", 1)])),
        ("_at=2030", pairs(&[("completed", 3)])),
        ("_at=2020", pairs(&[])),
    ] {
        assert_eq!(told(&trial.get(&format!("{task}?{query}")).await), expected, "{query}");
    }
    for query in ["_at=soon", "_at=ge2026", "_since=", "_sort=_lastUpdated", "_count=0", "_list=1", "_count=1&_count=2"]
    {
        for place in ["Task/_history", "_history"] {
            assert_eq!(trial.get(&format!("/fhir/{place}?{query}")).await.status, 400, "{place}?{query}");
        }
    }
}

#[actix_web::test]
async fn the_history_of_the_system_is_that_of_the_types_which_the_client_may_search() {
    let trial = lived().await;
    let all = trial.get("/fhir/_history").await;
    let expected = [("completed", 3), ("in-progress", 2), ("accepted", 2)];
    assert_eq!(told(&all)[..3], pairs(&expected));
    // Four versions of Tasks, two of the visit, one of the patient.
    assert_eq!(told(&all).len(), 7);
    let visit = &all.body["entry"][1]["resource"];
    assert!(visit.get("participant").is_none() && visit.to_string().contains("SUBSETTED"), "{visit}");
    let (mut paged, mut next) = (Vec::new(), Some("/fhir/_history?_count=2".to_string()));
    while let Some(path) = next {
        let page = trial.get(&path).await;
        paged.extend(told(&page));
        next = page.link("next");
    }
    assert_eq!(paged, told(&all));
    let some = trial.get_with("system/Encounter.s", "/fhir/_history").await;
    assert_eq!(told(&some), pairs(&[("in-progress", 2), ("finished", 1)]));
    for (scope, path, status) in [
        ("system/Task.r", "/fhir/_history", 403),
        ("system/Task.r", "/fhir/Task/_history", 403),
        ("system/Coverage.rs", "/fhir/_history", 403),
        ("system/*.rs", "/fhir/Coverage/_history", 403),
        ("system/*.rs", "/fhir/Colour/_history", 404),
    ] {
        assert_eq!(trial.get_with(scope, path).await.status, status, "{scope} {path}");
    }
}

#[actix_web::test]
async fn a_delete_is_an_entry_without_the_resource() {
    let trial = lived().await;
    let id = ResourceId::of(member(), "Task", "b");
    let body = json!({ "resourceType": "Task", "status": "entered-in-error", "meta": { "tag": [deleted_tag()] } });
    trial.amend(id, body).await;
    for path in ["/fhir/Task/_history", "/fhir/_history"] {
        let answer = trial.get(path).await;
        let first = &answer.body["entry"][0];
        assert_eq!((&first["request"]["method"], first.get("resource")), (&json!("DELETE"), None), "{first}");
        assert_eq!(first["request"]["url"], format!("Task/{id}"));
        assert_eq!(first["response"]["status"], "204");
    }
}
