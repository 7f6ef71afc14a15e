//! Some people's year: nothing that is owed is missed, and nothing comes twice, in the order in which it happened and in any other; by
//! the rules in memory, and in the store of a gateway that is killed meanwhile.

use std::process::Command;

use handover::protocol::ProtocolSet;

use super::year::{Order, Told, Year, lived, lives_here, looked_at, played, tried, write_site};

/// As many as an unoptimised build can; more with `HANDOVER_YEAR=200`.
const PEOPLE: usize = 20;
/// So many whose year is written to a disk, and so often it is broken off.
const PEOPLE_ON_DISK: usize = 12;
const KILLS: usize = 4;
/// What is told only while a visit lasts.
const NOTICES: [&str; 3] = ["transitional-care/in-hospital", "transitional-care/readmission", "ed-follow-up/arrival"];

#[test]
fn a_year_misses_nothing_that_is_owed_and_makes_nothing_twice() {
    let set = ProtocolSet::built_in();
    let people = std::env::var("HANDOVER_YEAR").map_or(PEOPLE, |text| text.parse().unwrap());
    for order in [Order::AsItHappened, Order::Shuffled] {
        holds(&played(&set, 0..people, 11, order), people, order);
    }
}

fn holds(told: &Told, people: usize, order: Order) {
    assert!(told.owed > people, "{} pieces of work are owed to {people} people", told.owed);
    println!(
        "{order:?}: {} events, {} looks, {} owed, {} made, {} alerts",
        told.events, told.looks, told.owed, told.works, told.alerts
    );
    assert!(told.missed.is_empty(), "{order:?} missed {}: {:#?}", told.missed.len(), told.missed);
    assert!(told.extra.is_empty(), "{order:?} made {} too many: {:#?}", told.extra.len(), told.extra);
}

/// The part of the process that the next test kills; where nobody asks for it, there is nothing to do.
#[test]
fn the_gateway_that_is_killed() {
    lives_here();
}

#[test]
fn a_year_in_a_store_is_the_same_whenever_the_gateway_is_killed() {
    let year = Year { people: PEOPLE_ON_DISK, seed: 11, order: Order::Shuffled };
    let again = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_year::the_gateway_that_is_killed", "--nocapture"]);
        command
    };
    let folders = [0, KILLS].map(|kills| {
        let folder = tempfile::tempdir().unwrap();
        write_site(folder.path(), year.people);
        lived(folder.path(), year, kills, &again);
        folder
    });
    let [(whole, _), (kept, told)] = folders.each_ref().map(|folder| looked_at(folder.path(), year));
    holds(&told, year.people, year.order);
    let unlike = kept.unlike(&whole);
    assert!(unlike.is_empty(), "{} otherwise: {:#?}", unlike.len(), unlike.iter().take(5).collect::<Vec<_>>());
    let again: Vec<_> = kept.messages.iter().filter(|(_, times)| **times != 1).collect();
    assert!(again.is_empty() && kept.messages.len() > told.events / 2, "{again:?} of {}", kept.messages.len());
    assert!(kept.deliveries.len() > told.works, "{} deliveries", kept.deliveries.len());
    // A trial lets each thing become known when it says that it happened: who was heard of late has a notice there.
    let is_notice = |rule: &str| NOTICES.contains(&rule);
    for protocol in ["transitional-care", "ed-follow-up", "blood-pressure", "glucose"] {
        let (mut tried, mut made) = (tried(folders[1].path(), protocol), told.made_by(protocol));
        tried.retain(|rule, _| !is_notice(rule));
        made.retain(|rule, _| !is_notice(rule));
        assert_eq!(tried, made, "{protocol}: what the trial tells beside what was made");
        assert!(!made.is_empty(), "{protocol} made nothing in the year");
    }
}
