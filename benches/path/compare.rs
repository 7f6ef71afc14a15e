//! Rounds of the same work, in turns at each binary and at the bare disk, and the medians of them as a table.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::gateway::{Binary, Gateway};
use crate::load::Sent;
use crate::reader::Key;
use crate::receiver::Receiver;
use crate::site::{self, Plan};

/// Deliveries that take longer than this to be delivered after a round are a fault, not a measure.
const LONGEST_DRAIN: Duration = Duration::from_secs(120);

pub struct Bench {
    pub binaries: Vec<Binary>,
    pub receiver: Receiver,
    pub folder: PathBuf,
    pub http: reqwest::Client,
    pub rounds: usize,
    /// How long a round should take at the first binary, its deliveries included.
    pub round: Duration,
    /// After this long a table gets no more rounds.
    pub longest: Duration,
    pub connections: Vec<usize>,
    pub key: Key,
}

/// One round at one gateway.
struct Sample {
    count: f64,
    rate: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    written: f64,
    to_disk: f64,
    drain: f64,
    peak: f64,
}

/// A column of the table, with how it is written.
type Column = (&'static str, usize, fn(&Sample) -> f64);

const COLUMNS: &[Column] = &[
    ("per second", 0, |sample| sample.rate),
    ("p50 ms", 2, |sample| sample.p50),
    ("p99 ms", 2, |sample| sample.p99),
    ("CPU µs", 0, |sample| sample.cpu),
    ("written B", 0, |sample| sample.written),
    ("to disk B", 0, |sample| sample.to_disk),
    ("drain s", 2, |sample| sample.drain),
    ("peak MiB", 0, |sample| sample.peak),
];

/// What the gateway's own counters say that was done, by the name the report gives it.
const STEPS: &[(&str, &str)] = &[
    ("commits", "commit_seconds_count"),
    ("new records", "records"),
    ("open tasks more", "tasks{state=\"open\""),
    ("deliveries tried", "delivery_attempts_total"),
    ("causes not used", "unused_total"),
];

impl Bench {
    pub fn write_site(&self, folder: &Path, plan: Plan) {
        site::write(folder, plan, self.receiver.address, &self.key.registration());
    }

    /// One gateway of each binary, on a site of its own.
    pub fn gateways(&self, mix: &str, plan: Plan) -> Vec<Gateway> {
        let start = |(number, binary): (usize, &Binary)| {
            let folder = self.folder.join(format!("{mix}-{number}"));
            self.write_site(&folder, plan);
            Gateway::start(binary, &folder)
        };
        self.binaries.iter().enumerate().map(start).collect()
    }

    /// Does `work` on `count` units at each gateway in turns, each round with the same units at all of them, and prints the table.
    /// `make` makes a round's units, and is told how many there should be.
    pub async fn compare<Units>(
        &self,
        title: &str,
        connections: usize,
        gateways: &[Gateway],
        mut make: impl FnMut(usize) -> Units,
        work: impl AsyncFn(&Gateway, &Units) -> Sent,
    ) {
        let began = Instant::now();
        let (count, committed) = self.fitting(connections, gateways, &mut make, &work).await;
        let mut samples: Vec<Vec<Sample>> = gateways.iter().map(|_| Vec::new()).collect();
        let (mut raw, mut steps) = (Vec::new(), vec![vec![0.0; STEPS.len()]; gateways.len()]);
        for round in 0..self.rounds {
            if round > 0 && began.elapsed() > self.longest {
                break;
            }
            let units = make(count);
            for turn in 0..gateways.len() {
                let side = (turn + round) % gateways.len();
                let (sample, did) = self.sample(&gateways[side], &units, &work).await;
                steps[side].iter_mut().zip(did).for_each(|(sum, more)| *sum += more);
                samples[side].push(sample);
            }
            let bytes = (committed * connections as f64) as usize;
            raw.push(connections as f64 * raw_appends(&self.folder, bytes, self.round / 5));
        }
        println!("\n{title}: {connections} at once, {} rounds of about {count}", raw.len());
        print_table(gateways, &samples);
        let raw = median(raw.into_iter());
        let rate = median(samples[0].iter().map(|sample| sample.rate));
        println!(
            "  the disk alone: {raw:.0} per second ({connections} × {committed:.0} B appended per fdatasync); {} is at {:.3} of it",
            gateways[0].name,
            rate / raw
        );
        for ((gateway, steps), samples) in gateways.iter().zip(steps).zip(samples) {
            print_steps(&gateway.name, &steps, samples.iter().map(|sample| sample.count).sum());
        }
    }

    /// How many units fill a round at the slowest of them, and how many bytes the first writes for each. Warms them up as well.
    async fn fitting<Units>(
        &self,
        connections: usize,
        gateways: &[Gateway],
        make: &mut impl FnMut(usize) -> Units,
        work: &impl AsyncFn(&Gateway, &Units) -> Sent,
    ) -> (usize, f64) {
        let mut count = connections * 2;
        loop {
            let units = make(count);
            let (mut longest, mut written) = (0.0_f64, Vec::new());
            for gateway in gateways {
                let began = Instant::now();
                written.push(self.sample(gateway, &units, work).await.0.written);
                longest = longest.max(began.elapsed().as_secs_f64());
            }
            let fill = self.round.as_secs_f64() / longest;
            if fill < 2.0 {
                return (((count as f64 * fill) as usize).max(connections * 2), written[0]);
            }
            count = (count as f64 * fill.min(10.0)) as usize;
        }
    }

    async fn sample<Units>(
        &self,
        gateway: &Gateway,
        units: &Units,
        work: &impl AsyncFn(&Gateway, &Units) -> Sent,
    ) -> (Sample, Vec<f64>) {
        let metrics = gateway.metrics(&self.http).await;
        gateway.reset_peak();
        let (before, pushed) = (gateway.used(), self.receiver.bytes.load(Ordering::Relaxed));
        let sent = work(gateway, units).await;
        let acknowledged = Instant::now();
        gateway.drained(&self.http, LONGEST_DRAIN).await;
        let drain = acknowledged.elapsed().as_secs_f64();
        let (after, pushed) = (gateway.used(), self.receiver.bytes.load(Ordering::Relaxed) - pushed);
        let now = gateway.metrics(&self.http).await;
        let steps = STEPS.iter().map(|(_, name)| now.sum(name) - metrics.sum(name)).collect();
        let count = sent.count as f64;
        let sample = Sample {
            count,
            rate: count / sent.seconds,
            p50: sent.percentile(0.5),
            p99: sent.percentile(0.99),
            cpu: (after.cpu - before.cpu).as_secs_f64() * 1e6 / count,
            // What went to the partners was written too, but not to the store.
            written: (after.written - before.written).saturating_sub(pushed) as f64 / count,
            to_disk: (after.to_disk - before.to_disk) as f64 / count,
            drain,
            peak: gateway.peak_mib(),
        };
        (sample, steps)
    }
}

fn print_table(gateways: &[Gateway], samples: &[Vec<Sample>]) {
    let names: String = COLUMNS.iter().map(|(name, ..)| format!("{name:>12}")).collect();
    println!("  {:<14}{names}", "");
    for (gateway, samples) in gateways.iter().zip(samples) {
        let values = COLUMNS.iter().map(|(_, digits, of)| format!("{:>12.digits$}", median(samples.iter().map(of))));
        println!("  {:<14}{}", gateway.name, values.collect::<String>());
    }
    for (other, theirs) in gateways.iter().zip(samples).skip(1) {
        let ratio = |of: fn(&Sample) -> f64| {
            let ratios = samples[0].iter().zip(theirs).map(|(ours, theirs)| of(ours) / of(theirs));
            median(ratios.filter(|ratio| ratio.is_finite()))
        };
        let values = COLUMNS.iter().map(|(.., of)| format!("{:>12.3}", ratio(*of)));
        println!("  {:<14}{}", format!("÷ {}", other.name), values.collect::<String>());
    }
}

fn print_steps(name: &str, steps: &[f64], count: f64) {
    let (did, nothing): (Vec<_>, Vec<_>) = STEPS.iter().zip(steps).partition(|(_, sum)| **sum != 0.0);
    let did: Vec<String> = did.iter().map(|((name, _), sum)| format!("{:.2} {name}", **sum / count)).collect();
    let nothing: Vec<&str> = nothing.iter().map(|((name, _), _)| *name).collect();
    println!("  {name}, each: {}; none at all: {}", did.join(", "), nothing.join(", "));
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How often per second so many bytes are appended and synced.
fn raw_appends(folder: &Path, bytes: usize, time: Duration) -> f64 {
    let path = folder.join("raw");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
    let block = vec![b'x'; bytes.max(1)];
    let began = Instant::now();
    let mut count = 0_usize;
    while began.elapsed() < time {
        file.write_all(&block).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    std::fs::remove_file(path).unwrap();
    rate
}
