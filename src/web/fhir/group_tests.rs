//! Groups: whom a partner may say to be in one, and of whom it is told that they are.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::Membership;
use crate::web::trial::{Answer, Trial, member, stranger};

fn reference(person: PersonId) -> String {
    format!("Patient/{}", ResourceId::patient(person))
}

fn group(name: &str, members: &[String]) -> Value {
    let members: Vec<Value> = members.iter().map(|one| json!({ "entity": { "reference": one } })).collect();
    let mut group = json!({ "resourceType": "Group", "type": "person", "actual": true, "name": name,
        "quantity": members.len(), "identifier": [{ "system": "urn:groups", "value": name }] });
    if !members.is_empty() {
        group["member"] = json!(members);
    }
    group
}

/// A Group of both patients, of whom the partner may know one, and one of the other alone.
async fn trial() -> (Trial, ResourceId, ResourceId) {
    let trial = Trial::new().await;
    trial.allow_all(&["Group", "Patient"]);
    let ids = ["both", "other"].map(|name| ResourceId::of(PersonId::SHARED, "Group", name));
    trial.amend(ids[0], group("both", &[reference(stranger()), reference(member())])).await;
    trial.amend(ids[1], group("other", &[reference(stranger())])).await;
    (trial, ids[0], ids[1])
}

fn members(group: &Value) -> Vec<&str> {
    let members = group["member"].as_array().map(Vec::as_slice).unwrap_or_default();
    members.iter().map(|member| member["entity"]["reference"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn of_a_group_those_members_are_told_whom_the_client_may_read() {
    let (trial, both, other) = trial().await;
    let read = trial.get(&format!("/fhir/Group/{both}")).await;
    assert_eq!(members(&read.body), [reference(member())], "{}", read.text);
    assert_eq!((read.body.get("quantity"), &read.body["meta"]["security"][0]["code"]), (None, &json!("SUBSETTED")));
    let told = trial.audit().await;
    let told = told.iter().any(|entry| entry.person == Some(member()) && entry.subject.contains(&both.to_string()));
    assert!(told, "that somebody is in it is told of them");
    assert!(!trial.audit().await.iter().any(|entry| entry.person == Some(stranger()) && entry.allowed));
    let alone = trial.get(&format!("/fhir/Group/{other}")).await;
    assert_eq!(members(&alone.body), Vec::<&str>::new());
    for path in [
        format!("/fhir/Group/{both}/_history"),
        format!("/fhir/Group/{both}/_history/1"),
        "/fhir/Group?identifier=urn:groups|both".into(),
    ] {
        let answer = trial.get(&path).await;
        assert!(answer.status == 200 && !answer.text.contains(&reference(stranger())), "{path}: {}", answer.text);
    }
    let with = trial.get(&format!("/fhir/Group?_id={both}&_include=Group:member")).await;
    assert!(with.text.contains("\"include\"") && !with.text.contains(&reference(stranger())), "{}", with.text);
}

#[actix_web::test]
async fn nobody_finds_out_by_searching_who_else_is_a_member() {
    let (trial, both, other) = trial().await;
    let (mine, hers) = (reference(member()), reference(stranger()));
    let [nobody, both, other] = [ResourceId::FIRST, both, other].map(|id| id.to_string());
    let mine_in = [both.clone()];
    for (query, expected) in [
        (format!("member={mine}"), &mine_in[..]),
        (format!("member={hers}"), &[]),
        (format!("member={mine}&member={hers}"), &[]),
        (format!("member={hers},{mine}"), &mine_in),
        ("member:Patient.gender=female".to_string(), &mine_in),
        (format!("_filter=member%20eq%20{hers}"), &[]),
        (format!("_filter=not%20(member%20eq%20{hers})"), &[]),
        (format!("_filter=not%20(member%20eq%20Patient/{nobody})"), &[]),
        (format!("_filter=member%20ne%20{mine}"), &[]),
        ("member:missing=true".to_string(), &[]),
        ("member:missing=false".to_string(), &[]),
        (format!("_content={}", hers.trim_start_matches("Patient/")), &[]),
        ("type=person".to_string(), &[other, both.clone()]),
    ] {
        let found = trial.get(&format!("/fhir/Group?{query}")).await;
        assert_eq!(found.ids(), expected, "{query}: {}", found.text);
        let counted = trial.get(&format!("/fhir/Group?{query}&_summary=count")).await;
        assert_eq!(counted.body["total"], expected.len(), "{query}");
    }
    assert_eq!(trial.get("/fhir/Group?_sort=member").await.status, 400);
    let of_patient = trial.get(&format!("/fhir/{mine}/Group")).await;
    assert_eq!(of_patient.ids(), mine_in);
    let of_group = trial.get("/fhir/Patient?_has:Group:member:type=person").await;
    assert_eq!(of_group.ids(), [ResourceId::patient(member()).to_string()]);
    let with =
        trial.get(&format!("/fhir/Patient?_id={}&_revinclude=Group:member", ResourceId::patient(member()))).await;
    assert!(with.text.contains(&both) && !with.text.contains(&hers), "{}", with.text);
}

async fn ask(trial: &Trial, method: Method, path: &str, body: &Value) -> Answer {
    let token = trial.token("system/*.cruds");
    trial.clock.advance(jiff::SignedDuration::from_secs(1));
    let media = if method == Method::PATCH { "application/json-patch+json" } else { "application/fhir+json" };
    let request = TestRequest::default().method(method).uri(path).insert_header(("content-type", media));
    trial.call(request.insert_header(("authorization", format!("Bearer {token}"))).set_payload(body.to_string())).await
}

/// Who is on the panel that the agreement covers.
async fn enrol(trial: &Trial, numbers: &[&str]) {
    let of = |number: &&str| Membership {
        panel: "lakeside".into(),
        identifiers: vec![Identifier::new("urn:mrn", *number)],
        practitioner: None,
        care_manager: None,
        language: None,
        phone: None,
    };
    let now = crate::clock::Clock::now(&*trial.clock);
    trial.gateway.store.replace_panel("lakeside", numbers.iter().map(of).collect(), now).await.unwrap();
}

#[actix_web::test]
async fn a_partner_names_members_whom_its_agreement_covers_and_nobody_else() {
    let trial = Trial::new().await;
    trial.trust(&["Group", "Patient"], "Group");
    let (mine, hers) = (reference(member()), reference(stranger()));
    let mut by_number = group("number", &[]);
    by_number["member"] = json!([{ "entity": { "identifier": { "system": "urn:mrn", "value": "1" } } }]);
    let mut in_passing = group("passing", &[]);
    in_passing["characteristic"] =
        json!([{ "code": { "text": "of" }, "valueReference": { "reference": mine }, "exclude": false }]);
    for (body, place) in [
        (group("hers", &[mine.clone(), hers.clone()]), "Group.member[1].entity"),
        (by_number, "Group.member[0].entity"),
        (in_passing, "Group.characteristic[0]"),
        (group("device", &["Device/abc".to_string()]), "Group.member[0].entity"),
    ] {
        let answer = ask(&trial, Method::POST, "/fhir/Group", &body).await;
        assert!(answer.status == 422 && answer.text.contains(place), "{place}: {}", answer.text);
    }
    assert_eq!(trial.get("/fhir/Group").await.ids(), Vec::<String>::new(), "nothing of it is kept");
    let made = ask(&trial, Method::POST, "/fhir/Group", &group("mine", std::slice::from_ref(&mine))).await;
    assert_eq!((made.status.as_u16(), &made.body["quantity"]), (201, &json!(1)), "{}", made.text);
    assert_eq!(trial.get(&format!("/fhir/Group?member={mine}")).await.ids().len(), 1);
    let found = group("found", &[format!("Patient?_id={}", ResourceId::patient(member()))]);
    let request = json!({ "method": "POST", "url": "Group" });
    let entry =
        json!([{ "fullUrl": "urn:uuid:6a1f0f5e-1b1c-4c56-9c0b-0d8a3f1f2b11", "resource": found, "request": request }]);
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entry });
    let done = ask(&trial, Method::POST, "/fhir", &bundle).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(trial.get(&format!("/fhir/Group?member={mine}")).await.ids().len(), 2);
}

#[actix_web::test]
async fn whom_a_partner_may_not_see_any_more_stays_a_member_whatever_it_says_of_the_rest() {
    let trial = Trial::new().await;
    trial.trust(&["Group", "Patient"], "Group");
    enrol(&trial, &["1", "2"]).await;
    let (mine, hers) = (reference(member()), reference(stranger()));
    let made = ask(&trial, Method::POST, "/fhir/Group", &group("ours", &[hers.clone(), mine.clone()])).await;
    assert_eq!(members(&made.body), [hers.clone(), mine.clone()], "{}", made.text);
    let id: ResourceId = made.body["id"].as_str().unwrap().parse().unwrap();
    let path = format!("/fhir/Group/{id}");
    enrol(&trial, &["1"]).await;
    let stored = async || trial.gateway.store.resource("Group", id).await.unwrap().unwrap();
    let mut body = trial.get(&path).await.body;
    assert_eq!(members(&body), std::slice::from_ref(&mine));
    body["name"] = json!("renamed");
    let named = ask(&trial, Method::PUT, &path, &body).await;
    assert_eq!((named.status.as_u16(), members(&named.body)), (200, vec![mine.as_str()]), "{}", named.text);
    let kept: Value = stored().await.resource.into();
    assert_eq!((members(&kept), &kept["quantity"]), (vec![hers.as_str(), mine.as_str()], &json!(2)));
    let patch = json!([{ "op": "replace", "path": "/name", "value": "again" }]);
    assert_eq!(ask(&trial, Method::PATCH, &path, &patch).await.status, 200);
    let patch = json!([{ "op": "remove", "path": "/member" }]);
    assert_eq!(ask(&trial, Method::PATCH, &path, &patch).await.status, 422);
    body.as_object_mut().unwrap().remove("member");
    let emptied = ask(&trial, Method::PUT, &path, &body).await;
    assert_eq!(emptied.status, 200, "{}", emptied.text);
    let kept: Value = stored().await.resource.into();
    assert_eq!(members(&kept), [hers]);
    // What it made itself is not found by whom it may not know of any more.
    let by_hers = format!("/fhir/Group?member={}", reference(stranger()));
    let asked = ask(&trial, Method::PUT, &by_hers, &group("another", &[mine])).await;
    assert_eq!(asked.status, 201, "{}", asked.text);
}

#[actix_web::test]
async fn a_group_that_tells_what_is_sensitive_of_its_members_is_labelled_and_kept_back() {
    let trial = Trial::new().await;
    trial.trust(&["Group", "Patient"], "Group");
    let mut body = group("clinic", &[reference(member())]);
    body["code"] = json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B20" }] });
    let made = ask(&trial, Method::POST, "/fhir/Group", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(trial.get("/fhir/Group?identifier=urn:groups|clinic").await.ids(), Vec::<String>::new());
}
