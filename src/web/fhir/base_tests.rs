//! The behaviours of a search that clients compare servers by (http://hl7.org/fhir/R4/search.html), each over resources that tell one
//! answer from another.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fhir::search::SERVED;
use crate::identity::{PersonId, ResourceId};
use crate::web::trial::{Trial, member, stranger};

/// A gateway with a patient, two pressures, a weight, a visit and a practice.
async fn furnished() -> Trial {
    let trial = Trial::new().await;
    trial.allow_all(&SERVED);
    let patient = format!("Patient/{}", ResourceId::patient(member()));
    let practice = ResourceId::of(PersonId::SHARED, "Organization", "lakeside");
    trial.add(member(), "Organization", "unused", json!({ "name": "Nobody's" })).await;
    trial
        .amend(
            ResourceId::patient(member()),
            json!({
                "resourceType": "Patient", "gender": "female", "birthDate": "1970-03-25",
                "name": [{ "family": "Åkerström-Lind", "given": ["Maria"] }],
                "managingOrganization": { "reference": format!("Organization/{practice}") },
            }),
        )
        .await;
    trial.amend(practice, json!({ "resourceType": "Organization", "name": "Lakeside Practice" })).await;
    let loinc = |code: &str| json!({ "coding": [{ "system": "http://loinc.org", "code": code }] });
    let amount = |value: u32, unit: &str| json!({ "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit });
    let part = |code: &str, value: u32| json!({ "code": loinc(code), "valueQuantity": amount(value, "mm[Hg]") });
    for (key, high, low, status) in [("high", 150, 80, "final"), ("low", 120, 95, "amended")] {
        let body = json!({
            "status": status, "code": loinc("85354-9"), "subject": { "reference": patient },
            "effectiveDateTime": "2026-03-01T08:00:00Z", "component": [part("8480-6", high), part("8462-4", low)],
        });
        trial.add(member(), "Observation", key, body).await;
        trial.clock.advance(SignedDuration::from_secs(1));
    }
    let weight = json!({
        "status": "final", "code": loinc("29463-7"), "subject": { "reference": patient },
        "encounter": { "reference": format!("Encounter/{}", ResourceId::of(member(), "Encounter", "V")) },
        "effectivePeriod": { "start": "2026-02-28", "end": "2026-03-02" }, "valueQuantity": amount(80, "kg"),
    });
    trial.add(member(), "Observation", "weight", weight).await;
    trial
}

fn id(kind: &str, key: &str) -> String {
    ResourceId::of(member(), kind, key).to_string()
}

fn included(body: &Value) -> Vec<String> {
    let entries = body["entry"].as_array().cloned().unwrap_or_default();
    let with = entries.iter().filter(|entry| entry["search"]["mode"] == "include").map(|entry| &entry["resource"]);
    let mut kinds: Vec<String> = with.map(|one| one["resourceType"].as_str().unwrap().to_string()).collect();
    kinds.sort_unstable();
    kinds
}

#[actix_web::test]
async fn what_is_asked_for_is_found_and_nothing_else() {
    let trial = furnished().await;
    let patient = ResourceId::patient(member()).to_string();
    let mine = |found: &[&str]| {
        let mut ids: Vec<String> = found.iter().map(|key| id("Observation", key)).collect();
        ids.sort_unstable();
        ids
    };
    for (query, found) in [
        ("code=http://loinc.org%7C85354-9", mine(&["high", "low"])),
        ("combo-code=8480-6", mine(&["high", "low"])),
        ("combo-code=29463-7", mine(&["weight"])),
        ("code=8480-6", mine(&[])),
        ("component-code-value-quantity=8480-6$ge140", mine(&["high"])),
        ("component-code-value-quantity=8462-4$ge140", mine(&[])),
        ("component-code-value-quantity=http://loinc.org%7C8462-4$gt90%7C%7Cmm[Hg]", mine(&["low"])),
        ("value-quantity=80000%7Chttp://unitsofmeasure.org%7Cg", mine(&["weight"])),
        ("value-quantity=80%7Chttp://unitsofmeasure.org%7Cg", mine(&[])),
        ("status:not=final", mine(&["low"])),
        ("value-quantity:missing=true", mine(&["high", "low"])),
        ("date=2026-03-01", mine(&["high", "low"])),
        ("date=ge2026-03-02", mine(&["weight"])),
        ("date=sa2026-02-28", mine(&["high", "low"])),
        ("encounter.status=finished", mine(&["weight"])),
        ("encounter.status=planned", mine(&[])),
        ("subject:Patient.name:contains=STROM", mine(&["high", "low", "weight"])),
        ("subject:Patient.name=strom", mine(&[])),
        ("patient.organization.name=lakeside", mine(&["high", "low", "weight"])),
        ("patient.organization.name=riverside", mine(&[])),
    ] {
        trial.clock.advance(SignedDuration::from_millis(100));
        let answer = trial.get(&format!("/fhir/Observation?{query}")).await;
        let mut ids = answer.ids();
        ids.sort_unstable();
        assert_eq!((answer.status.as_u16(), ids), (200, found), "{query}: {}", answer.text);
    }
    for (query, is_found) in [
        (format!("_id={patient}"), true),
        ("birthdate=1970-03-25".to_string(), true),
        ("birthdate=1970".to_string(), true),
        ("birthdate=lt1970-03-25".to_string(), false),
        ("gender=female".to_string(), true),
        ("gender=http://hl7.org/fhir/administrative-gender%7Cmale".to_string(), false),
        ("name=akerstrom".to_string(), true),
        ("family:exact=%C3%85kerstr%C3%B6m-Lind".to_string(), true),
        ("family:exact=akerstrom-lind".to_string(), false),
        ("family:contains=ERSTR".to_string(), true),
        ("_has:Observation:patient:code=29463-7".to_string(), true),
        ("_has:Observation:patient:code=8480-6".to_string(), false),
        ("_has:Observation:subject:_has:Provenance:target:agent=Practitioner/1".to_string(), false),
        ("gender=female&_has:Observation:patient:encounter.status=finished".to_string(), true),
    ] {
        let answer = trial.get(&format!("/fhir/Patient?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.ids().contains(&patient)),
            (200, is_found),
            "{query}: {}",
            answer.text
        );
        let other = ResourceId::patient(stranger()).to_string();
        assert!(!answer.text.contains(&other), "who is not on the panel is not there: {query}");
    }
    assert_eq!(trial.get("/fhir/Observation?colour=red").await.status, 400);
}

#[actix_web::test]
async fn what_comes_with_matches_is_what_they_name_or_what_names_them_each_once() {
    let trial = furnished().await;
    let with = async |query: &str| {
        trial.clock.advance(SignedDuration::from_millis(100));
        let answer = trial.get(&format!("/fhir/{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        included(&answer.body)
    };
    assert_eq!(with("Observation?_include=Observation:subject").await, ["Patient"]);
    assert_eq!(with("Observation?_include=Observation:subject:Location").await, Vec::<String>::new());
    assert_eq!(with("Observation?_include=*").await, ["Encounter", "Patient"]);
    let chain = "Observation?_include=Observation:subject&_include:iterate=Patient:organization";
    assert_eq!(with(chain).await, ["Organization", "Patient"]);
    assert_eq!(with("Observation?_include=Observation:subject&_include=Patient:organization").await, ["Patient"]);
    assert_eq!(with("Encounter?_revinclude=Observation:encounter").await, ["Observation"]);
    let all = with("Patient?_revinclude=*").await;
    assert_eq!(all.iter().filter(|kind| *kind == "Observation").count(), 3, "{all:?}");
    let cycle = "Patient?_revinclude=Observation:subject&_include:iterate=Observation:subject";
    assert_eq!(with(cycle).await, ["Observation", "Observation", "Observation"]);
    // Who may not read a type has nothing of it, and is told.
    trial.allow_all(&["Observation"]);
    let answer = trial.get("/fhir/Observation?_include=Observation:subject").await;
    assert!(included(&answer.body).is_empty() && answer.text.contains("may not read them: Patient"), "{}", answer.text);
    assert_eq!(trial.get("/fhir/Observation?subject:Patient.name=maria").await.status, 403);
}

#[actix_web::test]
async fn numbers_orders_and_parts_are_as_asked() {
    let trial = furnished().await;
    let newest = trial.get("/fhir/Observation?_sort=-_lastUpdated").await;
    assert_eq!(newest.ids(), ["weight", "low", "high"].map(|key| id("Observation", key)));
    let by_value = trial.get("/fhir/Observation?_sort=-combo-value-quantity").await;
    assert_eq!(by_value.ids(), ["high", "low", "weight"].map(|key| id("Observation", key)));
    let count = trial.get("/fhir/Observation?_summary=count&code=85354-9").await;
    assert_eq!((&count.body["total"], count.body.get("entry")), (&json!(2), None));
    let page = trial.get("/fhir/Observation?_total=accurate&_count=1").await;
    assert_eq!((&page.body["total"], page.ids().len()), (&json!(3), 1));
    let parts = trial.get("/fhir/Observation?code=29463-7&_elements=effective&_include=Observation:subject").await;
    let entries = parts.body["entry"].as_array().unwrap();
    let names: Vec<&String> = entries[0]["resource"].as_object().unwrap().keys().collect();
    assert!(
        names.contains(&&"effectivePeriod".to_string()) && !names.contains(&&"valueQuantity".to_string()),
        "{names:?}"
    );
    assert!(entries[0].to_string().contains("SUBSETTED") && entries[1]["resource"].get("name").is_some());
    let next = trial.get("/fhir/Observation?_count=1&_sort=_id&_elements=status").await.link("next").unwrap();
    assert!(next.contains("_elements=status") && next.contains("_sort=_id"), "{next}");
    assert_eq!(trial.get(&next).await.ids().len(), 1);
}

#[actix_web::test]
async fn an_element_that_is_left_out_finds_nothing_by_whichever_way() {
    let trial = furnished().await;
    trial.allow_all(&SERVED);
    let hide = |text: &str| {
        let whole = "{ resource: Observation, pull: true }";
        text.replace(whole, "{ resource: Observation, pull: true, without: [component, encounter] }")
    };
    trial.allow_all_but(&SERVED, hide);
    for query in [
        "Observation?combo-code=8480-6",
        "Observation?component-code-value-quantity=8480-6$ge140",
        "Observation?component-code:missing=false",
        "Observation?encounter.status=finished",
        "Patient?_has:Observation:patient:combo-code=8480-6",
        "Encounter?_has:Observation:encounter:code=29463-7",
    ] {
        trial.clock.advance(SignedDuration::from_millis(100));
        let answer = trial.get(&format!("/fhir/{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.ids().len()), (200, 0), "{query}: {}", answer.text);
    }
    let with = trial.get("/fhir/Observation?_include=Observation:encounter").await;
    assert!(included(&with.body).is_empty(), "{}", with.text);
    let with = trial.get("/fhir/Encounter?_revinclude=Observation:encounter").await;
    assert!(included(&with.body).is_empty(), "{}", with.text);
    assert_eq!(trial.get("/fhir/Observation?_sort=component-code").await.status, 403);
    assert_eq!(trial.get("/fhir/Observation?code=85354-9").await.ids().len(), 2);
}

#[actix_web::test]
async fn everything_of_a_patient_comes_in_pages_with_who_is_named_and_nothing_of_others() {
    let trial = furnished().await;
    let patient = ResourceId::patient(member());
    let (mut ids, mut next, mut pages) = (Vec::new(), Some(format!("/fhir/Patient/{patient}/$everything?_count=2")), 0);
    let mut organizations = 0;
    while let Some(path) = next {
        let page = trial.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.ids().len() <= 2 && !page.text.contains(&ResourceId::patient(stranger()).to_string()));
        ids.extend(page.ids());
        organizations += included(&page.body).iter().filter(|kind| *kind == "Organization").count();
        next = page.link("next");
        pages += 1;
    }
    let all: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(all.len(), ids.len(), "each once");
    // The patient, a visit, three results and two tasks; the third is labelled so that nothing lets it out.
    assert_eq!((ids.len(), organizations), (7, 1), "{ids:?}");
    assert!(pages >= 4 && ids.contains(&patient.to_string()) && ids.contains(&id("Observation", "weight")));
    let some = trial.get(&format!("/fhir/Patient/{patient}/$everything?_type=Encounter,Task")).await;
    assert_eq!(some.ids().len(), 3);
    let since = trial.get(&format!("/fhir/Patient/{patient}/$everything?_since=2026-03-02T10:00:02Z")).await;
    assert_eq!(since.ids(), [id("Observation", "weight")]);
    // The weight is of three days, the pressures of the second, the visit goes on; who it is about is no matter of time.
    for (asked, results, others) in [
        ("start=2026-03-02", 1, 4),
        ("end=2026-02-28", 1, 3),
        ("start=2026-03-01&end=2026-03-01", 3, 4),
        ("end=2026-02", 1, 3),
        ("start=2026-03-03", 0, 4),
        ("end=2025", 0, 3),
    ] {
        let during = async |kinds: &str| {
            trial.get(&format!("/fhir/Patient/{patient}/$everything?{asked}&_type={kinds}")).await.ids().len()
        };
        assert_eq!((during("Observation").await, during("Patient,Encounter,Task").await), (results, others), "{asked}");
    }
    // What decides and may not be seen is said, as a search says it, and gives nothing away.
    trial.allow_all_but(&SERVED, |text| {
        text.replace(
            "{ resource: Observation, pull: true }",
            "{ resource: Observation, pull: true, without: [effective] }",
        )
    });
    let hidden =
        trial.get(&format!("/fhir/Patient/{patient}/$everything?start=2026-03-02&_type=Observation,Task")).await;
    assert_eq!(hidden.ids().len(), 2, "{}", hidden.text);
    let note = hidden.body["entry"].as_array().unwrap().iter().find(|one| one["search"]["mode"] == "outcome").unwrap();
    let issue = &note["resource"]["issue"][0];
    assert!(issue["code"] == "suppressed" && issue.to_string().contains("Observation.effective"), "{issue}");
    let whole = trial.get(&format!("/fhir/Patient/{patient}/$everything?_type=Observation")).await;
    assert!(whole.ids().len() == 3 && !whole.text.contains("OperationOutcome"), "{}", whole.text);
    for (path, status) in [
        (format!("Patient/{patient}/$everything?_type=Colour"), 400),
        (format!("Patient/{patient}/$everything?_since=soon"), 400),
        (format!("Patient/{patient}/$everything?start=lately"), 400),
        (format!("Patient/{patient}/$everything?end=2026-13"), 400),
        (format!("Patient/{}/$everything", ResourceId::patient(stranger())), 404),
        (format!("Patient/{}/$everything", ResourceId::of(member(), "Patient", "nobody")), 404),
        ("Patient/4711/$everything".to_string(), 404),
        (format!("Encounter/{}/$everything", id("Encounter", "V")), 404),
        (format!("Patient/{patient}/Organization"), 404),
        (format!("Patient/{patient}/Colour"), 404),
    ] {
        assert_eq!(trial.get(&format!("/fhir/{path}")).await.status, status, "{path}");
    }
}

#[actix_web::test]
async fn codes_are_searched_by_value_sets_and_numbers_by_their_types() {
    let trial = furnished().await;
    let system = "http://terminology.hl7.org/CodeSystem/v2-0203";
    let number = |kind: &str, value: &str| json!({ "type": { "coding": [{ "system": system, "code": kind }] }, "system": "urn:n", "value": value });
    let place = |key: &str| ResourceId::of(PersonId::SHARED, "Practitioner", key);
    let body = json!({ "resourceType": "Practitioner", "identifier": [number("NPI", "77"), number("MD", "12")] });
    trial.amend(place("one"), body).await;
    trial.amend(place("two"), json!({ "resourceType": "Practitioner", "identifier": [number("MD", "77")] })).await;
    let set = "http://hl7.org/fhir/ValueSet";
    for (query, count) in [
        (format!("Practitioner?identifier:of-type={system}%7CMD%7C77"), 1),
        (format!("Practitioner?identifier:of-type={system}%7CMD%7C12,{system}%7CMD%7C77"), 2),
        ("Practitioner?identifier:of-type=%7CMD%7C12".to_string(), 1),
        ("Practitioner?identifier:of-type=urn:other%7CMD%7C12".to_string(), 0),
        (format!("Practitioner?identifier:of-type={system}%7CNPI%7C12"), 0),
        (format!("Observation?code:in={set}/observation-vitalsignresult"), 3),
        (format!("Observation?code:not-in={set}/observation-vitalsignresult"), 0),
        (format!("Observation?code:in={set}/administrative-gender,{set}/observation-vitalsignresult"), 3),
        (format!("Observation?code:not-in={set}/administrative-gender"), 3),
        (format!("Observation?status:in={set}/observation-status&status:not-in={set}/administrative-gender"), 3),
        (format!("Observation?subject.gender:in={set}/administrative-gender"), 3),
    ] {
        let found = trial.get(&format!("/fhir/{query}")).await;
        assert_eq!((found.status.as_u16(), found.ids().len()), (200, count), "{query}: {}", found.text);
    }
    for (query, why) in [
        ("Observation?code:in=http://nowhere.example/set", "names a value set that is not here"),
        ("Practitioner?identifier:of-type=MD%7C77", "system|code|value"),
        ("Observation?code:of-type=a%7Cb%7Cc", "code:of-type"),
    ] {
        let refused = trial.get(&format!("/fhir/{query}")).await;
        assert!(refused.status == 400 && refused.text.contains(why), "{query}: {}", refused.text);
    }
}

#[actix_web::test]
async fn a_compartment_is_searched_like_the_type_by_its_patient() {
    let trial = furnished().await;
    let of = |person| ResourceId::patient(person);
    let found = trial.get(&format!("/fhir/Patient/{}/Observation?status=final&_count=1", of(member()))).await;
    assert_eq!((found.status.as_u16(), found.ids().len()), (200, 1), "{}", found.text);
    let next = found.link("next").unwrap();
    assert!(next.starts_with(&format!("/fhir/Observation?patient=Patient%2F{}&status=final", of(member()))), "{next}");
    assert_eq!(trial.get(&next).await.ids().len(), 1);
    let others = trial.get(&format!("/fhir/Patient/{}/Task", of(stranger()))).await;
    assert_eq!((others.status.as_u16(), others.ids().len()), (200, 0));
    assert_eq!(trial.get(&format!("/fhir/Patient/{}/Task?colour=red", of(member()))).await.status, 400);
}

#[actix_web::test]
async fn what_is_searched_in_no_way_is_refused_by_name_and_what_asks_for_nothing_special_is_not() {
    let trial = furnished().await;
    let all = trial.get("/fhir/Observation").await.ids();
    let plain = trial.get("/fhir/Observation?_contained=false").await;
    assert_eq!((plain.ids(), plain.link("self").unwrap()), (all, "/fhir/Observation?_contained=false".to_string()));
    for (query, why) in [
        ("_contained=true", "false is what everybody gets"),
        ("_contained=both", "false is what everybody gets"),
        ("_containedType=container", "_containedType"),
        ("_query=current-high-risk", "no named queries"),
        ("_list=$current-problems", "is no list of Observation"),
        ("_profile:contains=us-core", "_profile:contains"),
        ("_text:exact=fever", "_text:exact"),
        ("_filter=code of 1", "is no operator for code"),
    ] {
        let refused = trial.get(&format!("/fhir/Observation?{}", query.replace(' ', "%20"))).await;
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.text.contains(why), "{query}: {}", refused.text);
    }
}

#[actix_web::test]
async fn what_too_many_have_is_asked_of_those_whom_the_rest_finds() {
    let trial = furnished().await;
    trial.allow_all_but(&SERVED, |text| text.replace("{ panel: lakeside }", "{ all: true }"));
    let pulse = |whose: PersonId, value: u32| {
        json!({
            "status": "final", "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
            "subject": { "reference": format!("Patient/{}", ResourceId::patient(whose)) },
            "valueQuantity": { "value": value, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" },
        })
    };
    for number in 0..1_001 {
        trial.add(stranger(), "Observation", &format!("pulse-{number}"), pulse(stranger(), 60 + number % 40)).await;
    }
    let asked = async |query: &str| {
        let answer = trial.get(&format!("/fhir/Patient?{query}")).await;
        (answer.status.as_u16(), answer.text.contains("too-costly"), answer.ids())
    };
    let common = "_has:Observation:patient:code=8867-4";
    assert_eq!(asked(common).await, (400, true, vec![]), "nothing else narrows it");
    let rare = format!("{common}&family=akerstrom-lind");
    assert_eq!(asked(&rare).await, (200, false, vec![]), "who is meant has none");
    trial.add(member(), "Observation", "pulse", pulse(member(), 71)).await;
    let me = vec![ResourceId::patient(member()).to_string()];
    assert_eq!(asked(&rare).await, (200, false, me.clone()));
    assert_eq!(asked(&format!("{common}&_has:Observation:patient:code=29463-7")).await, (200, false, me));
}
