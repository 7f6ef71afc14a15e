//! What a backlog costs: 100,000 deliveries that wait, of 10,000 patients, for one partner, on every store. How long the store takes to
//! open, what memory the queue takes, what finding and claiming costs, and CPU of each delivery from the first to the last. What a gateway does
//! with it, `drain-50` and `dead-partner` of the bench `path` tell. CPU is this process's and its database's. `cargo bench --bench outbox`; `DELIVERIES`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stops where something is wrong, prints what it measured, and is told by the environment what to do"
)]

#[path = "../tests/store/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of the stores, which use all of it")]
mod postgres;

use std::collections::HashMap;
use std::time::Instant;

use futures_util::future::join_all;
use handover::fhir::Identifier;
use handover::identity::PersonId;
use handover::store::{
    Attempt, Delivery, EngineChoice, NewDelivery, Outcome, Share, Store, StoreSettings, WriteUnit, open,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Deliveries of each patient.
const EACH: usize = 10;
/// In hand at once, as many as a partner is sent in parallel.
const IN_HAND: usize = 32;

fn now() -> Timestamp {
    "2026-06-15T14:30:00Z".parse().unwrap()
}

fn made(partner: &str, number: usize, patients: usize, now: Timestamp) -> NewDelivery {
    let (patient, place) = (number % patients, number / patients + 1);
    let person = PersonId::of(&Identifier::new("urn:bench", patient.to_string()));
    NewDelivery {
        id: NewDelivery::id_of(partner, person, place as u64),
        partner: partner.to_string(),
        person,
        number: place as u64,
        subject: format!("Task/{patient}-{}/_history/{place}", place % 3),
        agreement: "agreements/a.yaml:6".to_string(),
        payload: json!({ "resourceType": "Task", "status": "requested", "intent": "order", "description": "Call. ".repeat(120),
            "identifier": [{ "system": "https://gateway.example/id/task", "value": format!("{patient}-{}", place % 3) }] }),
        created: now,
        due: now,
        message: None,
        ending: false,
        urgent: false,
    }
}

async fn fill(store: &dyn Store, partner: &str, count: usize, now: Timestamp) {
    let patients = count / EACH;
    for start in (0..count).step_by(1_000) {
        let deliveries = (start..start + 1_000).map(|number| made(partner, number, patients, now)).collect();
        store.commit(WriteUnit { deliveries, ..WriteUnit::default() }).await.unwrap();
    }
}

/// User and system time of this process and of those it started, in microseconds; the kernel tells it in steps of 10 ms.
fn cpu() -> f64 {
    let mut parents = HashMap::new();
    let mut ticks = HashMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        parents.insert(pid, fields[1].parse::<u32>().unwrap());
        ticks.insert(pid, [11, 12, 13, 14].iter().map(|at| fields[*at].parse::<u64>().unwrap()).sum::<u64>());
    }
    let own = std::process::id();
    let is_own = |mut pid: u32| {
        while pid > 1 && pid != own {
            pid = parents.get(&pid).copied().unwrap_or_default();
        }
        pid == own
    };
    ticks.iter().filter(|(pid, _)| is_own(**pid)).map(|(_, ticks)| *ticks).sum::<u64>() as f64 * 10_000.0
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let rest = status.split("VmRSS:").nth(1).unwrap();
    rest.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}

async fn claim(store: &dyn Store, count: usize) -> Vec<Delivery> {
    let room = [Share::of("practice", count)];
    store.claim_deliveries(now(), &room, SignedDuration::from_secs(60)).await.unwrap()
}

async fn finish(store: &dyn Store, id: &str, outcome: Outcome) {
    let attempt = Attempt {
        status: Some(200),
        sent: true,
        etag: Some("W/\"1\"".into()),
        ..Attempt::unsent(now(), "200 OK".into())
    };
    store.finish_attempt(id, attempt, outcome).await.unwrap();
}

async fn measure(name: &str, settings: &StoreSettings, count: usize) {
    let store = open(settings).unwrap();
    fill(&*store, "practice", count, now()).await;
    store.close().await;
    drop(store);
    let (before, began, used) = (resident_mib(), Instant::now(), cpu());
    let store = open(settings).unwrap();
    let opened = began.elapsed().as_secs_f64() * 1000.0;
    println!(
        "{name}: {count} wait; opened in {opened:.0} ms ({:.0} ms CPU), {:.0} MiB more than before",
        (cpu() - used) / 1000.0,
        resident_mib() - before
    );
    let used = cpu();
    for _ in 0..1_000 {
        assert_eq!(store.due_partners(now()).await.unwrap(), ["practice"]);
    }
    println!("  a look for partners that something is due for: {:.0} µs CPU", (cpu() - used) / 1_000.0);
    let mut done = 0;
    let step = (count / 10).min(10_000);
    let mut first = None;
    while done < count {
        let used = cpu();
        let (mut claiming, mut until) = (0.0, 0);
        let goal = if done == 0 { 1_000 } else { (done / step + 1) * step };
        while done < goal {
            let began = Instant::now();
            let claimed = claim(&*store, IN_HAND.min(goal - done)).await;
            claiming += began.elapsed().as_secs_f64();
            assert!(!claimed.is_empty());
            join_all(claimed.iter().map(|one| finish(&*store, &one.new.id, Outcome::Delivered))).await;
            done += claimed.len();
            until += claimed.len();
        }
        let each = (cpu() - used) / until as f64;
        let ratio = each / *first.get_or_insert(each);
        if done == 1_000 || done % (step * 3) == 0 || done == count {
            println!(
                "  up to {done:>7} done: {each:.0} µs CPU each ({ratio:.2}), claims {:.0} µs each; {:.0} MiB resident",
                claiming * 1e6 / until as f64,
                resident_mib()
            );
        }
    }
    store.close().await;
}

#[tokio::main]
async fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let count = std::env::var("DELIVERIES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let at = |engine| StoreSettings { engine, path: folder.path().join("store") };
    measure("fjall", &at(EngineChoice::Fjall), count).await;
    if let Some(url) = postgres::new_database() {
        measure("PostgreSQL", &at(EngineChoice::Postgres { url }), count).await;
    }
}
