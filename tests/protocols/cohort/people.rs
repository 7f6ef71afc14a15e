//! The people of the cohort, their true state at every moment, and what their devices and pens make of it. Knows nothing of
//! protocols. Where a number has a source it stands beside it; the others are guesses at what programmes report.

use jiff::{SignedDuration, Timestamp};

use super::random::Random;

pub const DAYS: u32 = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sickness {
    Hypotension,
    Exacerbation,
    Hypertension,
}

/// A time in which somebody is truly sick.
#[derive(Debug, Clone)]
pub struct Episode {
    pub sickness: Sickness,
    pub from: Timestamp,
    pub until: Timestamp,
    /// How far it goes, at its worst: mmHg, or points of saturation.
    depth: f64,
}

pub struct Person {
    pub number: usize,
    has_cuff: bool,
    has_oximeter: bool,
    systolic: f64,
    diastolic: f64,
    saturation: f64,
    /// Two readings a minute apart, as ESH 2023 and AHA 2019 ask; two in five do.
    measures_twice: bool,
    writes_by_hand: bool,
    pub episodes: Vec<Episode>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Pressure(i64, i64),
    Saturation(i64),
}

#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub taken: Timestamp,
    pub arrives: Timestamp,
    pub value: Value,
}

pub fn start() -> Timestamp {
    "2026-01-05T00:00:00Z".parse().unwrap()
}

pub fn hours(hours: f64) -> SignedDuration {
    SignedDuration::from_secs((hours * 3600.0) as i64)
}

/// How many of each kind of episode there are among so many people.
pub struct Plan {
    pub people: usize,
    pub hypotensions: usize,
    pub exacerbations: usize,
    pub hypertensions: usize,
}

pub fn people(plan: &Plan, random: &mut Random) -> Vec<Person> {
    let mut people: Vec<Person> = (0..plan.people).map(|number| person(number, random)).collect();
    let kinds = [
        (Sickness::Hypotension, plan.hypotensions),
        (Sickness::Exacerbation, plan.exacerbations),
        (Sickness::Hypertension, plan.hypertensions),
    ];
    for (sickness, count) in kinds {
        for number in 0..count {
            fall_sick(&mut people, sickness, number, random);
        }
    }
    people
}

fn person(number: usize, random: &mut Random) -> Person {
    let has_oximeter = random.happens(0.5);
    // A third of those with lungs to watch live at 94 to 96 %, as stable COPD does (baseline 94.6, sd 2.3: PMC5339840).
    let low = random.happens(0.35);
    Person {
        number,
        has_oximeter,
        has_cuff: !has_oximeter || random.happens(0.5),
        // Treated hypertension at home.
        systolic: random.around(130.0, 9.0).clamp(108.0, 152.0),
        diastolic: random.around(78.0, 6.0).clamp(62.0, 92.0),
        saturation: if low { random.between(94.0, 96.0) } else { random.between(96.0, 98.0) },
        measures_twice: random.happens(0.4),
        writes_by_hand: random.happens(0.3),
        episodes: Vec::new(),
    }
}

/// Falls on somebody who measures what it shows in, and who has no other episode.
fn fall_sick(people: &mut [Person], sickness: Sickness, number: usize, random: &mut Random) {
    let fits = |person: &Person| {
        let measures = if sickness == Sickness::Exacerbation { person.has_oximeter } else { person.has_cuff };
        // Every other exacerbation falls on somebody whose own level is 94 to 96 %.
        let is_low = sickness != Sickness::Exacerbation || number % 2 == 1 || person.saturation < 96.0;
        measures && is_low && person.episodes.is_empty()
    };
    let candidates: Vec<usize> = people.iter().filter(|person| fits(person)).map(|person| person.number).collect();
    let chosen = candidates[(random.share() * candidates.len() as f64) as usize];
    let person = &mut people[chosen];
    let (days, depth) = match sickness {
        Sickness::Hypotension => (random.between(2.0, 4.0), person.systolic - random.between(74.0, 88.0)),
        Sickness::Exacerbation => (random.between(7.0, 11.0), random.between(4.5, 9.0)),
        Sickness::Hypertension => (random.between(3.0, 6.0), random.between(190.0, 210.0) - person.systolic),
    };
    let from = start() + hours(24.0 * random.between(20.0, f64::from(DAYS) - days - 2.0));
    person.episodes.push(Episode { sickness, from, until: from + hours(24.0 * days), depth });
}

impl Episode {
    /// From 0 to 1: it comes on, stays, and goes. An exacerbation takes half its time to come on, a crisis a fifth.
    fn share_at(&self, at: Timestamp) -> f64 {
        if at < self.from || at > self.until {
            return 0.0;
        }
        let whole = self.until.duration_since(self.from).as_secs_f64();
        let passed = at.duration_since(self.from).as_secs_f64() / whole;
        let onset = if self.sickness == Sickness::Exacerbation { 0.5 } else { 0.2 };
        (passed / onset).min((1.0 - passed) / 0.2).clamp(0.0, 1.0)
    }
}

impl Person {
    /// The true pressures and saturation: the person's own, and what sickness does to them.
    fn truth(&self, at: Timestamp) -> (f64, f64, f64) {
        let (mut systolic, mut diastolic, mut saturation) = (self.systolic, self.diastolic, self.saturation);
        for episode in &self.episodes {
            let depth = episode.depth * episode.share_at(at);
            match episode.sickness {
                Sickness::Hypotension => (systolic, diastolic) = (systolic - depth, diastolic - 0.55 * depth),
                Sickness::Hypertension => (systolic, diastolic) = (systolic + depth, diastolic + 0.4 * depth),
                Sickness::Exacerbation => saturation -= depth,
            }
        }
        (systolic, diastolic, saturation)
    }

    /// One grip of the cuff. `swing` is how the day's time and mood move this sitting (home systolic varies by 7 to 9 from
    /// day to day: doi 10.1161/HYPERTENSIONAHA.108.115295); reading beside reading differs by about 4.
    fn press(&self, at: Timestamp, swing: f64, random: &mut Random) -> (i64, i64) {
        let (systolic, diastolic, _) = self.truth(at);
        let mut upper = systolic + swing + random.around(0.0, 4.0);
        let mut lower = diastolic + 0.5 * swing + random.around(0.0, 3.0);
        // One in a hundred: after the stairs, while talking, the cuff over a sleeve; and one in three hundred too low.
        if random.happens(0.01) {
            let by = random.around(30.0, 14.0).max(0.0);
            (upper, lower) = (upper + by, lower + 0.5 * by);
        } else if random.happens(0.003) {
            let by = random.around(35.0, 10.0).max(0.0);
            (upper, lower) = (upper - by, lower - 0.5 * by);
        }
        (upper.round() as i64, lower.round().min(upper - 15.0) as i64)
    }

    /// One finger in the clip. Reading beside reading differs by about 1 point; one in a hundred has a cold finger, a moving
    /// hand, nail polish.
    fn clip(&self, at: Timestamp, swing: f64, random: &mut Random) -> i64 {
        let mut value = self.truth(at).2 + swing + random.around(0.0, 0.6);
        if random.happens(0.01) {
            value -= random.between(3.0, 14.0);
        }
        value.round().min(100.0) as i64
    }

    /// A measurement as it is written down.
    pub fn measure(&self, pressure: bool, at: Timestamp, swing: f64, random: &mut Random) -> Value {
        let is_slip = random.happens(if self.writes_by_hand { 0.006 } else { 0.001 });
        if pressure {
            let (upper, lower) = self.press(at, swing, random);
            return match (is_slip, random.share()) {
                (false, _) => Value::Pressure(upper, lower),
                // Swapped; a digit lost; a digit changed.
                (true, slip) if slip < 0.3 => Value::Pressure(lower, upper),
                (true, slip) if slip < 0.7 => Value::Pressure(upper / 10, lower / 10),
                _ => Value::Pressure(upper + 50, lower),
            };
        }
        let value = self.clip(at, swing, random);
        Value::Saturation(if is_slip { value - 60 } else { value })
    }

    /// Everything this person measures by themselves, in order of when it arrives.
    pub fn readings(&self, random: &mut Random) -> Vec<Measured> {
        let mut readings = Vec::new();
        for half_day in 0..DAYS * 2 {
            // Four of five planned measurements are taken.
            if !random.happens(0.8) {
                continue;
            }
            let day = f64::from(half_day / 2) * 24.0;
            let hour = if half_day % 2 == 0 { random.between(7.0, 9.5) } else { random.between(17.0, 20.5) };
            let at = start() + hours(day + hour);
            // One in twenty is sent hours later.
            let delay = if random.happens(0.05) { hours(random.between(1.0, 10.0)) } else { SignedDuration::ZERO };
            if self.has_cuff {
                let swing = random.around(0.0, 7.0);
                self.sit_down(true, at, swing, delay, &mut readings, random);
            }
            if self.has_oximeter {
                let swing = random.around(0.0, 0.7);
                self.sit_down(false, at + hours(0.05), swing, delay, &mut readings, random);
            }
        }
        readings.sort_by_key(|reading| (reading.arrives, reading.taken));
        readings
    }

    fn sit_down(
        &self,
        pressure: bool,
        at: Timestamp,
        swing: f64,
        delay: SignedDuration,
        readings: &mut Vec<Measured>,
        random: &mut Random,
    ) {
        let first = self.measure(pressure, at, swing, random);
        readings.push(Measured { taken: at, arrives: at + delay, value: first });
        // The leaflet of every kit says to repeat a frightening number; three of four do.
        let repeats = if is_frightening(first) { random.happens(0.75) } else { pressure && self.measures_twice };
        if repeats {
            let again = at + hours(if is_frightening(first) { random.between(0.03, 0.15) } else { 0.02 });
            let value = self.measure(pressure, again, swing, random);
            readings.push(Measured { taken: again, arrives: again + delay, value });
        }
    }
}

/// What the leaflets of cuffs and oximeters call a number to take again.
fn is_frightening(value: Value) -> bool {
    match value {
        Value::Pressure(upper, lower) => upper >= 180 || lower >= 120 || upper < 85,
        Value::Saturation(value) => value < 90,
    }
}
