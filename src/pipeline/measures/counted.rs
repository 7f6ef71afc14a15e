//! What was counted: per month and measure how much there was, how much of it was done in time, what can still be done in time and
//! what was left out, with why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::definition::{Definition, MEASURES};
use super::measure_count::MeasureCount;
use super::month::Month;
use super::person::PersonCounts;
use crate::protocol::Measured;

/// A practice's measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    pub panel: String,
    pub practice: String,
    pub made: Timestamp,
    /// The name of its zone.
    pub zone: String,
    /// People on the panel.
    pub members: u64,
    /// In order, the month asked for last.
    pub months: Vec<MonthCounts>,
    /// What is in no number though it may belong there.
    pub missing: Vec<String>,
}

/// One month: the measures in the order of `MEASURES`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthCounts {
    pub month: Month,
    /// Until when it was counted: its end, or now.
    pub until: Timestamp,
    pub counts: Vec<MeasureCount>,
    /// By name; empty for what nobody took.
    #[serde(default)]
    pub people: BTreeMap<String, PersonCounts>,
}

impl MonthCounts {
    pub(super) fn new(month: Month, until: Timestamp) -> Self {
        let counted =
            |definition: &Definition| MeasureCount { measure: definition.id.to_string(), ..MeasureCount::default() };
        Self { month, until, counts: MEASURES.iter().map(counted).collect(), people: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, measure: Option<Measured>) -> Option<&mut MeasureCount> {
        let place = MEASURES.iter().position(|definition| definition.of == measure)?;
        self.counts.get_mut(place)
    }
}

impl Measures {
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// The month that was asked for.
    pub fn asked(&self) -> Option<&MonthCounts> {
        self.months.last()
    }
}
