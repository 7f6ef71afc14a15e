//! The CapabilityStatement and the OpenAPI document say just what is wired, for each caller: what they name is called and answered, and of what they
//! do not name the refusal is expected.

use std::collections::BTreeSet;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fhir::search::SERVED;
use crate::identity::ResourceId;
use crate::web::trial::{Answer, Trial, member};

/// Who asks: the scopes of the token, and the lines of the agreement.
const CALLERS: [(&str, &str, &str); 5] = [
    ("system/*.cruds", "Task, Observation, Patient, Organization", "all"),
    ("system/*.rs", "Task", "Observation, Patient, Flag"),
    ("system/Observation.r system/Patient.s system/Task.cs", "Task", "all"),
    ("system/Task.u system/Observation.d system/Organization.cud", "Task, Observation, Organization", "Task"),
    ("system/Observation.cruds", "Task", "Task"),
];

async fn trial_of((scope, sends, pulls): (&str, &str, &str)) -> (Trial, String) {
    let trial = Trial::new().await;
    let types: Vec<&str> = if pulls == "all" { SERVED.to_vec() } else { pulls.split(", ").collect() };
    trial.trust(&types, sends);
    for kind in SERVED {
        if !["Patient", "Task", "Encounter"].contains(&kind) {
            trial.add(member(), kind, "x", json!({})).await;
        }
    }
    (trial, scope.to_string())
}

fn id(kind: &str) -> String {
    match kind {
        "Patient" => ResourceId::patient(member()),
        "Task" => ResourceId::of(member(), kind, "a"),
        "Encounter" => ResourceId::of(member(), kind, "V"),
        _ => ResourceId::of(member(), kind, "x"),
    }
    .to_string()
}

async fn call(trial: &Trial, scope: &str, method: &str, path: &str, body: Option<(&str, &str)>) -> Answer {
    // Nobody is slowed down here.
    trial.clock.advance(SignedDuration::from_millis(50));
    let token = trial.token(scope);
    let request = TestRequest::with_uri(&format!("/fhir{path}"))
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .insert_header(("authorization", format!("Bearer {token}")));
    let request = body.into_iter().fold(request, |request, (media_type, text)| {
        request.insert_header(("content-type", media_type.to_string())).set_payload(text.to_string())
    });
    trial.call(request).await
}

/// Whether a request was taken up by what it is for, whatever became of it.
fn is_taken(answer: &Answer) -> bool {
    match answer.status.as_u16() {
        401 | 405 => false,
        // What is there is another's, which was looked up for it.
        403 => answer.text.contains("others said something of it"),
        404 => answer.text.contains("no such resource"),
        status => status < 500,
    }
}

/// The media type of a body, and its text.
type Body = Option<(&'static str, &'static str)>;

/// A request for each interaction with a type: its code, method, address and body.
fn requests(kind: &str) -> Vec<(&'static str, &'static str, String, Body)> {
    let (fhir, patch, form) =
        ("application/fhir+json", "application/json-patch+json", "application/x-www-form-urlencoded");
    let absent = ResourceId::of(member(), kind, "absent");
    let condition = format!("/{kind}?_id={absent}");
    vec![
        ("read", "GET", format!("/{kind}/{}", id(kind)), None),
        ("vread", "GET", format!("/{kind}/{}/_history/1", id(kind)), None),
        ("history-instance", "GET", format!("/{kind}/{}/_history", id(kind)), None),
        ("history-type", "GET", format!("/{kind}/_history?_count=1"), None),
        ("search-type", "GET", format!("/{kind}?_count=1"), None),
        ("search-type", "POST", format!("/{kind}/_search"), Some((form, "_count=1"))),
        ("create", "POST", format!("/{kind}"), Some((fhir, "{}"))),
        ("update", "PUT", format!("/{kind}/{absent}"), Some((fhir, "{}"))),
        // One that finds nothing creates, for which another scope is needed.
        ("update", "PUT", format!("/{kind}?_id={}", id(kind)), Some((fhir, "{}"))),
        ("patch", "PATCH", format!("/{kind}/{absent}"), Some((patch, "[]"))),
        ("patch", "PATCH", condition.clone(), Some((patch, "[]"))),
        ("delete", "DELETE", format!("/{kind}/{absent}"), None),
        ("delete", "DELETE", condition, None),
    ]
}

fn list<'a>(of: &'a Value, name: &str, member: &str) -> Vec<&'a str> {
    let items = of[name].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item[member].as_str().or(item.as_str()).unwrap()).collect()
}

/// What is stated of the types that records are made of.
fn records(statement: &Value) -> Vec<&Value> {
    let all = statement["rest"][0]["resource"].as_array().unwrap();
    all.iter().filter(|one| SERVED.contains(&one["type"].as_str().unwrap())).collect()
}

#[actix_web::test]
async fn each_caller_can_do_what_the_statement_names_and_nothing_else() {
    for caller in CALLERS {
        let (trial, scope) = trial_of(caller).await;
        let statement = call(&trial, &scope, "GET", "/metadata", None).await.body;
        let rest = &statement["rest"][0];
        assert_eq!(rest["resource"].as_array().map(Vec::len), Some(list(rest, "resource", "type").len()));
        let (mut called, mut refused, mut wrong) = (0, 0, Vec::new());
        for kind in SERVED {
            let stated = rest["resource"].as_array().unwrap().iter().find(|one| one["type"] == kind);
            let codes = stated.map(|stated| list(stated, "interaction", "code")).unwrap_or_default();
            for (code, method, path, body) in requests(kind) {
                let answer = call(&trial, &scope, method, &path, body).await;
                let is_named = codes.contains(&code);
                called += usize::from(is_named);
                refused += usize::from(!is_named);
                let is_refused = [403, 404, 405].contains(&answer.status.as_u16()) && !is_taken(&answer);
                if is_named != is_taken(&answer) || is_named == is_refused {
                    wrong.push(format!("{method} {path} (named: {is_named}): {} {}", answer.status, answer.text));
                }
            }
            let Some(stated) = stated else { continue };
            let bools = [("readHistory", "vread"), ("conditionalCreate", "create"), ("conditionalUpdate", "update")];
            for (flag, code) in bools {
                assert_eq!(stated[flag], codes.contains(&code), "{kind} {flag}");
            }
            assert_eq!(stated["conditionalRead"] == "full-support", codes.contains(&"read"), "{kind}");
            assert_eq!(stated["conditionalDelete"] == "single", codes.contains(&"delete"), "{kind}");
            assert_eq!((&stated["versioning"], &stated["updateCreate"]), (&json!("versioned"), &json!(false)));
        }
        println!("{}: {called} interactions called, {refused} refused", caller.0);
        assert!(wrong.is_empty(), "{caller:?}: {} of {}: {wrong:#?}", wrong.len(), called + refused);
    }
}

#[actix_web::test]
async fn conditions_versions_and_operations_work_where_they_are_stated() {
    let (trial, scope) = trial_of(CALLERS[0]).await;
    let statement = call(&trial, &scope, "GET", "/metadata", None).await.body;
    for stated in records(&statement) {
        let kind = stated["type"].as_str().unwrap();
        let place = format!("/{kind}/{}", id(kind));
        let read = call(&trial, &scope, "GET", &place, None).await;
        assert_eq!((read.status.as_u16(), read.header("etag")), (200, "W/\"1\""), "{kind} {}", read.text);
        let token = trial.token(&scope);
        let known = TestRequest::get().uri(&format!("/fhir{place}")).insert_header(("if-none-match", "W/\"1\""));
        let known = trial.call(known.insert_header(("authorization", format!("Bearer {token}")))).await;
        assert_eq!(known.status, 304, "conditionalRead of {kind}");
        let operations = list(stated, "operation", "name");
        let all = ["validate", "everything", "meta", "match", "lastn", "expand"];
        for operation in all {
            let get = call(&trial, &scope, "GET", &format!("{place}/${operation}"), None).await;
            let post =
                call(&trial, &scope, "POST", &format!("/{kind}/${operation}"), Some(("application/json", "{}"))).await;
            let is_taken = is_taken(&get) || is_taken(&post);
            assert_eq!(operations.contains(&operation), is_taken, "{kind} ${operation} {} {}", get.text, post.text);
        }
    }
    for format in list(&statement, "patchFormat", "") {
        let answer = call(&trial, &scope, "PATCH", &format!("/Task/{}", id("Task")), Some((format, "{"))).await;
        assert_eq!(answer.status, 400, "{format}: {}", answer.text);
    }
    for format in ["application/merge-patch+json", "application/xml-patch+xml"] {
        let answer = call(&trial, &scope, "PATCH", &format!("/Task/{}", id("Task")), Some((format, "{}"))).await;
        assert_eq!(answer.status, 415, "{format}: {}", answer.text);
    }
    for format in list(&statement, "format", "") {
        assert_eq!(trial.get(&format!("/fhir/metadata?_format={format}")).await.status, 200, "{format}");
    }
    for format in ["xml", "ttl", "application/fhir%2Bxml"] {
        assert_eq!(trial.get(&format!("/fhir/metadata?_format={format}")).await.status, 406, "{format}");
    }
    for kind in ["transaction", "batch"] {
        assert!(list(&statement["rest"][0], "interaction", "code").contains(&kind));
        let body = json!({ "resourceType": "Bundle", "type": kind }).to_string();
        let answer = call(&trial, &scope, "POST", "", Some(("application/json", &body))).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text);
    }
    for (method, path) in [("GET", "/?_type=Patient"), ("GET", "/"), ("DELETE", "/?_id=1"), ("POST", "/_search")] {
        let refused = call(&trial, &scope, method, path, Some(("application/x-www-form-urlencoded", ""))).await;
        assert!([404, 405].contains(&refused.status.as_u16()), "{method} {path}: {}", refused.status);
    }
}

#[actix_web::test]
async fn each_parameter_and_include_that_is_named_is_taken_and_no_other() {
    for caller in [CALLERS[0], CALLERS[1]] {
        let (trial, scope) = trial_of(caller).await;
        let statement = call(&trial, &scope, "GET", "/metadata", None).await.body;
        let resources = &records(&statement);
        let all = |name: &str, member: &str| -> BTreeSet<String> {
            resources.iter().flat_map(|one| list(one, name, member)).map(str::to_string).collect()
        };
        let (parameters, mut includes) = (all("searchParam", "name"), all("searchInclude", ""));
        includes.extend(resources.iter().map(|one| format!("{}:colour", one["type"].as_str().unwrap())));
        let mut called = 0;
        for stated in resources {
            let kind = stated["type"].as_str().unwrap();
            let named: BTreeSet<&str> = list(stated, "searchParam", "name").into_iter().collect();
            let of_kind = |name: &str| {
                let listed = stated["searchParam"].as_array().into_iter().flatten();
                listed.into_iter().find(|one| one["name"] == name).map(|one| one["type"].as_str().unwrap().to_string())
            };
            for (place, name) in parameters.iter().enumerate() {
                // All that are named, and a tenth of the rest.
                if !named.contains(name.as_str()) && place % 10 != kind.len() % 10 {
                    continue;
                }
                let value = match of_kind(name).as_deref() {
                    _ if name == "_filter" => "_id%20eq%20x",
                    Some("date") => "2026-03-02",
                    Some("number" | "quantity") => "1",
                    Some("composite") => "1$1",
                    _ => "x",
                };
                let answer = call(&trial, &scope, "GET", &format!("/{kind}?{name}={value}&_count=1"), None).await;
                // Whether the parts of a composite can be read is for definition_tests.
                let is_taken = answer.status == 200 || (value == "1$1" && !answer.text.contains("not supported here"));
                assert_eq!(named.contains(name.as_str()), is_taken, "{kind}?{name}={value}: {}", answer.text);
                called += 1;
            }
            for (list_name, parameter) in [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")] {
                let named: BTreeSet<&str> = list(stated, list_name, "").into_iter().collect();
                // One from another type is looked at where an earlier one brought that, so it is no fault.
                let is_asked = |(place, include): &(usize, &String)| {
                    let own = include.starts_with(&format!("{kind}:"));
                    own || (parameter == "_revinclude" && place % 10 == kind.len() % 10)
                };
                let others = includes.iter().enumerate().filter(is_asked).map(|(_, include)| include.as_str());
                for include in named.iter().copied().chain(others) {
                    let path = format!("/{kind}?{parameter}={include}&_count=1");
                    let answer = call(&trial, &scope, "GET", &path, None).await;
                    let what = format!("{path}: {} {}", answer.status, answer.text);
                    assert_eq!(named.contains(include), answer.status == 200, "{what}");
                    called += 1;
                }
            }
        }
        println!("{}: {called} searches", caller.0);
    }
}

/// Each operation of the document is called, and answered by a status that it names.
#[actix_web::test]
async fn each_caller_can_do_what_the_openapi_document_names() {
    for caller in CALLERS {
        let (trial, scope) = trial_of(caller).await;
        let document = call(&trial, &scope, "GET", "/openapi.json", None).await.body;
        let statement = call(&trial, &scope, "GET", "/metadata", None).await.body;
        let stated: BTreeSet<&str> = records(&statement).iter().map(|one| one["type"].as_str().unwrap()).collect();
        let (mut tags, mut ids, mut called) = (BTreeSet::new(), BTreeSet::new(), 0);
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let place = parameter["$ref"].as_str().unwrap_or("#");
                    assert!(document.pointer(&place[1..]).is_some(), "{method} {path}: {place}");
                }
                let tag = operation["tags"][0].as_str().unwrap();
                tags.insert(tag);
                assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{path}");
                let patient = path.starts_with("/Patient/");
                let real = if tag == "System" { String::new() } else { id(if patient { "Patient" } else { tag }) };
                let mut real = path.replace("{id}", &real).replace("{version}", "1");
                if method != "get" && !path.contains('{') && !path.contains('$') && method != "post" {
                    real.push_str("?_id=x");
                }
                let content = operation["requestBody"]["content"].as_object();
                let media_type = content.and_then(|content| content.keys().next());
                let body = media_type.map(|media_type| {
                    (media_type.as_str(), if media_type.contains("form") { "_count=1" } else { "{}" })
                });
                let real = if real == "/" { "" } else { &real };
                let answer = call(&trial, &scope, &method.to_uppercase(), real, body).await;
                let status = answer.status.as_u16().to_string();
                assert!(operation["responses"].get(&status).is_some(), "{method} {real}: {status} is not named");
                let may_create = scope.contains("cruds") || !real.contains("?_id=x");
                assert!(is_taken(&answer) || !may_create, "{method} {real}: {status} {}", answer.text);
                called += 1;
            }
        }
        tags.remove("System");
        for held in ["CodeSystem", "ConceptMap", "ValueSet"] {
            assert!(tags.remove(held), "{held}, of which any token may ask");
        }
        assert_eq!(tags, stated, "{}", caller.0);
        println!("{}: {called} operations of {} bytes", caller.0, document.to_string().len());
    }
}
