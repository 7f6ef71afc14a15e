//! What the demo's hospital writes: HL7 v2.5.1 messages (http://www.hl7.eu/HL7v2x/v251/hl7v251msgcontrol.htm), with times counted back from now. All people are
//! synthetic.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A hospital that writes its messages now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hospital {
    pub now: Timestamp,
}

/// Somebody's stay or visit (PV1).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stay<'s> {
    /// PV1-2: `E`, `I`, `O`.
    pub class: &'s str,
    pub place: &'s str,
    pub service: &'s str,
    pub number: &'s str,
    /// PV1-36, as hospitals bill it.
    pub disposition: &'s str,
    pub start: &'s str,
    pub end: &'s str,
}

impl Hospital {
    /// So many minutes ago, as the hospital's clock showed it.
    pub fn at(self, minutes_ago: i64) -> String {
        let moment = self.now.saturating_sub(SignedDuration::from_mins(minutes_ago)).unwrap_or(self.now);
        moment.to_zoned(zone()).strftime("%Y%m%d%H%M%S%z").to_string()
    }

    /// Every run's messages have control ids of their own.
    pub fn header(self, event: &str, time: &str, number: usize) -> String {
        let run = self.now.as_second();
        format!("MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{time}||{event}|D{run}-{number}|P|2.5.1")
    }
}

impl Stay<'_> {
    pub fn segment(self) -> String {
        let mut fields = vec![String::new(); 46];
        let number = format!("{}^^^RIVERSIDE-VISIT^VN", self.number);
        let set = [
            (0, "PV1"),
            (1, "1"),
            (2, self.class),
            (3, self.place),
            (7, "1043^Lindqvist^Maja^^^Dr.^^^RIVERSIDE"),
            (10, self.service),
            (19, number.as_str()),
            (36, self.disposition),
            (44, self.start),
            (45, self.end),
        ];
        for (place, value) in set {
            if let Some(field) = fields.get_mut(place) {
                *field = value.to_string();
            }
        }
        fields.join("|").trim_end_matches('|').to_string()
    }
}

/// Where the hospital and its patients are.
pub(super) fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)
}

pub(super) fn message(segments: &[&str]) -> String {
    segments.join("\r") + "\r"
}
