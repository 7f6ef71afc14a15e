//! Timers: heads that want to be looked at.

use handover::store::{HeadWrite, Store, WriteUnit};
use jiff::Timestamp;

use crate::given::{at, head, minutes, person};

fn waking(number: usize, replaces: u64, wake_at: Option<Timestamp>) -> HeadWrite {
    let mut write = head(person(number), replaces);
    write.head.wake_at = wake_at;
    write
}

async fn write(store: &dyn Store, heads: Vec<HeadWrite>) {
    store.commit(WriteUnit { heads, ..WriteUnit::default() }).await.unwrap();
}

on_every_store! {
    async fn those_whose_time_has_come_are_given_out_once_per_lease(place) {
        let store = place.open();
        let heads = vec![waking(1, 0, Some(at(10))), waking(2, 0, Some(at(20))), waking(3, 0, Some(at(30))), waking(4, 0, None)];
        write(&*store, heads).await;
        assert!(store.claim_timers(at(9), 10, minutes(1)).await.unwrap().is_empty());
        let due = store.claim_timers(at(20), 10, minutes(1)).await.unwrap();
        assert_eq!(due, [(person(1), at(10)), (person(2), at(20))]);
        assert_eq!(store.claim_timers(at(31), 10, minutes(1)).await.unwrap(), [(person(3), at(30))]);
        let again = store.claim_timers(at(100), 1, minutes(1)).await.unwrap();
        assert_eq!(again.len(), 1, "the leases have run out, and no more than asked are given");
    }

    async fn a_head_written_with_another_time_is_due_then_only(place) {
        let store = place.open();
        write(&*store, vec![waking(1, 0, Some(at(10)))]).await;
        store.claim_timers(at(10), 10, minutes(1)).await.unwrap();
        write(&*store, vec![waking(1, 1, Some(at(40)))]).await;
        assert!(store.claim_timers(at(39), 10, minutes(1)).await.unwrap().is_empty());
        assert_eq!(store.claim_timers(at(40), 10, minutes(1)).await.unwrap(), [(person(1), at(40))]);
        write(&*store, vec![waking(1, 2, None)]).await;
        assert!(store.claim_timers(at(9000), 10, minutes(1)).await.unwrap().is_empty());
    }

    async fn a_time_keeps_its_nanoseconds(place) {
        let store = place.open();
        let precise: Timestamp = "2026-03-02T08:00:00.123456Z".parse().unwrap();
        write(&*store, vec![waking(1, 0, Some(precise))]).await;
        assert_eq!(store.claim_timers(at(10), 10, minutes(1)).await.unwrap(), [(person(1), precise)]);
    }
}
