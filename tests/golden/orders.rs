//! The promise that matters most: whatever order messages come in, and however often, the record ends the same, the same
//! work is open, and the partner holds what the record says. Every difference names its order, so that it can be played again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use handover::fhir::Identifier;
use handover::identity::PersonId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cases::as_sent;
use super::house::{House, arrival_time, root};
use super::story::split;

/// Orders tried of each story that has too many; `HANDOVER_ORDERS=1000` tries more.
const ORDERS: usize = 40;

#[tokio::test]
async fn an_emergency_visit() {
    any_order("ed-visit", usize::MAX).await;
}

#[tokio::test]
async fn an_emergency_visit_that_becomes_an_admission() {
    any_order("admitted-from-ed", usize::MAX).await;
}

#[tokio::test]
async fn a_cancelled_registration() {
    any_order("cancelled-registration", usize::MAX).await;
}

#[tokio::test]
async fn two_patients_who_are_one() {
    any_order("merged-patients", usize::MAX).await;
}

#[tokio::test]
async fn two_patients_who_are_one_before_the_next_visit() {
    any_order("merged-patients", 5).await;
}

#[tokio::test]
async fn two_patients_who_are_one_with_visits_of_both() {
    any_order("merged-with-visits", usize::MAX).await;
}

#[tokio::test]
async fn somebody_who_dies() {
    any_order("died", usize::MAX).await;
}

#[tokio::test]
async fn readings_of_which_one_was_wrong() {
    any_order("readings", usize::MAX).await;
}

#[tokio::test]
async fn a_corrected_reading() {
    any_order("corrected-reading", usize::MAX).await;
}

#[tokio::test]
async fn blood_pressures() {
    any_order("blood-pressures", usize::MAX).await;
}

#[tokio::test]
async fn updates_deletions_and_a_discharge_taken_back() {
    any_order("updates", usize::MAX).await;
}

/// Plays the first `most` messages of a story in many orders, with repeats, and compares every ending with that of the
/// order in which things happened.
async fn any_order(name: &str, most: usize) {
    let file = root().join(format!("fixtures/messages/stories/{name}.hl7"));
    let mut messages = split(&as_sent(&file));
    messages.truncate(most);
    let now = messages.iter().map(|message| arrival_time(message)).max().unwrap();
    let natural: Vec<usize> = (0..messages.len()).collect();
    for apart in [SignedDuration::ZERO, SignedDuration::from_mins(1)] {
        let expected = ending(&messages, &natural, now, apart).await;
        for order in orders(messages.len()) {
            let found = ending(&messages, &order, now, apart).await;
            let differences = differences(&expected, &found);
            assert!(
                differences.is_empty(),
                "{name}, messages {apart:#} apart, ends differently in the order {order:?}:\n{differences}"
            );
        }
    }
}

/// All permutations of a short story; seeded shuffles with repeats of a long one.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let wanted = std::env::var("HANDOVER_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(ORDERS);
    let all: usize = (1..=count).product();
    let mut found = Vec::new();
    if all <= wanted {
        permutations(&mut (0..count).collect(), 0, &mut found);
    }
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    while found.len() < wanted {
        let repeats = usize::from(found.len() % 3 == 0) * count;
        let mut order: Vec<usize> = (0..count + repeats).map(|place| place % count).collect();
        for place in (1..order.len()).rev() {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            order.swap(place, usize::try_from(seed % (place as u64 + 1)).unwrap());
        }
        found.push(order);
    }
    found
}

fn permutations(order: &mut Vec<usize>, from: usize, found: &mut Vec<Vec<usize>>) {
    if from + 1 >= order.len() {
        return found.push(order.clone());
    }
    for place in from..order.len() {
        order.swap(from, place);
        permutations(order, from + 1, found);
        order.swap(from, place);
    }
}

/// How a story ended: what is known, what is owed, what the partner holds; at once and three days later.
type Ending = BTreeMap<String, Value>;

async fn ending(messages: &[Vec<u8>], order: &[usize], now: Timestamp, apart: SignedDuration) -> Ending {
    let house = House::at(now).await;
    let mut persons = BTreeSet::new();
    for (count, place) in order.iter().enumerate() {
        let arrives = now + apart * i32::try_from(count).unwrap();
        let acknowledged = house.take(&messages[*place], arrives).await;
        let entry = house.gateway.store.message(acknowledged.sequence.unwrap()).await.unwrap().unwrap();
        assert!(
            matches!(acknowledged.code.text(), "AA"),
            "{order:?}: {}",
            String::from_utf8_lossy(&acknowledged.bytes)
        );
        persons.extend(entry.summary.patient.map(|id| id.parse::<handover::identity::ResourceId>().unwrap().person));
    }
    house.ring().await;
    let mut ending = Ending::new();
    look(&house, &persons, "at once", &mut ending).await;
    house.move_to(now + SignedDuration::from_hours(72)).await;
    look(&house, &persons, "three days later", &mut ending).await;
    if !apart.is_zero() {
        // When something became known is part of the work about it: since when an alert rings, when a plan was made.
        ending.retain(|key, _| !key.ends_with("wakes"));
        ending
            .iter_mut()
            .filter(|(key, _)| key.contains(": open "))
            .for_each(|(_, work)| *work = work["status"].take());
    }
    ending
}

const WORK: [&str; 3] = ["CarePlan", "Flag", "Task"];

async fn look(house: &House, persons: &BTreeSet<PersonId>, when: &str, ending: &mut Ending) {
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut roots: BTreeSet<PersonId> = BTreeSet::new();
    let mut wakes = BTreeSet::new();
    for person in persons {
        let known = house.gateway.load(*person, 10_000).await.unwrap();
        roots.insert(known.record.head.person);
        wakes.insert(known.record.head.wake_at.map(|at| at.to_string()));
        let identifiers: Vec<String> = known.record.head.identifiers.iter().map(identifier_text).collect();
        ending.insert(format!("{when}: identifiers of {}", known.record.head.person), json!(identifiers));
        for ((kind, id), stored) in known.record.resources.iter() {
            if stored.state.superseded.is_some() || kind == "Provenance" {
                continue;
            }
            let content = without_version(Value::from(stored.resource.clone()));
            if !WORK.contains(&kind.as_str()) {
                ending.insert(format!("{when}: {kind}/{id}"), content);
            } else if is_open(&content) {
                open.insert(id.to_string());
                ending.insert(format!("{when}: open {}", work_key(&content)), without_ids(content));
            }
        }
    }
    ending.insert(format!("{when}: records"), json!(roots.iter().map(ToString::to_string).collect::<Vec<_>>()));
    ending.insert(format!("{when}: wakes"), json!(wakes));
    hold(house, &open, when, ending).await;
}

/// What the partner holds: of each resource the last payload. Open work is there if and only if the record has it.
async fn hold(house: &House, open: &BTreeSet<String>, when: &str, ending: &mut Ending) {
    let mut held: BTreeMap<(String, String), Value> = BTreeMap::new();
    for delivery in house.deliveries().await {
        let payload = delivery.new.payload;
        let own = payload["identifier"][0]["value"].as_str().unwrap().to_string();
        held.insert((payload["resourceType"].as_str().unwrap().to_string(), own), payload);
    }
    let mut theirs = BTreeSet::new();
    for ((kind, own), payload) in held {
        let retracted = payload["status"] == "entered-in-error";
        if !WORK.contains(&kind.as_str()) && !retracted {
            ending.insert(format!("{when}: partner's {kind}/{own}"), without_version(payload));
        } else if WORK.contains(&kind.as_str()) && is_open(&payload) {
            theirs.insert(own);
        }
    }
    assert_eq!(&theirs, open, "{when}: the partner's open work is not the record's");
}

fn identifier_text(identifier: &Identifier) -> String {
    format!("{}|{}", identifier.system, identifier.value)
}

fn is_open(work: &Value) -> bool {
    let status = work["status"].as_str().unwrap_or_default();
    matches!(status, "requested" | "accepted" | "in-progress" | "active")
}

fn work_key(work: &Value) -> String {
    let code = &work["code"]["text"];
    format!("{} {code} {}", work["resourceType"].as_str().unwrap(), work["focus"]["reference"])
}

fn without_version(mut resource: Value) -> Value {
    let map = resource.as_object_mut().unwrap();
    map.shift_remove("lastModified");
    if let Some(Value::Object(meta)) = map.get_mut("meta") {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        if meta.is_empty() {
            map.shift_remove("meta");
        }
    }
    sorted(resource)
}

/// Work's own id says under which record it was first made, which is no promise.
fn without_ids(mut work: Value) -> Value {
    let map = work.as_object_mut().unwrap();
    map.shift_remove("id");
    map.shift_remove("identifier");
    for activity in map.get_mut("activity").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(Value::Object(reference)) = activity.get_mut("reference") {
            reference.shift_remove("reference");
        }
    }
    work
}

/// Keys in the order of the alphabet: the order of keys means nothing.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let all: BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(all.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn differences(expected: &Ending, found: &Ending) -> String {
    let mut text = String::new();
    let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    for key in keys {
        match (expected.get(key), found.get(key)) {
            (Some(one), Some(other)) if one == other => {}
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                let elements: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                for element in elements.into_iter().filter(|element| one.get(*element) != other.get(*element)) {
                    let show = |value: Option<&Value>| value.map_or("nothing".to_string(), Value::to_string);
                    let (one, other) = (show(one.get(element)), show(other.get(element)));
                    let _ = writeln!(text, "{key}.{element}:\n  expected {one}\n  found    {other}");
                }
            }
            (one, other) => {
                let _ = writeln!(text, "{key}:\n  expected {one:?}\n  found    {other:?}");
            }
        }
    }
    text
}
