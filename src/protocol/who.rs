//! Whom a rule is about.

use super::filter::Filter;
use super::reason::Certainty;

/// A group of people. All that is said must hold.
#[derive(Debug, Clone, Default)]
pub struct Who {
    pub conditions: Option<ConditionCount>,
    /// Years, both included.
    pub age: Option<(Option<u32>, Option<u32>)>,
    /// On the Patient.
    pub filter: Option<Filter>,
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
