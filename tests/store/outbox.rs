//! Deliveries: in order per patient and partner, leased, retried, held, given up and brought back.

use std::collections::BTreeSet;

use handover::store::{
    Attempt, Delivery, DeliveryFilter, DeliveryState, EngineChoice, NewDelivery, Outcome, Share, Store, StoreError,
};

use crate::given::{at, attempt, commit_deliveries, delivery, minutes, person};
use crate::place::Place;

pub async fn claim(store: &dyn Store, seconds: i64) -> Vec<String> {
    let claimed = crate::given::claim(store, seconds, 100, minutes(1)).await;
    let mut ids: Vec<_> = claimed.into_iter().map(|delivery| delivery.new.id).collect();
    ids.sort();
    ids
}

pub async fn finish(store: &dyn Store, id: &str, seconds: i64, outcome: Outcome) {
    store.finish_attempt(id, attempt(seconds), outcome).await.unwrap();
}

pub async fn state(store: &dyn Store, id: &str) -> Delivery {
    store.delivery(id).await.unwrap().unwrap()
}

/// Three for one patient and partner, one each for another patient and another partner.
pub async fn lines(store: &dyn Store) {
    let line = |id: &str, number| delivery(id, "lakeside", person(1), number, at(0));
    commit_deliveries(store, vec![line("a1", 1), line("a2", 2)]).await;
    let others = vec![delivery("b1", "lakeside", person(2), 1, at(0)), delivery("c1", "hillside", person(1), 1, at(0))];
    commit_deliveries(store, others).await;
    commit_deliveries(store, vec![line("a3", 3)]).await;
}

#[tokio::test]
async fn a_database_of_before_is_told_when_each_delivery_that_waits_was_made() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    // Neither the first nor the last by its id is the oldest; what is older still is done.
    let made = |number: usize, created: i64| {
        let created = at(created);
        NewDelivery { created, ..delivery(&format!("d{number:04}"), "lakeside", person(number), 1, created) }
    };
    commit_deliveries(&*store, (1..=2_500).map(|number| made(number, 100 + number.abs_diff(1_700) as i64)).collect())
        .await;
    commit_deliveries(&*store, vec![made(2_501, 1)]).await;
    finish(&*store, "d2501", 9_000, Outcome::Delivered).await;
    finish(&*store, "d1701", 9_000, Outcome::Held(at(9_900))).await;
    assert_eq!(store.health().await.oldest_delivery, Some(at(100)));
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(5));
    let store = place.open();
    assert_eq!(store.health().await.oldest_delivery, Some(at(100)));
    finish(&*store, "d1700", 9_001, Outcome::Delivered).await;
    assert_eq!(store.health().await.oldest_delivery, Some(at(101)), "what is held is not done");
}

on_every_store! {
    async fn only_the_first_of_each_line_is_given_out(place) {
        let store = place.open();
        lines(&*store).await;
        assert_eq!(claim(&*store, 1).await, ["a1", "b1", "c1"]);
        assert!(claim(&*store, 2).await.is_empty(), "all are leased");
        finish(&*store, "a1", 3, Outcome::Delivered).await;
        assert_eq!(claim(&*store, 4).await, ["a2"]);
        finish(&*store, "a2", 5, Outcome::Delivered).await;
        assert_eq!(claim(&*store, 6).await, ["a3"]);
    }

    async fn a_lease_runs_out(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        assert!(claim(&*store, 59).await.is_empty());
        assert_eq!(claim(&*store, 61).await, ["a1", "b1", "c1"]);
    }

    async fn of_each_partner_at_most_as_many_as_asked_are_given_out(place) {
        let store = place.open();
        lines(&*store).await;
        let due = store.due_partners(at(0)).await.unwrap();
        assert_eq!(BTreeSet::from_iter(due), BTreeSet::from(["hillside".to_string(), "lakeside".to_string()]));
        let claimed = async |room: &[(&str, usize)]| {
            let room: Vec<_> = room.iter().map(|(partner, places)| Share::of(*partner, *places)).collect();
            let claimed = store.claim_deliveries(at(0), &room, minutes(1)).await.unwrap();
            claimed.into_iter().map(|delivery| delivery.new.id).collect::<Vec<_>>()
        };
        assert_eq!(claimed(&[("hillside", 0), ("nobody", 5), ("lakeside", 1)]).await, ["a1"]);
        assert_eq!(store.due_partners(at(0)).await.unwrap().len(), 2);
        assert_eq!(claimed(&[("lakeside", 5)]).await, ["b1"], "the rest of a line waits for its first");
        assert_eq!(store.due_partners(at(0)).await.unwrap(), ["hillside"]);
        assert_eq!(claimed(&[("hillside", 5)]).await, ["c1"]);
        assert!(store.due_partners(at(59)).await.unwrap().is_empty());
    }

    async fn what_is_urgent_goes_first_and_takes_what_stands_before_it_along(place) {
        let store = place.open();
        let made = |id: &str, who: usize, number: u64, due: i64, urgent: bool| {
            NewDelivery { urgent, ..delivery(id, "lakeside", person(who), number, at(due)) }
        };
        let all = vec![
            made("routine", 1, 1, 0, false),
            made("before", 2, 1, 5, false),
            made("urgent", 3, 1, 7, true),
            made("later", 4, 1, 90, true),
        ];
        commit_deliveries(&*store, all).await;
        commit_deliveries(&*store, vec![made("behind", 2, 2, 9, true), made("last", 2, 3, 9, false)]).await;
        let one = async |seconds: i64| {
            let claimed = store.claim_deliveries(at(seconds), &[Share::of("lakeside", 1)], minutes(1)).await.unwrap();
            claimed.first().map(|delivery| (delivery.new.id.clone(), delivery.new.urgent))
        };
        assert_eq!(one(10).await, Some(("before".to_string(), false)), "behind it stands what is urgent");
        finish(&*store, "before", 11, Outcome::RetryAt(at(12))).await;
        assert_eq!(one(11).await, Some(("urgent".to_string(), true)));
        assert_eq!(one(12).await, Some(("before".to_string(), false)), "before the routine one, however late");
        finish(&*store, "before", 13, Outcome::Delivered).await;
        assert_eq!(one(14).await, Some(("behind".to_string(), true)));
        finish(&*store, "behind", 15, Outcome::Delivered).await;
        assert_eq!(one(16).await.unwrap().0, "routine");
        assert_eq!(one(17).await.unwrap().0, "last", "nothing urgent is left in its line");
        assert_eq!(one(18).await, None);
        finish(&*store, "urgent", 19, Outcome::Delivered).await;
        assert_eq!(one(91).await.unwrap().0, "later");
    }

    async fn what_is_brought_back_is_urgent_only_while_something_urgent_is_left_in_its_line(place) {
        let store = place.open();
        let made = |id: &str, who: usize, number: u64, due: i64, urgent: bool| {
            NewDelivery { urgent, ..delivery(id, "lakeside", person(who), number, at(due)) }
        };
        let line = [made("first", 1, 1, 0, false), made("urgent", 1, 2, 0, true), made("last", 1, 3, 0, false)];
        commit_deliveries(&*store, line.to_vec()).await;
        commit_deliveries(&*store, vec![made("other", 2, 1, 4, false)]).await;
        finish(&*store, "first", 1, Outcome::Dead).await;
        let one = async |seconds: i64| {
            let claimed = store.claim_deliveries(at(seconds), &[Share::of("lakeside", 1)], minutes(1)).await.unwrap();
            claimed.first().map(|delivery| delivery.new.id.clone())
        };
        assert!(store.retry_delivery("first", at(9)).await.unwrap());
        assert_eq!(one(9).await.as_deref(), Some("first"), "the urgent one stands behind it");
        finish(&*store, "first", 10, Outcome::Dead).await;
        finish(&*store, "urgent", 11, Outcome::Delivered).await;
        assert!(store.retry_delivery("first", at(12)).await.unwrap());
        assert_eq!(one(12).await.as_deref(), Some("other"), "nothing in that line is urgent any more");
        assert_eq!(one(12).await.as_deref(), Some("first"));
    }

    async fn a_lease_that_is_renewed_goes_on_and_others_do_not_begin_anew(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        store.renew_deliveries(&["a1".into(), "a2".into(), "none".into()], at(50), minutes(1)).await.unwrap();
        assert_eq!(claim(&*store, 61).await, ["b1", "c1"]);
        assert_eq!(claim(&*store, 111).await, ["a1"]);
        finish(&*store, "a1", 112, Outcome::Delivered).await;
        store.renew_deliveries(&["a1".into(), "a2".into()], at(112), minutes(9)).await.unwrap();
        assert_eq!(claim(&*store, 113).await, ["a2"], "nobody had it");
    }

    async fn one_that_is_brought_back_while_it_is_sent_is_not_sent_twice_at_a_time(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        assert!(store.retry_delivery("a1", at(1)).await.unwrap());
        assert!(claim(&*store, 2).await.is_empty());
        finish(&*store, "a1", 3, Outcome::RetryAt(at(4))).await;
        assert_eq!(claim(&*store, 4).await, ["a1"]);
    }

    async fn a_line_waits_for_its_first(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        finish(&*store, "a1", 1, Outcome::RetryAt(at(30))).await;
        assert!(claim(&*store, 29).await.is_empty());
        assert_eq!(claim(&*store, 30).await, ["a1"]);
        finish(&*store, "a1", 31, Outcome::Held(at(40))).await;
        assert!(claim(&*store, 39).await.is_empty());
        let held = state(&*store, "a1").await;
        assert_eq!((held.state, held.tries, held.attempts.len()), (DeliveryState::Held, 1, 2));
        assert_eq!(claim(&*store, 40).await, ["a1"]);
    }

    async fn one_given_up_lets_the_next_pass_and_can_be_brought_back(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        finish(&*store, "a1", 1, Outcome::Dead).await;
        assert_eq!(store.health().await.deliveries_dead, 1);
        assert_eq!(claim(&*store, 2).await, ["a2"]);
        finish(&*store, "a2", 3, Outcome::RetryAt(at(4))).await;
        assert!(store.retry_delivery("a1", at(4)).await.unwrap());
        assert_eq!(claim(&*store, 5).await, ["a1"], "it is first in its line again");
        let again = state(&*store, "a1").await;
        assert_eq!((again.state, again.tries, again.attempts.len()), (DeliveryState::Waiting, 0, 1));
        finish(&*store, "a1", 6, Outcome::Delivered).await;
        assert_eq!(claim(&*store, 7).await, ["a2"]);
        let health = store.health().await;
        assert_eq!((health.deliveries_waiting, health.deliveries_dead), (4, 0));
    }

    async fn health_tells_the_oldest_that_is_not_done_however_late_it_will_be_tried(place) {
        let store = place.open();
        assert_eq!(store.health().await.oldest_delivery, None);
        let made = |id: &str, who: usize, created: i64| {
            let created = at(created);
            NewDelivery { created, ..delivery(id, "lakeside", person(who), 1, created) }
        };
        commit_deliveries(&*store, vec![made("new", 1, 50), made("old", 2, 7), made("oldest", 3, 3)]).await;
        assert_eq!(store.health().await.oldest_delivery, Some(at(3)));
        finish(&*store, "oldest", 60, Outcome::Delivered).await;
        finish(&*store, "old", 60, Outcome::RetryAt(at(900))).await;
        assert_eq!(store.health().await.oldest_delivery, Some(at(7)), "its next attempt is the last of all");
        finish(&*store, "old", 61, Outcome::Held(at(900))).await;
        finish(&*store, "new", 61, Outcome::Dead).await;
        assert_eq!(store.health().await.oldest_delivery, Some(at(7)), "what is held is not done");
        finish(&*store, "old", 62, Outcome::Delivered).await;
        assert_eq!(store.health().await.oldest_delivery, None);
    }

    async fn health_tells_the_oldest_of_those_given_up_when_one_is_brought_back(place) {
        let store = place.open();
        commit_deliveries(&*store, vec![NewDelivery { created: at(3), ..delivery("a1", "lakeside", person(1), 1, at(9)) }]).await;
        finish(&*store, "a1", 60, Outcome::Dead).await;
        assert_eq!(store.health().await.oldest_delivery, None);
        assert!(store.retry_delivery("a1", at(70)).await.unwrap());
        assert_eq!(store.health().await.oldest_delivery, Some(at(3)), "when it was made, and not when it was brought back");
    }

    async fn one_withdrawn_lets_the_next_pass_and_one_shortened_keeps_its_place(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        let less = serde_json::json!({ "resourceType": "Task", "y": 2.50 });
        store.shorten_delivery("a1", less.clone()).await.unwrap();
        finish(&*store, "a1", 1, Outcome::Shortened(at(1))).await;
        let shortened = state(&*store, "a1").await;
        assert_eq!((shortened.state, shortened.tries, &shortened.new.payload), (DeliveryState::Waiting, 0, &less));
        assert_eq!(claim(&*store, 2).await, ["a1"]);
        finish(&*store, "a1", 3, Outcome::Withdrawn).await;
        assert_eq!(claim(&*store, 4).await, ["a2"]);
        let withdrawn = state(&*store, "a1").await;
        assert_eq!((withdrawn.state, withdrawn.tries, withdrawn.attempts.len()), (DeliveryState::Withdrawn, 0, 2));
        store.shorten_delivery("a1", serde_json::json!({})).await.unwrap();
        store.shorten_delivery("nothing", serde_json::json!({})).await.unwrap();
        assert_eq!(state(&*store, "a1").await.new.payload, less, "what is finished stays as it went");
        let filter = DeliveryFilter { state: Some(DeliveryState::Withdrawn), ..DeliveryFilter::default() };
        let listed = store.deliveries(&filter, None, 10).await.unwrap().items;
        assert_eq!(listed.iter().map(|one| one.new.id.as_str()).collect::<Vec<_>>(), ["a1"]);
        assert!(store.retry_delivery("a1", at(5)).await.unwrap());
        let health = store.health().await;
        assert_eq!((health.deliveries_dead, health.deliveries_held), (0, 0));
    }

    async fn retrying_by_hand_needs_something_to_retry(place) {
        let store = place.open();
        lines(&*store).await;
        assert!(!store.retry_delivery("missing", at(0)).await.unwrap());
        finish(&*store, "b1", 1, Outcome::Delivered).await;
        assert!(!store.retry_delivery("b1", at(2)).await.unwrap(), "it was delivered");
        finish(&*store, "a1", 1, Outcome::RetryAt(at(1000))).await;
        assert!(store.retry_delivery("a1", at(2)).await.unwrap());
        assert_eq!(claim(&*store, 3).await, ["a1", "c1"]);
    }

    async fn a_late_report_cannot_undo_a_delivery(place) {
        let store = place.open();
        lines(&*store).await;
        finish(&*store, "a1", 1, Outcome::Delivered).await;
        finish(&*store, "a1", 2, Outcome::RetryAt(at(3))).await;
        assert_eq!(state(&*store, "a1").await.state, DeliveryState::Delivered);
        assert_eq!(claim(&*store, 4).await, ["a2", "b1", "c1"]);
        let missing = store.finish_attempt("missing", attempt(1), Outcome::Delivered).await;
        assert!(matches!(missing, Err(StoreError::Refused(_))));
    }

    async fn one_given_back_is_due_again_without_an_attempt(place) {
        let store = place.open();
        lines(&*store).await;
        claim(&*store, 0).await;
        store.release_delivery("a1", at(20)).await.unwrap();
        store.release_delivery("b1", at(0)).await.unwrap();
        assert_eq!(claim(&*store, 5).await, ["b1"]);
        assert_eq!(claim(&*store, 20).await, ["a1"]);
        let released = state(&*store, "a1").await;
        assert_eq!((released.tries, released.attempts.len()), (0, 0));
    }

    async fn deciding_twice_makes_one_delivery(place) {
        let store = place.open();
        lines(&*store).await;
        finish(&*store, "a1", 1, Outcome::Delivered).await;
        lines(&*store).await;
        assert_eq!(state(&*store, "a1").await.state, DeliveryState::Delivered);
        assert_eq!(store.health().await.deliveries_waiting, 4);
    }

    async fn deliveries_are_listed_newest_first_and_filtered(place) {
        let store = place.open();
        lines(&*store).await;
        finish(&*store, "a1", 1, Outcome::Dead).await;
        finish(&*store, "b1", 1, Outcome::Delivered).await;
        let list = async |filter: DeliveryFilter| {
            let (mut ids, mut cursor) = (Vec::new(), None);
            loop {
                let page = store.deliveries(&filter, cursor.as_ref(), 2).await.unwrap();
                ids.extend(page.items.into_iter().map(|delivery| delivery.new.id));
                cursor = page.next;
                if cursor.is_none() { return ids.join(" "); }
            }
        };
        let none = DeliveryFilter::default;
        assert_eq!(list(none()).await, "a3 c1 b1 a2 a1");
        assert_eq!(list(DeliveryFilter { partner: Some("hillside".into()), ..none() }).await, "c1");
        assert_eq!(list(DeliveryFilter { state: Some(DeliveryState::Dead), ..none() }).await, "a1");
        assert_eq!(list(DeliveryFilter { state: Some(DeliveryState::Delivered), ..none() }).await, "b1");
        assert_eq!(list(DeliveryFilter { state: Some(DeliveryState::Waiting), person: Some(person(1)), ..none() }).await, "a3 c1 a2");
        assert_eq!(list(DeliveryFilter { message: Some(1_000_000), ..none() }).await, "");
    }

    async fn what_is_put_off_beyond_a_time_is_due_then_when_the_clock_was_set_back(place) {
        let store = place.open();
        lines(&*store).await;
        let other = |number: usize| delivery(&format!("d{number}"), "hillside", person(number), 1, at(5_000));
        commit_deliveries(&*store, (10..1_200).map(other).collect()).await;
        finish(&*store, "a1", 1, Outcome::RetryAt(at(9_000))).await;
        finish(&*store, "b1", 1, Outcome::Dead).await;
        assert_eq!(store.hasten_deliveries(at(100)).await.unwrap(), 1_191);
        assert_eq!(store.hasten_deliveries(at(100)).await.unwrap(), 0);
        assert_eq!(state(&*store, "a1").await.next, Some(at(100)));
        assert_eq!(state(&*store, "a2").await.next, Some(at(0)), "what is due before stays as it is");
        assert_eq!(state(&*store, "b1").await.next, None);
        assert_eq!(crate::given::claim(&*store, 100, 2_000, minutes(1)).await.len(), 1_192);
    }

    async fn only_the_newest_attempts_are_remembered(place) {
        let store = place.open();
        lines(&*store).await;
        for number in 0..25 {
            finish(&*store, "a1", number, Outcome::RetryAt(at(number))).await;
        }
        let tried = state(&*store, "a1").await;
        assert_eq!((tried.tries, tried.attempts.len(), tried.attempts[0].at), (25, 20, at(5)));
    }

    async fn that_it_went_out_is_remembered_however_long_it_is_held_since(place) {
        let store = place.open();
        lines(&*store).await;
        let unsent = |number| Attempt { sent: false, status: None, ..attempt(number) };
        for number in 0..25 {
            store.finish_attempt("b1", unsent(number), Outcome::Held(at(number))).await.unwrap();
        }
        assert!(!state(&*store, "b1").await.was_sent());
        finish(&*store, "a1", 0, Outcome::RetryAt(at(0))).await;
        assert!(store.retry_delivery("a1", at(0)).await.unwrap());
        for number in 1..25 {
            store.finish_attempt("a1", unsent(number), Outcome::Held(at(number))).await.unwrap();
        }
        let held = state(&*store, "a1").await;
        assert!(held.was_sent());
        assert_eq!((held.tries, held.attempts.len(), held.attempts[1].at), (0, 20, at(6)));
    }
}
