//! Bounds on what is reckoned from a series: `change` against earlier sittings, `of-best` against the person's own best, `trend` over
//! days. Each window becomes a series of its own.

use super::words::Reading;
use crate::protocol::alert::{Against, Bound, Bounds, Derived, Plausible, Series, Side, Steepness, Thresholds};
use crate::protocol::codes::Codes;
use crate::protocol::deadline::Deadline;
use crate::yaml::{Fields, Node};

/// One bound on what is reckoned.
#[derive(Debug, Clone, Copy)]
pub struct Relative {
    against: Against,
    within: Deadline,
    bound: Bound,
}

/// Which of a series' keys a bound stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Warn,
    Escalate,
    Extreme,
    Clear,
}

impl Key {
    pub const ALL: [(&'static str, Self); 4] =
        [("warn", Self::Warn), ("escalate", Self::Escalate), ("extreme", Self::Extreme), ("clear", Self::Clear)];

    pub fn of(self, thresholds: &mut Thresholds) -> &mut Bounds {
        match self {
            Self::Warn => &mut thresholds.warn,
            Self::Escalate => &mut thresholds.escalate,
            Self::Extreme => &mut thresholds.extreme,
            Self::Clear => &mut thresholds.clear,
        }
    }
}

/// `change: { at-least: 2, within: 1 d }` and `of-best: { below: 80, within: 365 d }`, one or a list.
pub fn read_relative(fields: &mut Fields<'_>, key: Key, reading: &mut Reading<'_>) -> Vec<Relative> {
    let changes: Vec<&Node> = fields.list("change");
    let bests: Vec<&Node> = fields.list("of-best");
    let mut found: Vec<Relative> =
        changes.into_iter().filter_map(|node| read_one(node, key, "a change", reading)).collect();
    for node in bests {
        let one = read_one(node, key, "a part of the best", reading);
        found.extend(one.map(|one| Relative { against: Against::Best, ..one }));
    }
    found.extend(fields.list("trend").into_iter().filter_map(|node| read_trend(node, reading)));
    found
}

fn read_one(node: &Node, key: Key, what: &'static str, reading: &mut Reading<'_>) -> Option<Relative> {
    let mut fields = Fields::of(node, what);
    let keys = bound_keys(&mut fields, what, reading);
    fields.finish(&mut reading.problems);
    let (bound, within) = keys?;
    // What rises is over again when it has risen by less: the bound of `clear` looks the other way.
    let rises = (bound.side == Side::Above) != (key == Key::Clear);
    let against = if rises { Against::Lowest } else { Against::Highest };
    Some(Relative { against, within, bound })
}

/// Each day is compared with each other at every reading: a bound on that work.
const LONGEST_TREND: u32 = 56;

/// `trend: { at-least: 2, per: 7 d, within: 21 d, days: 8 }`.
fn read_trend(node: &Node, reading: &mut Reading<'_>) -> Option<Relative> {
    let mut fields = Fields::of(node, "a trend");
    let keys = bound_keys(&mut fields, "a trend", reading);
    let per = fields.required("per").and_then(|node| reading.deadline(node));
    fields.required("days");
    let least = fields.integer("days", 3..=57).and_then(|days| usize::try_from(days).ok());
    let is_days = |span: Deadline| matches!(span, Deadline::Days(1..=LONGEST_TREND));
    let (bound, within) = keys.unzip();
    if [per, within].into_iter().flatten().any(|span| !is_days(span)) {
        fields.report(node.problem("`per` and `within` of a trend are days or weeks, eight weeks at most"));
    }
    fields.finish(&mut reading.problems);
    let against = Against::Trend(Steepness { per: per?, least: least? });
    Some(Relative { against, within: within?, bound: bound? })
}

/// One bound, and the time that it is about.
fn bound_keys(fields: &mut Fields<'_>, what: &'static str, reading: &mut Reading<'_>) -> Option<(Bound, Deadline)> {
    let node = fields.node();
    let sides = [
        (fields.optional("above"), Side::Above, false),
        (fields.optional("at-least"), Side::Above, true),
        (fields.optional("below"), Side::Below, false),
        (fields.optional("at-most"), Side::Below, true),
    ];
    let given: Vec<(&Node, Side, bool)> =
        sides.into_iter().filter_map(|(node, side, inclusive)| Some((node?, side, inclusive))).collect();
    let within = fields.required("within").and_then(|node| reading.deadline(node));
    if given.len() != 1 && node.as_map().is_some() {
        fields.report(node.problem(format!("{what} has one bound: above, at-least, below or at-most")));
    }
    let (number, side, inclusive) = *given.first()?;
    let value = reading.number(number)?;
    Some((Bound { side, inclusive, value }, within?))
}

/// The series that are reckoned from the one at a place, with their bounds.
pub fn derived_series(
    (of, base): (usize, &Series),
    relatives: &[(Key, Relative)],
    node: &Node,
    reading: &mut Reading<'_>,
) -> Vec<Series> {
    let mut found: Vec<Series> = Vec::new();
    for (key, relative) in relatives {
        let derived = Derived { of, against: relative.against, within: relative.within };
        let place = found.iter().position(|one| one.derived == Some(derived)).unwrap_or_else(|| {
            found.push(reckoned(base, derived));
            found.len() - 1
        });
        if let Some(one) = found.get_mut(place) {
            *key.of(&mut one.thresholds).on_mut(relative.bound.side) = Some(relative.bound);
        }
    }
    let kind = |against: Against| match against {
        Against::Lowest => 0,
        Against::Highest => 1,
        Against::Best => 2,
        Against::Trend(_) => 3,
    };
    for wanted in 0..=3 {
        let is_such = |one: &&Series| one.derived.is_some_and(|derived| kind(derived.against) == wanted);
        let mut own = found.iter().filter(is_such).peekable();
        let is_watched = own.peek().is_some();
        if is_watched && own.all(|one| one.thresholds.clear.each().next().is_none()) {
            reading.problems.push(node.problem(
                "say in `clear` when what is reckoned is back in range: `clear: { change: { below: 1, within: 2 d } }`",
            ));
        }
    }
    found
}

fn reckoned(base: &Series, derived: Derived) -> Series {
    let within = derived.within;
    let name = match derived.against {
        Against::Lowest => format!("rise of {} within {within}", base.name),
        Against::Highest => format!("fall of {} within {within}", base.name),
        Against::Best => format!("{}, part of the best within {within}", base.name),
        Against::Trend(Steepness { per, .. }) => format!("trend of {} in {per}, within {within}", base.name),
    };
    Series {
        codes: Codes::default(),
        unit: if derived.against == Against::Best { "%".to_string() } else { base.unit.clone() },
        plausible: Plausible { from: f64::MIN, to: f64::MAX, above: None },
        thresholds: Thresholds { series: name.clone(), ..Thresholds::default() },
        molar_mass: None,
        answers: Vec::new(),
        derived: Some(derived),
        name,
    }
}
