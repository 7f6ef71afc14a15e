//! People found by what a front desk knows of them: the same on every store, in order, counted, in pages, and after merges.

use handover::identity::ResourceId;
use handover::record::Change;
use handover::store::{EngineChoice, FindWord, MOST_PEOPLE, PeopleQuery, Store, WriteUnit, asked_name};
use serde_json::{Value, json};

use crate::given::{change, commit_changes, head, person};
use crate::place::Place;

fn patient(number: usize, replaces: u64, content: Value) -> Change {
    let mut change = change(person(number), "Patient", "own", replaces, content);
    change.stored.id = ResourceId::patient(person(number));
    change
}

fn named(family: &str, given: &str, born: &str) -> Value {
    json!({ "name": [{ "family": family, "given": [given] }], "birthDate": born })
}

/// Every word must hold; a word with a digit is a date, a number or a phone.
fn asked(text: &str) -> PeopleQuery {
    let mut parts = Vec::new();
    for word in text.split_whitespace() {
        match word.contains(|letter: char| letter.is_ascii_digit()) {
            true => parts.push(vec![FindWord::birth(word), FindWord::number(word, false), FindWord::phone(word)]),
            false => parts.extend(asked_name(word)),
        }
    }
    PeopleQuery { parts }
}

/// The families of all who are found, read in pages of `count`.
async fn families(store: &dyn Store, text: &str, count: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = store.find_people(&asked(text), found.len(), count).await.unwrap();
        let total = page.total.unwrap();
        let name = |stored: &handover::record::Stored| {
            stored.resource.get("name").unwrap()[0]["family"].as_str().unwrap().to_string()
        };
        found.extend(page.items.iter().map(name));
        assert!(found.len() == total || page.items.len() == count, "a page is full while there is more");
        if found.len() >= total {
            return found;
        }
    }
}

on_every_store! {
    async fn people_are_found_by_any_part_in_any_order_and_listed_by_name(place) {
        let store = place.open();
        assert_eq!(store.find_people(&asked("maria"), 0, 5).await.unwrap().total, Some(0), "nobody yet");
        let mut lupita = named("Hernández-Villanueva", "María", "1969-09-01");
        lupita["identifier"] = json!([{ "system": "urn:a", "value": "L-20417" }]);
        lupita["telecom"] = json!([{ "system": "phone", "value": "(555) 014-1025" }]);
        commit_changes(&*store, vec![
            patient(1, 0, lupita),
            patient(2, 0, named("Zapata", "Maria", "1969-11-30")),
            patient(3, 0, named("Abt", "Mariano", "1980-02-02")),
            patient(4, 0, named("O’Neil", "Rosemarie", "1969-09-01")),
        ]).await;
        for count in [1, 2, 50] {
            assert_eq!(families(&*store, "maria", count).await, ["Abt", "Hernández-Villanueva", "Zapata"]);
        }
        for text in ["villanueva maria", "MARÍA hernandez", "maria hernandez-villanueva", "L-204", "5550141025", "0141025", "l20417 mar"] {
            assert_eq!(families(&*store, text, 9).await, ["Hernández-Villanueva"], "{text}");
        }
        assert_eq!(families(&*store, "1969-09-01", 9).await, ["Hernández-Villanueva", "O’Neil"]);
        assert_eq!(families(&*store, "1969 mar", 9).await, ["Hernández-Villanueva", "Zapata"]);
        assert_eq!(families(&*store, "oneil", 9).await, ["O’Neil"]);
        for nobody in ["nueva", "maria 1980-02-03", "hernandez zapata", "20417"] {
            assert!(families(&*store, nobody, 9).await.is_empty(), "{nobody}");
        }
        assert_eq!(store.find_people(&PeopleQuery::default(), 0, 9).await.unwrap().total, None, "nothing was asked");
    }

    async fn who_was_renamed_is_found_by_the_new_name_alone_and_sorted_by_it(place) {
        let store = place.open();
        commit_changes(&*store, vec![patient(1, 0, named("Zed", "Ann", "1950")), patient(2, 0, named("Moe", "Ann", "1951"))]).await;
        assert_eq!(families(&*store, "ann", 9).await, ["Moe", "Zed"]);
        commit_changes(&*store, vec![patient(1, 1, named("Abe", "Ann", "1950"))]).await;
        assert_eq!(families(&*store, "ann", 9).await, ["Abe", "Moe"]);
        assert!(families(&*store, "zed", 9).await.is_empty());
        let mut gone = patient(2, 1, named("Moe", "Ann", "1951"));
        gone.stored.state.superseded = Some(ResourceId::patient(person(1)));
        commit_changes(&*store, vec![gone]).await;
        assert_eq!(families(&*store, "ann", 9).await, ["Abe"]);
    }

    async fn after_a_merge_both_names_lead_to_the_record_that_is_left(place) {
        let store = place.open();
        let heads = vec![head(person(1), 0), head(person(2), 0)];
        let changes = vec![patient(1, 0, named("Doe", "Maria", "1950")), patient(2, 0, named("Roe", "Mary", "1950"))];
        store.commit(WriteUnit { heads, changes, ..WriteUnit::default() }).await.unwrap();
        let (mut gone, mut kept) = (head(person(1), 1), head(person(2), 1));
        gone.head.merged_into = Some(person(2));
        kept.head.absorbed = vec![person(1)];
        store.commit(WriteUnit { heads: vec![gone, kept], ..WriteUnit::default() }).await.unwrap();
        assert_eq!(families(&*store, "doe", 9).await, ["Roe"]);
        assert_eq!(families(&*store, "1950", 9).await, ["Roe"]);
    }

    async fn a_part_that_fits_too_many_is_tested_on_those_whom_the_others_find(place) {
        let store = place.open();
        for chunk in (0..=MOST_PEOPLE).collect::<Vec<_>>().chunks(2_000) {
            let one = |number: &usize| patient(*number, 0, named("Everyman", "Jo", if *number == 7 { "1969-09-01" } else { "1970" }));
            commit_changes(&*store, chunk.iter().map(one).collect()).await;
        }
        assert_eq!(families(&*store, "everyman 1969-09-01", 9).await.len(), 1);
        assert!(families(&*store, "everyman 1971", 9).await.is_empty());
        let wide = store.find_people(&asked("everyman jo"), 0, 9).await.unwrap();
        assert_eq!((wide.total, wide.items.len()), (None, 0), "more than are looked through, and that is said");
    }
}

#[tokio::test]
async fn a_database_of_before_is_told_by_what_its_people_are_found() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    let people = (0..2_500).map(|number| patient(number, 0, named(&format!("Family{number}"), "Ann", "1950")));
    commit_changes(&*store, people.collect()).await;
    let before = store.find_people(&asked("ann"), 0, 9).await.unwrap();
    assert_eq!(before.total, Some(2_500));
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(11));
    assert_eq!(place.open().find_people(&asked("ann"), 0, 9).await.unwrap(), before);
}
