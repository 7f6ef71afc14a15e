//! What is on the sheet, as `handover huddle --json` prints it and the page draws it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Piece, Visit};
use crate::agreement::is_for_few;
use crate::fhir::Resource;

/// One practice's sheet for one day. Work is as it stood when the sheet was made, whatever the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Huddle {
    pub panel: String,
    pub practice: String,
    pub day: Date,
    /// The practice's working days before and after, for paging.
    pub day_before: Date,
    pub day_after: Date,
    /// Why the practice is closed on that day; empty where it works.
    pub closed: String,
    pub made: Timestamp,
    /// The practice's zone.
    pub zone: String,
    #[serde(skip)]
    pub time_zone: TimeZone,
    /// Work of the urgencies stat and asap.
    pub now: Vec<Piece>,
    pub appointments: Vec<Visit>,
    /// Appointments of that day that were made for a referral.
    pub elsewhere: Vec<Visit>,
    /// Work about visits to a hospital that began, ended or became known since the huddle before.
    pub hospital: Vec<Piece>,
    /// Late work that stands nowhere else on the sheet.
    pub overdue: Vec<Piece>,
    /// Work about referrals.
    pub referrals: Vec<Piece>,
    /// Exactly how much is open, and of that how much is late.
    pub open: u64,
    pub late: u64,
    /// Who is in, by role, as the panel's file names them.
    pub team: Vec<String>,
    /// What is not on the sheet though it belongs there, and why.
    pub missing: Vec<String>,
    #[serde(skip)]
    pub(super) hides_restricted: bool,
    #[serde(skip)]
    pub(super) hidden: usize,
}

impl Huddle {
    /// Whether this is not for who reads the sheet; what is not is counted.
    pub(super) fn hides(&mut self, resource: &Resource) -> bool {
        let is_hidden = self.hides_restricted && is_for_few(resource);
        self.hidden += usize::from(is_hidden);
        is_hidden
    }

    /// How many of the appointments need something.
    pub fn needy(&self) -> usize {
        self.appointments.iter().filter(|visit| !visit.needs.is_empty()).count()
    }

    /// The first line: how many there are, and how many of what comes beside them.
    pub fn sentence(&self) -> String {
        let some = |count: usize, one: &str, many: &str| {
            (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
        };
        let visits = match (self.appointments.len(), self.needy()) {
            (0, _) => "No appointment is known".to_string(),
            (1, 0) => "1 appointment, which needs nothing".to_string(),
            (1, _) => "1 appointment, and it needs something".to_string(),
            (count, 0) => format!("{count} appointments, none needs anything"),
            (count, 1) => format!("{count} appointments, 1 needs something"),
            (count, needy) => format!("{count} appointments, {needy} need something"),
        };
        let others = [
            some(self.now.len(), "to answer now", "to answer now"),
            some(self.hospital.len(), "hospital visit is news", "hospital visits are news"),
            some(self.overdue.len(), "overdue", "overdue"),
            some(self.referrals.len(), "referral wants something", "referrals want something"),
        ];
        let all: Vec<String> = std::iter::once(visits).chain(others.into_iter().flatten()).collect();
        format!("{}.", all.join(" · "))
    }
}
