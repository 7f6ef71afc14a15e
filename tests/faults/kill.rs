//! kill -9 at random moments under load. `HANDOVER_KILLS` sets how many (8 without it); the seed is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use handover::fhir::Identifier;
use handover::store::{DeliveryFilter, DeliveryState, MessageFilter, Store};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{adt, frame, minutes_ago};
use crate::process::{Ground, prepare, run};

const SENDERS: usize = 8;
const MEMBERS: usize = 40;
/// A gateway that does nothing for so long is killed as it is.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What a sender got AA for: control id, patient, visit.
type Acked = Arc<Mutex<Vec<(String, usize, String)>>>;

/// A hospital's engine: the next message only after the last was acknowledged; the same one again when it was not.
async fn send_for_ever(sender: usize, ground: Arc<Ground>, acked: Acked, stop: Arc<AtomicBool>) {
    let mut connection: Option<TcpStream> = None;
    for number in 0.. {
        let patient = (number * SENDERS + sender) % MEMBERS + 1;
        let visit = format!("V{sender}-{}", number / 2);
        let event = if number % 2 == 0 { "A04" } else { "A03" };
        let patient = if number % 2 == 0 { patient } else { ((number - 1) * SENDERS + sender) % MEMBERS + 1 };
        let control = format!("K{sender}-{number}");
        let message = frame(&adt(
            event,
            &control,
            &patient.to_string(),
            &visit,
            &minutes_ago(if number % 2 == 0 { 90 } else { 5 }),
        ));
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            match exchange(&mut connection, &ground, &message).await {
                Ok(answer) if answer.contains("MSA|AA") => break,
                _ => {
                    connection = None;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        acked.lock().unwrap().push((control, patient, visit));
    }
}

async fn exchange(connection: &mut Option<TcpStream>, ground: &Ground, message: &[u8]) -> std::io::Result<String> {
    let stream = match connection {
        Some(stream) => stream,
        None => connection.insert(TcpStream::connect(ground.mllp).await?),
    };
    stream.write_all(message).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(&[0x1C, 0x0D]) {
        let byte = tokio::time::timeout(Duration::from_secs(5), stream.read_u8()).await??;
        answer.push(byte);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_there_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    under_load(prepare(folder.path(), MEMBERS), kills(), &kill).await;
}

/// Ends a gateway under load again and again, starts it each time, and looks at the end what is there.
pub async fn under_load(ground: Ground, times: usize, end: &dyn Fn(&mut Child)) {
    let ground = Arc::new(ground);
    let acked: Acked = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let child = run(&ground);
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send_for_ever(sender, Arc::clone(&ground), Arc::clone(&acked), Arc::clone(&stop))))
        .collect();
    let done = || acked.lock().unwrap().len();
    let mut child = end_again_and_again(child, &ground, &done, times, end).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    end(&mut child);
    let acked = acked.lock().unwrap().clone();
    verify(&ground, &acked).await;
}

/// As often as the environment says.
fn kills() -> usize {
    std::env::var("HANDOVER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

pub async fn kill_again_and_again(child: Child, ground: &Arc<Ground>, done: &dyn Fn() -> usize) -> Child {
    end_again_and_again(child, ground, done, kills(), &kill).await
}

/// Ends the gateway each time when it has done something since it was started and at a moment after that which the seed says, and
/// starts it again.
async fn end_again_and_again(
    mut child: Child,
    ground: &Arc<Ground>,
    done: &dyn Fn() -> usize,
    times: usize,
    end: &dyn Fn(&mut Child),
) -> Child {
    let seed: u64 = std::env::var("HANDOVER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("seed {seed}, {times} times");
    let mut random = seed;
    for _ in 0..times {
        // A step of a linear congruential generator (Knuth's MMIX constants) is random enough for a moment to end it at.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (before, until) = (done(), Instant::now() + LONGEST_REST);
        while done() == before && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis((random >> 33) % 450)).await;
        end(&mut child);
        let ground = Arc::clone(ground);
        child = tokio::task::spawn_blocking(move || run(&ground)).await.unwrap();
    }
    child
}

/// Opens the store as the last kill left it, looks, then lets the gateway deliver the rest and compares with the EHR.
async fn verify(ground: &Ground, acked: &[(String, usize, String)]) {
    println!("{} acknowledged", acked.len());
    assert!(!acked.is_empty());
    let running = crate::harness::start(&ground.folder).await;
    let store = &*running.gateway.store;
    let kept = all_controls(store).await;
    for (control, patient, visit) in acked {
        assert_eq!(kept.get(control), Some(&1), "{control} is kept exactly once");
        let mrn = Identifier::new("urn:oid:2.16.840.1.113883.19.5", patient.to_string());
        let person = store.persons_of(&[mrn]).await.unwrap()[0].expect("the patient's record");
        let record = store.record(person, &[], 10).await.unwrap();
        let visits = record
            .of_type("Encounter")
            .filter(|encounter| encounter.resource.identifiers().iter().any(|identifier| identifier.value == *visit));
        assert_eq!(visits.count(), 1, "one encounter for visit {visit}");
    }
    deliver_all(store).await;
    let mut lines: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut subjects: BTreeSet<String> = BTreeSet::new();
    let mut cursor = None;
    loop {
        let page = store.deliveries(&DeliveryFilter::default(), cursor.as_ref(), 500).await.unwrap();
        for delivery in page.items {
            assert_eq!(delivery.state, DeliveryState::Delivered, "{:?}", delivery.attempts);
            assert!(lines.entry(delivery.new.person.to_string()).or_default().insert(delivery.new.number));
            assert!(subjects.insert(delivery.new.subject.clone()), "{} is delivered once", delivery.new.subject);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    for (person, numbers) in &lines {
        assert_eq!(
            numbers.iter().copied().collect::<Vec<_>>(),
            (1..=numbers.len() as u64).collect::<Vec<_>>(),
            "{person}"
        );
    }
    let finished =
        acked.iter().filter(|(control, ..)| control.rsplit('-').next().unwrap().parse::<usize>().unwrap() % 2 == 1);
    // One who came twice within the hour is called once, about both.
    let patients: BTreeSet<String> = finished.map(|(_, patient, _)| format!("L-{patient}")).collect();
    let contacts = ground
        .ehr
        .all("Task")
        .into_iter()
        .filter(|held| held.resource.codings("code").iter().any(|(_, code)| *code == "ed-follow-up"));
    let member = |task: &Value| task.pointer("/for/identifier/value").and_then(Value::as_str).map(str::to_string);
    let called: BTreeSet<String> = contacts.filter_map(|held| member(&held.resource.into())).collect();
    let forgotten: Vec<_> = patients.difference(&called).collect();
    assert!(forgotten.is_empty(), "the EHR holds no follow-up for {forgotten:?}");
    running.stop().await;
}

/// Waits until nothing waits. While the gateway was dead its partner could not fetch its keys, so some deliveries wait for
/// their next try by the retry rule; an operator's retry takes them up at once.
async fn deliver_all(store: &dyn Store) {
    let filter = DeliveryFilter { state: Some(DeliveryState::Waiting), ..DeliveryFilter::default() };
    let (mut least, mut until) = (u64::MAX, Instant::now());
    loop {
        let left = store.health().await.deliveries_waiting;
        if left < least {
            (least, until) = (left, Instant::now() + Duration::from_secs(60));
        }
        let waiting = store.deliveries(&filter, None, 500).await.unwrap().items;
        if waiting.is_empty() {
            return;
        }
        let now = jiff::Timestamp::now();
        for delivery in
            waiting.iter().filter(|delivery| delivery.tries > 0 && delivery.next.is_some_and(|next| next > now))
        {
            store.retry_delivery(&delivery.new.id, now).await.unwrap();
        }
        let stuck = waiting.first().map(|delivery| (delivery.next, delivery.tries, delivery.attempts.clone()));
        assert!(Instant::now() < until, "no progress: {left} still wait, such as {stuck:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

pub async fn all_controls(store: &dyn Store) -> BTreeMap<String, usize> {
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = store.messages(&MessageFilter::default(), cursor.as_ref(), 500).await.unwrap();
        for summary in page.items {
            *kept.entry(summary.control).or_default() += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            return kept;
        }
    }
}
