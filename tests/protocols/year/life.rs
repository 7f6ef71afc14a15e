//! What happens to somebody in a year, by chance that is seeded; and when each thing becomes known.

use jiff::{SignedDuration, Timestamp};

use super::random::Random;

/// One thing that happened, and when it became known.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: Timestamp,
    pub known: Timestamp,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Begins { visit: usize },
    Ends { visit: usize },
    Seen { visit: usize },
    Measured(Measure),
    Referred { referral: usize },
    Accepted { referral: usize },
    Booked { referral: usize, on: Timestamp },
    Kept { referral: usize, on: Timestamp },
    Reported { referral: usize },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    Pressure(i64, i64),
    Saturation(i64),
    Glucose(i64),
    Weight(f64),
}

#[derive(Debug, Clone)]
pub struct Visit {
    pub class: &'static str,
    pub start: Timestamp,
    pub end: Timestamp,
    /// As hospitals bill it.
    pub disposition: &'static str,
}

pub struct Life {
    pub number: usize,
    /// Of ICD-10-CM, known before the year.
    pub conditions: Vec<&'static str>,
    pub visits: Vec<Visit>,
    /// Somebody tries twice to reach them after a stay.
    pub is_tried: bool,
    pub events: Vec<Event>,
}

/// In which order things become known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    AsItHappened,
    /// Hours late, one before another; one of twenty is told again later.
    Shuffled,
}

pub const DAYS: f64 = 365.0;
/// Nothing happens so near the end that what is owed for it lies beyond.
const LAST: f64 = 300.0;

pub fn start() -> Timestamp {
    "2026-01-05T05:00:00Z".parse().unwrap()
}

pub fn after(days: f64) -> Timestamp {
    start() + SignedDuration::from_secs((days * 86_400.0) as i64 / 60 * 60)
}

pub fn lived(number: usize, random: &mut Random, order: Order) -> Life {
    let all = [("I50.9", 0.15), ("J44.9", 0.15), ("N18.3", 0.15), ("I48.91", 0.15), ("E11.9", 0.2)];
    let conditions = all.iter().filter(|(_, share)| random.happens(*share)).map(|(code, _)| *code).collect();
    let mut life = Life { number, conditions, visits: Vec::new(), is_tried: random.happens(0.5), events: Vec::new() };
    hospital(&mut life, random);
    referral(&mut life, random);
    if random.happens(0.3) {
        readings(&mut life, random);
    }
    if order == Order::Shuffled {
        shuffle(&mut life.events, random);
    }
    life.events.sort_by_key(|event| (event.known, event.at));
    life
}

impl Life {
    fn tell(&mut self, day: f64, what: What) {
        let at = after(day);
        self.events.push(Event { at, known: at, what });
    }

    fn visit(&mut self, class: &'static str, from: f64, to: f64, disposition: &'static str) {
        let visit = self.visits.len();
        self.visits.push(Visit { class, start: after(from), end: after(to), disposition });
        self.tell(from, What::Begins { visit });
        self.tell(to, What::Ends { visit });
    }
}

/// Stays and emergency visits, one after the other; some stays begin in the emergency department, some soon after another.
fn hospital(life: &mut Life, random: &mut Random) {
    let is_frail = random.happens(0.15);
    let mut day = random.between(1.0, if is_frail { 60.0 } else { 500.0 });
    while day < LAST {
        if random.happens(0.35) {
            if random.happens(0.4) {
                life.visit("EMER", day - 0.2, day - 0.02, "09");
            }
            let end = day + random.between(1.2, 7.0);
            let class = if random.happens(0.8) { "IMP" } else { "OBSENC" };
            let disposition = match random.share() {
                share if share < 0.8 => "01",
                share if share < 0.9 => "03",
                share if share < 0.95 => "07",
                _ => "06",
            };
            life.visit(class, day, end, disposition);
            if random.happens(0.4) {
                seen(life, end + random.between(0.6, 9.0));
            }
            day = end + if random.happens(0.3) { random.between(10.0, 29.0) } else { random.between(32.0, 200.0) };
        } else {
            let disposition = if random.happens(0.1) { "07" } else { "01" };
            life.visit("EMER", day, day + random.between(0.05, 0.3), disposition);
            if random.happens(0.3) {
                seen(life, day + random.between(1.0, 6.0));
            }
            day += if is_frail { random.between(8.0, 50.0) } else { random.between(30.0, 300.0) };
        }
    }
}

fn seen(life: &mut Life, day: f64) {
    let visit = life.visits.len();
    life.visits.push(Visit { class: "AMB", start: after(day), end: after(day + 0.02), disposition: "01" });
    life.tell(day + 0.02, What::Seen { visit });
}

/// How far a referral comes.
fn referral(life: &mut Life, random: &mut Random) {
    if !random.happens(0.3) {
        return;
    }
    let day = random.between(1.0, LAST);
    let way = random.share();
    let referral = 0;
    life.tell(day, What::Referred { referral });
    if way < 0.2 {
        return;
    }
    let answered = day + if way < 0.6 { 3.0 } else { 10.0 };
    life.tell(answered, What::Accepted { referral });
    if way < 0.4 {
        return;
    }
    let on = after(answered + 11.0);
    life.tell(answered + 2.0, What::Booked { referral, on });
    life.tell(answered + 11.1, What::Kept { referral, on });
    if way < 0.8 {
        life.tell(answered + 16.0, What::Reported { referral });
    }
}

/// Every nine days as it should be, and some days that are not.
fn readings(life: &mut Life, random: &mut Random) {
    let is_diabetic = life.conditions.contains(&"E11.9");
    let has_failure = life.conditions.contains(&"I50.9");
    let mut week = 2.0;
    while week < DAYS - 3.0 {
        life.tell(
            week + 0.4,
            What::Measured(Measure::Pressure(random.between(112.0, 134.0) as i64, random.between(66.0, 84.0) as i64)),
        );
        life.tell(week + 0.4, What::Measured(Measure::Saturation(random.between(95.0, 99.0) as i64)));
        life.tell(week + 0.4, What::Measured(Measure::Glucose(random.between(90.0, 125.0) as i64)));
        if has_failure {
            life.tell(week + 0.4, What::Measured(Measure::Weight(180.0)));
        }
        week += 9.0;
    }
    let mut day = random.between(10.0, 60.0).floor();
    while day < LAST {
        let mut tell = |later: f64, what| life.tell(day + later, What::Measured(what));
        match random.between(0.0, 8.0) as u32 {
            0 => [0.1, 1.1].into_iter().for_each(|later| tell(later, Measure::Pressure(158, 86))),
            1 => [0.1, 0.107].into_iter().for_each(|later| tell(later, Measure::Pressure(196, 104))),
            2 => tell(0.1, Measure::Saturation(91)),
            3 => [0.1, 0.107].into_iter().for_each(|later| tell(later, Measure::Saturation(84))),
            4 => tell(0.1, Measure::Glucose(62)),
            5 => tell(0.1, Measure::Glucose(49)),
            6 if is_diabetic => tell(0.1, Measure::Glucose(340)),
            7 if has_failure => {
                [(-1.0, 180.0), (0.0, 183.0), (1.0, 183.0), (2.0, 180.5), (3.0, 180.0)]
                    .into_iter()
                    .for_each(|(later, weight)| tell(later + 0.1, Measure::Weight(weight)));
            }
            // One reading above 140 is an afternoon.
            _ => tell(0.1, Measure::Pressure(152, 80)),
        }
        // Back as it should be, twice.
        for later in [2.1, 3.1] {
            tell(later, Measure::Pressure(124, 76));
            tell(later, Measure::Saturation(97));
            tell(later, Measure::Glucose(104));
        }
        day += random.between(42.0, 80.0).floor();
    }
}

fn shuffle(events: &mut Vec<Event>, random: &mut Random) {
    let mut again = Vec::new();
    for event in events.iter_mut() {
        event.known = event.at + SignedDuration::from_mins(random.between(0.0, 600.0) as i64);
        if random.happens(0.05) {
            let later = SignedDuration::from_hours(random.between(1.0, 400.0) as i64);
            again.push(Event { known: event.known + later, ..event.clone() });
        }
    }
    events.extend(again);
}
