//! The year of a practice in a process of its own that is killed at moments that a seed says and started again; and what stands in its store
//! at the end, beside what stands there where nobody was killed, and beside the oracle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use handover::pipeline::Gateway;
use handover::site::write_demo;
use handover::store::{DeliveryFilter, MessageFilter};
use serde_json::Value;

use super::house::{House, Journal, Year, person};
use super::life::{DAYS, Order, after, start};
use super::outcome::{Told, weighed};
use super::random::Random;

/// In which folder, and whose year, for the process that plays it.
const FOLDER: &str = "HANDOVER_YEAR_IN";
const YEAR: &str = "HANDOVER_YEAR_OF";
/// Readings of one person in a year.
const READINGS: usize = 10_000;

/// What stands in a store: each resource without what tells when it was written, the deliveries that were made, and how often each
/// message was kept.
#[derive(Debug, PartialEq)]
pub struct Kept {
    pub resources: BTreeMap<String, Value>,
    pub deliveries: Vec<String>,
    pub messages: BTreeMap<String, usize>,
}

impl Kept {
    /// What is here and otherwise there, such as it is.
    pub fn unlike(&self, other: &Self) -> Vec<String> {
        let all = self.resources.keys().chain(other.resources.keys()).collect::<BTreeSet<_>>();
        let unlike = all.into_iter().filter(|path| self.resources.get(*path) != other.resources.get(*path));
        let mut unlike: Vec<String> = unlike
            .map(|path| format!("{path}: {:?} and {:?}", self.resources.get(path), other.resources.get(path)))
            .collect();
        if self.deliveries != other.deliveries {
            unlike.push(format!("{} and {} deliveries", self.deliveries.len(), other.deliveries.len()));
        }
        if self.messages != other.messages {
            unlike.push(format!("{} and {} messages", self.messages.len(), other.messages.len()));
        }
        unlike
    }
}

/// The demo's site with so many members, whose practice writes all of it.
pub fn write_site(folder: &Path, people: usize) {
    let rows = (0..people).map(|number| format!("L-{number},{number},Dr. Helen Park,Nia Brooks RN,en,\n"));
    let roster =
        format!("member_id,mrn:RIVERSIDE,practitioner,care_manager,language,phone\n{}", rows.collect::<String>());
    let change = |text: String| match text {
        text if text.starts_with("member_id,") => roster.clone(),
        text => text.replace("sends: [", "sends: [Condition, Encounter, "),
    };
    write_demo(folder, &change).unwrap();
}

/// Lives the year in a folder with `write_site`'s site, killed so often; the seed of the year says when. `again` starts this program once more.
pub fn lived(folder: &Path, year: Year, kills: usize, again: &dyn Fn() -> Command) {
    let events: usize = year.lives().iter().map(|life| life.events.len()).sum();
    let mut random = Random::seeded(year.seed.wrapping_add(99));
    let mut moments: Vec<usize> = (0..kills).map(|_| random.between(1.0, events as f64) as usize).collect();
    moments.sort_unstable();
    for moment in moments {
        let mut child = begun(folder, year, again);
        while Journal::read(folder).0 < moment {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("it ended before it was killed: {status}");
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        std::thread::sleep(Duration::from_micros(random.between(0.0, 20_000.0) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        println!("killed after {} were told", Journal::read(folder).0);
    }
    let status = begun(folder, year, again).wait().unwrap();
    assert!(status.success(), "the year was not lived to its end: {status}");
}

fn begun(folder: &Path, year: Year, again: &dyn Fn() -> Command) -> Child {
    let Year { people, seed, order } = year;
    let mut command = again();
    command.env(FOLDER, folder).env(YEAR, format!("{people} {seed} {order:?}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// In a process that `lived` began: lives the year, or what is left of it. False in any other.
pub fn lives_here() -> bool {
    let Ok(folder) = std::env::var(FOLDER) else { return false };
    let text = std::env::var(YEAR).unwrap();
    let mut words = text.split(' ');
    let mut word = || words.next().unwrap();
    let (people, seed) = (word().parse().unwrap(), word().parse().unwrap());
    let order = if word() == "Shuffled" { Order::Shuffled } else { Order::AsItHappened };
    let folder = Path::new(&folder);
    runtime().block_on(async {
        let mut journal = Journal::open(folder);
        let mut house = House::open(folder, Year { people, seed, order }, journal.now).await;
        house.live(&mut journal).await;
    });
    true
}

/// What stands in the store at the end, and what came of the year beside what was owed.
pub fn looked_at(folder: &Path, year: Year) -> (Kept, Told) {
    let (kept, works) = runtime().block_on(async {
        let house = House::open(folder, year, after(DAYS)).await;
        let kept = kept(&house.gateway, year.people).await;
        house.gateway.store.close().await;
        (kept, house.into_works())
    });
    let mut told = Told::default();
    works.iter().for_each(|(life, works)| told.add(weighed(life, works, year.order)));
    (kept, told)
}

/// What `handover protocol try` tells by the store that is left that the tasks and alerts of a shipped protocol would have made in the
/// year, as `Told::made_by` tells what they made.
pub fn tried(folder: &Path, protocol: &str) -> BTreeMap<String, (Option<usize>, usize)> {
    let file = format!("{}/protocols/{protocol}.yaml", env!("CARGO_MANIFEST_DIR"));
    let (since, until, site) = (start().to_string(), after(DAYS).to_string(), folder.to_str().unwrap());
    let words = ["protocol", "try", &file, "--since", &since, "--until", &until, "--site", site, "--json"];
    let output = Command::new(env!("CARGO_BIN_EXE_handover")).args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = answer["tally"]["rules"].as_array().unwrap();
    let count = |rule: &Value, what: &str| rule[what].as_u64().unwrap() as usize;
    let made =
        rules.iter().filter(|rule| matches!(rule["kind"].as_str(), Some("task" | "alert")) && count(rule, "made") > 0);
    let told = made.map(|rule| {
        let made = Some(count(rule, "made")).filter(|_| rule["kind"] == "task");
        (format!("{protocol}/{}", rule["rule"].as_str().unwrap()), (made, count(rule, "people")))
    });
    told.collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

async fn kept(gateway: &Gateway, people: usize) -> Kept {
    let mut resources = BTreeMap::new();
    for number in 0..people {
        let known = gateway.load(person(number), READINGS).await.unwrap();
        for (_, stored) in known.record.resources {
            let mut resource = stored.resource.clone();
            ["meta", "lastModified", "recorded"].iter().for_each(|element| drop(resource.remove(element)));
            let path = format!("{}/{}/_history/{}", resource.resource_type(), stored.id, stored.version);
            resources.insert(path, resource.into());
        }
    }
    let (mut deliveries, mut cursor) = (Vec::new(), None);
    loop {
        let page = gateway.store.deliveries(&DeliveryFilter::default(), cursor.as_ref(), 500).await.unwrap();
        deliveries.extend(page.items.into_iter().map(|delivery| delivery.new.subject));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    deliveries.sort();
    let (mut messages, mut cursor) = (BTreeMap::new(), None);
    loop {
        let page = gateway.store.messages(&MessageFilter::default(), cursor.as_ref(), 500).await.unwrap();
        page.items.into_iter().for_each(|message| *messages.entry(message.control).or_default() += 1);
        cursor = page.next;
        if cursor.is_none() {
            return Kept { resources, deliveries, messages };
        }
    }
}
