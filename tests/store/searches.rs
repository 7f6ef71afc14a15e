//! Searching resources: which are found, in which order, and paging.

use std::collections::BTreeSet;
use std::sync::Arc;

use handover::fhir::Identifier;
use handover::fhir::search::{Asked, Criterion, DateValue, Filter, How, Relation, SearchTable, TokenValue, Words};
use handover::identity::ResourceId;
use handover::record::Stored;
use handover::store::{Cursor, EngineChoice, Query, Sort, SortBy, Store, StoreError, Term, WriteUnit};
use serde_json::json;

use crate::given::{change, commit_changes, head, person};
use crate::place::Place;

fn query(resource_type: &str, terms: Vec<Term>) -> Query {
    Query { resource_type: resource_type.to_string(), terms }
}

/// One of these values, by the definition of a parameter.
fn by(resource_type: &str, name: &str, asked: Vec<Asked>) -> Term {
    Term::Of(Criterion::any(SearchTable::built_in().find(resource_type, name).unwrap(), asked))
}

fn code(text: &str) -> Asked {
    Asked::Token(TokenValue { system: None, code: Some(text.to_string()), is_implied: false })
}

async fn all(store: &dyn Store, query: &Query, count: usize) -> Vec<Stored> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.search(query, cursor.as_ref(), count).await.unwrap();
        assert!(page.items.len() <= count);
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

fn numbers(found: &[Stored]) -> Vec<u64> {
    found.iter().map(|stored| stored.resource.get("n").unwrap().as_u64().unwrap()).collect()
}

async fn tasks(store: &dyn Store, count: u64) {
    for n in 0..count {
        let status = if n % 2 == 0 { "requested" } else { "completed" };
        let content = json!({ "n": n, "status": status, "authoredOn": format!("2026-03-{:02}", n % 28 + 1) });
        commit_changes(store, vec![change(person(n as usize % 3), "Task", &n.to_string(), 0, content)]).await;
    }
}

on_every_store! {
    async fn a_type_is_listed_newest_change_first(place) {
        let store = place.open();
        tasks(&*store, 6).await;
        commit_changes(&*store, vec![change(person(0), "Flag", "f", 0, json!({ "n": 99 }))]).await;
        commit_changes(&*store, vec![change(person(2), "Task", "2", 1, json!({ "n": 2 }))]).await;
        for count in [1, 2, 6, 100] {
            assert_eq!(numbers(&all(&*store, &query("Task", vec![]), count).await), [2, 5, 4, 3, 1, 0]);
        }
    }

    async fn what_was_deleted_is_not_found_until_it_comes_back(place) {
        let store = place.open();
        tasks(&*store, 3).await;
        let mut gone = change(person(1), "Task", "1", 1, json!({ "n": 1 }));
        gone.stored.resource.add_to_meta("tag", vec![handover::fhir::deleted_tag()]);
        let id = gone.stored.id;
        commit_changes(&*store, vec![gone]).await;
        let of = |person| query("Task", vec![Term::Patient(vec![person])]);
        assert_eq!(numbers(&all(&*store, &query("Task", vec![]), 2).await), [2, 0]);
        assert!(all(&*store, &of(person(1)), 2).await.is_empty());
        assert!(all(&*store, &query("Task", vec![Term::Id(vec![id])]), 2).await.is_empty());
        assert!(store.resource("Task", id).await.unwrap().is_some(), "what it said is kept");
        commit_changes(&*store, vec![change(person(1), "Task", "1", 2, json!({ "n": 1 }))]).await;
        assert_eq!(numbers(&all(&*store, &query("Task", vec![]), 2).await), [1, 2, 0]);
    }

    async fn paging_is_stable_while_more_arrives(place) {
        let store = place.open();
        tasks(&*store, 6).await;
        let first = store.search(&query("Task", vec![]), None, 3).await.unwrap();
        commit_changes(&*store, vec![change(person(1), "Task", "new", 0, json!({ "n": 7 }))]).await;
        let second = store.search(&query("Task", vec![]), first.next.as_ref(), 3).await.unwrap();
        assert_eq!(numbers(&second.items), [2, 1, 0]);
        assert_eq!(second.next, None);
    }

    async fn terms_are_joined_by_and_their_values_by_or(place) {
        let store = place.open();
        tasks(&*store, 12).await;
        let status = |codes: &[&str]| by("Task", "status", codes.iter().map(|text| code(text)).collect());
        let from = |day: &str| {
            let value = DateValue { from: Some(day.parse().unwrap()), until: None, relation: Relation::Overlaps };
            by("Task", "authored-on", vec![Asked::Date(value)])
        };
        let late = from("2026-03-09T00:00:00Z");
        assert_eq!(numbers(&all(&*store, &query("Task", vec![status(&["requested"]), late.clone()]), 2).await), [10, 8]);
        assert_eq!(all(&*store, &query("Task", vec![status(&["requested", "completed"]), late]), 2).await.len(), 4);
    }

    async fn resources_are_found_by_identifier_with_and_without_system(place) {
        let store = place.open();
        let with = |key: &str, system: &str, value: &str, version| {
            change(person(1), "Encounter", key, version, json!({ "n": 1, "identifier": [{ "system": system, "value": value }] }))
        };
        commit_changes(&*store, vec![with("a", "urn:s", "1", 0), with("b", "urn:t", "1", 0), with("c", "urn:s", "2", 0)]).await;
        let count = async |values: Vec<TokenValue>| all(&*store, &query("Encounter", vec![Term::Identifier(values)]), 10).await.len();
        let token = |system: Option<&str>, code: Option<&str>| TokenValue { system: system.map(String::from), code: code.map(String::from), is_implied: false };
        assert_eq!(count(vec![Identifier::new("urn:s", "1").into()]).await, 1);
        assert_eq!(count(vec![token(None, Some("1"))]).await, 2);
        assert_eq!(count(vec![token(Some("urn:s"), None)]).await, 2);
        assert_eq!(count(vec![token(Some("urn:s"), Some("1")), token(Some("urn:s"), Some("2"))]).await, 2);
        assert_eq!(count(vec![token(Some(""), Some("1"))]).await, 0);

        commit_changes(&*store, vec![with("a", "urn:s", "9", 1)]).await;
        assert_eq!(count(vec![Identifier::new("urn:s", "1").into()]).await, 0);
        assert_eq!(count(vec![Identifier::new("urn:s", "9").into()]).await, 1);
    }

    async fn a_patients_resources_are_those_of_the_whole_family(place) {
        let store = place.open();
        let mut heads = vec![head(person(0), 0), head(person(1), 0)];
        heads[0].head.absorbed = vec![person(1)];
        heads[1].head.merged_into = Some(person(0));
        store.commit(WriteUnit { heads, ..WriteUnit::default() }).await.unwrap();
        tasks(&*store, 9).await;
        for asked in [0, 1] {
            let found = all(&*store, &query("Task", vec![Term::Patient(vec![person(asked)])]), 2).await;
            assert_eq!(numbers(&found).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([0, 1, 3, 4, 6, 7]));
        }
        let two = Term::Patient(vec![person(0), person(2)]);
        assert_eq!(all(&*store, &query("Task", vec![two.clone()]), 100).await.len(), 9);
        let both = vec![two, Term::Patient(vec![person(2)])];
        assert_eq!(all(&*store, &query("Task", both), 100).await.len(), 3);
    }

    async fn what_is_joined_by_or_and_not_and_words_are_tested_alike(place) {
        let store = place.open();
        tasks(&*store, 6).await;
        let noted = json!({ "n": 7, "note": [{ "text": "Waiting for Übersetzer" }], "text": { "div": "<div>Call</div>" } });
        let mut gone = change(person(2), "Task", "8", 0, json!({ "n": 8 }));
        gone.stored.resource.add_to_meta("tag", vec![handover::fhir::deleted_tag()]);
        commit_changes(&*store, vec![change(person(1), "Task", "7", 0, noted)]).await;
        commit_changes(&*store, vec![gone]).await;
        let is = |term: Term| Filter::Is(term);
        let words = |is_whole, text: &str| Term::Words(Words::read(is_whole, text).unwrap());
        let within = |number| is(Term::Within(vec![person(number)]));
        for (term, expected) in [
            (Term::Where(Box::new(Filter::Any(vec![within(0), is(words(true, "ubersetzer"))]))), vec![7, 3, 0]),
            (Term::Where(Box::new(Filter::Not(Box::new(Filter::Any(vec![within(0), within(1)]))))), vec![5, 2]),
            (words(false, "call"), vec![7]),
            (words(false, "waiting"), vec![]),
            (Term::EvenDeleted, vec![8, 7, 5, 4, 3, 2, 1, 0]),
        ] {
            assert_eq!(numbers(&all(&*store, &query("Task", vec![term.clone()]), 2).await), expected, "{term:?}");
        }
    }

    async fn a_patient_found_by_patient_is_the_one_that_is_left(place) {
        let store = place.open();
        let patient = |number: usize| {
            let mut change = change(person(number), "Patient", "", 0, json!({ "n": number }));
            change.stored.id = ResourceId::patient(person(number));
            change
        };
        let mut heads = vec![head(person(0), 0), head(person(1), 0)];
        heads[0].head.absorbed = vec![person(1)];
        heads[1].head.merged_into = Some(person(0));
        let changes = vec![patient(0), patient(1), patient(2)];
        store.commit(WriteUnit { heads, changes, ..WriteUnit::default() }).await.unwrap();
        let found = all(&*store, &query("Patient", vec![Term::Patient(vec![person(1)])]), 10).await;
        assert_eq!(numbers(&found), [0]);
    }

    async fn a_patients_observations_come_newest_first(place) {
        let store = place.open();
        let days = [3, 1, 2];
        let changes = days.iter().map(|day| {
            change(person(1), "Observation", &day.to_string(), 0, json!({ "n": day, "effectiveDateTime": format!("2026-03-0{day}") }))
        });
        commit_changes(&*store, changes.collect()).await;
        let found = all(&*store, &query("Observation", vec![Term::Patient(vec![person(1)])]), 1).await;
        assert_eq!(numbers(&found), [3, 2, 1]);
    }

    async fn ids_are_found_whichever_exist_and_match_the_rest(place) {
        let store = place.open();
        tasks(&*store, 4).await;
        let ids: Vec<_> = [(0, "0"), (1, "1"), (1, "missing")].map(|(number, key)| ResourceId::of(person(number), "Task", key)).into();
        assert_eq!(all(&*store, &query("Task", vec![Term::Id(ids.clone())]), 1).await.len(), 2);
        let of_one = vec![Term::Id(ids), Term::Patient(vec![person(1)])];
        assert_eq!(numbers(&all(&*store, &query("Task", of_one), 10).await), [1]);
    }

    async fn what_another_resource_superseded_is_not_found(place) {
        let store = place.open();
        let mut change = change(person(1), "Task", "t", 0, json!({}));
        change.stored.state.superseded = Some(change.stored.id);
        let id = change.stored.id;
        commit_changes(&*store, vec![change]).await;
        assert!(all(&*store, &query("Task", vec![]), 10).await.is_empty());
        assert!(store.resource("Task", id).await.unwrap().is_some());
    }

    async fn a_rare_match_is_found_in_bounded_steps(place) {
        let store = place.open();
        for start in (0..4500).step_by(500) {
            let changes = (start..start + 500).map(|n| change(person(1), "Task", &n.to_string(), 0, json!({ "status": if n == 3 { "rare" } else { "usual" } })));
            commit_changes(&*store, changes.collect()).await;
        }
        // What no index narrows is looked for among all, in steps.
        let criterion = Criterion::any(SearchTable::built_in().find("Task", "status").unwrap(), vec![code("usual")]);
        let rare = Term::Of(Criterion { test: handover::fhir::search::Test::None(vec![code("usual")]), ..criterion });
        let first = store.search(&query("Task", vec![rare.clone()]), None, 10).await.unwrap();
        assert!(first.items.is_empty() && first.next.is_some(), "one call must not read everything");
        assert_eq!(all(&*store, &query("Task", vec![rare]), 10).await.len(), 1);
    }

    async fn everything_is_put_in_order_before_it_is_cut(place) {
        let store = place.open();
        for start in (0..2500).step_by(500) {
            // Days fall as numbers rise, and the newest change has the oldest day.
            let changes = (start..start + 500).map(|n| {
                let day = jiff::civil::date(2026, 1, 1).checked_sub(jiff::Span::new().days(n)).unwrap();
                change(person(n as usize % 3), "Task", &n.to_string(), 0, json!({ "n": n, "authoredOn": day.to_string() }))
            });
            commit_changes(&*store, changes.collect()).await;
        }
        let authored = SearchTable::built_in().find("Task", "authored-on").unwrap();
        let by_date = |descending| [Sort { by: SortBy::Of(Arc::clone(authored)), descending }];
        let newest = store.find(&query("Task", vec![]), &by_date(true), None, 4).await.unwrap();
        let found: Vec<Stored> = newest.items.iter().map(|one| one.stored.clone()).collect();
        assert_eq!(numbers(&found), [0, 1, 2, 3]);
        let further = store.find(&query("Task", vec![]), &by_date(true), newest.next.as_ref(), 2).await.unwrap();
        assert_eq!(numbers(&further.items.into_iter().map(|one| one.stored).collect::<Vec<_>>()), [4, 5]);
        let of_one = query("Task", vec![Term::Patient(vec![person(1)])]);
        let oldest = store.find(&of_one, &by_date(false), None, 2).await.unwrap();
        assert_eq!(numbers(&oldest.items.into_iter().map(|one| one.stored).collect::<Vec<_>>()), [2497, 2494]);
        let nonsense = store.find(&of_one, &by_date(false), Some(&Cursor("nonsense!".into())), 2).await;
        assert!(matches!(nonsense, Err(StoreError::Refused(_))));
    }

    async fn a_search_goes_on_after_any_of_its_matches(place) {
        let store = place.open();
        tasks(&*store, 9).await;
        let ids: Vec<_> = (0..9).map(|n| ResourceId::of(person(n % 3), "Task", &n.to_string())).collect();
        for terms in [vec![], vec![Term::Patient(vec![person(0), person(1)])], vec![Term::Id(ids)]] {
            let query = query("Task", terms);
            let whole = store.find(&query, &[], None, 100).await.unwrap();
            assert!(whole.next.is_none() && whole.looked >= whole.items.len() && !whole.items.is_empty());
            for (number, one) in whole.items.iter().enumerate() {
                let rest = store.find(&query, &[], Some(&one.place), 100).await.unwrap();
                assert_eq!(rest.items, whole.items[number + 1..]);
            }
        }
    }

    async fn a_value_is_found_by_its_index_without_reading_the_rest_and_no_more_after_it_changed(place) {
        let store = place.open();
        for start in (0..3000).step_by(500) {
            let changes = (start..start + 500).map(|n| {
                let family = if n == 7 { "Óliveira Santos" } else { "Miller" };
                change(person(n), "Patient", &n.to_string(), 0, json!({ "n": n, "name": [{ "family": family }], "birthDate": "1970-01-01" }))
            });
            commit_changes(&*store, changes.collect()).await;
        }
        let named = |text: &str| query("Patient", vec![by("Patient", "family", vec![Asked::Text { text: text.to_string(), how: How::Begins }])]);
        for text in ["oliv", "santos", "Óliveira s"] {
            let found = store.find(&named(text), &[], None, 10).await.unwrap();
            assert_eq!((found.items.len(), found.looked), (1, 1), "{text}");
        }
        assert!(all(&*store, &named("olivx"), 10).await.is_empty());
        let born = |day: &str| {
            let from: jiff::Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
            let until = from.checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
            let value = DateValue { from: Some(from), until: Some(until), relation: Relation::Within };
            query("Patient", vec![by("Patient", "birthdate", vec![Asked::Date(value)])])
        };
        let renamed = change(person(7), "Patient", "7", 1, json!({ "n": 7, "name": [{ "family": "Miller" }], "birthDate": "1971-02-03" }));
        commit_changes(&*store, vec![renamed]).await;
        assert!(store.find(&named("oliv"), &[], None, 10).await.unwrap().items.is_empty());
        let found = store.find(&born("1971-02-03"), &[], None, 10).await.unwrap();
        assert_eq!((found.items.len(), found.looked), (1, 1));
        // More than an index is good for is read by type all the same, to the last.
        assert_eq!(all(&*store, &named("mil"), 1000).await.len(), 3000);
        assert_eq!(all(&*store, &born("1970-01-01"), 1000).await.len(), 2999);
    }

    async fn references_lead_to_what_refers_in_the_same_record_and_from_others(place) {
        let store = place.open();
        let visit = ResourceId::of(person(1), "Encounter", "v");
        let practice = ResourceId::of(handover::identity::PersonId::SHARED, "Organization", "o");
        let of = |number: usize, key: &str, owner: &str| {
            let content = json!({ "n": number, "encounter": { "reference": format!("Encounter/{visit}") }, "owner": { "reference": owner } });
            change(person(number), "Task", key, 0, content)
        };
        let ours = format!("Organization/{practice}");
        let patient = format!("Patient/{}", ResourceId::patient(person(1)));
        commit_changes(&*store, vec![of(1, "a", &ours), of(1, "b", &patient), of(2, "c", &ours)]).await;
        let refers = |name: &str, to: &str| query("Task", vec![by("Task", name, vec![Asked::Reference(to.to_string())])]);
        assert_eq!(all(&*store, &refers("owner", &ours), 10).await.len(), 2);
        assert_eq!(all(&*store, &refers("owner", &practice.to_string()), 10).await.len(), 2);
        assert_eq!(all(&*store, &refers("owner", &patient), 10).await.len(), 1);
        // A visit is looked for where it is: what another record says of it is not found by it.
        assert_eq!(all(&*store, &refers("encounter", &format!("Encounter/{visit}")), 10).await.len(), 2);
    }

    async fn a_foreign_cursor_is_refused(place) {
        let store = place.open();
        let result = store.search(&query("Task", vec![]), Some(&Cursor("nonsense!".into())), 10).await;
        assert!(matches!(result, Err(StoreError::Refused(_))));
    }
}

#[tokio::test]
async fn a_database_that_knew_other_search_parameters_is_indexed_anew_when_it_is_opened() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    for start in (0..1200).step_by(300) {
        let named = |n: usize| json!({ "n": n, "name": if n == 7 { "Lakeside Practice" } else { "Other" } });
        let changes = (start..start + 300).map(|n| change(person(0), "Organization", &n.to_string(), 0, named(n)));
        commit_changes(&*store, changes.collect()).await;
    }
    let asked = Asked::Text { text: "practice".to_string(), how: How::Begins };
    let query = query("Organization", vec![by("Organization", "name", vec![asked])]);
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &format!("UPDATE resource SET terms = '{{}}'; {}", crate::postgres::undone(13)));
    let found = place.open().find(&query, &[], None, 10).await.unwrap();
    assert_eq!((found.items.len(), found.looked), (1, 1));
}
