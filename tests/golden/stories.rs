//! Several messages one after the other through a real gateway: the record and the work as they end, and what was told to
//! whom.

use std::collections::{BTreeMap, BTreeSet};

use handover::identity::PersonId;
use serde_json::{Value, json};

use super::cases::{acknowledgement, as_sent, compare, files};
use super::house::{House, arrival_time, assert_valid, root};
use super::story::split;

#[tokio::test]
async fn every_story_ends_as_stands_beside_it() {
    let mut faults = Vec::new();
    for file in files(&root().join("fixtures/messages/stories"), "hl7") {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        faults.extend(compare(&file, &play(&name, &split(&as_sent(&file))).await).err());
    }
    assert!(faults.is_empty(), "{}\nHANDOVER_GOLDEN=write rewrites them", faults.join("\n"));
}

async fn play(name: &str, messages: &[Vec<u8>]) -> Value {
    let house = House::at(arrival_time(&messages[0])).await;
    let mut told = Vec::new();
    let mut persons = BTreeSet::new();
    for message in messages {
        let acknowledged = house.take(message, arrival_time(message)).await;
        let entry = house.gateway.store.message(acknowledged.sequence.unwrap()).await.unwrap().unwrap();
        let person =
            entry.summary.patient.as_ref().map(|id| id.parse::<handover::identity::ResourceId>().unwrap().person);
        persons.extend(person);
        let decisions: Vec<String> = entry.trace.decisions.iter().map(|line| line.text.clone()).collect();
        told.push(json!({
            "message": format!("{} {}", entry.summary.event, entry.summary.control),
            "acknowledgement": acknowledgement(&acknowledged.bytes).get(1),
            "again": acknowledged.duplicate,
            "written": entry.trace.resources,
            "decisions": decisions,
        }));
    }
    let record = house.resources(&persons).await;
    record.iter().for_each(|(id, resource)| assert_valid(&format!("{name}, {id}"), resource));
    let (sent, held) = deliveries(name, &house, &persons).await;
    json!({ "messages": told, "record": record.into_values().collect::<Vec<_>>(), "sent": sent, "what the partner holds": held })
}

/// What was sent in order, and the last payload of each resource.
async fn deliveries(name: &str, house: &House, persons: &BTreeSet<PersonId>) -> (Vec<String>, Vec<Value>) {
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut sent = Vec::new();
    for delivery in house.deliveries().await {
        assert!(persons.contains(&delivery.new.person));
        assert_valid(&format!("{name}, delivery {}", delivery.new.id), &delivery.new.payload);
        sent.push(format!("{}: {}", delivery.new.id, delivery.new.subject));
        last.insert(delivery.new.payload["identifier"][0]["value"].to_string(), delivery.new.payload);
    }
    (sent, last.into_values().collect())
}
