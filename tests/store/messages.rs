//! Messages: whether one came before, and lists of them.

use handover::store::{MessageEntry, MessageFilter, MessageSummary, Seen, Store, WriteUnit};

use crate::given::message;

async fn commit(store: &dyn Store, entry: MessageEntry) -> u64 {
    store.commit(WriteUnit { message: Some(entry), ..WriteUnit::default() }).await.unwrap().sequence
}

async fn all(store: &dyn Store, filter: &MessageFilter, count: usize) -> Vec<MessageSummary> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.messages(filter, cursor.as_ref(), count).await.unwrap();
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

on_every_store! {
    async fn an_input_is_known_by_feed_control_id_and_content(place) {
        let store = place.open();
        let entry = message("C1", "MSH|first");
        let sequence = commit(&*store, entry.clone()).await;
        let Seen::Same(same) = store.seen("riverside", "C1", &entry.content).await.unwrap() else { panic!("not known") };
        assert_eq!((same.summary.sequence, same.answer, same.raw), (sequence, entry.answer, entry.raw));
        let other = message("C1", "MSH|other").content;
        assert_eq!(store.seen("riverside", "C1", &other).await.unwrap(), Seen::ControlReused(sequence));
        assert_eq!(store.seen("riverside", "C2", &entry.content).await.unwrap(), Seen::New);
        assert_eq!(store.seen("lakeside", "C1", &entry.content).await.unwrap(), Seen::New);

        let second = commit(&*store, message("C1", "MSH|second")).await;
        assert_eq!(store.seen("riverside", "C1", &other).await.unwrap(), Seen::ControlReused(second));
    }

    async fn messages_are_listed_newest_first_and_filtered(place) {
        let store = place.open();
        for number in 0..7 {
            let mut entry = message(&format!("C{}", number % 6), &format!("MSH|{number}"));
            entry.summary.acknowledged = if number % 3 == 0 { "AE" } else { "AA" }.to_string();
            entry.summary.patient = (number == 4).then(|| "p".to_string());
            entry.summary.feed = if number == 5 { "other" } else { "riverside" }.to_string();
            commit(&*store, entry).await;
        }
        let controls = async |filter: MessageFilter| {
            let found = all(&*store, &filter, 2).await;
            found.into_iter().map(|summary| summary.control).collect::<Vec<_>>().join(" ")
        };
        let none = MessageFilter::default;
        assert_eq!(controls(none()).await, "C0 C5 C4 C3 C2 C1 C0");
        assert_eq!(controls(MessageFilter { faulty: true, ..none() }).await, "C0 C3 C0");
        assert_eq!(controls(MessageFilter { patient: Some("p".into()), ..none() }).await, "C4");
        assert_eq!(controls(MessageFilter { feed: Some("other".into()), ..none() }).await, "C5");
        assert_eq!(controls(MessageFilter { control: Some("C0".into()), ..none() }).await, "C0 C0");
        let both = MessageFilter { control: Some("C0".into()), feed: Some("riverside".into()), ..none() };
        assert_eq!(controls(both).await, "C0 C0");
    }

    async fn bytes_are_kept_as_they_came(place) {
        let store = place.open();
        let mut entry = message("", "");
        entry.raw = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        entry.answer = vec![0, 11, 28, 13];
        let sequence = commit(&*store, entry.clone()).await;
        let kept = store.message(sequence).await.unwrap().unwrap();
        assert!(kept.raw == entry.raw && kept.answer == entry.answer);
        assert_eq!(store.message(sequence + 1000).await.unwrap(), None);
    }
}
