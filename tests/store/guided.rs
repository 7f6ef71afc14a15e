//! Search parameters that a site's guides define: found by before, while and after what is stored is indexed by them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handover::fhir::search::{Asked, Criterion, Parameter, SearchTable, TokenValue};
use handover::store::{Guided, Indexed, Query, Sort, SortBy, Store, Term};
use serde_json::json;

use crate::given::{change, commit_changes, person};

/// A definition as a guide would bring it: what is built in is compiled once, this is another.
fn guided(table: &SearchTable, resource_type: &'static str, name: &str) -> Guided {
    Guided::of(resource_type, table.find(resource_type, name).unwrap()).unwrap()
}

fn by(parameter: &Arc<Parameter>, resource_type: &str, code: &str) -> Query {
    let asked = Asked::Token(TokenValue { system: None, code: Some(code.to_string()), is_implied: false });
    let terms = vec![Term::Of(Criterion::any(parameter, vec![asked]))];
    Query { resource_type: resource_type.to_string(), terms }
}

/// The numbers of all that is found, page by page, and how many resources were looked at.
async fn found(store: &dyn Store, query: &Query) -> (BTreeSet<u64>, usize) {
    let (mut numbers, mut looked, mut cursor) = (BTreeSet::new(), 0, None);
    loop {
        let page = store.find(query, &[], cursor.as_ref(), 7).await.unwrap();
        looked += page.looked;
        numbers.extend(page.items.iter().map(|one| one.stored.resource.get("n").unwrap().as_u64().unwrap()));
        cursor = page.next;
        if cursor.is_none() {
            return (numbers, looked);
        }
    }
}

async fn put(store: &dyn Store, n: u64, replaces: u64, code: &str) {
    let content = json!({ "n": n, "status": "requested", "businessStatus": { "coding": [{ "code": code }] } });
    commit_changes(store, vec![change(person(n as usize % 5), "Task", &n.to_string(), replaces, content)]).await;
}

fn is_through(standing: &[Indexed]) -> bool {
    standing.iter().all(|one| one.is_through)
}

on_every_store! {
    async fn what_a_guide_defines_is_found_before_while_and_after_it_is_indexed(place) {
        let store = place.open();
        let table = SearchTable::default();
        let wanted = vec![guided(&table, "Task", "business-status")];
        let query = by(&wanted[0].parameter, "Task", "ward");
        for n in 0..60 {
            put(&*store, n, 0, if n % 6 == 0 { "ward" } else { "home" }).await;
        }
        let mut expected: BTreeSet<u64> = (0..60).filter(|n| n % 6 == 0).collect();
        let (numbers, looked) = found(&*store, &query).await;
        assert_eq!((numbers, looked >= 60), (expected.clone(), true), "all of the type are looked at");
        // While it is made, what is there changes on both sides of where it is.
        let standing = store.index_by(&wanted, 20).await.unwrap();
        assert_eq!((standing[0].resources, standing[0].is_through), (20, false));
        for (n, code) in [(1, "ward"), (0, "home"), (55, "ward"), (54, "home")] {
            put(&*store, n, 1, code).await;
            if code == "ward" { expected.insert(n) } else { expected.remove(&n) };
            assert_eq!(found(&*store, &query).await.0, expected, "{n}");
        }
        while !is_through(&store.index_by(&wanted, 20).await.unwrap()) {
            assert_eq!(found(&*store, &query).await.0, expected);
        }
        let (numbers, looked) = found(&*store, &query).await;
        assert_eq!((numbers, looked), (expected.clone(), expected.len()), "no other is looked at");
        // What is written afterwards is found before the index follows, also in an order.
        put(&*store, 60, 0, "ward").await;
        expected.insert(60);
        assert_eq!(found(&*store, &query).await.0, expected);
        let sort = [Sort { by: SortBy::Of(SearchTable::built_in().find("Task", "status").unwrap().clone()), descending: false }];
        assert_eq!(store.find(&query, &sort, None, 50).await.unwrap().items.len(), expected.len());
        // A guide that is taken out leaves nothing behind, and its parameter is still answered.
        for _ in 0..9 {
            assert!(store.index_by(&[], 20).await.unwrap().is_empty());
        }
        let (numbers, looked) = found(&*store, &query).await;
        assert_eq!((numbers, looked >= 60), (expected, true));
    }

    async fn an_index_that_was_cut_off_goes_on_where_it_was_and_looks_at_nothing_of_other_types(place) {
        let store = place.open();
        let table = SearchTable::default();
        let wanted = vec![guided(&table, "Task", "business-status")];
        for n in 0..30 {
            put(&*store, n, 0, "ward").await;
            commit_changes(&*store, vec![change(person(0), "Flag", &n.to_string(), 0, json!({ "n": n }))]).await;
        }
        store.index_by(&wanted, 10).await.unwrap();
        store.index_by(&wanted, 10).await.unwrap();
        let again = if place.settings.engine == handover::store::EngineChoice::Memory {
            store
        } else {
            drop(store);
            place.open()
        };
        let standing = again.index_by(&wanted, 10).await.unwrap();
        let expected = Indexed {
            resource_type: "Task".to_string(),
            parameter: "business-status".to_string(),
            resources: 30,
            is_through: true,
        };
        assert_eq!(standing, [expected]);
        let again = again.index_by(&wanted, 10).await.unwrap();
        assert_eq!(again[0].resources, 30, "what is through is not looked at again");
    }

    async fn whatever_is_written_and_indexed_in_whatever_order_nothing_is_missing(place) {
        let store = place.open();
        let table = SearchTable::default();
        let [first, second] = ["business-status", "status"].map(|name| guided(&table, "Task", name));
        let query = by(&first.parameter, "Task", "ward");
        let (mut truth, mut seed) = (BTreeMap::<u64, (u64, bool)>::new(), 0x2545_f491_u64);
        let mut next = |most: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % most
        };
        for _ in 0..120 {
            match next(6) {
                0..=2 => {
                    let (n, is_ward) = (next(25), next(2) == 0);
                    let replaces = truth.get(&n).map_or(0, |(version, _)| *version);
                    put(&*store, n, replaces, if is_ward { "ward" } else { "home" }).await;
                    truth.insert(n, (replaces + 1, is_ward));
                }
                3 => _ = store.index_by(&[first.clone(), second.clone()], next(9) as usize + 1).await.unwrap(),
                4 => _ = store.index_by(std::slice::from_ref(&first), next(9) as usize + 1).await.unwrap(),
                _ if next(4) == 0 => _ = store.index_by(std::slice::from_ref(&second), next(9) as usize + 1).await.unwrap(),
                _ => {}
            }
            let expected: BTreeSet<u64> = truth.iter().filter(|(_, (_, is_ward))| *is_ward).map(|(n, _)| *n).collect();
            assert_eq!(found(&*store, &query).await.0, expected);
        }
        for _ in 0..40 {
            store.index_by(&[first.clone(), second.clone()], 50).await.unwrap();
        }
        let expected: BTreeSet<u64> = truth.iter().filter(|(_, (_, is_ward))| *is_ward).map(|(n, _)| *n).collect();
        let looked = expected.len();
        assert_eq!(found(&*store, &query).await, (expected, looked));
    }
}
