//! What there is before any message: start-up, memory at rest, and reading and mapping alone.

use std::time::{Duration, Instant};

use handover::hl7::{Message, ReadOptions};
use handover::mapping::Context;

use crate::compare::{Bench, median};
use crate::gateway::Gateway;
use crate::messages;
use crate::mixes::ONE_PANEL;

/// Starts and stops on the same site, in turns; the first start, which reads the roster, is told apart.
pub async fn start(bench: &Bench) {
    let folder = |number: usize| bench.folder.join(format!("start-{number}"));
    let mut times = vec![Vec::new(); bench.binaries.len()];
    let mut resident = times.clone();
    for round in 0..=bench.rounds {
        for (number, binary) in bench.binaries.iter().enumerate() {
            if round == 0 {
                bench.write_site(&folder(number), ONE_PANEL);
            }
            let gateway = Gateway::start(binary, &folder(number));
            tokio::time::sleep(Duration::from_millis(500)).await;
            times[number].push(gateway.start.as_secs_f64() * 1000.0);
            resident[number].push(gateway.resident_mib());
            gateway.stop();
        }
    }
    for (number, binary) in bench.binaries.iter().enumerate() {
        println!(
            "  {:<14}first start {:.0} ms, with {} people to import; then {:.0} ms; {:.0} MiB resident at rest",
            binary.name,
            times[number][0],
            ONE_PANEL.members,
            median(times[number].iter().skip(1).copied()),
            median(resident[number].iter().skip(1).copied())
        );
    }
}

/// In this process, so of this commit only.
pub async fn mapping(bench: &Bench) {
    let folder = bench.folder.join("mapping");
    bench.write_site(&folder, ONE_PANEL);
    let loaded = handover::site::load(&folder);
    let site = loaded.site.unwrap_or_else(|| panic!("the site is not valid: {:#?}", loaded.problems));
    let (feed, maps) = (&site.feeds["riverside"], &site.mappings["riverside"]);
    for (name, text) in [("an ADT", messages::visit(1)[1].clone()), ("20 results", messages::results(1, 20, 10))] {
        let (mut reading, mut both) = (Vec::new(), Vec::new());
        for _ in 0..2_000 {
            let began = Instant::now();
            let message = Message::parse(text.as_bytes(), &ReadOptions::default()).message.unwrap();
            reading.push(began.elapsed().as_secs_f64() * 1e6);
            let context = Context {
                zone: &feed.zone,
                authorities: &feed.authorities,
                habits: &feed.habits,
                received: jiff::Timestamp::now(),
            };
            assert!(maps.apply(&message, &context).drafts.len() > 1);
            both.push(began.elapsed().as_secs_f64() * 1e6);
        }
        let (reading, both) = (median(reading.into_iter()), median(both.into_iter()));
        println!("  {name} of {} bytes: reading {reading:.1} µs, reading and mapping {both:.1} µs", text.len());
    }
}
