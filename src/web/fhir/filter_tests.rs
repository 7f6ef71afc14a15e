//! `_filter`, `_list`, `_text`, `_content` and `_profile`: what they find, and that nobody finds more by them than they may see.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::fhir::Identifier;
use crate::fhir::search::SERVED;
use crate::identity::ResourceId;
use crate::record::Membership;
use crate::web::trial::{Trial, member, stranger};

const KEYS: [&str; 5] = ["asthma", "fracture", "diabetes", "cough", "unsaid"];

/// A gateway with five conditions of one patient, and one of somebody else.
async fn furnished() -> Trial {
    let trial = Trial::new().await;
    trial.allow_all(&SERVED);
    let patient = json!({ "reference": format!("Patient/{}", ResourceId::patient(member())) });
    let name = json!([{ "family": "Nakamura-Reyes", "given": ["Inés", "Pilar"] }]);
    let body = json!({ "resourceType": "Patient", "gender": "female", "birthDate": "1952-11-03", "name": name,
        "identifier": [{ "system": "urn:mrn", "value": "1" }] });
    trial.amend(ResourceId::patient(member()), body).await;
    let status = |code: &str| json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": code }] });
    let category = |code: &str| json!([{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": code }] }]);
    let sct = |code: &str, display: &str| json!({ "coding": [{ "system": "http://snomed.info/sct", "code": code, "display": display }] });
    let all = [
        json!({ "code": sct("195967001", "Asthma"), "clinicalStatus": status("active"), "category": category("problem-list-item"),
            "onsetDateTime": "2019-05-02", "text": { "status": "generated", "div": "<div>Wheezing at <b>night</b>, since 2019</div>" } }),
        json!({ "code": sct("263102004", "Fracture"), "clinicalStatus": status("resolved"), "category": category("problem-list-item"),
            "onsetDateTime": "2024-07-14", "note": [{ "text": "Plaster removed by Dr Wójcik" }] }),
        json!({ "code": sct("44054006", "Diabetes"), "clinicalStatus": status("recurrence"), "category": category("problem-list-item"),
            "onsetDateTime": "2021", "note": [{ "text": "Nightly insulin" }] }),
        json!({ "code": sct("49727002", "Cough"), "clinicalStatus": status("active"), "category": category("encounter-diagnosis") }),
        json!({ "code": { "text": "?" } }),
    ];
    for (key, mut body) in KEYS.into_iter().zip(all) {
        body["subject"] = patient.clone();
        trial.add(member(), "Condition", key, body).await;
    }
    trial.add(stranger(), "Condition", "theirs", json!({ "code": { "text": "Nightmares" } })).await;
    trial
}

fn id(key: &str) -> String {
    ResourceId::of(member(), "Condition", key).to_string()
}

/// As it stands in an address: all but what parts its parameters.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"?&=:$_-.,/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn found(trial: &Trial, query: &str) -> Vec<&'static str> {
    let answer = trial.get(&format!("/fhir/{}", encoded(query))).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    let ids = answer.ids();
    KEYS.into_iter().filter(|key| ids.contains(&id(key))).collect()
}

#[actix_web::test]
async fn filters_find_by_every_operator_and_by_all_of_and_or_and_not() {
    let trial = furnished().await;
    let patient = ResourceId::patient(member());
    let own = format!("_id eq {} or _id ne {}", id("cough"), id("cough"));
    for (filter, expected) in [
        ("code eq 195967001", &["asthma"][..]),
        ("code eq http://snomed.info/sct|263102004 or code eq |x", &["fracture"]),
        ("code ne 195967001", &["fracture", "diabetes", "cough"]),
        ("not (code eq 195967001)", &["fracture", "diabetes", "cough", "unsaid"]),
        ("clinical-status pr false", &["unsaid"]),
        ("clinical-status eq active and onset-date pr true", &["asthma"]),
        ("onset-date ge 2021-06", &["fracture", "diabetes"]),
        ("onset-date sa 2021", &["fracture"]),
        ("onset-date eb 2021-06-30", &["asthma"]),
        ("onset-date po 2021-03-05", &["diabetes"]),
        ("_lastUpdated po 2026-03 and clinical-status eq resolved", &["fracture"]),
        ("code eq snomed|49727002 or code eq LOINC|44054006", &["cough"]),
        ("code eq SCT|263102004 or code eq urn:oid:2.16.840.1.113883.6.96|49727002", &["fracture", "cough"]),
        ("onset-date ne 2019", &["fracture", "diabetes"]),
        ("(onset-date lt 2020 or onset-date gt 2023) and clinical-status eq resolved", &["fracture"]),
        ("clinical-status eq resolved or onset-date lt 2020 and clinical-status eq active", &["asthma"]),
        ("not (onset-date lt 2020 or clinical-status eq resolved) and category eq problem-list-item", &["diabetes"]),
        ("patient.name co \"reyes\" and code eq 44054006", &["diabetes"]),
        ("code eq 44054006 or patient.family sw \"naka\" and clinical-status eq recurrence", &["diabetes"]),
        ("subject:Patient.birthdate gt 1960 or code eq 49727002", &["cough"]),
        (own.as_str(), &KEYS),
        // Below active are recurrence and relapse, below inactive remission and resolved.
        (
            "clinical-status ss http://terminology.hl7.org/CodeSystem/condition-clinical|active",
            &["asthma", "diabetes", "cough"],
        ),
        ("clinical-status ss http://terminology.hl7.org/CodeSystem/condition-clinical|inactive", &["fracture"]),
        ("clinical-status ss http://terminology.hl7.org/CodeSystem/condition-clinical|relapse", &[]),
        ("clinical-status sb http://terminology.hl7.org/CodeSystem/condition-clinical|relapse", &["asthma", "cough"]),
        ("clinical-status sb http://terminology.hl7.org/CodeSystem/condition-clinical|active", &["asthma", "cough"]),
        (
            "not (clinical-status ss http://terminology.hl7.org/CodeSystem/condition-clinical|active)",
            &["fracture", "unsaid"],
        ),
        (
            "clinical-status in http://hl7.org/fhir/ValueSet/condition-clinical and onset-date ge 2021-06",
            &["fracture", "diabetes"],
        ),
        ("clinical-status ni http://hl7.org/fhir/ValueSet/condition-clinical", &["unsaid"]),
        ("category in http://hl7.org/fhir/ValueSet/condition-clinical", &[]),
    ] {
        assert_eq!(found(&trial, &format!("Condition?_filter={filter}")).await, expected, "{filter}");
    }
    // Whose it is counts in every place.
    for (filter, expected) in [
        ("patient eq", 5),
        ("clinical-status eq active or patient eq", 5),
        ("clinical-status eq active and patient ne", 0),
        ("clinical-status eq x or subject re", 5),
    ] {
        let all = found(&trial, &format!("Condition?_filter={filter} Patient/{patient}")).await;
        assert_eq!(all.len(), expected, "{filter}");
    }
    let named = async |filter: &str| trial.get(&format!("/fhir/Patient?_filter={}", encoded(filter))).await.ids().len();
    for (filter, count) in [
        ("given eq \"ines\"", 1),
        ("given eq \"in\"", 0),
        ("given ew \"LAR\"", 1),
        ("family sw \"reyes\"", 0),
        ("family co \"ura-re\"", 1),
        ("given ne \"Inés\"", 1),
        ("family ne \"Nakamura-Reyes\"", 0),
        ("identifier eq urn:mrn|1 and gender eq female", 1),
    ] {
        assert_eq!(named(filter).await, count, "{filter}");
    }
    let counted =
        trial.get(&format!("/fhir/Condition?_summary=count&_filter={}", encoded("clinical-status pr true"))).await;
    assert_eq!(counted.body["total"], 4, "{}", counted.text);
}

#[actix_web::test]
async fn a_filter_that_is_not_understood_is_refused_with_what_it_may_say() {
    let trial = furnished().await;
    for (filter, why) in [
        ("colour eq red", "colour is nothing that Condition is filtered by"),
        ("code eq 1 and patient.colour eq red", "patient.colour is nothing"),
        ("code co \"Asthma\"", "it takes eq, ne, in, ni, ss, sb and pr"),
        ("code ss 195967001", "is not a code with its code system"),
        ("code ss snomed|195967001", "names a code system that is not here, or not all of it"),
        (
            "clinical-status sb http://terminology.hl7.org/CodeSystem/condition-clinical|gone",
            "is no code of its code system",
        ),
        ("code in http://nowhere.example/set", "names a value set that is not here"),
        ("identifier in http://hl7.org/fhir/ValueSet/condition-clinical", "is no operator for identifier"),
        ("onset-date co 2019", "po and pr"),
        ("onset-date eq soon", "is not a date"),
        ("code eq", "a value is missing"),
        ("onset-date po ge2020", "without a prefix"),
        ("onset-date eq ge2020", "unknown prefix"),
        ("code re 1", "it takes eq, ne, in, ni, ss, sb and pr"),
        ("patient sw Patient", "it takes eq, re, ne and pr"),
        ("code pr perhaps", "neither true nor false"),
        ("code:not eq 1", "is nothing that"),
        ("evidence[detail pr true].code eq 1", "brackets"),
        ("_profile eq x", "_profile is nothing"),
    ] {
        let refused = trial.get(&format!("/fhir/Condition?_filter={}", encoded(filter))).await;
        assert!(refused.status == 400 && refused.text.contains(why), "{filter}: {}", refused.text);
    }
}

#[actix_web::test]
async fn words_are_found_in_narratives_and_in_all() {
    let trial = furnished().await;
    for (query, expected) in [
        ("_text=night", &["asthma"][..]),
        ("_content=night", &["asthma", "diabetes"]),
        ("_content=wojcik plaster", &["fracture"]),
        ("_content=wheezing OR insulin", &["asthma", "diabetes"]),
        ("_content=\"night, since\"", &["asthma"]),
        ("_content=snomed not asthma&clinical-status=active", &["cough"]),
        ("_text=insulin", &[]),
    ] {
        assert_eq!(found(&trial, &format!("Condition?{query}")).await, expected, "{query}");
    }
    assert_eq!(trial.get("/fhir/Condition?_text=%28night").await.status, 400);
}

#[actix_web::test]
async fn lists_name_what_is_on_them_and_some_everybody_has() {
    let trial = furnished().await;
    let item = |key: &str| json!({ "item": { "reference": format!("Condition/{}", id(key)) } });
    let mut off = item("diabetes");
    off["deleted"] = json!(true);
    let other = json!({ "item": { "reference": format!("Patient/{}", ResourceId::patient(member())) } });
    let body = json!({ "status": "current", "mode": "working", "entry": [item("cough"), other, off, item("unsaid")] });
    trial.add(member(), "List", "watch", body).await;
    trial.add(stranger(), "List", "theirs", json!({ "entry": [item("asthma")] })).await;
    let list = ResourceId::of(member(), "List", "watch");
    let theirs = ResourceId::of(stranger(), "List", "theirs");
    for (query, expected) in [
        (format!("_list={list}"), &["cough", "unsaid"][..]),
        (format!("_list=List/{list}&clinical-status=active"), &["cough"]),
        (format!("_list={theirs}"), &[]),
        (format!("_list={theirs},{list}"), &["cough", "unsaid"]),
        ("_list=none".to_string(), &[]),
        ("_list=$current-problems".to_string(), &["asthma", "diabetes"]),
    ] {
        assert_eq!(found(&trial, &format!("Condition?{query}")).await, expected, "{query}");
    }
    let refused = trial.get("/fhir/Encounter?_list=$current-problems").await;
    assert!(
        refused.status == 400 && refused.text.contains("$current-allergies (AllergyIntolerance)"),
        "{}",
        refused.text
    );
    trial.allow_all(&["Condition"]);
    assert_eq!(trial.get(&format!("/fhir/Condition?_list={list}")).await.status, 403);
}

#[actix_web::test]
async fn profiles_are_those_that_are_claimed_as_it_leaves() {
    let trial = furnished().await;
    let core = "http://hl7.org/fhir/us/core/StructureDefinition/";
    let claimed = async |query: String| -> (Vec<String>, Value) {
        let answer = trial.get(&format!("/fhir/Patient?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        (answer.ids(), answer.body["total"].clone())
    };
    let ours = vec![ResourceId::patient(member()).to_string()];
    for (query, is_found) in [
        (format!("_profile={core}us-core-patient"), true),
        (format!("_profile={core}us-core-patient%7C6.1.0"), false),
        (format!("_profile={core}us-core-practitioner"), false),
        (format!("_profile:below={core}"), true),
        (format!("_profile:below=http://example.org,{core}"), true),
        ("_profile:missing=true".to_string(), false),
        ("_profile:missing=false".to_string(), true),
    ] {
        let expected = if is_found { (ours.clone(), json!(1)) } else { (Vec::new(), json!(0)) };
        assert_eq!(claimed(format!("{query}&_total=accurate")).await, expected, "{query}");
        let summed = claimed(format!("{query}&_summary=count")).await;
        assert_eq!(summed.1, json!(usize::from(is_found)), "{query}");
    }
    // Without its name no US Core patient leaves.
    trial.allow_all_but(&["Patient"], |text| {
        text.replace("{ resource: Patient, pull: true }", "{ resource: Patient, pull: true, without: [name] }")
    });
    assert_eq!(claimed(format!("_profile={core}us-core-patient")).await.0, Vec::<String>::new());
    assert_eq!(claimed(String::new()).await.0, ours);
    let refused = trial.get("/fhir/Patient?_profile:exact=x").await;
    assert_eq!(refused.status, 400);
    assert_eq!(trial.get("/fhir/Patient?_sort=_profile").await.status, 400);
}

#[actix_web::test]
async fn nobody_finds_by_what_is_kept_from_them() {
    let trial = furnished().await;
    trial.allow_all_but(&["Condition", "Patient"], |text| {
        text.replace("{ resource: Condition, pull: true }", "{ resource: Condition, pull: true, without: [note] }")
    });
    for query in [
        "_content=insulin",
        "_content=diabetes",
        "_content=not kidney",
        "_text=night",
        "_filter=not (code pr false) and asserter pr true",
    ] {
        assert_eq!(found(&trial, &format!("Condition?{query}")).await, Vec::<&str>::new(), "{query}");
    }
    let told = trial.get("/fhir/Condition?_content=insulin").await;
    assert!(told.text.contains("is not found by its words"), "{}", told.text);
    trial.allow_all_but(&["Condition", "Patient"], |text| {
        text.replace(
            "{ resource: Condition, pull: true }",
            "{ resource: Condition, pull: true, without: [clinicalStatus] }",
        )
    });
    for filter in [
        "clinical-status eq active",
        "clinical-status pr false",
        "code eq 49727002 or clinical-status eq x",
        "not (clinical-status eq x)",
    ] {
        assert_eq!(found(&trial, &format!("Condition?_filter={filter}")).await, Vec::<&str>::new(), "{filter}");
    }
    assert_eq!(found(&trial, "Condition?_filter=code eq 49727002").await, ["cough"]);
    // What is not theirs is in no answer, whatever is asked.
    for query in ["_content=nightmares", "_filter=code pr true", "_filter=patient ne Patient/x"] {
        let answer = trial.get(&format!("/fhir/Condition?{}", encoded(query))).await;
        assert!(!answer.text.contains(&ResourceId::of(stranger(), "Condition", "theirs").to_string()), "{query}");
    }
}

#[actix_web::test]
async fn what_is_not_of_a_patient_is_of_the_others_whom_one_may_see() {
    let trial = furnished().await;
    let member_of = |number: &str| Membership {
        panel: "lakeside".into(),
        identifiers: vec![Identifier::new("urn:mrn", number)],
        practitioner: None,
        care_manager: None,
        language: None,
        phone: None,
    };
    let both = vec![member_of("1"), member_of("2")];
    trial.gateway.store.replace_panel("lakeside", both, trial.clock.now()).await.unwrap();
    let subject = json!({ "reference": format!("Patient/{}", ResourceId::patient(stranger())) });
    let body = json!({ "code": { "text": "Gout" }, "subject": subject });
    trial.add(stranger(), "Condition", "gout", body).await;
    let gout = ResourceId::of(stranger(), "Condition", "gout").to_string();
    let (first, second) = (ResourceId::patient(member()), ResourceId::patient(stranger()));
    for filter in [
        format!("patient ne Patient/{first}"),
        format!("subject ne {first} and code pr true"),
        format!("not (patient ne Patient/{second}) and subject pr true"),
        format!("clinical-status eq x or patient ne Patient/{first}"),
    ] {
        let answer = trial.get(&format!("/fhir/Condition?_filter={}", encoded(&filter))).await;
        assert_eq!(answer.ids(), [gout.as_str()], "{filter}: {}", answer.text);
    }
    assert_eq!(found(&trial, &format!("Condition?_filter=patient ne Patient/{second}")).await, KEYS);
}

#[actix_web::test]
async fn a_write_has_no_condition_by_what_is_claimed() {
    let trial = furnished().await;
    trial.trust(&["Condition"], "Condition");
    for (method, query) in [
        ("PUT", "_profile:missing=false"),
        ("DELETE", "code=1&_profile=urn:p"),
        ("PATCH", "_profile:below=http://hl7.org/"),
    ] {
        let token = trial.token("system/*.cruds");
        let request = TestRequest::default().method(method.parse().unwrap()).uri(&format!("/fhir/Condition?{query}"));
        let media = if method == "PATCH" { "application/json-patch+json" } else { "application/fhir+json" };
        let request =
            request.insert_header(("content-type", media)).insert_header(("authorization", format!("Bearer {token}")));
        let body = if method == "PATCH" { json!([]) } else { json!({ "resourceType": "Condition" }) };
        let refused = trial.call(request.set_payload(body.to_string())).await;
        assert!(refused.status == 400 && refused.text.contains("not-supported"), "{method}: {}", refused.text);
        assert!(refused.text.contains("by _profile"), "{method}: {}", refused.text);
    }
}
