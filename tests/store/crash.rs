//! kill -9 at random moments: a child process commits and prints what was acknowledged; every acknowledged unit must be
//! there whole, exactly once, and none may be there in part.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use handover::identity::ResourceId;
use handover::store::{DeliveryFilter, EngineChoice, Seen, Store, StoreSettings, WriteUnit};
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::given::{at, change, delivery, head, message, person};
use crate::place::Place;

const ROUNDS: usize = 4;
const WRITERS: usize = 8;

fn unit(writer: usize, number: u64) -> WriteUnit {
    let control = format!("{writer}-{number}");
    let mut head = head(person(writer), number - 1);
    head.head.deliveries.insert("lakeside".to_string(), number);
    WriteUnit {
        message: Some(message(&control, &control)),
        heads: vec![head],
        changes: vec![change(person(writer), "Task", "t", number - 1, json!({ "n": number }))],
        deliveries: vec![delivery(&control, "lakeside", person(writer), number, at(0))],
        ..WriteUnit::default()
    }
}

/// Run by the test below in a process of its own, and killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the crash test"]
async fn child() {
    let Ok(path) = std::env::var("CRASH_STORE") else { return };
    let engine = match std::env::var("CRASH_ENGINE").unwrap().as_str() {
        "fjall" => EngineChoice::Fjall,
        "sled" => EngineChoice::Sled,
        url => EngineChoice::Postgres { url: url.to_string() },
    };
    let store = handover::store::open(&StoreSettings { engine, path: path.into() }).unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut number = store.head(person(writer)).await.unwrap().map_or(0, |head| head.revision);
                loop {
                    number += 1;
                    store.commit(unit(writer, number)).await.unwrap();
                    println!("\nACK {writer} {number}");
                }
            })
        })
        .collect();
    // Writers never end by themselves; one that does has failed, and its failure ends the child.
    futures_util::future::select_all(writers).await.0.unwrap();
}

fn run_and_kill(place: &Place, engine: &str, after: Duration) -> [u64; WRITERS] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env("CRASH_STORE", place.path())
        .env("CRASH_ENGINE", engine)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut acknowledged = [0; WRITERS];
        for line in output.lines().map_while(Result::ok) {
            if let Some((writer, number)) = line.strip_prefix("ACK ").and_then(|rest| rest.split_once(' '))
                && let (Ok(writer), Ok(number)) = (writer.parse::<usize>(), number.parse())
            {
                acknowledged[writer] = number;
            }
        }
        acknowledged
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// How many units of each writer are there.
async fn verify(store: &dyn Store, acknowledged: [u64; WRITERS]) -> [u64; WRITERS] {
    let mut there = [0; WRITERS];
    for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
        let last = store.head(person(writer)).await.unwrap().map_or(0, |head| head.revision);
        assert!(last >= acknowledged, "writer {writer}: {acknowledged} was acknowledged, {last} is there");
        // One more may have been committed whose acknowledgement was cut off.
        assert!(last <= acknowledged + 1, "writer {writer}: {acknowledged} was acknowledged, {last} is there");
        there[writer] = last;
        if last == 0 {
            continue;
        }
        let id = ResourceId::of(person(writer), "Task", "t");
        assert_eq!(store.resource("Task", id).await.unwrap().unwrap().version, last);
        for number in [1, last.div_ceil(2), last] {
            let unit = unit(writer, number);
            let entry = unit.message.unwrap();
            let seen = store.seen("riverside", &entry.summary.control, &entry.content).await.unwrap();
            assert!(matches!(seen, Seen::Same(_)));
            assert_eq!(store.version("Task", id, number).await.unwrap().unwrap().version, number);
            assert!(store.delivery(&entry.summary.control).await.unwrap().is_some());
        }
        assert!(store.version("Task", id, last + 1).await.unwrap().is_none());
        assert!(store.delivery(&format!("{writer}-{}", last + 1)).await.unwrap().is_none());
    }
    there
}

async fn survives(place: Place) {
    let engine = match &place.settings.engine {
        EngineChoice::Postgres { url } => url.as_str(),
        EngineChoice::Sled => "sled",
        _ => "fjall",
    };
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let (mut there, mut count) = ([0; WRITERS], 0);
    for _ in 0..ROUNDS {
        let after = Duration::from_millis(random.random_range(150..700));
        // What was found after the last round stands like what was acknowledged.
        let acknowledged = run_and_kill(&place, engine, after);
        count += acknowledged.iter().filter(|number| **number > 0).count();
        let store = place.open();
        there = verify(&*store, std::array::from_fn(|writer| acknowledged[writer].max(there[writer]))).await;
        let units: u64 = there.iter().sum();
        let health = store.health().await;
        assert_eq!((health.messages, health.deliveries_waiting), (units, units), "seed {seed}");
        assert!(store.deliveries(&DeliveryFilter::default(), None, 1).await.is_ok());
        store.close().await;
    }
    assert!(count > 0, "nothing was acknowledged, so nothing was tested");
}

#[tokio::test]
async fn fjall_keeps_what_it_acknowledged_when_killed() {
    survives(Place::new(EngineChoice::Fjall)).await;
}

#[tokio::test]
async fn sled_keeps_what_it_acknowledged_when_killed() {
    survives(Place::new(EngineChoice::Sled)).await;
}

#[tokio::test]
async fn postgres_keeps_what_it_acknowledged_when_the_gateway_is_killed() {
    if let Some(place) = Place::postgres() {
        survives(place).await;
    }
}
