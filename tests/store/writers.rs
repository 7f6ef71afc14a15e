//! Many at once: nothing is lost, nothing happens twice, order is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use handover::store::{Outcome, Store, StoreError, WriteUnit};

use crate::given::{at, attempt, delivery, head, message, minutes, person};

/// Loads the head, adds one message and one delivery, and tries again when somebody else was first.
async fn write_one(store: &dyn Store, patient: usize, control: &str) {
    loop {
        let before = store.head(person(patient)).await.unwrap();
        let mut write = head(person(patient), before.as_ref().map_or(0, |head| head.revision));
        let number = before.and_then(|head| head.deliveries.get("lakeside").copied()).unwrap_or_default() + 1;
        write.head.deliveries.insert("lakeside".to_string(), number);
        let unit = WriteUnit {
            message: Some(message(control, control)),
            heads: vec![write],
            deliveries: vec![delivery(&format!("{patient}/{number}"), "lakeside", person(patient), number, at(0))],
            ..WriteUnit::default()
        };
        match store.commit(unit).await {
            Ok(_) => return,
            Err(StoreError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

on_every_store! {
    async fn sixty_four_writers_lose_nothing_and_number_without_gaps(place) {
        let store = place.open();
        let tasks: Vec<_> = (0..64).map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for round in 0..5 {
                    write_one(&*store, (task + round) % 8, &format!("{task}-{round}")).await;
                }
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
        for patient in 0..8 {
            let head = store.head(person(patient)).await.unwrap().unwrap();
            assert_eq!((head.revision, head.deliveries["lakeside"]), (40, 40));
        }
        let health = store.health().await;
        assert_eq!((health.messages, health.records, health.deliveries_waiting), (320, 8, 320));
    }

    async fn many_workers_send_each_line_in_order_and_each_delivery_once(place) {
        let store = place.open();
        for number in 1..=10 {
            let deliveries = (0..6).map(|patient| delivery(&format!("{patient}/{number}"), "lakeside", person(patient), number, at(0)));
            store.commit(WriteUnit { deliveries: deliveries.collect(), ..WriteUnit::default() }).await.unwrap();
        }
        let sent = Arc::new(Mutex::new(HashMap::<usize, Vec<u64>>::new()));
        let workers: Vec<_> = (0..4).map(|worker: usize| {
            let (store, sent) = (Arc::clone(&store), Arc::clone(&sent));
            tokio::spawn(async move {
                let mut turns = 0;
                while store.health().await.deliveries_waiting > 0 {
                    for delivery in crate::given::claim(&*store, 10, 2, minutes(60)).await {
                        turns += 1;
                        // Every third attempt fails and is tried again at once.
                        let outcome = if (turns + worker).is_multiple_of(3) { Outcome::RetryAt(at(5)) } else { Outcome::Delivered };
                        if outcome == Outcome::Delivered {
                            let patient = delivery.new.id.split('/').next().unwrap().parse().unwrap();
                            sent.lock().unwrap().entry(patient).or_default().push(delivery.new.number);
                        }
                        store.finish_attempt(&delivery.new.id, attempt(1), outcome).await.unwrap();
                    }
                }
            })
        }).collect();
        for worker in workers {
            worker.await.unwrap();
        }
        let sent = sent.lock().unwrap();
        assert_eq!(sent.len(), 6);
        assert!(sent.values().all(|numbers| *numbers == (1..=10).collect::<Vec<_>>()), "{sent:?}");
    }
}
