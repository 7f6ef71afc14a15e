//! Emergency visits of fifty practices' people while half of the practices' servers misbehave and the gateway is killed again and again:
//! in the end each practice's server holds what was decided last of each thing. Fails where one does not.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use handover::store::{DeliveryFilter, DeliveryState, EngineChoice, StoreSettings, open};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::compare::Bench;
use crate::faulty::{self, LATE_SECS, State, TIMEOUT_SECS, is_faulty, number, version};
use crate::gateway::Gateway;
use crate::messages;
use crate::site::{self, Plan, member};

/// Messages under way at once.
const CONNECTIONS: usize = 16;

/// The longest that what is left may take once all servers are well.
const LONGEST: Duration = Duration::from_secs(600);

pub async fn chaos(bench: &Bench, mix: &str, plan: Plan, visits: usize, kills: usize) {
    for binary in &bench.binaries {
        let (address, state) = faulty::serve();
        let folder = bench.folder.join(format!("{mix}-{}", binary.name));
        site::write(&folder, plan, address, &bench.key.registration());
        with_short_waits(&folder, plan);
        let began = Instant::now();
        let (mut gateway, messages) = (Gateway::start(binary, &folder), visits * 2);
        let (to, at) = watch::channel(gateway.mllp["riverside"]);
        let queues = queues(plan, visits);
        let senders: Vec<_> = queues.into_iter().map(|queue| tokio::spawn(send_all(queue, at.clone()))).collect();
        let mut starts = Vec::new();
        for _ in 0..kills {
            tokio::time::sleep(Duration::from_millis(rand::random_range(2_000..8_000))).await;
            // Dropped, it is killed with SIGKILL.
            drop(gateway);
            gateway = Gateway::start(binary, &folder);
            starts.push(gateway.start.as_secs_f64());
            to.send_replace(gateway.mllp["riverside"]);
        }
        let mut again = 0;
        for sender in senders {
            again += sender.await.unwrap();
        }
        let sent = began.elapsed().as_secs_f64();
        let stood_still = *state.longest.lock().unwrap();
        state.is_well.store(true, Ordering::Relaxed);
        gateway.drained(&bench.http, LONGEST).await;
        // What may have arrived late is sent once more, after the latest that it can.
        tokio::time::sleep(Duration::from_secs(TIMEOUT_SECS + LATE_SECS + 2)).await;
        gateway.drained(&bench.http, LONGEST).await;
        let drained = began.elapsed().as_secs_f64();
        gateway.stop();
        starts.sort_by(f64::total_cmp);
        let told = compare(&folder, &state).await;
        println!(
            "  {:<14}{messages} messages in {sent:.0} s, killed {kills} times ({again} sent again; a start took {:.2} s at most)",
            binary.name,
            starts.last().copied().unwrap_or_default()
        );
        println!(
            "    {} deliveries, {:.0} per second until the last",
            told.deliveries,
            told.deliveries as f64 / drained
        );
        println!("    a partner that is well stood still for {:.1} s at most", stood_still.as_secs_f64());
        let faults: BTreeMap<_, _> = state.faults.lock().unwrap().clone().into_iter().collect();
        println!("    faults: {faults:?}");
        let back = *state.back_in_time.lock().unwrap();
        println!("    {} things at partners; an older version came over a newer {back} times, on the way", told.things);
        assert!(told.wrong.is_empty(), "{} are not what was decided last: {:#?}", told.wrong.len(), told.wrong);
        println!("    all of them are what was decided last");
    }
}

/// So that what hangs is tried again within the time that is looked at.
fn with_short_waits(folder: &Path, plan: Plan) {
    for practice in 0..plan.practices {
        let file = folder.join(format!("partners/practice-{practice}.yaml"));
        let text = std::fs::read_to_string(&file).unwrap();
        let waits = format!(
            "  parallel: 16\n  timeout_secs: {TIMEOUT_SECS}\n  late_secs: {LATE_SECS}\n  retry: {{ first_secs: 1, longest_secs: 4 }}"
        );
        let changed = text.replace("  parallel: 16", &waits);
        assert_ne!(text, changed);
        std::fs::write(&file, changed).unwrap();
    }
}

/// Each of one person after the other, so that what is told of them comes in its order; nobody has two at once.
fn queues(plan: Plan, visits: usize) -> Vec<VecDeque<String>> {
    let mut queues = vec![VecDeque::new(); CONNECTIONS];
    for visit in 0..visits {
        let of = visit % plan.members;
        queues[of % CONNECTIONS].extend(messages::visit(member(of)));
    }
    queues
}

/// Sends until each message is acknowledged, again wherever the line broke first. Says how many were sent again.
async fn send_all(queue: VecDeque<String>, mut at: watch::Receiver<SocketAddr>) -> usize {
    let (mut stream, mut again) = (None, 0);
    for message in queue {
        let frame = [b"\x0b", message.as_bytes(), b"\x1c\r"].concat();
        loop {
            let address = *at.borrow_and_update();
            if stream.is_none() {
                stream = TcpStream::connect(address).await.ok();
            }
            let answer = match &mut stream {
                Some(open) => exchange(open, &frame).await.ok(),
                None => None,
            };
            if let Some(answer) = answer {
                assert!(answer.contains("\rMSA|AA|"), "{answer}");
                break;
            }
            (stream, again) = (None, again + 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    again
}

async fn exchange(stream: &mut TcpStream, frame: &[u8]) -> std::io::Result<String> {
    stream.write_all(frame).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

struct Told {
    deliveries: usize,
    things: usize,
    wrong: Vec<String>,
}

/// What the store says was delivered last of each thing, beside what its partner holds.
async fn compare(folder: &Path, state: &State) -> Told {
    let store = open(&StoreSettings { engine: EngineChoice::Fjall, path: folder.join("data") }).unwrap();
    let (mut last, mut cursor, mut deliveries) = (BTreeMap::new(), None, 0);
    loop {
        let page = store.deliveries(&DeliveryFilter::default(), cursor.as_ref(), 500).await.unwrap();
        deliveries += page.items.len();
        for delivery in page.items {
            let thing = delivery.new.subject.split("/_history/").next().unwrap().to_string();
            let is_told = matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Superseded);
            assert!(is_told, "{} of {thing} is {}", delivery.new.id, delivery.state.word());
            // Newest first.
            last.entry((delivery.new.partner.clone(), thing)).or_insert(delivery);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    store.close().await;
    let things = state.things.lock().unwrap();
    let identified = |body: &Value| body.get("identifier").map(Value::to_string).unwrap_or_default();
    let held: HashMap<_, _> =
        things.iter().map(|((of, _), held)| ((*of, identified(&held.body)), version(&held.body))).collect();
    let mut wrong = Vec::new();
    for ((partner, thing), delivery) in &last {
        let number = number(partner);
        let payload = &delivery.new.payload;
        let (has, wanted) = (held.get(&(number, identified(payload))).copied(), version(payload));
        if has != Some(wanted) || delivery.state != DeliveryState::Delivered {
            let faulty = if is_faulty(number) { "faulty" } else { "well" };
            wrong.push(format!("{partner} ({faulty}) has version {has:?} of {thing}, and {wanted} was decided last"));
        }
    }
    Told { deliveries, things: last.len(), wrong }
}
