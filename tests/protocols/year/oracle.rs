//! What is owed to somebody, read from their life alone: no word of it comes from the engine or from its files.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::calendar::{business_days_later, day, days_between, days_later};
use super::life::{Life, Measure, Visit, What};

/// One piece of work, with the moment at which it is owed.
#[derive(Debug, Clone)]
pub struct Owed {
    pub rule: &'static str,
    pub since: Timestamp,
    /// Made until then, where what happened says it by and by.
    pub until: Timestamp,
    pub due: Option<Date>,
    /// Only while it lasts: who hears of it late may be told nothing.
    pub is_notice: bool,
    /// One piece of work may be for several.
    pub is_shared: bool,
    pub is_escalation: bool,
    /// Nobody did it, and nobody tried twice: then the clinician has it as well.
    pub climbs: Option<Timestamp>,
}

const STAYS: [&str; 2] = ["IMP", "OBSENC"];
/// Of HEDIS FMC; diabetes is none.
const GROUPS: [&str; 4] = ["I50.9", "J44.9", "N18.3", "I48.91"];

pub fn owed(life: &Life) -> Vec<Owed> {
    let mut all = Vec::new();
    stays(life, &mut all);
    emergencies(life, &mut all);
    referrals(life, &mut all);
    alerts(life, &mut all);
    all
}

fn work(rule: &'static str, since: Timestamp, due: Date) -> Owed {
    let (due, climbs) = (Some(due), None);
    Owed { rule, since, until: since, due, is_notice: false, is_shared: false, is_escalation: false, climbs }
}

fn is_complex(life: &Life) -> bool {
    GROUPS.iter().filter(|group| life.conditions.contains(group)).count() >= 2
}

fn stays(life: &Life, all: &mut Vec<Owed>) {
    for visit in life.visits.iter().filter(|visit| STAYS.contains(&visit.class)) {
        let arrived = business_days_later(day(visit.start), 1);
        all.push(Owed { is_notice: true, ..work("transitional-care/in-hospital", visit.start, arrived) });
        let again = visit.class == "IMP" && is_readmission(life, visit);
        if again {
            all.push(Owed { is_notice: true, ..work("transitional-care/readmission", visit.start, arrived) });
        }
        let left = day(visit.end);
        if visit.disposition == "03" {
            all.push(work("transitional-care/facility", visit.end, business_days_later(left, 2)));
            continue;
        }
        if visit.disposition == "07" {
            all.push(work("transitional-care/contact-left-early", visit.end, left));
        } else {
            let due = business_days_later(left, 2);
            all.push(Owed { climbs: climbs(life, visit, due), ..work("transitional-care/contact", visit.end, due) });
        }
        let (rule, days) = match (is_complex(life), again) {
            (true, _) => ("transitional-care/visit-7", 7),
            (false, true) => ("transitional-care/visit-7-readmitted", 7),
            (false, false) => ("transitional-care/visit-14", 14),
        };
        all.push(work(rule, visit.end, days_later(left, days)));
        all.push(work("transitional-care/medicines", visit.end, days_later(left, 30)));
    }
}

/// Within thirty days after a stay that was no departure against advice.
fn is_readmission(life: &Life, visit: &Visit) -> bool {
    life.visits.iter().any(|before| {
        let apart = days_between(day(before.end), day(visit.start));
        before.class == "IMP" && before.disposition != "07" && before.end <= visit.start && apart <= 30
    })
}

/// Four days later, where nobody saw them in time, nobody tried twice, and they are not in hospital again.
fn climbs(life: &Life, visit: &Visit, due: Date) -> Option<Timestamp> {
    let at = visit.end + SignedDuration::from_hours(96);
    let is_seen =
        life.visits.iter().any(|other| other.class == "AMB" && other.start > visit.end && day(other.start) <= due);
    let is_back =
        life.visits.iter().any(|other| STAYS.contains(&other.class) && other.start > visit.end && other.start <= at);
    (!is_seen && !is_back && !life.is_tried).then_some(at)
}

fn emergencies(life: &Life, all: &mut Vec<Owed>) {
    let visits: Vec<&Visit> = life.visits.iter().filter(|visit| visit.class == "EMER").collect();
    for visit in &visits {
        all.push(Owed { due: None, is_notice: true, ..work("ed-follow-up/arrival", visit.start, day(visit.start)) });
        let recent = visits.iter().filter(|other| {
            other.start <= visit.start && visit.start.duration_since(other.start) < SignedDuration::from_hours(365 * 24)
        });
        if recent.count() >= 4 {
            let offer = work("high-use/offer-programme", visit.start, days_later(day(visit.start), 7));
            all.push(Owed { is_shared: true, ..offer });
        }
        let left = day(visit.end);
        let mut shared = |rule, due| all.push(Owed { is_shared: true, ..work(rule, visit.end, due) });
        match visit.disposition {
            "01" => {
                shared("ed-follow-up/contact", business_days_later(left, 2));
                if is_complex(life) {
                    shared("ed-follow-up/visit", days_later(left, 7));
                }
            }
            "07" => {
                shared("ed-follow-up/left-early", left);
                if is_complex(life) {
                    shared("ed-follow-up/visit", days_later(left, 7));
                }
            }
            // Admitted: what is owed comes after the stay.
            _ => {}
        }
    }
}

fn referrals(life: &Life, all: &mut Vec<Owed>) {
    let at =
        |wanted: fn(&What) -> bool| life.events.iter().filter(|event| wanted(&event.what)).map(|event| event.at).min();
    let Some(asked) = at(|what| matches!(what, What::Referred { .. })) else { return };
    let accepted = at(|what| matches!(what, What::Accepted { .. }));
    let booked = at(|what| matches!(what, What::Booked { .. }));
    let kept = life.events.iter().find_map(|event| match event.what {
        What::Kept { on, .. } => Some(on),
        _ => None,
    });
    let reported = at(|what| matches!(what, What::Reported { .. }));
    let mut stuck = |rule, since: Timestamp, waits: i64, passed: Option<Timestamp>, due: i64| {
        let from = since + SignedDuration::from_hours(24 * waits);
        // On the brink what is told hours late decides.
        if passed.is_none_or(|passed| passed > from + SignedDuration::from_hours(12)) {
            all.push(Owed { since: from, until: from, ..work(rule, since, days_later(day(since), due)) });
        }
    };
    stuck("referral-loop/unanswered", asked, 7, accepted, 10);
    if let Some(accepted) = accepted {
        stuck("referral-loop/unscheduled", accepted, 14, booked, 17);
    }
    if let Some(kept) = kept {
        stuck("referral-loop/no-report", kept, 14, reported, 17);
    }
    if let Some(reported) = reported {
        all.push(work("referral-loop/review", reported, business_days_later(day(reported), 5)));
    }
}

/// A reading of one kind that is out of range, and whether it is so far out that a clinician hears of it.
type Flagged = (Timestamp, bool);

fn alerts(life: &Life, all: &mut Vec<Owed>) {
    let measured: Vec<(Timestamp, Measure)> = {
        let of = |event: &super::life::Event| match event.what {
            What::Measured(measure) => Some((event.at, measure)),
            _ => None,
        };
        let mut found: Vec<_> = life.events.iter().filter_map(of).collect();
        found.sort_by_key(|(at, _)| *at);
        // What was told again was measured once.
        found.dedup();
        found
    };
    let diabetic = life.conditions.contains(&"E11.9");
    let failing = life.conditions.contains(&"I50.9");
    let of = |judge: &dyn Fn(Measure) -> Option<bool>| -> Vec<Flagged> {
        measured.iter().filter_map(|(at, measure)| Some((*at, judge(*measure)?))).collect()
    };
    let pressure = of(&|measure| match measure {
        Measure::Pressure(upper, lower) if upper > 140 || lower > 90 => Some(upper >= 180 || lower >= 120),
        _ => None,
    });
    // One that is no escalation warns with another beside it.
    let pressure: Vec<Flagged> = pressure
        .iter()
        .filter(|(at, is_high)| *is_high || pressure.iter().any(|(other, _)| other != at && apart(*other, *at) <= 14))
        .copied()
        .collect();
    runs("blood-pressure/high", &pressure, &[], all);
    let saturation = of(&|measure| match measure {
        Measure::Saturation(value) if value <= 92 => Some(value < 88),
        _ => None,
    });
    runs("oxygen-saturation/low", &saturation, &[], all);
    let low = of(&|measure| match measure {
        Measure::Glucose(value) if value < 70 => Some(value < 54),
        _ => None,
    });
    runs("glucose/low", &low, &[], all);
    let high = of(&|measure| match measure {
        Measure::Glucose(value) if diabetic && value > 300 => Some(true),
        _ => None,
    });
    runs("glucose/high", &high, &[], all);
    let weights: Vec<(Timestamp, f64)> = measured
        .iter()
        .filter_map(|(at, measure)| match measure {
            Measure::Weight(weight) if failing => Some((*at, *weight)),
            _ => None,
        })
        .collect();
    let rose = |at: Timestamp, weight: f64, days: i64, by: f64| {
        weights.iter().any(|(other, before)| *other < at && apart(*other, at) <= days && weight - before >= by)
    };
    let gained = weights.iter().filter(|(at, weight)| rose(*at, *weight, 1, 2.0) || rose(*at, *weight, 3, 4.4));
    let gained: Vec<Flagged> = gained.map(|(at, weight)| (*at, rose(*at, *weight, 7, 5.0))).collect();
    // Within a pound of the least of two days it is down again, and what rises after that is another.
    let is_down = |at: Timestamp, weight: f64| {
        weights.iter().any(|(other, _)| *other < at && apart(*other, at) <= 2) && !rose(at, weight, 2, 1.0)
    };
    let down = weights.iter().filter(|(at, weight)| is_down(*at, *weight)).map(|(at, _)| *at);
    runs("heart-failure/gain", &gained, &down.collect::<Vec<_>>(), all);
}

fn apart(one: Timestamp, other: Timestamp) -> i64 {
    days_between(day(one), day(other)).abs()
}

/// Readings out of range within three weeks of each other are one alert, until one shows that it is over.
fn runs(rule: &'static str, flagged: &[Flagged], over: &[Timestamp], all: &mut Vec<Owed>) {
    let mut last: Option<Owed> = None;
    for (at, is_high) in flagged {
        let is_over = |since: Timestamp| over.iter().any(|over| since < *over && over < at);
        match &mut last {
            Some(run) if apart(run.until, *at) <= 21 && !is_over(run.until) => {
                run.until = *at;
                run.is_escalation |= is_high;
            }
            _ => {
                all.extend(last.take());
                last = Some(Owed { due: None, is_escalation: *is_high, ..work(rule, *at, day(*at)) });
            }
        }
    }
    all.extend(last);
}
