//! What a page of the worklist costs with 100,000 open Tasks, of which nine are stat: the first page, one in the middle, what is
//! late, and the counts, on every store; and the console's page. Medians. `cargo bench --bench worklist`; `TASKS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stops where something is wrong, prints what it measured, and is told by the environment what to do"
)]

#[path = "../tests/service/harness.rs"]
#[allow(dead_code, reason = "shared with the service tests, which use all of it")]
mod harness;
#[path = "../tests/store/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of the stores, which use all of it")]
mod postgres;

use std::time::Instant;

use handover::fhir::Resource;
use handover::identity::{PersonId, ResourceId};
use handover::record::{Change, Stored};
use handover::store::{EngineChoice, Store, StoreSettings, Urgency, WorkFilter, WriteUnit, open};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const STAT: usize = 9;
const ROUNDS: usize = 41;

fn now() -> Timestamp {
    "2026-06-15T14:30:00Z".parse().unwrap()
}

/// Due over ten weeks around now, of a dozen practices; the urgent ones are the oldest and due last.
fn task(number: usize, version: u64, status: &str) -> Change {
    let person = PersonId::of(&handover::fhir::Identifier::new("urn:bench", (number % 40_000).to_string()));
    let is_stat = number < STAT;
    let due = if is_stat { 40 * 24 * 60 } else { (number * 37 % 100_800) as i64 - 50_400 };
    let due = now() + SignedDuration::from_mins(due);
    let resource = Resource::new("Task")
        .with("status", json!(status))
        .with("priority", json!(if is_stat { "stat" } else { "routine" }))
        .with("code", json!({ "text": "Call after an emergency visit" }))
        .with("description", json!("Call the patient within two business days and write down how it went."))
        .with(
            "for",
            json!({ "reference": format!("Patient/{}", ResourceId::patient(person)), "display": "Test, Patient" }),
        )
        .with(
            "owner",
            json!({ "identifier": { "system": "urn:npi", "value": (number % 12).to_string() }, "display": "Practice" }),
        )
        .with("restriction", json!({ "period": { "end": due.to_string() } }));
    let id = ResourceId::of(person, "Task", &number.to_string());
    let stored = Stored { id, version, updated: now(), resource, state: Default::default() };
    Change { stored, replaces: version - 1 }
}

async fn commit(store: &dyn Store, changes: Vec<Change>) {
    store.commit(WriteUnit { changes, ..WriteUnit::default() }).await.unwrap();
}

async fn fill(store: &dyn Store, tasks: usize) {
    for start in (0..tasks).step_by(1_000) {
        commit(store, (start..(start + 1_000).min(tasks)).map(|number| task(number, 1, "requested")).collect()).await;
    }
}

/// The median in milliseconds.
async fn median(mut run: impl AsyncFnMut(usize)) -> f64 {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let start = Instant::now();
        run(round).await;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

async fn measure(name: &str, store: &dyn Store, tasks: usize) {
    let start = Instant::now();
    fill(store, tasks).await;
    println!("{name}: {tasks} tasks written in {:.1} s", start.elapsed().as_secs_f64());
    let everything = WorkFilter::default();
    let page = store.worklist(&everything, None, 50).await.unwrap();
    let stat = page.items.iter().take_while(|task| task.resource.text("priority") == Some("stat")).count();
    let counts = store.work_counts(None, now()).await.unwrap();
    let (open, late) = (counts.total(), counts.total_late());
    println!("  on top: {stat} stat; open {open}, stat {}, late {late}", counts.of(Urgency::Stat));
    assert_eq!((stat, counts.total()), (STAT, tasks as u64));
    let mut middle = page.next.clone();
    for _ in 0..tasks / 2_000 {
        middle = store.worklist(&everything, middle.as_ref(), 1_000).await.unwrap().next;
    }
    let own = WorkFilter { owner: Some("urn:npi|7".into()), ..WorkFilter::default() };
    let late = WorkFilter { due_before: Some(now()), ..WorkFilter::default() };
    let pages = [
        ("first page", &everything, None),
        ("page in the middle", &everything, middle.as_ref()),
        ("a practice's first page", &own, None),
        ("late", &late, None),
    ];
    for (name, filter, cursor) in pages {
        let time =
            median(async |_| assert_eq!(store.worklist(filter, cursor, 50).await.unwrap().items.len(), 50)).await;
        println!("  {name}: {time:.2} ms");
    }
    let time = median(async |_| assert!(store.work_counts(None, now()).await.unwrap().total() > 0)).await;
    println!("  counts of all: {time:.2} ms");
    let time = median(async |_| assert!(store.work_counts(Some("urn:npi|7"), now()).await.unwrap().total() > 0)).await;
    println!("  counts of a practice: {time:.2} ms");
    let time = median(async |round| commit(store, vec![task(1_000 + round, 2, "completed")]).await).await;
    println!("  one task completed, durably: {time:.2} ms");
}

/// The page as a person gets it, with an audit entry for each look.
async fn console(tasks: usize) {
    let house = harness::House::new().await;
    fill(&*house.running.gateway.store, tasks).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let link = house.running.console_link();
    let form = [("link", link.rsplit('=').next().unwrap()), ("name", "Ida Roe")];
    let login = client.post(house.url("/console/login")).form(&form).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_string();
    for path in ["/console/work", "/console/work?show=late", "/console"] {
        let open = async || {
            let answer = client.get(house.url(path)).header("cookie", &cookie).send().await.unwrap();
            answer.text().await.unwrap()
        };
        let time = median(async |_| assert!(open().await.contains("stat"))).await;
        println!("  {path}: {time:.2} ms, {} kB", open().await.len() / 1024);
    }
    house.running.stop().await;
}

#[tokio::main]
async fn main() {
    let tasks = std::env::var("TASKS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let at = |engine| StoreSettings { engine, path: folder.path().join("store") };
    let store = open(&at(EngineChoice::Fjall)).unwrap();
    measure("fjall", &*store, tasks).await;
    store.close().await;
    if let Some(url) = postgres::new_database() {
        let store = open(&at(EngineChoice::Postgres { url })).unwrap();
        measure("PostgreSQL", &*store, tasks).await;
        store.close().await;
    }
    println!("the console, on fjall");
    console(tasks).await;
}
