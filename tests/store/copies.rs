//! What partners hold: nothing older is laid over what is newer, whatever comes late, is brought back, or was never told of.

use handover::store::{Attempt, Delivery, DeliveryState, NewDelivery, Outcome, Store};
use jiff::SignedDuration;

use crate::given::{at, attempt, commit_deliveries, delivery, person};

/// A version of one thing.
fn version(number: u64) -> NewDelivery {
    let subject = format!("Task/one/_history/{number}");
    NewDelivery { subject, ..delivery(&format!("v{number}"), "lakeside", person(1), number, at(0)) }
}

async fn claim(store: &dyn Store, seconds: i64) -> Vec<Delivery> {
    crate::given::claim(store, seconds, 9, SignedDuration::from_secs(9)).await
}

async fn ids(store: &dyn Store, seconds: i64) -> Vec<String> {
    claim(store, seconds).await.into_iter().map(|one| one.new.id).collect()
}

async fn state(store: &dyn Store, id: &str) -> (DeliveryState, Option<jiff::Timestamp>) {
    let one = store.delivery(id).await.unwrap().unwrap();
    (one.state, one.next)
}

/// An attempt that got no answer, and may take effect until then.
fn unanswered(seconds: i64, until: i64) -> Attempt {
    Attempt { may_arrive_until: Some(at(until)), status: None, ..attempt(seconds) }
}

fn named(seconds: i64, etag: &str) -> Attempt {
    Attempt { etag: Some(etag.to_string()), ..attempt(seconds) }
}

async fn finish(store: &dyn Store, id: &str, attempt: Attempt, outcome: Outcome) {
    store.finish_attempt(id, attempt, outcome).await.unwrap();
}

#[tokio::test]
async fn a_database_of_before_is_told_what_partners_hold() {
    let Some(place) = crate::place::Place::postgres() else { return };
    let store = place.open();
    commit_deliveries(&*store, vec![version(1), version(2), version(3), version(4)]).await;
    for (id, outcome) in [("v1", Outcome::Dead), ("v2", Outcome::Delivered), ("v3", Outcome::Delivered)] {
        finish(&*store, id, attempt(1), outcome).await;
    }
    store.close().await;
    drop(store);
    let handover::store::EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    let undo = format!("UPDATE delivery SET state = 3 WHERE id = 'v1'; {}", crate::postgres::undone(10));
    crate::postgres::run_in(url, &undo);
    let store = place.open();
    assert!(!store.resend_delivery("v2", at(2)).await.unwrap());
    assert!(store.resend_delivery("v3", at(2)).await.unwrap());
    assert_eq!(ids(&*store, 2).await, ["v3"]);
    finish(&*store, "v3", attempt(3), Outcome::Delivered).await;
    assert_eq!(state(&*store, "v1").await, (DeliveryState::Superseded, None));
    assert_eq!(ids(&*store, 4).await, ["v4"]);
}

on_every_store! {
    async fn what_is_newer_supersedes_what_was_given_up_and_what_was_brought_back(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2)]).await;
        commit_deliveries(&*store, vec![version(3), delivery("other", "lakeside", person(1), 4, at(0))]).await;
        finish(&*store, "v1", attempt(1), Outcome::Dead).await;
        assert_eq!(ids(&*store, 1).await, ["v2"]);
        finish(&*store, "v2", attempt(2), Outcome::Dead).await;
        assert_eq!(ids(&*store, 2).await, ["v3"]);
        assert!(store.retry_delivery("v2", at(3)).await.unwrap());
        assert!(ids(&*store, 3).await.is_empty(), "nothing of a line overtakes what is under way");
        finish(&*store, "v3", attempt(4), Outcome::Delivered).await;
        for id in ["v1", "v2"] {
            assert_eq!(state(&*store, id).await, (DeliveryState::Superseded, None));
            assert!(!store.retry_delivery(id, at(5)).await.unwrap());
        }
        assert_eq!(ids(&*store, 5).await, ["other"], "what tells of something else goes on");
        let health = store.health().await;
        assert_eq!((health.deliveries_waiting, health.deliveries_dead), (1, 0));
    }

    async fn what_may_arrive_late_has_the_newest_sent_once_more(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2)]).await;
        assert_eq!(ids(&*store, 0).await, ["v1"]);
        finish(&*store, "v1", unanswered(1, 300), Outcome::RetryAt(at(2))).await;
        assert_eq!(ids(&*store, 2).await, ["v1"]);
        finish(&*store, "v1", attempt(3), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v1").await, (DeliveryState::Delivered, None));
        assert_eq!(ids(&*store, 4).await, ["v2"]);
        finish(&*store, "v2", attempt(5), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, Some(at(300))));
        assert!(ids(&*store, 299).await.is_empty());
        commit_deliveries(&*store, vec![delivery("other", "lakeside", person(1), 3, at(299))]).await;
        assert_eq!(ids(&*store, 299).await, ["other"]);
        assert!(ids(&*store, 300).await.is_empty(), "its line is busy");
        finish(&*store, "other", attempt(300), Outcome::Delivered).await;
        assert_eq!(ids(&*store, 300).await, ["v2"]);
        finish(&*store, "v2", attempt(301), Outcome::RetryAt(at(310))).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, Some(at(310))), "tried again like any other");
        assert_eq!(store.health().await.oldest_delivery, None, "nobody waits for it");
        assert_eq!(ids(&*store, 310).await, ["v2"]);
        finish(&*store, "v2", attempt(311), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, None));
        assert!(ids(&*store, 400).await.is_empty());
    }

    async fn what_is_newer_takes_over_what_was_to_be_sent_once_more(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2)]).await;
        finish(&*store, "v1", unanswered(1, 300), Outcome::Dead).await;
        finish(&*store, "v2", attempt(5), Outcome::Delivered).await;
        commit_deliveries(&*store, vec![version(3)]).await;
        finish(&*store, "v3", attempt(6), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, None));
        assert_eq!(state(&*store, "v3").await, (DeliveryState::Delivered, Some(at(300))));
        assert_eq!(ids(&*store, 300).await, ["v3"]);
        finish(&*store, "v3", attempt(301), Outcome::Dead).await;
        assert_eq!(state(&*store, "v3").await, (DeliveryState::Dead, None), "a person has to look");
        assert!(store.retry_delivery("v3", at(302)).await.unwrap());
        assert_eq!(ids(&*store, 302).await, ["v3"]);
    }

    async fn one_that_stood_still_and_laid_something_older_over_it_has_the_newest_sent_at_once(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2)]).await;
        assert_eq!(ids(&*store, 0).await, ["v1"]);
        finish(&*store, "v1", attempt(1), Outcome::Dead).await;
        finish(&*store, "v2", attempt(2), Outcome::Delivered).await;
        finish(&*store, "v1", attempt(20), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v1").await.0, DeliveryState::Superseded);
        assert_eq!(ids(&*store, 21).await, ["v2"]);
        finish(&*store, "v2", attempt(22), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, None));
    }

    async fn a_claim_says_what_the_partner_holds_and_what_was_never_told_of(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2), version(3)]).await;
        let one = claim(&*store, 0).await.remove(0);
        assert!(!one.claimed.is_inherited && !one.claimed.is_overtaken && one.claimed.etag.is_none());
        let one = claim(&*store, 10).await.remove(0);
        assert!(one.new.id == "v1" && one.claimed.is_inherited, "its lease ran out");
        store.release_delivery("v1", at(10)).await.unwrap();
        assert!(claim(&*store, 10).await.remove(0).claimed.is_inherited, "given back untried it is as before");
        finish(&*store, "v1", named(11, "W/\"4\""), Outcome::Delivered).await;
        let two = claim(&*store, 12).await.remove(0);
        assert_eq!((two.claimed.is_inherited, two.claimed.etag.as_deref()), (false, Some("W/\"4\"")));
        finish(&*store, "v2", named(13, ""), Outcome::RetryAt(at(13))).await;
        assert_eq!(claim(&*store, 13).await.remove(0).claimed.etag, None, "it holds nothing any more");
        finish(&*store, "v2", attempt(14), Outcome::Withdrawn).await;
        finish(&*store, "v3", attempt(15), Outcome::Delivered).await;
        assert!(store.retry_delivery("v2", at(16)).await.unwrap());
        assert!(claim(&*store, 16).await.remove(0).claimed.is_overtaken);
        finish(&*store, "v2", Attempt::unsent(at(17), "superseded".into()), Outcome::Superseded).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Superseded, None));
    }

    async fn what_a_partner_lost_is_sent_once_more_and_nothing_older(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2)]).await;
        commit_deliveries(&*store, vec![delivery("other", "lakeside", person(2), 1, at(0))]).await;
        finish(&*store, "v1", attempt(1), Outcome::Delivered).await;
        finish(&*store, "v2", attempt(2), Outcome::Delivered).await;
        assert!(!store.resend_delivery("v1", at(9)).await.unwrap());
        assert!(!store.resend_delivery("other", at(9)).await.unwrap(), "it was not delivered");
        assert!(!store.resend_delivery("none", at(9)).await.unwrap());
        assert!(store.resend_delivery("v2", at(9)).await.unwrap());
        let mut due = ids(&*store, 9).await;
        due.sort();
        assert_eq!(due, ["other", "v2"]);
        finish(&*store, "v2", attempt(10), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, None));
    }

    async fn what_was_taken_before_a_loss_and_recorded_after_it_is_due_once_more(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2)]).await;
        let elsewhere = delivery("elsewhere", "hillside", person(1), 1, at(0));
        commit_deliveries(&*store, vec![NewDelivery { subject: "Task/one/_history/1".into(), ..elsewhere }]).await;
        finish(&*store, "v1", attempt(1), Outcome::Delivered).await;
        store.note_loss("lakeside", at(9)).await.unwrap();
        assert!(store.resend_delivery("v1", at(9)).await.unwrap());
        finish(&*store, "v2", attempt(8), Outcome::Delivered).await;
        finish(&*store, "elsewhere", attempt(8), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v1").await.1, None, "there is something newer");
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, Some(at(9))));
        assert_eq!(state(&*store, "elsewhere").await, (DeliveryState::Delivered, None), "it lost nothing");
        assert_eq!(ids(&*store, 10).await, ["v2"]);
        finish(&*store, "v2", attempt(10), Outcome::Delivered).await;
        assert_eq!(state(&*store, "v2").await, (DeliveryState::Delivered, None));
    }

    async fn a_store_that_is_opened_again_knows_what_partners_hold(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![version(1), version(2), version(3)]).await;
        finish(&*store, "v1", unanswered(1, 300), Outcome::Dead).await;
        finish(&*store, "v2", named(2, "W/\"7\""), Outcome::Delivered).await;
        assert_eq!(ids(&*store, 3).await, ["v3"]);
        let keeps = place.settings.engine != handover::store::EngineChoice::Memory;
        store.close().await;
        drop(store);
        if !keeps { return; }
        let store = place.open();
        assert_eq!(state(&*store, "v1").await.0, DeliveryState::Superseded);
        let three = claim(&*store, 20).await.remove(0);
        assert!(three.new.id == "v3" && three.claimed.is_inherited, "nobody knows what came of it");
        assert_eq!(three.claimed.etag.as_deref(), Some("W/\"7\""));
        finish(&*store, "v3", Attempt { may_arrive_until: Some(at(320)), ..attempt(21) }, Outcome::Delivered).await;
        assert_eq!(ids(&*store, 300).await, ["v3"]);
        assert_eq!(store.delivery("v2").await.unwrap().unwrap().next, None);
    }
}
