//! Pruning by age: what is older goes, what is younger or unfinished stays, in bounded steps.

use handover::store::{
    DeliveryFilter, DeliveryState, MessageFilter, Outcome, PruneBefore, Pruned, Seen, Store, WriteUnit,
};
use jiff::Timestamp;
use serde_json::json;

use crate::given::{at, attempt, change, commit_deliveries, delivery, message, minutes, person};

/// Everything before this many seconds.
fn before(seconds: i64) -> PruneBefore {
    PruneBefore { messages: at(seconds), deliveries: at(seconds), audit: at(seconds), once: at(seconds) }
}

fn nothing() -> PruneBefore {
    let never = Timestamp::MIN;
    PruneBefore { messages: never, deliveries: never, audit: never, once: never }
}

async fn take_in(store: &dyn Store, control: &str, seconds: i64, replays: Option<u64>) -> u64 {
    let mut entry = message(control, control);
    (entry.summary.received, entry.summary.replays) = (at(seconds), replays);
    store.commit(WriteUnit { message: Some(entry), ..WriteUnit::default() }).await.unwrap().sequence
}

async fn prune(store: &dyn Store, before: PruneBefore) -> Pruned {
    let mut all = Pruned::default();
    for _ in 0..100 {
        let pruned = store.prune(&before, 3).await.unwrap();
        assert!(pruned.messages.max(pruned.deliveries).max(pruned.once) <= 3, "{pruned:?}");
        all.messages += pruned.messages;
        all.deliveries += pruned.deliveries;
        all.audit += pruned.audit;
        all.once += pruned.once;
        if !pruned.more {
            return all;
        }
    }
    panic!("pruning never ends");
}

fn counts(pruned: Pruned) -> (u64, u64, u64, u64) {
    (pruned.messages, pruned.deliveries, pruned.audit, pruned.once)
}

async fn controls(store: &dyn Store, filter: MessageFilter) -> String {
    let page = store.messages(&filter, None, 100).await.unwrap();
    page.items.into_iter().map(|summary| summary.control).collect::<Vec<_>>().join(" ")
}

async fn ids(store: &dyn Store, filter: DeliveryFilter) -> String {
    let page = store.deliveries(&filter, None, 100).await.unwrap();
    page.items.into_iter().map(|delivery| delivery.new.id).collect::<Vec<_>>().join(" ")
}

on_every_store! {
    async fn old_messages_go_and_are_new_when_they_come_again(place) {
        let store = place.open();
        for number in 0..10 {
            take_in(&*store, &format!("C{number}"), number, None).await;
        }
        assert_eq!(counts(prune(&*store, nothing()).await), (0, 0, 0, 0));
        assert_eq!(counts(prune(&*store, before(8)).await), (8, 0, 0, 0));
        assert_eq!(controls(&*store, MessageFilter::default()).await, "C9 C8");
        let of_input = MessageFilter { feed: Some("riverside".into()), control: Some("C3".into()), ..MessageFilter::default() };
        assert_eq!(controls(&*store, of_input).await, "");
        assert_eq!(store.health().await.messages, 2);
        let seen = async |control: &str| store.seen("riverside", control, &message(control, control).content).await.unwrap();
        assert_eq!(seen("C3").await, Seen::New);
        assert!(matches!(seen("C8").await, Seen::Same(_)));
        let again = take_in(&*store, "C3", 20, None).await;
        assert!(store.message(again).await.unwrap().is_some());
        assert_eq!(counts(prune(&*store, before(8)).await), (0, 0, 0, 0));
    }

    async fn a_replay_still_answers_when_what_it_replayed_is_gone(place) {
        let store = place.open();
        let first = take_in(&*store, "C1", 0, None).await;
        let replay = take_in(&*store, "C1", 10, Some(first)).await;
        assert_eq!(prune(&*store, before(5)).await.messages, 1);
        let Seen::Same(same) = store.seen("riverside", "C1", &message("C1", "C1").content).await.unwrap() else { panic!("not known") };
        assert_eq!(same.summary.sequence, replay);
        assert_eq!(store.message(first).await.unwrap(), None);
    }

    async fn a_listing_goes_on_over_what_was_pruned_meanwhile(place) {
        let store = place.open();
        for number in 0..6 {
            take_in(&*store, &format!("C{number}"), number, None).await;
        }
        let first = store.messages(&MessageFilter::default(), None, 3).await.unwrap();
        prune(&*store, before(2)).await;
        let rest = store.messages(&MessageFilter::default(), first.next.as_ref(), 10).await.unwrap();
        assert_eq!(rest.items.iter().map(|summary| summary.control.as_str()).collect::<Vec<_>>(), ["C2"]);
        prune(&*store, before(9)).await;
        let none = store.messages(&MessageFilter::default(), first.next.as_ref(), 10).await.unwrap();
        assert!(none.items.is_empty() && none.next.is_none());
    }

    async fn finished_deliveries_go_and_unfinished_ones_stay_however_old(place) {
        let store = place.open();
        let names = ["delivered", "dead", "revived", "waiting", "held", "late"];
        for (number, id) in names.iter().enumerate() {
            commit_deliveries(&*store, vec![delivery(id, "lakeside", person(number), 1, at(0))]).await;
        }
        for (id, seconds, outcome) in [
            ("delivered", 1, Outcome::Delivered),
            ("dead", 2, Outcome::Dead),
            ("revived", 3, Outcome::Dead),
            ("held", 4, Outcome::Held(at(50))),
            ("late", 90, Outcome::Delivered),
        ] {
            store.finish_attempt(id, attempt(seconds), outcome).await.unwrap();
        }
        assert!(store.retry_delivery("revived", at(5)).await.unwrap());
        assert_eq!(counts(prune(&*store, before(60)).await), (0, 2, 0, 0));
        assert_eq!(ids(&*store, DeliveryFilter::default()).await, "late held waiting revived");
        assert_eq!(ids(&*store, DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() }).await, "");
        let health = store.health().await;
        assert_eq!((health.deliveries_waiting, health.deliveries_held, health.deliveries_dead), (2, 1, 0));
        assert_eq!(crate::given::claim(&*store, 100, 10, minutes(1)).await.len(), 3);
        store.finish_attempt("revived", attempt(101), Outcome::Delivered).await.unwrap();
        assert_eq!(prune(&*store, before(200)).await.deliveries, 2);
        assert!(store.delivery("revived").await.unwrap().is_none());
    }

    async fn old_audit_entries_and_expired_values_go(place) {
        let store = place.open();
        let entry = |seconds: i64| handover::store::AuditEntry {
            at: at(seconds),
            agent: "lakeside".to_string(),
            action: "read".to_string(),
            person: (seconds % 2 == 0).then(|| person(1)),
            subject: seconds.to_string(),
            allowed: true,
            because: "agreements/lakeside-practice.yaml:7".to_string(),
        };
        for seconds in [0, 2, 4, 6] {
            store.commit(WriteUnit { audit: vec![entry(seconds), entry(seconds + 1)], ..WriteUnit::default() }).await.unwrap();
        }
        for number in 0..5 {
            store.remember_once("jti", &number.to_string(), at(10 + number), at(0)).await.unwrap();
        }
        let first = store.audit(None, None, 5).await.unwrap();
        assert_eq!(counts(prune(&*store, PruneBefore { audit: at(4), once: at(13), ..nothing() }).await), (0, 0, 4, 3));
        let subjects = async |person, cursor| {
            let page = store.audit(person, cursor, 100).await.unwrap();
            page.items.into_iter().map(|entry| entry.subject).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(subjects(None, None).await, "7 6 5 4");
        assert_eq!(subjects(Some(person(1)), None).await, "6 4");
        assert_eq!(subjects(None, first.next.as_ref()).await, "", "the page goes on where nothing is left");
        assert!(store.remember_once("jti", "1", at(99), at(0)).await.unwrap());
        assert!(!store.remember_once("jti", "4", at(99), at(0)).await.unwrap());
    }

    async fn records_and_their_history_are_never_pruned(place) {
        let store = place.open();
        for version in 0..2 {
            let changes = vec![change(person(1), "Task", "1", version, json!({ "status": "ready" }))];
            store.commit(WriteUnit { changes, ..WriteUnit::default() }).await.unwrap();
        }
        let id = change(person(1), "Task", "1", 0, json!({})).stored.id;
        assert_eq!(counts(prune(&*store, before(1_000_000_000)).await), (0, 0, 0, 0));
        assert!(store.version("Task", id, 1).await.unwrap().is_some());
        assert!(store.resource("Task", id).await.unwrap().is_some());
    }
}
