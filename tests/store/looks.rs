//! What waits for a person's look: of all patients, in order, in pages, and counted, whatever happens to it.

use handover::identity::ResourceId;
use handover::record::Change;
use handover::store::{Cursor, EngineChoice, Store};
use serde_json::{Value, json};

use crate::given::{change, commit_changes, person};
use crate::place::Place;

/// A thing that waits or does not.
fn thing(kind: &str, number: usize, replaces: u64, waits: bool) -> Change {
    let own = json!({ "system": "https://handover.health/CodeSystem/label", "code": "not-looked-at" });
    let label = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "ETH" });
    let security = if waits { json!([own]) } else { json!([label]) };
    let content: Value = json!({ "meta": { "security": security }, "code": { "text": format!("thing {number}") } });
    change(person(number % 7), kind, &number.to_string(), replaces, content)
}

async fn all(store: &dyn Store, count: usize) -> (Vec<ResourceId>, u64) {
    let (mut found, mut cursor): (Vec<ResourceId>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let waiting = store.to_look_at(cursor.as_ref(), count).await.unwrap();
        assert!(waiting.page.items.len() == count || waiting.page.next.is_none(), "a page is full while there is more");
        found.extend(waiting.page.items.iter().map(|stored| stored.id));
        cursor = waiting.page.next;
        if cursor.is_none() {
            return (found, waiting.total);
        }
    }
}

/// Everything waits but each third.
fn waits(number: usize) -> bool {
    !number.is_multiple_of(3)
}

fn sorted(numbers: impl Iterator<Item = usize>) -> Vec<ResourceId> {
    let mut ids: Vec<_> =
        numbers.map(|number| ResourceId::of(person(number % 7), "Condition", &number.to_string())).collect();
    ids.sort();
    ids
}

on_every_store! {
    async fn what_waits_for_a_look_is_listed_in_order_and_counted_whatever_happens_to_it(place) {
        let store = place.open();
        assert_eq!(all(&*store, 5).await, (Vec::new(), 0));
        let mut changes: Vec<Change> = (0..40).map(|number| thing("Condition", number, 0, waits(number))).collect();
        // Work that waits with what it tells of is not looked at.
        changes.push(thing("Task", 41, 0, true));
        commit_changes(&*store, changes).await;
        let expected = sorted((0..40).filter(|number| waits(*number)));
        for count in [1, 7, 1000] {
            assert_eq!(all(&*store, count).await, (expected.clone(), expected.len() as u64));
        }
        // Some are looked at, some that were looked at say something new, some only change.
        let next = |number: usize| thing("Condition", number, 1, number.is_multiple_of(2));
        commit_changes(&*store, (0..20).map(next).collect()).await;
        let still = |number: &usize| if *number < 20 { number.is_multiple_of(2) } else { waits(*number) };
        let expected = sorted((0..40).filter(still));
        assert_eq!(all(&*store, 7).await, (expected.clone(), expected.len() as u64));
        let mut gone = thing("Condition", 22, 1, true);
        gone.stored.state.superseded = Some(expected[0]);
        commit_changes(&*store, vec![gone]).await;
        let (found, total) = all(&*store, 7).await;
        assert_eq!((found.len(), total), (expected.len() - 1, expected.len() as u64 - 1));
        assert!(store.to_look_at(Some(&Cursor("odd".into())), 5).await.is_err(), "no cursor of ours");
    }
}

#[tokio::test]
async fn a_database_of_before_is_told_what_waits_in_it() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    commit_changes(&*store, (0..40).map(|number| thing("Condition", number, 0, waits(number))).collect()).await;
    let before = all(&*store, 7).await;
    assert_eq!(before.1, 26);
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(6));
    assert_eq!(all(&*place.open(), 7).await, before);
}
