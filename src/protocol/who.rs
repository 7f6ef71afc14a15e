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
    /// Years, both included.
    pub age: Option<(Option<u32>, Option<u32>)>,
    /// On the Patient.
    pub filter: Option<Filter>,
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
