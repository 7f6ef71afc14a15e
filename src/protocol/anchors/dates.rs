//! A day of the year as a trigger: a birthday, the first of October.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::deadline::CLOCK_SKEW;
use crate::protocol::facts::Facts;
use crate::protocol::model::{TaskRule, Yearly};

pub fn anchors<'v, 'a>(context: &Context<'v>, rule: &TaskRule, on: Yearly) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let this = context.now().to_zoned(facts.zone.clone()).year();
    // Nothing lost: work of ours is named by its year.
    let asked: BTreeSet<i16> = context
        .existing_of(&rule.id)
        .into_iter()
        .filter_map(|existing| existing.work.anchor.parse().ok()) // Nothing lost: as said above.
        .collect();
    let years: BTreeSet<i16> = asked.iter().copied().chain([this - 1, this, this + 1]).collect();
    let horizon = context.now().saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    let (mut anchors, mut is_next_there) = (Vec::new(), false);
    for year in years {
        // Nothing lost: such a year has no such day, as said below.
        let Some(at) = moment(facts, on, year) else { continue };
        // Nothing lost: every year has the day; those long gone make no work, and of those to come the next one is enough.
        let is_near = rule.max_age.after(at) >= context.now() && !is_next_there;
        is_next_there |= at > horizon;
        if is_near || asked.contains(&year) {
            anchors.push(Anchor::at(year.to_string(), at));
        }
    }
    anchors
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
