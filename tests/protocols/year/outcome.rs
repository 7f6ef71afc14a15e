//! The engine's work beside the oracle's: what was missed, what was made twice, what nobody owed, and how much a practice gets.

use std::collections::BTreeMap;

use handover::protocol::ProtocolSet;
use jiff::{SignedDuration, Timestamp};

use super::diary::Work;
use super::gateway::Gateway;
use super::life::{Life, Order, lived};
use super::oracle::{Owed, owed};
use super::random::Random;

/// What came of a year.
#[derive(Debug, Default)]
pub struct Told {
    /// Owed, and not there, or not by its time, or not made louder: in words.
    pub missed: Vec<String>,
    /// There twice, or not owed.
    pub extra: Vec<String>,
    pub owed: usize,
    pub works: usize,
    pub alerts: usize,
    pub escalations: usize,
    pub events: usize,
    pub looks: u64,
    /// By rule, and for how many people.
    pub made: BTreeMap<String, usize>,
    pub people: BTreeMap<String, usize>,
}

/// What the oracle knows.
const KNOWN: [&str; 23] = [
    "transitional-care/in-hospital",
    "transitional-care/readmission",
    "transitional-care/contact",
    "transitional-care/contact-left-early",
    "transitional-care/visit-7",
    "transitional-care/visit-7-readmitted",
    "transitional-care/visit-14",
    "transitional-care/medicines",
    "transitional-care/facility",
    "ed-follow-up/arrival",
    "ed-follow-up/contact",
    "ed-follow-up/visit",
    "ed-follow-up/left-early",
    "high-use/offer-programme",
    "referral-loop/unanswered",
    "referral-loop/unscheduled",
    "referral-loop/no-report",
    "referral-loop/review",
    "heart-failure/gain",
    "blood-pressure/high",
    "oxygen-saturation/low",
    "glucose/low",
    "glucose/high",
];
const ALERTS: [&str; 5] =
    ["blood-pressure/high", "oxygen-saturation/low", "glucose/low", "glucose/high", "heart-failure/gain"];

pub fn played(set: &ProtocolSet, people: std::ops::Range<usize>, seed: u64, order: Order) -> Told {
    let mut told = Told::default();
    people.for_each(|number| told.add(one(set, number, seed, order)));
    told
}

fn one(set: &ProtocolSet, number: usize, seed: u64, order: Order) -> Told {
    let life = life_of(number, seed, order);
    let mut gateway = Gateway::new(set, &life);
    let works = gateway.live(&life);
    Told { looks: gateway.looks, ..weighed(&life, &works, order) }
}

pub fn life_of(number: usize, seed: u64, order: Order) -> Life {
    let mut random = Random::seeded(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
    lived(number, &mut random, order)
}

/// What was made of somebody's year beside what was owed.
pub fn weighed(life: &Life, works: &[Work], order: Order) -> Told {
    let owed = owed(life);
    let mut told = Told { events: life.events.len(), owed: owed.len(), works: works.len(), ..Told::default() };
    for work in works {
        *told.made.entry(work.rule.clone()).or_default() += 1;
        let is_alert = ALERTS.contains(&work.rule.as_str());
        told.alerts += usize::from(is_alert);
        told.escalations += usize::from(is_alert && work.escalated.is_some());
    }
    told.people = told.made.keys().map(|rule| (rule.clone(), 1)).collect();
    compare(life.number, &owed, works, order, &mut told);
    told
}

impl Told {
    /// How much each rule of one protocol made, and for how many. An alert that a person closed comes anew where one that nobody closed
    /// goes on, so of alerts how many they were is not told.
    pub fn made_by(&self, protocol: &str) -> BTreeMap<String, (Option<usize>, usize)> {
        let own = self.people.iter().filter(|(rule, _)| rule.split('/').next() == Some(protocol));
        let made = |rule: &String| self.made.get(rule).copied().filter(|_| !ALERTS.contains(&rule.as_str()));
        own.map(|(rule, people)| (rule.clone(), (made(rule), *people))).collect()
    }

    /// What came of other people's year as well.
    pub fn add(&mut self, other: Self) {
        self.missed.extend(other.missed);
        self.extra.extend(other.extra);
        self.owed += other.owed;
        self.works += other.works;
        self.alerts += other.alerts;
        self.escalations += other.escalations;
        self.events += other.events;
        self.looks += other.looks;
        for (all, more) in [(&mut self.made, other.made), (&mut self.people, other.people)] {
            more.into_iter().for_each(|(rule, count)| *all.entry(rule).or_default() += count);
        }
    }
}

/// What happened is known ten hours later at most.
const LATE: SignedDuration = SignedDuration::from_hours(11);

fn compare(number: usize, owed: &[Owed], works: &[Work], order: Order, told: &mut Told) {
    let late = if order == Order::Shuffled { LATE } else { SignedDuration::from_mins(1) };
    let mut taken = vec![false; works.len()];
    for one in owed {
        let is_alert = ALERTS.contains(&one.rule);
        if order == Order::Shuffled && (one.is_notice || (is_alert && !one.is_escalation)) {
            // Who hears of it when it has passed is told nothing, rightly.
            continue;
        }
        let is_own = |work: &Work| {
            let in_time = work.made >= one.since && work.made <= one.until + late;
            let is_open_then = work.was_open(one.since, one.since + late);
            let is_due = one.due.is_none() || work.due == one.due;
            work.rule == one.rule && if one.is_shared { is_open_then } else { in_time && is_due }
        };
        let found: Vec<usize> = (0..works.len()).filter(|place| is_own(&works[*place])).collect();
        let words = || format!("person {number}: {} since {} due {:?}", one.rule, one.since, one.due);
        match found.as_slice() {
            [] => {
                let own = works.iter().filter(|work| work.rule == one.rule).map(|work| (&work.open, work.due));
                told.missed.push(format!("{}; there are {:?}", words(), own.collect::<Vec<_>>()));
            }
            [own] => {
                let work = &works[*own];
                if one.is_escalation && work.escalated.is_none() {
                    told.missed.push(format!("{}, which is no escalation", words()));
                }
                let by = one.climbs.map(|at| at + late);
                if by.is_some_and(|by| work.climbed.is_none_or(|at| at > by)) && !is_ended_before(work, one.climbs) {
                    told.missed.push(format!("{}, which did not climb", words()));
                }
                if one.climbs.is_none() && work.attempts > 0 && work.climbed.is_some() {
                    told.extra.push(format!("{}, which climbed after two attempts", words()));
                }
            }
            many if !one.is_shared => told.extra.push(format!("{}, {} times", words(), many.len())),
            // Of a shared one the former may end with the same look that makes the next.
            _ => {}
        }
        found.into_iter().for_each(|place| taken[place] = true);
    }
    if order == Order::Shuffled {
        return doubled(number, works, told);
    }
    for (work, is_taken) in works.iter().zip(&taken) {
        if !is_taken && KNOWN.contains(&work.rule.as_str()) {
            told.extra.push(format!("person {number}: {} made {} due {:?}", work.rule, work.made, work.due));
        }
    }
    doubled(number, works, told);
}

fn is_ended_before(work: &Work, at: Option<Timestamp>) -> bool {
    at.is_some_and(|at| !work.open.iter().any(|(begun, ended)| *begun <= at && ended.is_none_or(|ended| ended > at)))
}

/// Two of one rule that are due on one day, or two alerts of one rule at once.
fn doubled(number: usize, works: &[Work], told: &mut Told) {
    for (place, one) in works.iter().enumerate() {
        for other in works.iter().take(place).filter(|other| other.rule == one.rule && other.due == one.due) {
            let is_alert = ALERTS.contains(&one.rule.as_str());
            let apart = (one.made.duration_since(other.made)).abs();
            if KNOWN.contains(&one.rule.as_str())
                && !is_alert
                && one.due.is_some()
                && apart < SignedDuration::from_hours(24 * 3)
            {
                told.extra.push(format!("person {number}: {} twice, due {:?}", one.rule, one.due));
            }
        }
    }
}
