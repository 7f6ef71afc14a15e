//! Several gateways on one database: they share the work, wake each other, and one may vanish.

use std::collections::BTreeSet;
use std::time::Duration;

use handover::store::{DeliveryState, EngineChoice, Outcome, Store, StoreError, StoreSettings, WriteUnit, open};

use crate::given::{at, attempt, claim, commit_deliveries, delivery, head, minutes, person};
use crate::place::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_start_together_share_one_database() {
    let Some(place) = Place::postgres() else { return };
    let settings = place.settings.clone();
    let starts: Vec<_> = (0..3)
        .map(|_| {
            let settings = settings.clone();
            tokio::task::spawn_blocking(move || open(&settings).unwrap())
        })
        .collect();
    let mut gateways = Vec::new();
    for start in starts {
        gateways.push(start.await.unwrap());
    }
    let deliveries = (0..9).map(|number| delivery(&format!("d{number}"), "lakeside", person(number), 1, at(0)));
    commit_deliveries(&*gateways[0], deliveries.collect()).await;
    let mut claimed = BTreeSet::new();
    for gateway in &gateways {
        for delivery in claim(&**gateway, 0, 3, minutes(1)).await {
            assert!(claimed.insert(delivery.new.id), "given out twice");
        }
    }
    assert_eq!(claimed.len(), 9);
    // One gateway vanishes with its leases; another takes over when they have run out.
    drop(gateways.remove(0));
    assert!(claim(&*gateways[0], 30, 9, minutes(1)).await.is_empty());
    assert_eq!(claim(&*gateways[0], 61, 9, minutes(1)).await.len(), 9);
    gateways[1].finish_attempt("d1", attempt(62), Outcome::Delivered).await.unwrap();
    assert_eq!(gateways[0].health().await.deliveries_waiting, 8);
}

#[tokio::test]
async fn of_one_whose_lease_ran_out_only_a_success_counts_while_another_works_on_it() {
    let Some(place) = Place::postgres() else { return };
    let (slow, other) = (place.open(), place.open());
    let one = |number| delivery(&format!("d{number}"), "lakeside", person(number), 1, at(0));
    commit_deliveries(&*slow, vec![one(1), one(2)]).await;
    assert_eq!(claim(&*slow, 0, 9, minutes(1)).await.len(), 2);
    assert_eq!(claim(&*other, 61, 9, minutes(1)).await.len(), 2);
    slow.renew_deliveries(&["d1".into(), "d2".into()], at(62), minutes(60)).await.unwrap();
    slow.release_delivery("d2", at(63)).await.unwrap();
    slow.finish_attempt("d1", attempt(63), Outcome::RetryAt(at(63))).await.unwrap();
    assert!(claim(&*slow, 64, 9, minutes(1)).await.is_empty(), "they are the other's");
    let tried = slow.delivery("d1").await.unwrap().unwrap();
    assert_eq!((tried.next, tried.tries, tried.attempts.len()), (Some(at(0)), 0, 1));
    slow.finish_attempt("d1", attempt(65), Outcome::Delivered).await.unwrap();
    other.finish_attempt("d1", attempt(66), Outcome::Dead).await.unwrap();
    let done = other.delivery("d1").await.unwrap().unwrap();
    assert_eq!((done.state, done.attempts.len()), (DeliveryState::Delivered, 3));
    assert_eq!(claim(&*slow, 122, 9, minutes(1)).await.len(), 1, "the other's leases end in their own time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_is_to_deliver_wakes_the_others_and_nothing_else_does() {
    let Some(place) = Place::postgres() else { return };
    let (one, other) = (place.open(), place.open());
    // Their listening connections come up on their own; the first wake-ups may be for that.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (mut own, mut others) = (one.others().unwrap(), other.others().unwrap());
    own.mark_unchanged();
    others.mark_unchanged();
    one.commit(WriteUnit { heads: vec![head(person(1), 0)], ..WriteUnit::default() }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!others.has_changed().unwrap(), "there is nothing to deliver");
    commit_deliveries(&*one, vec![delivery("d1", "lakeside", person(1), 1, at(0))]).await;
    tokio::time::timeout(Duration::from_secs(5), others.changed()).await.unwrap().unwrap();
    assert_eq!(claim(&*other, 0, 1, minutes(1)).await.len(), 1);
    assert!(!own.has_changed().unwrap(), "it rings a bell of its own for itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gateways_on_one_revision_one_wins() {
    let Some(place) = Place::postgres() else { return };
    let (one, other) = (place.open(), place.open());
    let unit = || WriteUnit { heads: vec![head(person(1), 0)], ..WriteUnit::default() };
    let results = tokio::join!(one.commit(unit()), other.commit(unit()));
    assert!(matches!(results, (Ok(_), Err(StoreError::Conflict)) | (Err(StoreError::Conflict), Ok(_))), "{results:?}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_without_the_password() {
    let url = "postgresql://user:s3cret@127.0.0.1:1/handover".to_string();
    let settings = StoreSettings { engine: EngineChoice::Postgres { url }, path: "unused".into() };
    assert!(!format!("{settings:?}").contains("s3cret"));
    let error = tokio::task::spawn_blocking(move || open(&settings).err().unwrap()).await.unwrap();
    assert!(matches!(&error, StoreError::Unavailable(text) if !text.contains("s3cret")), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_with_nul_in_them_are_kept() {
    let Some(place) = Place::postgres() else { return };
    let store: std::sync::Arc<dyn Store> = place.open();
    let entry = crate::given::message("C\0", "MSH|\0");
    let unit = WriteUnit { message: Some(entry.clone()), ..WriteUnit::default() };
    let sequence = store.commit(unit).await.unwrap().sequence;
    assert_eq!(store.message(sequence).await.unwrap().unwrap().raw, entry.raw);
}
