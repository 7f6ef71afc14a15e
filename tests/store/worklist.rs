//! Open work: its order, its pages, and its counts, held against a list that is sorted whole.

use handover::identity::ResourceId;
use handover::record::Change;
use handover::store::{Cursor, EngineChoice, Store, Urgency, WorkCounts, WorkFilter, WorkPlace};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::given::{at, change, commit_changes, person};
use crate::place::Place;

/// One Task as the test knows it.
#[derive(Clone)]
struct Known {
    id: ResourceId,
    version: u64,
    open: bool,
    urgency: Urgency,
    due: Option<i64>,
    owner: usize,
    hands: Hands,
}

/// In whose hands a Task is.
#[derive(Clone, Copy, PartialEq)]
enum Hands {
    Nobodys,
    Taken,
    Snoozed,
}

/// Somebody of the site, as the store names them.
const NIA: &str = "https://handover.health/id/person|nia";

const OWNERS: [&str; 3] = ["urn:npi|1730", "urn:npi|1731", "Hillside Paediatrics"];

fn owner(place: usize) -> serde_json::Value {
    match OWNERS[place].split_once('|') {
        Some((system, value)) => json!({ "identifier": { "system": system, "value": value }, "display": "x" }),
        None => json!({ "display": format!("{}: coach Ida Roe", OWNERS[place]) }),
    }
}

/// The next version of a Task, as it is known afterwards.
fn write(number: usize, known: &Known, replaces: u64) -> Change {
    let status = if known.open { "accepted" } else { "cancelled" };
    let mut content = json!({ "status": status, "priority": known.urgency.code(), "owner": owner(known.owner) });
    if let Some(due) = known.due {
        content["restriction"] = json!({ "period": { "end": at(due).to_string() } });
    }
    if known.hands == Hands::Taken {
        content["owner"] = json!({ "identifier": { "system": "https://handover.health/id/person", "value": "nia" } });
    }
    let mut change = change(person(number % 7), "Task", &number.to_string(), replaces, content);
    change.stored.state.work = match known.hands {
        Hands::Nobodys => None,
        Hands::Taken => Some(json!({ "given_to": owner(known.owner) })),
        Hands::Snoozed => Some(json!({ "snoozed": { "until": at(9_000_000).to_string() } })),
    };
    change
}

/// Whether a Task stands in a list.
fn is_in(task: &Known, list: Option<&str>) -> bool {
    let (own, snoozed) = (OWNERS[task.owner], task.hands == Hands::Snoozed);
    let nobodys = task.hands == Hands::Nobodys;
    match list {
        None => !snoozed,
        Some(NIA) => task.hands == Hands::Taken,
        Some(list) if list == WorkPlace::nobodys(None) => nobodys,
        Some(list) if list == WorkPlace::nobodys(Some(own)) => nobodys,
        Some(list) if list == WorkPlace::snoozed(None) => snoozed,
        Some(list) if list == WorkPlace::snoozed(Some(own)) => snoozed,
        Some(list) => list == own && !snoozed,
    }
}

fn random(seed: &mut StdRng, number: usize, version: u64) -> Known {
    let id = ResourceId::of(person(number % 7), "Task", &number.to_string());
    let urgency = Urgency::ALL[seed.random_range(0..4)];
    // Across hours and days, before and after now, and several at one moment.
    let hands = [Hands::Nobodys, Hands::Nobodys, Hands::Taken, Hands::Snoozed][seed.random_range(0..4)];
    let due = seed.random_bool(0.9).then(|| seed.random_range(-200_000..200_000_i64) / 600 * 600);
    Known { id, version, open: seed.random_bool(0.7), urgency, due, owner: seed.random_range(0..3), hands }
}

async fn all(store: &dyn Store, filter: &WorkFilter, count: usize) -> Vec<ResourceId> {
    let (mut found, mut cursor): (Vec<ResourceId>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = store.worklist(filter, cursor.as_ref(), count).await.unwrap();
        assert!(page.items.len() == count || page.next.is_none(), "a page is full while there is more");
        found.extend(page.items.iter().map(|stored| stored.id));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

/// A due date is over when the second that it names is.
fn due(known: &Known) -> Option<Timestamp> {
    known.due.map(|due| at(due + 1))
}

fn expected(known: &[Known], filter: &WorkFilter) -> Vec<ResourceId> {
    let mut wanted: Vec<&Known> = known
        .iter()
        .filter(|task| task.open)
        .filter(|task| is_in(task, filter.owner.as_deref()))
        .filter(|task| filter.pressing.is_none_or(|pressing| pressing == (task.urgency <= Urgency::Asap)))
        .filter(|task| filter.due_from.is_none_or(|from| due(task).is_none_or(|due| due >= from)))
        .filter(|task| filter.urgency.is_none_or(|urgency| urgency == task.urgency))
        .filter(|task| filter.due_before.is_none_or(|until| due(task).is_some_and(|due| due < until)))
        .collect();
    wanted.sort_by_key(|task| (task.urgency, due(task).is_none(), due(task), task.id));
    wanted.into_iter().map(|task| task.id).collect()
}

async fn agrees(store: &dyn Store, known: &[Known]) {
    let owners = OWNERS.map(|owner| Some(owner.to_string()));
    let others = [
        None,
        Some(NIA.to_string()),
        Some(WorkPlace::nobodys(None)),
        Some(WorkPlace::nobodys(Some(OWNERS[2]))),
        Some(WorkPlace::snoozed(None)),
        Some(WorkPlace::snoozed(Some(OWNERS[0]))),
    ];
    for owner in owners.into_iter().chain(others) {
        let everything = WorkFilter { owner: owner.clone(), ..WorkFilter::default() };
        for count in [7, 1000] {
            assert_eq!(all(store, &everything, count).await, expected(known, &everything));
        }
        for now in [at(0), at(1), at(1799), at(-90_000), at(250_000)] {
            let mut counts = WorkCounts::default();
            let late = WorkFilter { due_before: Some(now), ..everything.clone() };
            assert_eq!(all(store, &late, 11).await, expected(known, &late));
            for pressing in [None, Some(true), Some(false)] {
                let rest = WorkFilter { pressing, due_from: Some(now), ..everything.clone() };
                assert_eq!(all(store, &rest, 11).await, expected(known, &rest));
                let part = WorkFilter { due_before: Some(at(60_000)), ..rest };
                assert_eq!(all(store, &part, 11).await, expected(known, &part));
            }
            for (place, urgency) in Urgency::ALL.into_iter().enumerate() {
                let of = WorkFilter { urgency: Some(urgency), ..everything.clone() };
                let late = WorkFilter { due_before: Some(now), ..of.clone() };
                counts.open[place] = expected(known, &of).len() as u64;
                counts.late[place] = expected(known, &late).len() as u64;
                assert_eq!(all(store, &late, 11).await, expected(known, &late));
            }
            assert_eq!(store.work_counts(owner.as_deref(), now).await.unwrap(), counts, "{owner:?} at {now}");
        }
    }
}

on_every_store! {
    async fn work_is_in_order_and_counted_whatever_happens_to_it(place) {
        let store = place.open();
        let seed = rand::random();
        println!("seed {seed}");
        let mut seed = StdRng::seed_from_u64(seed);
        let mut known: Vec<Known> = (0..150).map(|number| random(&mut seed, number, 1)).collect();
        commit_changes(&*store, known.iter().enumerate().map(|(number, task)| write(number, task, 0)).collect()).await;
        agrees(&*store, &known).await;
        for _ in 0..4 {
            let mut changes = Vec::new();
            for (number, task) in known.iter_mut().enumerate() {
                if seed.random_bool(0.3) {
                    let before = task.version;
                    *task = random(&mut seed, number, before + 1);
                    changes.push(write(number, task, before));
                }
            }
            commit_changes(&*store, changes).await;
            agrees(&*store, &known).await;
        }
    }

    async fn nine_that_cannot_wait_stand_before_thousands_that_can(place) {
        let store = place.open();
        let task = |number: usize, urgency, due| {
            let id = ResourceId::of(person(number % 7), "Task", &number.to_string());
            write(number, &Known { id, version: 1, open: true, urgency, due: Some(due), owner: number % 2, hands: Hands::Nobodys }, 0)
        };
        // The urgent ones are the oldest, are due last and belong to several people.
        commit_changes(&*store, (0..9).map(|number| task(number, Urgency::Stat, 90_000)).collect()).await;
        for start in (9..4_009).step_by(500) {
            let routine = (start..start + 500).map(|number| task(number, Urgency::Routine, -90_000 + number as i64));
            commit_changes(&*store, routine.collect()).await;
        }
        let page = store.worklist(&WorkFilter::default(), None, 50).await.unwrap();
        let priorities: Vec<_> = page.items.iter().map(|task| task.resource.text("priority").unwrap_or_default()).collect();
        assert_eq!(priorities[..9], ["stat"; 9]);
        assert_eq!(priorities[9..], ["routine"; 41]);
        let counts = store.work_counts(None, at(0)).await.unwrap();
        assert_eq!((counts.open, counts.late), ([9, 0, 0, 4_000], [0, 0, 0, 4_000]));
        assert_eq!(store.work_counts(Some("urn:npi|1730"), at(95_000)).await.unwrap().late, [5, 0, 0, 2_000]);
    }

    async fn counts_are_the_same_after_much_was_opened_and_closed(place) {
        let store = place.open();
        for round in 0..60 {
            let changes = (0..25).map(|number| {
                let id = ResourceId::of(person(number % 7), "Task", &number.to_string());
                let open = round % 2 == 0;
                let task = Known { id, version: round + 1, open, urgency: Urgency::Asap, due: Some(number as i64 * 7_200), owner: 1, hands: Hands::Nobodys };
                write(number, &task, round)
            });
            commit_changes(&*store, changes.collect()).await;
        }
        assert_eq!(store.work_counts(None, at(0)).await.unwrap(), WorkCounts::default());
        store.prune(&handover::store::PruneBefore { messages: at(0), deliveries: at(0), audit: at(0), once: at(0) }, 10).await.unwrap();
        assert_eq!(store.work_counts(None, at(0)).await.unwrap(), WorkCounts::default());
        let id = ResourceId::of(person(3), "Task", "3");
        let task = Known { id, version: 61, open: true, urgency: Urgency::Asap, due: None, owner: 1, hands: Hands::Nobodys };
        commit_changes(&*store, vec![write(3, &task, 60)]).await;
        assert_eq!(store.work_counts(Some("urn:npi|1731"), at(9_000_000)).await.unwrap().open, [0, 1, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_gateway_of_before_is_still_committing_is_in_the_index_that_another_makes() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    let mut seed = StdRng::seed_from_u64(12);
    let known: Vec<Known> =
        (0..20).map(|number| Known { open: true, hands: Hands::Nobodys, ..random(&mut seed, number, 1) }).collect();
    commit_changes(&*store, known.iter().enumerate().map(|(number, task)| write(number, task, 0)).collect()).await;
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(4));
    // One Task goes away and comes back when the other has begun.
    let meanwhile = "CREATE TABLE aside AS SELECT * FROM resource WHERE type = 'Task' ORDER BY id LIMIT 1;
                     DELETE FROM resource WHERE id IN (SELECT id FROM aside)";
    crate::postgres::run_in(url, meanwhile);
    let writer = {
        let url = url.clone();
        let slow = "BEGIN; INSERT INTO resource SELECT * FROM aside; SELECT pg_sleep(3); COMMIT";
        std::thread::spawn(move || crate::postgres::run_in(&url, slow))
    };
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let store = place.open();
    writer.join().unwrap();
    assert_eq!(store.work_counts(None, at(0)).await.unwrap().total(), 20);
    assert_eq!(all(&*store, &WorkFilter::default(), 50).await.len(), 20);
}

#[tokio::test]
async fn a_database_of_before_gets_the_index_of_the_tasks_it_has() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    let mut seed = StdRng::seed_from_u64(11);
    let known: Vec<Known> = (0..1_200).map(|number| random(&mut seed, number, 1)).collect();
    commit_changes(&*store, known.iter().enumerate().map(|(number, task)| write(number, task, 0)).collect()).await;
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(4));
    agrees(&*place.open(), &known).await;
}
