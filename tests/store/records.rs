//! Reading a patient's record: merged ones included, old observations left out.

use handover::identity::ResourceId;
use handover::store::{HeadWrite, WriteUnit};
use serde_json::json;

use crate::given::{change, commit_changes, head, identifier, person};

/// Person 2 was merged into person 1, and 3 into 2 before.
fn merged_heads() -> Vec<HeadWrite> {
    let mut heads: Vec<_> = (1..=3).map(|number| head(person(number), 0)).collect();
    heads[0].head.absorbed = vec![person(2), person(3)];
    heads[1].head.merged_into = Some(person(1));
    heads[2].head.merged_into = Some(person(2));
    heads
}

on_every_store! {
    async fn a_record_nobody_has_seen_is_empty(place) {
        let record = place.open().record(person(1), &[], 10).await.unwrap();
        assert!(record.head.revision == 0 && record.resources.is_empty() && !record.truncated);
    }

    async fn a_record_holds_what_it_absorbed_and_the_shared_resources_asked_for(place) {
        let store = place.open();
        let shared = handover::identity::PersonId::SHARED;
        let mut changes: Vec<_> = (1..=4).map(|n| change(person(n), "Condition", "c", 0, json!({ "n": n }))).collect();
        changes.push(change(shared, "Organization", "o", 0, json!({})));
        changes.push(change(shared, "Organization", "p", 0, json!({})));
        store.commit(WriteUnit { heads: merged_heads(), changes, ..WriteUnit::default() }).await.unwrap();

        let asked = |key| ("Organization".to_string(), ResourceId::of(shared, "Organization", key));
        let record = store.record(person(1), &[asked("o"), asked("missing")], 10).await.unwrap();
        let found: Vec<_> = record.of_type("Condition").map(|stored| stored.id.person).collect();
        let mut expected = vec![person(1), person(2), person(3)];
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(record.of_type("Organization").count(), 1);
        assert_eq!(record.head, merged_heads()[0].head);
    }

    async fn identifiers_lead_to_the_record_that_merges_ended_in(place) {
        let store = place.open();
        let identifiers = (1..=3).map(|number| (identifier(number), person(number))).collect();
        store.commit(WriteUnit { heads: merged_heads(), identifiers, ..WriteUnit::default() }).await.unwrap();
        let all = store.persons_of(&[identifier(3), identifier(2), identifier(1)]).await.unwrap();
        assert_eq!(all, [Some(person(1)); 3]);
    }

    async fn of_observations_the_newest_are_loaded_whatever_record_they_are_in(place) {
        let store = place.open();
        let observation = |number: usize, hour: usize| {
            let effective = json!({ "effectiveDateTime": format!("2026-03-02T{hour:02}:00:00Z") });
            change(person(number), "Observation", &hour.to_string(), 0, effective)
        };
        let mut changes: Vec<_> = (0..12).map(|hour| observation(1 + hour % 3, hour)).collect();
        changes.push(change(person(1), "Task", "t", 0, json!({})));
        store.commit(WriteUnit { heads: merged_heads(), changes, ..WriteUnit::default() }).await.unwrap();

        let record = store.record(person(1), &[], 5).await.unwrap();
        let mut hours: Vec<_> = record.of_type("Observation").map(|o| o.resource.text("effectiveDateTime").unwrap()[11..13].to_string()).collect();
        hours.sort();
        assert_eq!(hours, ["07", "08", "09", "10", "11"]);
        assert!(record.truncated && record.of_type("Task").count() == 1);
        let all = store.record(person(1), &[], 12).await.unwrap();
        assert!(!all.truncated && all.of_type("Observation").count() == 12);
    }

    async fn an_observation_moves_when_its_time_is_corrected(place) {
        let store = place.open();
        let observation = |key: &str, replaces, time: &str| change(person(1), "Observation", key, replaces, json!({ "effectiveDateTime": time }));
        commit_changes(&*store, vec![observation("a", 0, "2026-03-01"), observation("b", 0, "2026-03-02")]).await;
        commit_changes(&*store, vec![observation("a", 1, "2026-03-03")]).await;
        let newest = store.record(person(1), &[], 1).await.unwrap();
        assert_eq!(newest.of_type("Observation").next().unwrap().version, 2);
        assert_eq!(store.record(person(1), &[], 9).await.unwrap().of_type("Observation").count(), 2);
    }

    async fn every_version_can_be_read(place) {
        let store = place.open();
        for version in 0..3 {
            commit_changes(&*store, vec![change(person(1), "Task", "t", version, json!({ "n": version }))]).await;
        }
        let id = ResourceId::of(person(1), "Task", "t");
        for version in 1..=3 {
            let stored = store.version("Task", id, version).await.unwrap().unwrap();
            assert_eq!((stored.version, stored.resource.get("n")), (version, Some(&json!(version - 1))));
        }
        assert_eq!(store.version("Task", id, 4).await.unwrap(), None);
        assert_eq!(store.resource("Task", id).await.unwrap().unwrap().version, 3);
        assert_eq!(store.resource("Flag", id).await.unwrap(), None);
    }
}
