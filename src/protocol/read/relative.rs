//! Bounds on what is reckoned from a series: `change` against earlier sittings, `of-best` against the person's own best. Each
//! window becomes a series of its own.

use super::words::Reading;
use crate::protocol::alert::{Against, Bound, Bounds, Derived, Plausible, Series, Side, Thresholds};
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
    found
}

fn read_one(node: &Node, key: Key, what: &'static str, reading: &mut Reading<'_>) -> Option<Relative> {
    let mut fields = Fields::of(node, what);
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
    fields.finish(&mut reading.problems);
    let (number, side, inclusive) = *given.first()?;
    let value = reading.number(number)?;
    // What rises is over again when it has risen by less: the bound of `clear` looks the other way.
    let rises = (side == Side::Above) != (key == Key::Clear);
    let against = if rises { Against::Lowest } else { Against::Highest };
    Some(Relative { against, within: within?, bound: Bound { side, inclusive, value } })
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
    for against in [Against::Lowest, Against::Highest, Against::Best] {
        let mut own =
            found.iter().filter(|one| one.derived.is_some_and(|derived| derived.against == against)).peekable();
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
