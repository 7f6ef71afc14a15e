//! Pages are complete while others write: whatever was there before the first page and is there after the last is on one of them,
//! in every order that is offered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use handover::fhir::search::{Asked, Criterion, Parameter, SearchTable, TokenValue};
use handover::identity::ResourceId;
use handover::store::{Cursor, Query, Sort, SortBy, Store, StoreError, Term, Urgency, WorkFilter};
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::given::{change, commit_changes, person};

const TASKS: usize = 240;
const WRITERS: usize = 3;
/// What is read at once, and what is written meanwhile.
const PAGE: usize = 23;
const MEANWHILE: usize = 12;

/// What one listing asks for.
#[derive(Debug, Clone)]
enum Listing {
    Find(Query, Vec<Sort>),
    Work(WorkFilter),
}

impl Listing {
    async fn page(
        &self,
        store: &dyn Store,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> (Vec<ResourceId>, Option<Cursor>) {
        match self {
            Self::Find(query, sort) => {
                let found = store.find(query, sort, cursor, count).await.unwrap();
                (found.items.into_iter().map(|one| one.stored.id).collect(), found.next)
            }
            Self::Work(filter) => {
                let page = store.worklist(filter, cursor, count).await.unwrap();
                (page.items.into_iter().map(|stored| stored.id).collect(), page.next)
            }
        }
    }
}

fn parameter(name: &str) -> &'static Arc<Parameter> {
    SearchTable::built_in().find("Task", name).unwrap()
}

fn of(name: &str) -> SortBy {
    SortBy::Of(Arc::clone(parameter(name)))
}

fn listings() -> Vec<Listing> {
    let query = |terms| Query { resource_type: "Task".to_string(), terms };
    let by = |by, descending| vec![Sort { by, descending }];
    let open = || {
        let token = |code: &str| TokenValue { system: None, code: Some(code.to_string()), is_implied: false };
        let values = ["requested", "in-progress"].map(|code| Asked::Token(token(code)));
        Term::Of(Criterion::any(parameter("status"), values.to_vec()))
    };
    let mut all = vec![
        Listing::Find(query(vec![]), vec![]),
        Listing::Find(query(vec![open()]), vec![]),
        Listing::Find(query(vec![Term::Patient((0..5).map(person).collect())]), vec![]),
        Listing::Find(query(vec![Term::Patient((0..5).map(person).collect())]), by(of("period"), false)),
        Listing::Work(WorkFilter::default()),
        Listing::Work(WorkFilter { owner: Some("Lakeside".to_string()), ..WorkFilter::default() }),
    ];
    for descending in [false, true] {
        for order in [SortBy::LastUpdated, SortBy::Id, of("identifier"), of("priority"), of("period"), of("code")] {
            all.push(Listing::Find(query(vec![]), by(order, descending)));
        }
    }
    all
}

fn id(number: usize) -> ResourceId {
    ResourceId::of(person(number % 5), "Task", &number.to_string())
}

/// A Task that is open and Lakeside's, wherever it stands in each order.
fn content(random: &mut impl Rng) -> Value {
    let urgency = Urgency::ALL[random.random_range(0..4)].code();
    let due = format!("2026-{:02}-{:02}T10:00:00Z", random.random_range(1..13), random.random_range(1..28));
    let number: u32 = random.random();
    json!({
        "status": if number.is_multiple_of(2) { "requested" } else { "in-progress" },
        "priority": urgency,
        "restriction": { "period": { "end": due } },
        "executionPeriod": { "start": due, "end": due },
        "owner": { "display": "Lakeside: whoever" },
        "identifier": [{ "system": "urn:x", "value": format!("{number:08x}") }],
        "code": { "coding": [{ "code": format!("{:08x}", number.rotate_left(11)) }] },
    })
}

async fn write(store: &dyn Store, number: usize, version: u64, random: &mut impl Rng) -> Result<(), StoreError> {
    let mut change = change(person(number % 5), "Task", &number.to_string(), version, content(random));
    change.stored.updated = jiff::Timestamp::now();
    let unit = handover::store::WriteUnit { changes: vec![change], ..Default::default() };
    store.commit(unit).await.map(|_| ())
}

async fn fill(store: &dyn Store, random: &mut impl Rng) {
    for number in 0..TASKS {
        write(store, number, 0, random).await.unwrap();
    }
}

/// What writers may do and did. They go on while a page is read, but not so far that a slow reader never comes to the end of an
/// order that each change goes to the end of.
#[derive(Default)]
struct Writing {
    stop: AtomicBool,
    may: AtomicUsize,
    done: AtomicUsize,
}

/// Changes what is there and adds to it until told to stop.
async fn keep_writing(store: Arc<dyn Store>, writer: usize, seed: u64, writing: Arc<Writing>) {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed ^ writer as u64);
    let own: Vec<usize> = (0..TASKS).filter(|number| number % WRITERS == writer).collect();
    let mut versions = vec![1_u64; own.len()];
    let mut new = 10_000 * (writer + 1);
    while !writing.stop.load(Ordering::Relaxed) {
        if writing.done.load(Ordering::Relaxed) >= writing.may.load(Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            continue;
        }
        if random.random_range(0..5) == 0 {
            write(&*store, new, 0, &mut random).await.unwrap();
            new += 1;
        } else {
            let place = random.random_range(0..own.len());
            write(&*store, own[place], versions[place], &mut random).await.unwrap();
            versions[place] += 1;
        }
        writing.done.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(random.random_range(0..3))).await;
    }
}

on_every_store! {
    async fn nothing_that_was_there_is_missing_while_others_write(place) {
        let seed: u64 = rand::random();
        println!("seed {seed}");
        for listing in listings() {
            let fresh = crate::place::Place::fresh(place);
            let store = fresh.open();
            let mut random = rand::rngs::StdRng::seed_from_u64(seed);
            fill(&*store, &mut random).await;
            let writing = Arc::new(Writing::default());
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| tokio::spawn(keep_writing(store.clone(), writer, seed, writing.clone())))
                .collect();
            let (mut seen, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
            loop {
                let before = writing.done.load(Ordering::Relaxed);
                writing.may.store(before + MEANWHILE, Ordering::Relaxed);
                let (ids, next) = listing.page(&*store, cursor.as_ref(), PAGE).await;
                seen.extend(ids);
                (cursor, pages) = (next, pages + 1);
                assert!(pages < 500, "the pages of {listing:?} never end");
                if cursor.is_none() {
                    break;
                }
                while writing.done.load(Ordering::Relaxed) < before + 5 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
            let changed = writing.done.load(Ordering::Relaxed);
            writing.stop.store(true, Ordering::Relaxed);
            for writer in writers {
                writer.await.unwrap();
            }
            assert!(changed > 20, "nothing was written meanwhile");
            let missing: Vec<_> = (0..TASKS).filter(|number| !seen.contains(&id(*number))).collect();
            assert!(missing.is_empty(), "{missing:?} of {TASKS} are on none of {pages} pages of {listing:?}, {changed} changes, seed {seed}");
        }
    }

    async fn what_moves_before_the_reader_comes_after_the_end(place) {
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        for listing in listings() {
            let fresh = crate::place::Place::fresh(place);
            let store = fresh.open();
            fill(&*store, &mut random).await;
            let (first, cursor) = listing.page(&*store, None, 100).await;
            let mut seen: BTreeSet<_> = first.into_iter().collect();
            // Everything else moves, some of it twice, and half of what was seen too.
            for number in 0..TASKS {
                if !seen.contains(&id(number)) || number % 2 == 0 {
                    write(&*store, number, 1, &mut random).await.unwrap();
                }
            }
            let (second, mut cursor) = listing.page(&*store, cursor.as_ref(), 30).await;
            seen.extend(second);
            for number in (0..TASKS).filter(|number| number % 4 == 0 && !seen.contains(&id(*number))).collect::<Vec<_>>() {
                write(&*store, number, 2, &mut random).await.unwrap();
            }
            while let Some(at) = cursor {
                let (ids, next) = listing.page(&*store, Some(&at), 30).await;
                seen.extend(ids);
                cursor = next;
            }
            let missing: Vec<_> = (0..TASKS).filter(|number| !seen.contains(&id(*number))).collect();
            assert!(missing.is_empty(), "{missing:?} of {listing:?}");
        }
    }

    async fn a_listing_during_which_nothing_changes_is_given_once_and_without_an_empty_page(place) {
        let store = place.open();
        let mut random = rand::rngs::StdRng::seed_from_u64(9);
        fill(&*store, &mut random).await;
        for listing in listings() {
            let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
            loop {
                let (ids, next) = listing.page(&*store, cursor.as_ref(), 40).await;
                assert!(!ids.is_empty());
                seen.extend(ids);
                (cursor, pages) = (next, pages + 1);
                // What is no Task and what is new moves nothing.
                if pages == 2 {
                    let flag = change(person(1), "Flag", &format!("{}", seen.len()), 0, json!({}));
                    let _ = store.commit(handover::store::WriteUnit { changes: vec![flag], ..Default::default() }).await;
                }
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!((seen.len(), pages), (TASKS, TASKS / 40), "{listing:?}");
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), TASKS);
        }
        commit_changes(&*store, vec![]).await;
    }
}
