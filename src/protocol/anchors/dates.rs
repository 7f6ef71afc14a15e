//! A day of the year as a trigger: a birthday, the first of October.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::facts::Facts;
use crate::protocol::model::{TaskRule, Yearly};

pub fn anchors<'v, 'a>(context: &Context<'v>, rule: &TaskRule, on: Yearly) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let this = context.now().to_zoned(facts.zone.clone()).year();
    // Nothing lost: work of ours is named by its year.
    let asked = context.existing_of(&rule.id).into_iter().filter_map(|existing| existing.work.anchor.parse().ok());
    let mut years: Vec<i16> = asked.chain([this - 1, this, this + 1]).collect();
    years.sort_unstable();
    years.dedup();
    years.into_iter().filter_map(|year| Some(Anchor::at(year.to_string(), moment(facts, on, year)?))).collect()
}

/// When the day begins at the practice; nobody has a birthday before they are born.
fn moment(facts: &Facts<'_>, on: Yearly, year: i16) -> Option<Timestamp> {
    let (month, day) = match on {
        Yearly::Day { month, day } => (month, day),
        Yearly::Birthday => {
            let birth = facts.birth()?;
            if year <= birth.year() {
                return None;
            }
            (birth.month(), birth.day())
        }
    };
    // Whoever is born on a leap day has their birthday on the first of March in other years, as their age counts.
    let date = Date::new(year, month, day).or_else(|_| Date::new(year, 3, 1)).ok()?; // Nothing lost: every year has one of the two.
    // Nothing lost: beyond the calendar's end no day comes.
    facts.zone.to_timestamp(date.to_datetime(Time::midnight())).ok()
}
