//! What partners are shown over FHIR, and what they are not.

use std::collections::BTreeMap;

use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::Change;
use crate::store::WriteUnit;
use crate::web::trial::{Answer, Trial, member, stranger};

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
async fn what_is_not_there_and_what_is_not_theirs_are_answered_alike() {
    let trial = Trial::new().await;
    let absent = ResourceId::of(member(), "Task", "nothing");
    let others = ResourceId::of(stranger(), "Task", "a");
    let nobodys = ResourceId::of(PersonId::of(&Identifier::new("urn:mrn", "3")), "Task", "a");
    for suffix in ["", "/_history", "/_history/1", "/_history?_since=2030", "/_history?_count=1"] {
        let expected = trial.get(&format!("/fhir/Task/{absent}{suffix}")).await;
        assert_eq!(expected.status, 404);
        // The third is theirs, and labelled so that the agreement never lets it out.
        for id in [others, nobodys, ResourceId::of(member(), "Task", "c")] {
            let answer = trial.get(&format!("/fhir/Task/{id}{suffix}")).await;
            assert_eq!((answer.status, &answer.text), (expected.status, &expected.text), "{id}{suffix}");
            let headers = |answer: &Answer| {
                answer.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect::<BTreeMap<_, _>>()
            };
            assert_eq!(headers(&answer), headers(&expected));
        }
    }
    let audit = trial.audit().await;
    assert_eq!(audit.len(), 20, "each is one durable entry, found or not");
    assert!(audit.iter().all(|entry| !entry.allowed) && audit.iter().any(|entry| entry.because.contains("labelled R")));
    assert!(audit.iter().any(|entry| entry.because == "there is no such resource"));
}

#[actix_web::test]
async fn all_that_is_told_of_a_protected_patient_is_protected_even_what_does_not_say_so() {
    let trial = Trial::new().await;
    assert_eq!(trial.get(&task("a")).await.status, 200);
    let id = ResourceId::patient(member());
    let mut patient = trial.gateway.store.resource("Patient", id).await.unwrap().unwrap();
    let own = json!({ "system": "https://handover.health/CodeSystem/label", "code": "said-by-sender" });
    let restricted = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" });
    patient.resource.add_to_meta("security", vec![own, restricted]);
    patient.version += 1;
    let changes = vec![Change { replaces: patient.version - 1, stored: patient }];
    trial.commit(member(), WriteUnit { changes, ..WriteUnit::default() }).await;
    for suffix in ["", "/_history", "/_history/1"] {
        assert_eq!(trial.get(&format!("{}{suffix}", task("a"))).await.status, 404);
    }
    assert_eq!(trial.get("/fhir/Task").await.body["entry"].as_array().map_or(0, Vec::len), 0);
}

#[actix_web::test]
async fn what_belongs_to_a_protected_visit_is_protected_even_what_does_not_say_so() {
    let trial = Trial::new().await;
    trial.replace_agreement(|text| text.replace("{ resource: Task,", "{ resource: Observation,"));
    let visit = |key| format!("Encounter/{}", ResourceId::of(member(), "Encounter", key));
    let security = json!([
        { "system": "https://handover.health/CodeSystem/label", "code": "said-by-sender" },
        { "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" }]);
    trial.add(member(), "Encounter", "P", json!({ "status": "finished", "meta": { "security": security } })).await;
    for (key, of) in [("of-p", "P"), ("of-v", "V")] {
        let body = json!({ "status": "final", "encounter": { "reference": visit(of) } });
        trial.add(member(), "Observation", key, body).await;
    }
    let address = |key: &str| format!("/fhir/Observation/{}", ResourceId::of(member(), "Observation", key));
    let read = async |key: &str| trial.get(&address(key)).await.status.as_u16();
    assert_eq!((read("of-p").await, read("of-v").await, read("nothing").await), (404, 200, 404));
}

#[actix_web::test]
async fn no_link_number_or_order_tells_of_what_is_hidden() {
    let trial = Trial::new().await;
    for number in 0..40 {
        let secret =
            json!({ "status": "requested", "meta": { "security": [{ "code": "R" }] }, "authoredOn": "2026-03-02" });
        trial.add(member(), "Task", &format!("secret{number}"), secret).await;
    }
    for path in [
        "/fhir/Task?_count=2",
        "/fhir/Task?_count=2&_sort=-authored-on",
        "/fhir/Task?_count=2&status=requested,completed",
    ] {
        let page = trial.get(path).await;
        assert_eq!((page.ids().len(), page.link("next"), &page.body["total"]), (2, None, &json!(2)), "{path}");
    }
    let first = trial.get("/fhir/Task?_count=1").await;
    assert_eq!((first.ids().len(), &first.body["total"]), (1, &Value::Null));
    let last = trial.get(&first.link("next").unwrap()).await;
    assert_eq!((last.ids().len(), last.link("next")), (1, None));
    for path in ["/fhir/Task?_count=0", "/fhir/Task?_summary=count", "/fhir/Task?_count=1&_total=accurate"] {
        assert_eq!(trial.get(path).await.body["total"], 2, "{path}");
    }
    let patient = ResourceId::patient(stranger());
    let nothing = trial.get(&format!("/fhir/Task?patient={patient}&_count=1")).await;
    assert_eq!((nothing.ids().len(), nothing.link("next"), &nothing.body["total"]), (0, None, &json!(0)));
}

#[actix_web::test]
async fn counting_is_audited_by_patient_and_discloses_no_resource() {
    let trial = Trial::new().await;
    let counted = trial.get("/fhir/Task?_summary=count&status=requested").await;
    assert_eq!((&counted.body["total"], &counted.body["entry"]), (&json!(1), &Value::Null), "{}", counted.text);
    assert!(counted.link("self").unwrap().contains("_summary=count"));
    let audit = trial.audit().await;
    let told: Vec<_> = audit.iter().filter(|entry| entry.allowed).collect();
    assert_eq!((told.len(), told[0].person, told[0].action.as_str()), (1, Some(member()), "count"));
    assert!(told[0].because.starts_with("1 counted: "), "{}", told[0].because);
}

#[actix_web::test]
async fn a_page_link_is_sealed_and_counts_for_its_client_its_search_and_a_day() {
    let trial = Trial::new().await;
    let next = trial.get("/fhir/Task?_count=1").await.link("next").unwrap();
    let sealed = next.split("_cursor=").nth(1).unwrap();
    let person = member().to_string();
    let hex: String = member().0.iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = URL_SAFE_NO_PAD.decode(sealed).unwrap();
    let plain = String::from_utf8_lossy(&plain);
    assert!(!plain.contains(&person) && !plain.contains(&hex), "{plain}");
    for other in [
        "/fhir/Task?_count=2&_cursor=",
        "/fhir/Encounter?_count=1&_cursor=",
        "/fhir/Task?_count=1&status=requested&_cursor=",
    ] {
        assert_eq!(trial.get(&format!("{other}{sealed}")).await.status, 400, "{other}");
    }
    let history = format!("{}/_history?_count=1&_cursor={sealed}", task("a"));
    assert_eq!(trial.get(&history).await.status, 400);
    trial.clock.advance(SignedDuration::from_hours(25));
    assert!(trial.get(&next).await.text.contains("older than a day"));
}

#[actix_web::test]
async fn an_agreement_that_has_ended_or_says_nothing_of_a_type_refuses_whatever_is_there() {
    let trial = Trial::new().await;
    let absent = format!("/fhir/Task/{}", ResourceId::of(member(), "Task", "nothing"));
    let flag = trial.get("/fhir/Flag").await;
    assert_eq!(flag.status, 403);
    assert!(flag.text.contains("no agreement lets practice read Flag"), "{}", flag.text);
    trial.clock.advance(SignedDuration::from_hours(24 * 365));
    for path in [task("a"), absent, "/fhir/Task".to_string(), format!("{}/_history", task("a"))] {
        let answer = trial.get(&path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text.contains("ended on 2026-12-31"), "{}", answer.text);
    }
}

#[actix_web::test]
async fn what_is_left_out_is_gone_and_cannot_be_searched_by() {
    let trial = Trial::new().await;
    let found = trial.get("/fhir/Encounter?class=EMER").await;
    assert_eq!(found.ids().len(), 1, "{}", found.text);
    assert!(found.body["entry"][0]["resource"].get("participant").is_none());
    assert!(found.text.contains("SUBSETTED"));
    for path in ["/fhir/Encounter?type=x", "/fhir/Encounter?type=y"] {
        let hidden = trial.get(path).await;
        assert_eq!((hidden.ids().len(), &hidden.body["total"], hidden.link("next")), (0, &json!(0), None));
        assert!(hidden.text.contains("type is left out for you by an agreement"), "{}", hidden.text);
    }
    assert_eq!(trial.get("/fhir/Encounter?type=x&_count=0").await.body["total"], 0);
    assert_eq!(trial.get("/fhir/Encounter?_sort=type").await.status, 403, "an order tells what it is made from");
    assert_eq!(trial.get("/fhir/Encounter?_sort=-date").await.ids().len(), 1);
}

#[actix_web::test]
async fn an_order_is_kept_over_all_pages() {
    let trial = Trial::new().await;
    for day in [5, 3, 9, 1, 7] {
        let body = json!({ "status": "ready", "priority": if day == 3 { "stat" } else { "routine" }, "authoredOn": format!("2026-02-0{day}") });
        trial.add(member(), "Task", &format!("d{day}"), body).await;
    }
    for (sort, expected) in [
        ("authored-on", [1, 3, 5, 7, 9]),
        ("-authored-on", [9, 7, 5, 3, 1]),
        ("-priority,-authored-on", [3, 9, 7, 5, 1]),
        ("-_lastUpdated,authored-on", [1, 3, 5, 7, 9]),
    ] {
        let (mut days, mut next) = (Vec::new(), Some(format!("/fhir/Task?status=ready&_count=2&_sort={sort}")));
        while let Some(path) = next {
            let page = trial.get(&path).await;
            assert!(page.link("self").unwrap().contains("_sort="), "{}", page.text);
            days.extend(
                page.body["entry"].as_array().unwrap().iter().map(|entry| entry["resource"]["authoredOn"].clone()),
            );
            next = page.link("next");
        }
        assert_eq!(days, expected.map(|day| json!(format!("2026-02-0{day}"))), "{sort}");
    }
}

#[actix_web::test]
async fn searches_narrow_and_leave_out_what_is_denied() {
    let trial = Trial::new().await;
    assert_eq!(trial.get("/fhir/Task").await.ids().len(), 2);
    assert_eq!(trial.get("/fhir/Task?status=requested").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?identifier=urn:task%7C1b").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?authored-on=2026-03-01").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?authored-on=gt2026-03-01").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?authored-on=ne2026-03-01").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?authored-on=2026-03-01,2026-03-02").await.ids().len(), 2);
    assert_eq!(trial.get("/fhir/Task?authored-on=ap2026-03-01,lt2026").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?status=http://hl7.org/fhir/task-status%7Crequested").await.ids().len(), 1);
    assert_eq!(trial.get("/fhir/Task?status=http://hl7.org/fhir/event-status%7Crequested").await.ids().len(), 0);
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
    let refused = trial.get("/fhir/Task?colour=red&status=requested").await;
    assert_eq!((refused.status.as_u16(), &refused.body["issue"][0]["code"]), (400, &json!("not-supported")));
    assert!(refused.text.contains("colour") && refused.text.contains("business-status"), "{}", refused.text);
    let token = trial.token("system/*.rs");
    let lenient = |path: &str| {
        let request = TestRequest::get().uri(path).insert_header(("authorization", format!("Bearer {token}")));
        trial.call(request.insert_header(("prefer", "return=minimal; handling=lenient")))
    };
    let answer = lenient("/fhir/Task?colour=red&status=requested&_query=id").await;
    assert_eq!((answer.status.as_u16(), answer.ids().len()), (200, 1));
    assert!(answer.text.contains("left out: colour, _query"), "{}", answer.text);
    assert_eq!(answer.link("self").unwrap(), "/fhir/Task?status=requested");
    for path in ["?_elements=id", "?_summary=text", "/_history?_list=1", "/_history?_sort=_lastUpdated"] {
        let path = format!("{}{path}", task("a"));
        assert_eq!(
            (trial.get(&path).await.status.as_u16(), lenient(&path).await.status.as_u16()),
            (400, 200),
            "{path}"
        );
    }
    assert_eq!(trial.get(&format!("{}/_history?_count=none", task("a"))).await.status, 400);
    assert_eq!(trial.get(&format!("{}?_pretty=true&_summary=false", task("a"))).await.status, 200);
    assert_eq!(trial.get("/fhir/Task?authored-on=soon").await.status, 400);
    assert_eq!(trial.get("/fhir/Unknown").await.status, 404);
    assert_eq!(trial.get("/fhir/Task?_format=xml").await.status, 406);
    assert_eq!(trial.get("/fhir/Task/4711").await.status, 404);
    assert_eq!(trial.get("/fhir/a/b/c/d/e/f").await.status, 404);
    let method = trial.call(TestRequest::delete().uri(&format!("{}/_history", task("a")))).await;
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
    assert_eq!(bare.header("www-authenticate"), "Bearer realm=\"fhir\"");
    let scopeless = trial.get_with("system/Patient.rs", "/fhir/Task").await;
    assert_eq!(scopeless.status, 403);
    let expected = "Bearer realm=\"fhir\", error=\"insufficient_scope\", scope=\"system/Task.s\"";
    assert_eq!(scopeless.header("www-authenticate"), expected);
    assert_eq!(trial.get_with("system/Task.s", &task("a")).await.status, 403);
    assert_eq!(trial.get_with("system/Task.s", "/fhir/Task").await.status, 200);
    let token = trial.token("system/*.rs");
    trial.clock.advance(SignedDuration::from_secs(300));
    let late = TestRequest::get().uri(&task("a")).insert_header(("authorization", format!("Bearer {token}")));
    let late = trial.call(late).await;
    assert_eq!(late.status, 401);
    assert_eq!(late.header("www-authenticate"), "Bearer realm=\"fhir\", error=\"invalid_token\"");
    assert!(trial.audit().await.iter().all(|entry| entry.action == "search"));
}

#[actix_web::test]
async fn nobody_takes_all_of_the_stores_threads_with_searches() {
    let trial = Trial::new().await;
    let held = (trial.service.turns.take("practice").await, trial.service.turns.take("practice").await);
    assert!(held.1.is_some());
    let wide = ["?_summary=count", "?_count=0", "?_total=accurate", "?status=requested", "?_sort=-authored-on", ""];
    let paths = wide.map(|asked| format!("/fhir/Task{asked}"));
    for answer in futures_util::future::join_all(paths.iter().map(|path| trial.get(path))).await {
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"), "{}", answer.text);
        assert_eq!(answer.body["resourceType"], "OperationOutcome");
    }
    let person = ResourceId::patient(member());
    for named in [format!("patient={person}&_total=accurate"), format!("_id={}", &task("a")["/fhir/Task/".len()..])] {
        assert_eq!(trial.get(&format!("/fhir/Task?{named}")).await.status, 200, "{named}");
    }
    assert!(trial.service.turns.take("another").await.is_some());
    drop(held);
    assert_eq!(trial.get(&paths[0]).await.status, 200);
}
