//! What partners are shown over FHIR, and what they are not.

use actix_web::test::TestRequest;
use jiff::SignedDuration;

use crate::identity::ResourceId;
use crate::web::trial::{Trial, member, stranger};

fn task(key: &str) -> String {
    format!("/fhir/Task/{}", ResourceId::of(member(), "Task", key))
}

#[actix_web::test]
async fn a_resource_the_agreement_allows_is_read_with_its_version_and_audited() {
    let trial = Trial::new().await;
    let answer = trial.get(&task("a")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["status"], "requested");
    assert_eq!(answer.header("etag"), "W/\"1\"");
    assert_eq!(answer.header("last-modified"), "Mon, 02 Mar 2026 10:00:00 GMT");
    assert!(answer.header("content-type").starts_with("application/fhir+json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let audit = trial.audit().await;
    assert_eq!(audit.len(), 1);
    assert!(audit[0].allowed && audit[0].agent == "practice" && audit[0].action == "read");
    assert!(audit[0].because.contains("agreements/practice.yaml:7"), "{}", audit[0].because);
}

#[actix_web::test]
async fn a_version_the_client_has_is_not_sent_again() {
    let trial = Trial::new().await;
    let ask = |tag: &str| {
        let token = trial.token("system/Task.rs");
        let request = TestRequest::get().uri(&task("a")).insert_header(("authorization", format!("Bearer {token}")));
        trial.call(request.insert_header(("if-none-match", tag.to_string())))
    };
    assert_eq!(ask("W/\"1\"").await.status, 304);
    assert_eq!(ask("W/\"2\"").await.status, 200);
}

#[actix_web::test]
async fn whoever_is_not_covered_is_denied_with_the_agreements_name_and_no_more() {
    let trial = Trial::new().await;
    let other = trial.get(&format!("/fhir/Task/{}", ResourceId::of(stranger(), "Task", "a"))).await;
    assert_eq!(other.status, 403);
    let restricted = trial.get(&task("c")).await;
    assert_eq!(restricted.status, 403);
    let told = restricted.body["issue"][0]["diagnostics"].as_str().unwrap();
    assert_eq!(told, "the agreement hospital ↔ practice does not let practice have this");
    let audit = trial.audit().await;
    assert!(audit.iter().all(|entry| !entry.allowed) && audit.len() == 2);
    assert!(audit.iter().any(|entry| entry.because.contains("labelled R")));
}

#[actix_web::test]
async fn an_agreement_that_has_ended_is_named_as_the_reason() {
    let trial = Trial::new().await;
    trial.clock.advance(SignedDuration::from_hours(24 * 365));
    let answer = trial.get(&task("a")).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("ended on 2026-12-31"), "{}", answer.text);
}

#[actix_web::test]
async fn what_is_left_out_is_gone_and_cannot_be_searched_by() {
    let trial = Trial::new().await;
    let found = trial.get("/fhir/Encounter?class=EMER").await;
    assert_eq!(found.ids().len(), 1, "{}", found.text);
    assert!(found.body["entry"][0]["resource"].get("participant").is_none());
    assert!(found.text.contains("SUBSETTED"));
    assert_eq!(trial.get("/fhir/Encounter?type=x").await.ids().len(), 0);
}

#[actix_web::test]
async fn searches_narrow_and_leave_out_what_is_denied() {
    let trial = Trial::new().await;
    assert_eq!(trial.get("/fhir/Task").await.ids().len(), 2);
    assert_eq!(trial.get("/fhir/Task?status=requested").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?identifier=urn:task%7C1b").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?authored-on=2026-03-01").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?authored-on=gt2026-03-01").await.ids().len(), 1);
    let patient = ResourceId::patient(member());
    assert_eq!(trial.get(&format!("/fhir/Task?patient=Patient/{patient}&status=completed")).await.ids().len(), 1);
    assert_eq!(trial.get(&format!("/fhir/Patient?_id={patient}")).await.ids(), [patient.to_string()]);
    assert_eq!(trial.get("/fhir/Task?patient=4711").await.ids().len(), 0);
    assert_eq!(trial.get("/fhir/Task?_lastUpdated=lt2026-03-02").await.ids().len(), 0);
}

#[actix_web::test]
async fn pages_follow_each_other_to_the_end() {
    let trial = Trial::new().await;
    let mut next = Some("/fhir/Task?_count=1".to_string());
    let mut ids = Vec::new();
    for _ in 0..20 {
        let Some(path) = next else { break };
        let page = trial.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        ids.extend(page.ids());
        next = page.link("next");
    }
    assert_eq!(next, None);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[actix_web::test]
async fn a_search_by_post_finds_the_same() {
    let trial = Trial::new().await;
    let token = trial.token("system/Task.rs");
    let post = || {
        let request = TestRequest::post().uri("/fhir/Task/_search");
        request.insert_header(("authorization", format!("Bearer {token}")))
    };
    let found = trial.call(post().set_form([("status", "requested")])).await;
    assert_eq!(found.ids().len(), 1, "{}", found.text);
    let json = trial.call(post().set_json(serde_json::json!({ "status": "requested" }))).await;
    assert_eq!(json.status, 415, "{}", json.text);
    assert_eq!(json.body["resourceType"], "OperationOutcome");
}

#[actix_web::test]
async fn what_is_not_understood_is_named_or_refused() {
    let trial = Trial::new().await;
    let lenient = trial.get("/fhir/Task?colour=red&status=requested").await;
    assert_eq!(lenient.status, 200);
    assert!(lenient.text.contains("left out: colour") && !lenient.link("self").unwrap().contains("colour"));
    assert_eq!(trial.get("/fhir/Task?patient.name=x").await.status, 400);
    assert_eq!(trial.get("/fhir/Task?status:not=x").await.status, 400);
    assert_eq!(trial.get("/fhir/Task?authored-on=soon").await.status, 400);
    assert_eq!(trial.get("/fhir/Unknown").await.status, 404);
    assert_eq!(trial.get("/fhir/Task?_format=xml").await.status, 406);
    assert_eq!(trial.get("/fhir/Task/4711").await.status, 404);
    assert_eq!(trial.get("/fhir/a/b/c/d/e/f").await.status, 404);
    let method = trial.call(TestRequest::delete().uri(&task("a"))).await;
    assert_eq!((method.status.as_u16(), &method.body["resourceType"]), (405, &"OperationOutcome".into()));
}

#[actix_web::test]
async fn versions_are_kept_and_listed_newest_first() {
    let trial = Trial::new().await;
    trial.clock.advance(SignedDuration::from_mins(5));
    trial.rewrite(member(), "Task", "a", "accepted").await;
    let history = trial.get(&format!("{}/_history?_count=1", task("a"))).await;
    assert_eq!(history.body["type"], "history");
    assert_eq!(history.body["entry"][0]["resource"]["status"], "accepted");
    let older = trial.get(&history.link("next").unwrap()).await;
    assert_eq!(older.body["entry"][0]["resource"]["status"], "requested");
    assert_eq!(older.link("next"), None);
    assert_eq!(trial.get(&format!("{}/_history/1", task("a"))).await.body["status"], "requested");
    assert_eq!(trial.get(&format!("{}/_history/3", task("a"))).await.status, 404);
    let since = trial.get(&format!("{}/_history?_since=2026-03-02T10:01:00Z", task("a"))).await;
    assert_eq!(since.body["entry"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn without_a_token_or_its_scope_nothing_is_shown() {
    let trial = Trial::new().await;
    let bare = trial.call(TestRequest::get().uri("/fhir/Task")).await;
    assert_eq!(bare.status, 401);
    assert!(bare.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(trial.get_with("system/Patient.rs", "/fhir/Task").await.status, 403);
    assert_eq!(trial.get_with("system/Task.s", &task("a")).await.status, 403);
    assert_eq!(trial.get_with("system/Task.s", "/fhir/Task").await.status, 200);
    let token = trial.token("system/*.rs");
    trial.clock.advance(SignedDuration::from_secs(300));
    let late = TestRequest::get().uri(&task("a")).insert_header(("authorization", format!("Bearer {token}")));
    assert_eq!(trial.call(late).await.status, 401);
    assert!(trial.audit().await.iter().all(|entry| entry.action == "search"));
}

#[actix_web::test]
async fn the_capability_statement_lists_what_works() {
    let trial = Trial::new().await;
    let answer = trial.call(TestRequest::get().uri("/fhir/metadata")).await;
    assert_eq!((answer.status.as_u16(), &answer.body["fhirVersion"]), (200, &"4.0.1".into()));
    let resources = answer.body["rest"][0]["resource"].as_array().unwrap();
    for resource in resources {
        let kind = resource["type"].as_str().unwrap();
        for parameter in resource["searchParam"].as_array().unwrap() {
            let (name, value) = (
                parameter["name"].as_str().unwrap(),
                match parameter["type"].as_str().unwrap() {
                    "date" => "2026-03-02",
                    _ => "x",
                },
            );
            let found = trial.get(&format!("/fhir/{kind}?{name}={value}")).await;
            assert_eq!(found.status, 200, "{kind}?{name}: {}", found.text);
            assert!(!found.text.contains("left out"), "{kind}?{name}");
        }
    }
}
