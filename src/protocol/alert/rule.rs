//! What an alert rule says once its file has been read. docs/protocol-language.md explains every key.

use super::grade::Grade;
use crate::protocol::chain::Step;
use crate::protocol::codes::Codes;
use crate::protocol::deadline::Deadline;
use crate::protocol::filter::Filter;
use crate::protocol::template::Template;
use crate::protocol::who::Who;
use crate::yaml::Mark;

/// Readings that must not stay unseen.
#[derive(Debug, Clone)]
pub struct AlertRule {
    pub id: String,
    pub mark: Mark,
    pub title: String,
    /// What is told where a level has no text of its own.
    pub text: Template,
    /// What the coach can make of it with the patient.
    pub teach: Option<String>,
    pub who: Who,
    /// On each Observation.
    pub filter: Option<Filter>,
    pub series: Vec<Series>,
    /// Other thresholds for some people; the first that fits is taken.
    pub instead: Vec<(Who, Vec<Thresholds>, Mark)>,
    pub warn: Level,
    pub escalate: Level,
    /// Sittings in range, one after the other, that end a warning.
    pub clear_readings: usize,
    /// Readings taken within this time after the first belong to one sitting.
    pub apart: Deadline,
    /// Where a reading must have been taken: classes of encounters, and `home` for none.
    pub taken: Vec<String>,
    /// A reading older than this raises nothing.
    pub max_age: Deadline,
    /// After a person closed an alert, so long no new warning; an escalation always comes.
    pub quiet: Option<Deadline>,
}

/// Where a reading can have been taken: in no encounter, or in one of a v3 ActCode class.
pub const PLACES: [(&str, &str); 11] = [
    (HOME, "at home"),
    ("AMB", "in an outpatient visit"),
    ("EMER", "in an emergency visit"),
    ("HH", "in a home visit"),
    ("VR", "in a virtual visit"),
    ("FLD", "in the field"),
    ("IMP", "in a hospital stay"),
    ("ACUTE", "in a hospital stay"),
    ("NONAC", "in a hospital stay"),
    ("OBSENC", "in an observation stay"),
    ("SS", "in a short stay"),
];
pub const HOME: &str = "home";

/// Where readings count unless a rule says otherwise: everywhere but in a stay, where others watch over the patient.
pub const USUAL_PLACES: [&str; 6] = [HOME, "AMB", "EMER", "HH", "VR", "FLD"];

/// One kind of value in a reading, such as the systolic pressure.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub codes: Codes,
    /// UCUM.
    pub unit: String,
    /// In grams per mole, where senders state it as an amount of substance, too.
    pub molar_mass: Option<f64>,
    pub plausible: Plausible,
    pub thresholds: Thresholds,
    /// The numbers that coded answers stand for.
    pub answers: Vec<((String, String), f64)>,
    /// What it is reckoned from; none where it is measured itself.
    pub derived: Option<Derived>,
}

/// A series that is reckoned from the sittings of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// The place of the other series.
    pub of: usize,
    pub against: Against,
    /// Earlier sittings within this time are compared with; days are dates on the practice's wall, so that yesterday's is
    /// within a day whatever the hour.
    pub within: Deadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// How far it rose since the lowest.
    Lowest,
    /// How far it fell since the highest; below nothing.
    Highest,
    /// What part it is of the highest, in per cent.
    Best,
    /// How steeply it goes.
    Trend(Steepness),
}

/// A slope in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steepness {
    /// In so many days.
    pub per: Deadline,
    /// It is judged from so many days with readings on.
    pub least: usize,
}

/// Values outside are mistakes of a device or a pen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plausible {
    pub from: f64,
    pub to: f64,
    /// The place of the series that this one is always above (systolic above diastolic).
    pub above: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thresholds {
    pub series: String,
    pub warn: Bounds,
    pub escalate: Bounds,
    /// So far out that an escalation waits for no second reading.
    pub extreme: Bounds,
    /// Back in range; keeps a value at the brink from ringing twice.
    pub clear: Bounds,
    pub change: Option<Change>,
}

/// Up to one bound on either side. Out of range is beyond one of them, back in range is within all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    pub above: Option<Bound>,
    pub below: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    pub side: Side,
    /// The value itself counts.
    pub inclusive: bool,
    pub value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Above,
    Below,
}

/// A warning by the distance from the person's own baseline: the median of earlier sittings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    pub side: Side,
    /// So far from the baseline, or farther.
    pub by: f64,
    /// Earlier sittings within this time make the baseline …
    pub over: Deadline,
    /// … if there are so many.
    pub at_least: usize,
    /// It takes so many of the last so many sittings.
    pub count: usize,
    pub of: usize,
}

/// When readings make an alert, and who has it.
#[derive(Debug, Clone)]
pub struct Level {
    /// Instead of the rule's.
    pub text: Option<Template>,
    /// So many …
    pub count: usize,
    /// … of the last so many sittings …
    pub of: usize,
    /// … within this time.
    pub within: Deadline,
    /// The response time that Task.restriction tells.
    pub respond: Deadline,
    /// First step first; its `after` is nothing.
    pub chain: Vec<Step>,
    pub confirm: Option<Confirm>,
}

/// A second reading is asked for before an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    pub within: Deadline,
    /// What a reading is that nobody repeated.
    pub otherwise: Grade,
}

/// The work that readings are which cannot be right.
#[derive(Debug, Clone)]
pub struct Repeat {
    pub respond: Deadline,
    pub chain: Vec<Step>,
}

impl Bounds {
    pub fn on(&self, side: Side) -> Option<Bound> {
        match side {
            Side::Above => self.above,
            Side::Below => self.below,
        }
    }

    pub fn on_mut(&mut self, side: Side) -> &mut Option<Bound> {
        match side {
            Side::Above => &mut self.above,
            Side::Below => &mut self.below,
        }
    }

    pub fn each(&self) -> impl Iterator<Item = Bound> {
        [self.above, self.below].into_iter().flatten()
    }
}

impl Thresholds {
    /// The bound on a side at which a value is first out of range.
    pub fn outer(&self, side: Side) -> Option<Bound> {
        self.warn.on(side).or(self.escalate.on(side))
    }
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Above, Self::Below];

    pub fn other(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::Below => Self::Above,
        }
    }

    /// Whether one number lies farther out on this side than another.
    pub fn is_beyond(self, value: f64, other: f64) -> bool {
        match self {
            Self::Above => value > other,
            Self::Below => value < other,
        }
    }
}

impl Bound {
    /// In words: `above 140 mmHg`, `88 % or below`.
    pub fn words(self, unit: &str) -> String {
        let value = format!("{} {unit}", self.value);
        let value = value.trim_end();
        match (self.side, self.inclusive) {
            (Side::Above, true) => format!("{value} or above"),
            (Side::Above, false) => format!("above {value}"),
            (Side::Below, true) => format!("{value} or below"),
            (Side::Below, false) => format!("below {value}"),
        }
    }
}
