//! Messages: whether one came before, and lists of them.

use handover::identity::ResourceId;
use handover::store::{EngineChoice, MessageEntry, MessageFilter, MessageSummary, Seen, Store, WriteUnit};

use crate::given::{message, person};
use crate::place::Place;

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

/// Messages of one patient and of several; one as a program of before wrote it, which only counted them. Returns the control ids that
/// each of four patients is found by.
async fn several(store: &dyn Store) -> [String; 4] {
    let patient = |number: usize| ResourceId::patient(person(number)).to_string();
    let about = |control: &str, first: usize, others: &[usize]| {
        let mut entry = message(control, control);
        entry.summary.patient = Some(patient(first));
        entry.summary.further_patients = others.len() as u64;
        entry.summary.other_patients = others.iter().map(|number| patient(*number)).collect();
        entry
    };
    commit(store, about("C1", 1, &[])).await;
    commit(store, about("C2", 1, &[2, 3])).await;
    commit(store, about("C3", 3, &[1])).await;
    let mut before = about("C4", 2, &[3]);
    before.summary.other_patients.clear();
    let wrote = |number: usize| format!("Task/{}/_history/1", ResourceId::of(person(number), "Task", "1"));
    before.trace.resources = vec![wrote(2), wrote(3), wrote(3)];
    commit(store, before).await;
    ["C3 C2 C1", "C4 C2", "C4 C3 C2", ""].map(String::from)
}

async fn found_by(store: &dyn Store) -> [String; 4] {
    let mut found = [const { String::new() }; 4];
    for (number, found) in (1..).zip(&mut found) {
        let patients = Some(vec![ResourceId::patient(person(number)).to_string()]);
        let listed = all(store, &MessageFilter { patients, ..MessageFilter::default() }, 2).await;
        *found = listed.into_iter().map(|summary| summary.control).collect::<Vec<_>>().join(" ");
    }
    found
}

#[tokio::test]
async fn a_database_of_before_finds_its_messages_by_every_patient_too() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    let found = several(&*store).await;
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(7));
    assert_eq!(found_by(&*place.open()).await, found);
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
        assert_eq!(controls(MessageFilter { patients: Some(vec!["p".into()]), ..none() }).await, "C4");
        assert_eq!(controls(MessageFilter { feed: Some("other".into()), ..none() }).await, "C5");
        assert_eq!(controls(MessageFilter { control: Some("C0".into()), ..none() }).await, "C0 C0");
        let both = MessageFilter { control: Some("C0".into()), feed: Some("riverside".into()), ..none() };
        assert_eq!(controls(both).await, "C0 C0");
    }

    async fn a_message_is_found_by_every_patient_it_is_about(place) {
        let store = place.open();
        let found = several(&*store).await;
        assert_eq!(found_by(&*store).await, found);
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
