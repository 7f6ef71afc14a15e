//! Closing and opening again: what stays, and what is refused.

use handover::store::{EngineChoice, Outcome, StoreError, StoreSettings, WriteUnit};
use serde_json::json;

use crate::given::{at, attempt, change, commit_deliveries, delivery, head, message, minutes, person};
use crate::place::Place;

fn lasting() -> Vec<Place> {
    vec![Place::new(EngineChoice::Fjall), Place::new(EngineChoice::Sled)]
}

#[tokio::test]
async fn everything_is_there_again() {
    for place in lasting() {
        let store = place.open();
        let unit = |control: &str| WriteUnit {
            message: Some(message(control, control)),
            heads: vec![head(person(1), 0)],
            changes: vec![change(person(1), "Task", "t", 0, json!({ "status": "requested" }))],
            ..WriteUnit::default()
        };
        let first = store.commit(unit("C1")).await.unwrap().sequence;
        commit_deliveries(&*store, vec![delivery("d", "lakeside", person(1), 1, at(0))]).await;
        crate::given::claim(&*store, 0, 1, minutes(60)).await;
        store.finish_attempt("d", attempt(0), Outcome::RetryAt(at(1))).await.unwrap();
        crate::given::claim(&*store, 2, 1, minutes(60)).await;
        let before = store.health().await;
        store.close().await;
        assert!(matches!(store.commit(unit("C2")).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.head(person(1)).await, Err(StoreError::Unavailable(_))));
        drop(store);

        let store = place.open();
        let after = store.health().await;
        assert_eq!((after.messages, after.records, after.deliveries_waiting), (before.messages, 1, 1));
        let record = store.record(person(1), &[], 10).await.unwrap();
        assert_eq!((record.head.revision, record.resources.len()), (1, 1));
        let claimed = crate::given::claim(&*store, 2, 1, minutes(60)).await;
        assert_eq!(claimed[0].tries, 1, "after a restart nobody works on it any more");
        let next = WriteUnit { message: Some(message("C3", "C3")), ..WriteUnit::default() };
        assert!(store.commit(next).await.unwrap().sequence > first, "sequence numbers go on");
    }
}

#[tokio::test]
async fn a_second_opener_is_refused_in_words() {
    for place in lasting() {
        let _store = place.open();
        let error = place.try_open().err().unwrap();
        assert!(error.to_string().contains("in use by another process"), "{error}");
    }
}

#[tokio::test]
async fn a_store_that_opens_empty_is_damaged_not_new() {
    for place in lasting() {
        let store = place.open();
        store.put_state("key", &[1]).await.unwrap();
        store.close().await;
        drop(store);
        let engine = if place.settings.engine == EngineChoice::Sled { "sled" } else { "fjall" };
        std::fs::remove_dir_all(place.path().join(engine)).unwrap();
        assert!(matches!(place.try_open(), Err(StoreError::Damaged(_))));
    }
}

#[tokio::test]
async fn another_engines_directory_is_refused() {
    let place = Place::new(EngineChoice::Fjall);
    place.open().close().await;
    let other = StoreSettings { engine: EngineChoice::Sled, ..place.settings.clone() };
    let error = handover::store::open(&other).err().unwrap();
    assert!(matches!(error, StoreError::Refused(_)) && error.to_string().contains("fjall"), "{error}");
}
