//! Synthetic things to store.

use handover::fhir::{Identifier, Resource};
use handover::identity::{PersonId, ResourceId};
use handover::record::{Change, Head, State, Stored};
use handover::store::{
    Attempt, Delivery, Disposition, HeadWrite, MessageEntry, MessageSummary, NewDelivery, Share, Store, Trace,
    WriteUnit,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// So many seconds into the day of the tests.
pub fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn identifier(number: usize) -> Identifier {
    Identifier::new("urn:oid:2.16.840.1.113883.19.5", format!("MRN-{number}"))
}

pub fn person(number: usize) -> PersonId {
    PersonId::of(&identifier(number))
}

pub fn message(control: &str, bytes: &str) -> MessageEntry {
    let mut content = [0; 32];
    for (place, byte) in bytes.bytes().enumerate() {
        content[place % 32] ^= byte.rotate_left((place / 32) as u32 % 8);
    }
    MessageEntry {
        summary: MessageSummary {
            sequence: 0,
            received: at(0),
            feed: "riverside".to_string(),
            control: control.to_string(),
            event: "ADT^A04".to_string(),
            disposition: Disposition::Applied,
            acknowledged: "AA".to_string(),
            patient: None,
            further_patients: 0,
            other_patients: Vec::new(),
            replays: None,
            size: bytes.len() as u64,
            incomplete: false,
            problems: 0,
        },
        content,
        raw: bytes.as_bytes().to_vec(),
        answer: format!("MSA|AA|{control}\r").into_bytes(),
        trace: Trace { resources: vec!["Task/1/_history/1".to_string()], ..Trace::default() },
    }
}

pub fn head(person: PersonId, replaces: u64) -> HeadWrite {
    HeadWrite { head: Head { revision: replaces + 1, ..Head::new(person) }, replaces }
}

/// The version of a resource that comes after `replaces`.
pub fn change(person: PersonId, kind: &str, key: &str, replaces: u64, content: Value) -> Change {
    let id = ResourceId::of(person, kind, key);
    let mut resource = Resource::new(kind).with("id", json!(id.to_string()));
    for (element, value) in content.as_object().unwrap() {
        resource.set(element, value.clone());
    }
    let stored = Stored { id, version: replaces + 1, updated: at(replaces as i64), resource, state: State::default() };
    Change { stored, replaces }
}

pub fn delivery(id: &str, partner: &str, person: PersonId, number: u64, due: Timestamp) -> NewDelivery {
    NewDelivery {
        id: id.to_string(),
        partner: partner.to_string(),
        person,
        number,
        subject: format!("Task/{id}/_history/1"),
        agreement: "agreements/lakeside-practice.yaml:7".to_string(),
        payload: json!({ "resourceType": "Task", "x": 1.50 }),
        created: at(0),
        due,
        message: None,
        ending: false,
        urgent: false,
    }
}

/// What is due of all partners, of each at most so many.
pub async fn claim(store: &dyn Store, seconds: i64, places: usize, lease: SignedDuration) -> Vec<Delivery> {
    let due = store.due_partners(at(seconds)).await.unwrap();
    let room: Vec<_> = due.into_iter().map(|partner| Share::of(partner, places)).collect();
    store.claim_deliveries(at(seconds), &room, lease).await.unwrap()
}

pub fn attempt(seconds: i64) -> Attempt {
    Attempt {
        took_millis: 12,
        status: Some(201),
        sent: true,
        ..Attempt::unsent(at(seconds), "201 Created".to_string())
    }
}

pub async fn commit_changes(store: &dyn Store, changes: Vec<Change>) {
    store.commit(WriteUnit { changes, ..WriteUnit::default() }).await.unwrap();
}

pub async fn commit_deliveries(store: &dyn Store, deliveries: Vec<NewDelivery>) {
    store.commit(WriteUnit { deliveries, ..WriteUnit::default() }).await.unwrap();
}
