//! Versions by when they were written: newest first over several types, in pages that nothing falls out of while others write.

use handover::store::{Cursor, EngineChoice, Past, Store, StoreError};
use jiff::Timestamp;
use serde_json::json;

use crate::given::{at, change, commit_changes, person};
use crate::place::Place;

const KINDS: [&str; 3] = ["Task", "Observation", "Organization"];

/// Writes the version of a resource that comes after `replaces`, at a second.
async fn write(store: &dyn Store, kind: &str, key: usize, replaces: u64, second: i64) {
    let mut change = change(person(key), kind, &key.to_string(), replaces, json!({ "n": replaces }));
    change.stored.updated = at(second);
    commit_changes(store, vec![change]).await;
}

/// 60 versions: of each of five resources of each type four, each at a second of its own.
async fn filled(store: &dyn Store) {
    let mut second = 0;
    for replaces in 0..4 {
        for key in 0..5 {
            for kind in KINDS {
                write(store, kind, key, replaces, second).await;
                second += 1;
            }
        }
    }
}

fn past(kinds: &[&str], since: Option<Timestamp>, before: Option<Timestamp>) -> Past {
    Past { types: kinds.iter().map(ToString::to_string).collect(), since, before }
}

/// What all pages together give: seconds, and whether each version is that of its second.
async fn all(store: &dyn Store, past: &Past, count: usize) -> Vec<i64> {
    let (mut seconds, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let page = store.history(past, cursor.as_ref(), count).await.unwrap();
        assert!(page.items.len() <= count);
        for one in page.items {
            assert_eq!(one.stored.resource.get("n"), Some(&json!(one.stored.version - 1)), "the version of the place");
            seconds.push(one.stored.updated.duration_since(at(0)).as_secs());
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return seconds,
        }
    }
}

on_every_store! {
    async fn versions_come_newest_first_whole_and_once_whatever_the_page(place) {
        let store = place.open();
        filled(&*store).await;
        let newest_first: Vec<i64> = (0..60).rev().collect();
        for count in [1, 7, 20, 59, 60, 1000] {
            assert_eq!(all(&*store, &past(&KINDS, None, None), count).await, newest_first, "by {count}");
        }
        let tasks: Vec<i64> = (0..20).rev().map(|number| number * 3).collect();
        assert_eq!(all(&*store, &past(&["Task"], None, None), 3).await, tasks);
        let middle: Vec<i64> = (10..50).rev().collect();
        assert_eq!(all(&*store, &past(&KINDS, Some(at(10)), Some(at(50))), 7).await, middle);
        assert_eq!(all(&*store, &past(&KINDS, Some(at(50)), Some(at(50))), 7).await, Vec::<i64>::new());
        assert_eq!(all(&*store, &past(&["Flag"], None, None), 7).await, Vec::<i64>::new());
        let page = store.history(&past(&KINDS, None, None), None, 10).await.unwrap();
        assert!(page.looked <= 3 * 11, "it costs what it gives, for each type");
    }

    async fn what_is_written_meanwhile_moves_nothing(place) {
        let store = place.open();
        filled(&*store).await;
        let wanted = past(&KINDS, None, None);
        let (mut seconds, mut cursor, mut versions) = (Vec::new(), None::<Cursor>, 4);
        loop {
            let page = store.history(&wanted, cursor.as_ref(), 9).await.unwrap();
            seconds.extend(page.items.iter().map(|one| one.stored.updated.duration_since(at(0)).as_secs()));
            // What was read, and what is still to come, is changed.
            write(&*store, "Task", 0, versions, 100 + i64::try_from(versions).unwrap()).await;
            versions += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seconds, (0..60).rev().collect::<Vec<_>>());
        assert_eq!(all(&*store, &past(&["Task"], Some(at(100)), None), 2).await.len(), 7);
    }

    async fn versions_of_one_moment_are_each_given(place) {
        let store = place.open();
        for replaces in 0..3 {
            for kind in KINDS {
                for key in 0..4 {
                    write(&*store, kind, key, replaces, 5).await;
                }
            }
        }
        for count in [1, 5, 12, 100] {
            let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
            loop {
                let page = store.history(&past(&KINDS, None, None), cursor.as_ref(), count).await.unwrap();
                seen.extend(page.items.iter().map(|one| (one.stored.resource.resource_type().to_string(), one.stored.id, one.stored.version)));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            let of_one: Vec<u64> = seen.iter().filter(|(kind, id, _)| (kind, id) == (&seen[0].0, &seen[0].1)).map(|(_, _, version)| *version).collect();
            assert_eq!(of_one, [3, 2, 1]);
            let total = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!((seen.len(), total), (36, 36), "by {count}");
        }
    }

    async fn a_change_of_state_alone_is_no_version(place) {
        let store = place.open();
        write(&*store, "Task", 1, 0, 1).await;
        let mut same = change(person(1), "Task", "1", 1, json!({ "n": 0 }));
        (same.stored.version, same.stored.updated) = (1, at(9));
        commit_changes(&*store, vec![same]).await;
        assert_eq!(all(&*store, &past(&KINDS, None, None), 5).await, [9]);
        let foreign = store.history(&past(&KINDS, None, None), Some(&Cursor("nonsense!".into())), 5).await;
        assert!(matches!(foreign, Err(StoreError::Refused(_))));
        assert!(store.history(&past(&["Colour"], None, None), None, 5).await.is_err());
    }
}

#[tokio::test]
async fn a_database_of_before_tells_its_versions_by_time() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    filled(&*store).await;
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(15));
    assert_eq!(all(&*place.open(), &past(&KINDS, None, None), 7).await.len(), 60);
}
