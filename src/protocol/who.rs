//! Whom a rule is about.

use super::codes::Codes;
use super::filter::Filter;
use super::reason::Certainty;

/// A group of people. All that is said must hold.
#[derive(Debug, Clone, Default)]
pub struct Who {
    pub conditions: Option<ConditionCount>,
    /// Enrolled in a programme now.
    pub enrolled: Option<Enrolment>,
    /// Not enrolled in it: whom it is offered to.
    pub not_enrolled: Option<Enrolment>,
    /// Takes a medicine of these now.
    pub medication: Option<Codes>,
    /// Whether they are pregnant.
    pub pregnant: Option<bool>,
    /// How far on.
    pub weeks: Option<Weeks>,
    /// Years, both included.
    pub age: Option<(Option<u32>, Option<u32>)>,
    /// On the Patient.
    pub filter: Option<Filter>,
}

/// Completed weeks of a pregnancy, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weeks {
    pub from: Option<u32>,
    pub to: Option<u32>,
}

impl Weeks {
    pub fn hold(self, week: u32) -> bool {
        self.from.is_none_or(|from| week >= from) && self.to.is_none_or(|to| week <= to)
    }

    /// `week 24 to 28`.
    pub fn words(self) -> String {
        match (self.from, self.to) {
            (Some(from), Some(to)) => format!("week {from} to {to}"),
            (Some(from), None) => format!("week {from} or later"),
            (None, to) => format!("week {} or earlier", to.unwrap_or_default()),
        }
    }
}

impl Who {
    /// It asks about a pregnancy.
    pub fn asks_pregnancy(&self) -> bool {
        self.pregnant.is_some() || self.weeks.is_some()
    }
}

/// An EpisodeOfCare that is active (http://hl7.org/fhir/R4/episodeofcare.html), by its types.
#[derive(Debug, Clone)]
pub struct Enrolment {
    pub programme: Codes,
    pub level: Option<Codes>,
}

/// People whose active conditions fall into at least so many of these groups.
#[derive(Debug, Clone)]
pub struct ConditionCount {
    /// Value sets, of which each counts once; with one set that includes others by name, those count.
    pub groups: Vec<String>,
    pub at_least: usize,
    /// How sure the diagnoses must be that count.
    pub certainty: Vec<Certainty>,
}
