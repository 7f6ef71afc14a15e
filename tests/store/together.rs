//! Deliveries of one line that go together: what stands behind the first, whose it is, and what came of all in one commit.

use handover::store::{EngineChoice, Outcome, Store};

use crate::given::{at, attempt, claim, commit_deliveries, delivery, minutes, person};
use crate::place::Place;

async fn line(store: &dyn Store) {
    let of = |id: &str, number| delivery(id, "lakeside", person(1), number, at(0));
    commit_deliveries(store, vec![of("a1", 1), of("a2", 2), of("a3", 3), of("a4", 4)]).await;
    commit_deliveries(store, vec![delivery("b1", "lakeside", person(2), 1, at(0))]).await;
}

async fn behind(store: &dyn Store, id: &str, seconds: i64, most: usize) -> Vec<(String, bool)> {
    let behind = store.deliveries_behind(id, at(seconds), most).await.unwrap();
    behind.into_iter().map(|one| (one.new.id, one.claimed.is_inherited)).collect()
}

fn of(ids: &[&str], is_inherited: bool) -> Vec<(String, bool)> {
    ids.iter().map(|id| (id.to_string(), is_inherited)).collect()
}

fn delivered(ids: &[&str], seconds: i64) -> Vec<(String, handover::store::Attempt, Outcome)> {
    ids.iter().map(|id| (id.to_string(), attempt(seconds), Outcome::Delivered)).collect()
}

on_every_store! {
    async fn what_is_due_behind_the_first_is_given_in_order_up_to_what_is_not(place) {
        let store = place.open();
        line(&*store).await;
        assert_eq!(claim(&*store, 1, 9, minutes(1)).await.len(), 2);
        assert_eq!(behind(&*store, "a1", 1, 9).await, of(&["a2", "a3", "a4"], false));
        assert_eq!(behind(&*store, "a1", 1, 2).await, of(&["a2", "a3"], false));
        store.finish_attempt("a3", attempt(2), Outcome::RetryAt(at(50))).await.unwrap();
        assert_eq!(behind(&*store, "a1", 3, 9).await, of(&["a2"], false));
        assert_eq!(behind(&*store, "a1", 50, 9).await, of(&["a2", "a3", "a4"], false));
        assert_eq!(behind(&*store, "b1", 50, 9).await, []);
        assert_eq!(behind(&*store, "nobody", 50, 9).await, []);
    }

    async fn what_was_in_hand_is_in_doubt_until_somebody_tells_what_came_of_it(place) {
        let store = place.open();
        line(&*store).await;
        claim(&*store, 1, 9, minutes(1)).await;
        store.take_in_hand(&["a2".to_string(), "a3".to_string()]).await.unwrap();
        store.finish_attempts(delivered(&["b1"], 2)).await.unwrap();
        assert!(claim(&*store, 30, 9, minutes(1)).await.is_empty(), "the line is whose its first is");
        let again = claim(&*store, 70, 9, minutes(1)).await;
        assert_eq!((again.len(), again[0].new.id.as_str(), again[0].claimed.is_inherited), (1, "a1", true));
        let known = [of(&["a2", "a3"], true), of(&["a4"], false)].concat();
        assert_eq!(behind(&*store, "a1", 70, 9).await, known);
        store.finish_attempts(delivered(&["a1", "a2"], 71)).await.unwrap();
        let next = claim(&*store, 72, 9, minutes(1)).await;
        assert_eq!((next[0].new.id.as_str(), next[0].claimed.is_inherited), ("a3", true));
        store.finish_attempts(vec![("a3".to_string(), attempt(73), Outcome::RetryAt(at(74)))]).await.unwrap();
        let next = claim(&*store, 75, 9, minutes(1)).await;
        assert_eq!((next[0].new.id.as_str(), next[0].claimed.is_inherited), ("a3", false));
    }

    async fn what_came_of_all_is_recorded_as_one_or_not_at_all(place) {
        let store = place.open();
        line(&*store).await;
        claim(&*store, 1, 9, minutes(1)).await;
        assert!(store.finish_attempts(delivered(&["a1", "a2", "nobody"], 2)).await.is_err());
        let first = store.delivery("a1").await.unwrap().unwrap();
        assert_eq!((first.attempts.len(), first.state.is_open()), (0, true));
        store.finish_attempts(delivered(&["a1", "a2", "a3"], 3)).await.unwrap();
        assert_eq!(claim(&*store, 4, 9, minutes(1)).await[0].new.id, "a4");
    }
}

#[tokio::test]
async fn what_was_in_hand_when_a_gateway_died_is_in_doubt_after_it() {
    for place in [Place::new(EngineChoice::Fjall), Place::new(EngineChoice::Sled)] {
        let store = place.open();
        line(&*store).await;
        claim(&*store, 1, 9, minutes(1)).await;
        store.take_in_hand(&["a2".to_string()]).await.unwrap();
        store.close().await;
        drop(store);
        let store = place.open();
        assert_eq!(claim(&*store, 2, 9, minutes(1)).await.len(), 2);
        let known = [of(&["a2"], true), of(&["a3", "a4"], false)].concat();
        assert_eq!(behind(&*store, "a1", 2, 9).await, known);
        store.close().await;
    }
}
