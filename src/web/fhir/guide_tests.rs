//! Search parameters that a site's guides define, as a client meets them, and pages that hold fewer than were asked for.

use serde_json::{Value, json};

use crate::identity::ResourceId;
use crate::pipeline::indexing::{step, wanted};
use crate::record::{Change, State, Stored};
use crate::store::WriteUnit;
use crate::web::trial::{Trial, member};

const GUIDE: &str =
    "search of-ward ward token Observation : Observation.extension.where(url='http://x.example/ward').value

search of-value dose quantity Observation : (Observation.value as Quantity)

search of-code code token Observation : Observation.status
";

fn result(ward: &str, value: u64) -> Value {
    json!({ "status": "final", "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
        "extension": [{ "url": "http://x.example/ward", "valueCode": ward }],
        "valueQuantity": { "value": value, "system": "http://unitsofmeasure.org", "code": "/min" } })
}

#[actix_web::test]
async fn what_a_guide_defines_is_searched_by_while_what_is_there_is_indexed_and_health_says_how_far_it_is() {
    let trial = Trial::new().await;
    for number in 0..9 {
        let ward = if number % 3 == 0 { "north" } else { "south" };
        trial.add(member(), "Observation", &number.to_string(), result(ward, 60 + number)).await;
    }
    trial.define(&["Observation"], GUIDE);
    let site = trial.gateway.site.load_full();
    let wanted = wanted(&site);
    let names: Vec<&str> = wanted.iter().map(|one| one.parameter.name.as_str()).collect();
    assert_eq!(names, ["ward"], "quantities are tested, and a name of R4 means what R4 says");
    let searched = async || trial.get("/fhir/Observation?ward=north").await.ids().len();
    assert_eq!(searched().await, 3);
    let by_dose = trial.get("/fhir/Observation?dose=gt66").await;
    assert_eq!(by_dose.ids().len(), 2, "{}", by_dose.text);
    trial.gateway.store.index_by(&wanted, 4).await.unwrap();
    trial.add(member(), "Observation", "9", result("north", 80)).await;
    assert_eq!(searched().await, 4);
    step(&trial.gateway, &wanted).await.unwrap();
    assert_eq!((searched().await, trial.gateway.indexing.under_way()), (4, Vec::new()));
    let standing = serde_json::to_value(trial.gateway.indexing.standing()).unwrap();
    let expected =
        json!([{ "resource_type": "Observation", "parameter": "ward", "resources": 10, "is_through": true }]);
    assert_eq!(standing, expected);
    let page = trial.gateway.health().await;
    assert_eq!(page.indexing, []);
    let text = trial.gateway.metrics.encode();
    assert!(text.contains("handover_indexing 0"), "{text}");
}

#[actix_web::test]
async fn a_page_that_is_short_though_there_may_be_more_says_so() {
    let trial = Trial::new().await;
    trial.allow_all(&["Observation"]);
    let change = |number: u64| {
        let id = ResourceId::of(member(), "Observation", &number.to_string());
        let mut resource = result("north", number);
        (resource["resourceType"], resource["id"]) = (json!("Observation"), json!(id.to_string()));
        let resource = resource.try_into().unwrap();
        let stored = Stored { id, version: 1, updated: trial.gateway.clock.now(), resource, state: State::default() };
        Change { stored, replaces: 0 }
    };
    trial.commit(member(), WriteUnit { changes: (0..2_100).map(change).collect(), ..WriteUnit::default() }).await;
    let path = "/fhir/Observation?code=8867-4&_profile=http://x.example/none";
    let first = trial.get(path).await;
    assert!(first.ids().is_empty() && first.link("next").is_some(), "{}", first.text);
    let outcome = &first.body["entry"][0];
    assert_eq!(outcome["search"]["mode"], "outcome");
    assert_eq!(outcome["resource"]["issue"][0]["code"], "incomplete");
    let last = trial.get(&first.link("next").unwrap()).await;
    assert!(last.ids().is_empty() && last.link("next").is_none() && last.body.get("entry").is_none(), "{}", last.text);
}
