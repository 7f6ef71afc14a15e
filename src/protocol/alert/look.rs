//! What one rule sees of one patient.

use super::confirmation::Standing;
use super::gathered::Gathered;
use super::readings::Reading;
use super::rule::{AlertRule, Thresholds};
use super::sittings::Sitting;
use crate::protocol::context::Context;
use crate::protocol::work::Existing;

/// One rule for one patient.
pub struct Look<'l, 'a> {
    pub context: &'l Context<'a>,
    pub rule: &'l AlertRule,
    pub gathered: &'l Gathered,
    pub standings: Vec<Standing>,
    pub sittings: Vec<Sitting>,
    pub thresholds: Vec<Thresholds>,
    pub thresholds_words: String,
    pub existing: Vec<&'l Existing<'a>>,
}

impl<'l, 'a> Look<'l, 'a> {
    pub fn readings_of(&self, sitting: &Sitting) -> Vec<&'l Reading> {
        sitting.readings.iter().filter_map(|place| self.gathered.readings.get(*place)).collect()
    }
}
