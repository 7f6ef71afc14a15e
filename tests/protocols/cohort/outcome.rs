//! How often the shipped alerts ring in a cohort, what they miss, and how much of it is for nothing, beside plain thresholds
//! on the same readings.

use std::sync::Arc;

use handover::fhir::{ValueSets, built_in_value_sets};
use handover::protocol::{ProtocolSet, compile};
use handover::yaml::Source;

use super::clinic::{Asked, Clinic};
use super::people::{DAYS, Episode, Measured, Person, Plan, Sickness, Value, hours, people};
use super::random::Random;

/// The alerts alone, as they are in the folder.
fn alerts() -> ProtocolSet {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols");
    let source = |name: &str| {
        let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        Source::new(format!("protocols/{name}.yaml"), text)
    };
    let value_sets = Arc::new(ValueSets::compile(&built_in_value_sets()).0);
    let (set, problems) = compile(&[], &[source("blood-pressure"), source("oxygen-saturation")], value_sets);
    assert_eq!(problems, []);
    set
}

/// What came of the whole cohort.
#[derive(Debug)]
pub struct Outcome {
    pub alerts_a_day: f64,
    escalations_a_day: f64,
    pub missed: Vec<String>,
    episodes: usize,
    pub outside: f64,
}

impl Outcome {
    fn of(asked: &[Asked], people: &[Person]) -> Self {
        let new = asked.iter().filter(|one| one.is_new).count();
        let escalations: Vec<&Asked> = asked.iter().filter(|one| one.is_escalation).collect();
        let is_inside =
            |one: &Asked, episode: &Episode| one.at >= episode.from && one.at <= episode.until + hours(24.0);
        let outside = escalations
            .iter()
            .filter(|one| !people[one.person].episodes.iter().any(|sick| is_inside(one, sick)))
            .count();
        let mut missed = Vec::new();
        for person in people {
            for episode in &person.episodes {
                let of_rule = |one: &Asked| match episode.sickness {
                    Sickness::Exacerbation => one.rule == "low" || one.rule == "saturation",
                    Sickness::Hypotension => one.rule == "low",
                    Sickness::Hypertension => one.rule == "high",
                };
                let heard = |one: &&Asked| one.person == person.number && of_rule(one) && is_inside(one, episode);
                if !asked.iter().any(|one| heard(&one)) {
                    missed.push(format!("{:?} of person {} from {}", episode.sickness, person.number, episode.from));
                }
            }
        }
        let days = f64::from(DAYS);
        Self {
            alerts_a_day: new as f64 / days,
            escalations_a_day: escalations.len() as f64 / days,
            missed,
            episodes: people.iter().map(|person| person.episodes.len()).sum(),
            outside: outside as f64 / (escalations.len().max(1)) as f64,
        }
    }

    fn print(&self, name: &str) {
        println!(
            "{name:>10}: {:.1} alerts a day, {:.2} escalations a day, {} of {} episodes missed, {:.0} % of escalations outside of episodes",
            self.alerts_a_day,
            self.escalations_a_day,
            self.missed.len(),
            self.episodes,
            100.0 * self.outside
        );
    }
}

/// One alert for each reading out of range.
fn naive(person: &Person, readings: &[Measured]) -> Vec<Asked> {
    let ask = |reading: &Measured| {
        let (rule, level) = match reading.value {
            Value::Pressure(upper, lower) if upper >= 180 || lower >= 120 => ("high", 2),
            Value::Pressure(upper, lower) if upper > 140 || lower > 90 => ("high", 1),
            Value::Pressure(upper, _) if upper < 80 => ("low", 2),
            Value::Pressure(upper, _) if upper < 90 => ("low", 1),
            Value::Saturation(value) if value < 88 => ("saturation", 2),
            Value::Saturation(value) if value < 92 => ("saturation", 1),
            _ => return None,
        };
        let asked = Asked {
            person: person.number,
            at: reading.arrives,
            rule: rule.to_string(),
            is_escalation: level == 2,
            is_new: true,
        };
        Some(asked)
    };
    readings.iter().filter_map(ask).collect()
}

/// Everything each person of a cohort was asked for: by the protocols, and by plain thresholds.
fn play(plan: &Plan, seed: u64) -> (Outcome, Outcome) {
    let set = alerts();
    let cohort = people(plan, &mut Random::seeded(seed));
    let one = |person: &Person| {
        let mut random = Random::seeded(seed.wrapping_add(1_000 + person.number as u64));
        let readings = person.readings(&mut random);
        let mut clinic = Clinic::new(&set, person, random);
        clinic.run(&readings);
        (clinic.asked, naive(person, &readings))
    };
    let halves: Vec<(Vec<Asked>, Vec<Asked>)> = std::thread::scope(|scope| {
        let (first, second) = cohort.split_at(cohort.len() / 2);
        let run = |people: &'_ [Person]| people.iter().map(one).collect::<Vec<_>>();
        let other = scope.spawn(move || run(second));
        let mut all = run(first);
        all.extend(other.join().unwrap());
        all
    });
    let (ours, plain): (Vec<Vec<Asked>>, Vec<Vec<Asked>>) = halves.into_iter().unzip();
    let (ours, plain) = (ours.concat(), plain.concat());
    (Outcome::of(&ours, &cohort), Outcome::of(&plain, &cohort))
}

/// Plays a cohort and prints what came of it, beside plain thresholds.
pub fn played(plan: &Plan, seed: u64) -> Outcome {
    let (ours, plain) = play(plan, seed);
    plain.print("thresholds");
    ours.print("protocols");
    ours
}
