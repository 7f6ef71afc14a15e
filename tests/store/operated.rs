//! What an operator asks of deliveries: a partner that is drained, what waits for it, and what was given up and is left for good.

use std::collections::BTreeSet;

use handover::store::{Attempt, Backlog, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Share};

use crate::given::{at, commit_deliveries, delivery, minutes, person};
use crate::outbox::{claim, finish, lines, state};

on_every_store! {
    async fn of_a_partner_that_is_drained_only_what_was_made_before_is_given_out(place) {
        let store = place.open();
        lines(&*store).await;
        let new = NewDelivery { urgent: true, ..delivery("d1", "lakeside", person(3), 1, at(0)) };
        commit_deliveries(&*store, vec![NewDelivery { created: at(9), ..new }]).await;
        let drained = [Share { made_until: Some(at(8)), ..Share::of("lakeside", 9) }];
        let claim_drained = async |seconds: i64| {
            let claimed = store.claim_deliveries(at(seconds), &drained, minutes(1)).await.unwrap();
            BTreeSet::from_iter(claimed.into_iter().map(|delivery| delivery.new.id))
        };
        let both = BTreeSet::from(["a1", "b1"].map(String::from));
        assert_eq!(claim_drained(20).await, both);
        finish(&*store, "b1", 21, Outcome::Delivered).await;
        finish(&*store, "a1", 21, Outcome::Held(at(99))).await;
        let backlog = store.backlog("lakeside", Some(at(8))).await.unwrap();
        assert_eq!((backlog.waiting, backlog.made_before, backlog.held), (3, 2, 1));
        assert_eq!((backlog.oldest, backlog.next), (Some(at(0)), Some(at(0))));
        assert_eq!(store.backlog("lakeside", None).await.unwrap().made_before, 0);
        assert_eq!(store.backlog("nobody", None).await.unwrap(), Backlog::default());
        assert!(claim_drained(22).await.is_empty());
        assert_eq!(claim(&*store, 23).await, ["c1", "d1"], "it goes as soon as nothing is drained");
    }

    async fn what_waits_for_a_partner_is_due_when_the_first_of_a_line_is(place) {
        let store = place.open();
        let of_one = |number: u64| delivery(&format!("e{number}"), "lakeside", person(5), number, at(number as i64));
        commit_deliveries(&*store, (1..=3).map(of_one).collect()).await;
        assert_eq!(claim(&*store, 10).await, ["e1"]);
        let told = async || {
            let backlog = store.backlog("lakeside", None).await.unwrap();
            (backlog.waiting, backlog.held, backlog.oldest, backlog.next)
        };
        assert_eq!(told().await, (3, 0, Some(at(0)), Some(at(1))), "what is under way waits until it is told of");
        finish(&*store, "e1", 11, Outcome::RetryAt(at(500))).await;
        assert_eq!(told().await, (3, 0, Some(at(0)), Some(at(500))));
        assert_eq!(claim(&*store, 501).await, ["e1"]);
        finish(&*store, "e1", 502, Outcome::Dead).await;
        assert_eq!(told().await, (2, 0, Some(at(0)), Some(at(2))), "what was given up does not wait");
        for (id, second) in [("e2", 503), ("e3", 504)] {
            assert_eq!(claim(&*store, second).await, [id]);
            finish(&*store, id, second, Outcome::Delivered).await;
        }
        assert_eq!(store.backlog("lakeside", None).await.unwrap(), Backlog::default());
    }

    async fn pieces_of_state_are_read_several_at_once_in_the_order_asked(place) {
        let store = place.open();
        store.put_state("paused/b", b"2").await.unwrap();
        store.put_state("paused/a", b"").await.unwrap();
        let names = ["paused/c", "paused/b", "paused/a", "paused/b"].map(String::from);
        let two = Some(b"2".to_vec());
        assert_eq!(store.get_states(&names).await.unwrap(), [None, two.clone(), Some(Vec::new()), two]);
    }

    async fn what_was_given_up_is_left_for_good_with_its_reason_and_can_be_brought_back(place) {
        let store = place.open();
        lines(&*store).await;
        let said = || Attempt::unsent(at(9), "left for good by ada: they closed".to_string());
        assert!(!store.drop_delivery("b1", said()).await.unwrap(), "it waits");
        assert!(!store.drop_delivery("nothing", said()).await.unwrap());
        claim(&*store, 1).await;
        finish(&*store, "b1", 2, Outcome::Dead).await;
        assert_eq!(store.health().await.deliveries_dead, 1);
        assert!(store.drop_delivery("b1", said()).await.unwrap());
        assert!(!store.drop_delivery("b1", said()).await.unwrap(), "once");
        let left = state(&*store, "b1").await;
        assert_eq!((left.state, left.attempts.last(), left.attempts.len()), (DeliveryState::Withdrawn, Some(&said()), 2));
        assert_eq!(store.health().await.deliveries_dead, 0);
        let dead = DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() };
        assert_eq!(store.deliveries(&dead, None, 9).await.unwrap().items, []);
        assert!(store.retry_delivery("b1", at(20)).await.unwrap());
        assert!(claim(&*store, 21).await.contains(&"b1".to_string()));
    }
}
