//! The clock that a message's times without an offset are read by (HL7 v2.5.1, 2.15.9.7 and 2.A.22): the sender's zone, or the
//! offset of MSH-7 where that is not the zone's. What is printed and what is sorted by come from the one moment it gives.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::timestamp::DateTime;

/// MSH-7 and the gateway's clock may differ by this much, and MSH-7 may be written to the minute.
const SLACK: SignedDuration = SignedDuration::from_mins(2);

/// How one message's sender tells the time.
#[derive(Debug, Clone)]
pub struct SenderClock {
    zone: TimeZone,
    /// The default offset of the whole message, where MSH-7 states one that the zone does not have then.
    offset: Option<Offset>,
    /// When the message was written: what it tells of an hour that the clock repeats was not later.
    written: Option<Timestamp>,
    /// Whether MSH-7 said itself which of two repeated hours it means.
    is_certain: bool,
}

/// A moment, and how a clock showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub timestamp: Timestamp,
    /// What stood on the sender's clock; in an hour that it skips, what stands there afterwards.
    pub civil: civil::DateTime,
    pub offset: Offset,
    pub doubt: Option<Doubt>,
}

/// Why a local time does not say which moment it is. The texts complete "this …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    #[error(
        "lies in the hour that the sender's clock skips; it was read as the time an hour later: send the offset from UTC"
    )]
    Skipped,
    #[error(
        "lies in the hour that the sender's clock repeats; it was read as the latest that is not after the message: send \
         the offset from UTC"
    )]
    Repeated,
}

impl SenderClock {
    /// A clock of this zone, without a message. In a repeated hour it shows the first.
    pub fn in_zone(zone: TimeZone) -> Self {
        Self { zone, offset: None, written: None, is_certain: false }
    }

    /// The clock of a message by what its MSH-7 states; `received` decides where MSH-7 itself lies in a repeated hour.
    pub fn of_message(zone: TimeZone, written: Option<&DateTime>, received: Timestamp) -> Self {
        let Some(written) = written.filter(|written| written.has_time()) else { return Self::in_zone(zone) };
        let arrival = Self { zone: zone.clone(), offset: None, written: Some(received), is_certain: true };
        let moment = arrival.moment(written.civil(), written.offset());
        let stated = written.offset();
        let offset = stated.filter(|offset| zone.to_offset(moment.timestamp) != *offset);
        Self { zone, offset, written: Some(moment.timestamp), is_certain: stated.is_some() }
    }

    /// When the message was written, as far as MSH-7 says it to the hour.
    pub fn written(&self) -> Option<Timestamp> {
        self.written
    }

    /// The moment of what stood on the clock; `stated` is the offset written with it.
    pub(super) fn moment(&self, civil: civil::DateTime, stated: Option<Offset>) -> Moment {
        if let Some(offset) = stated.or(self.offset) {
            return Moment { timestamp: at(civil, offset), civil, offset, doubt: None };
        }
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                let offset = in_minutes(offset);
                Moment { timestamp: at(civil, offset), civil, offset, doubt: None }
            }
            AmbiguousOffset::Gap { before, after } => {
                let timestamp = at(civil, before);
                Moment { timestamp, civil: after.to_datetime(timestamp), offset: after, doubt: Some(Doubt::Skipped) }
            }
            AmbiguousOffset::Fold { before, after } => {
                let latest = self.written.map(|written| written.saturating_add(SLACK).unwrap_or(written));
                let is_second = latest.is_some_and(|latest| at(civil, after) <= latest);
                let offset = if is_second { after } else { before };
                let doubt = (!self.is_certain).then_some(Doubt::Repeated);
                Moment { timestamp: at(civil, offset), civil, offset, doubt }
            }
        }
    }

    /// The first of a repeated hour's two moments, for a time without an offset that was read as the second.
    pub(super) fn earlier(&self, civil: civil::DateTime) -> Option<Moment> {
        match (self.offset, self.zone.to_ambiguous_timestamp(civil).offset()) {
            (None, AmbiguousOffset::Fold { before, .. }) => {
                Some(Moment { timestamp: at(civil, before), civil, offset: before, doubt: None })
            }
            _ => None,
        }
    }
}

/// Before zones there was the sun: offsets of those years have seconds, and a FHIR dateTime has none in its offset.
fn in_minutes(offset: Offset) -> Offset {
    // Nothing lost: fewer seconds than a day's are always an offset.
    Offset::from_seconds(offset.seconds() / 60 * 60).unwrap_or(offset)
}

/// Only the first and last hours of the calendar have no timestamp.
fn at(civil: civil::DateTime, offset: Offset) -> Timestamp {
    let edge = if civil.year() > 5000 { Timestamp::MAX } else { Timestamp::MIN };
    offset.to_timestamp(civil).unwrap_or(edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/Chicago").unwrap()
    }

    /// The moment of a time in a message with this MSH-7, as it is printed and as it is sorted by.
    fn read(written: &str, received: &str, text: &str) -> (String, String) {
        let written = DateTime::parse(written).ok();
        let clock = SenderClock::of_message(zone(), written.as_ref(), received.parse().unwrap());
        let read = DateTime::parse(text).unwrap();
        (read.to_fhir_date_time(&clock), read.to_timestamp(&clock).to_string())
    }

    #[test]
    fn before_there_were_zones_what_is_printed_is_what_is_sorted_by() {
        let read = read("20260301103000", "2026-03-01T16:31:00Z", "185003011015");
        assert_eq!(read, ("1850-03-01T10:15:00-05:50".into(), "1850-03-01T16:05:00Z".into()));
    }

    #[test]
    fn the_offset_of_the_header_is_the_default_of_the_message() {
        let far = read("20260301103000+0100", "2026-03-01T09:31:00Z", "20260301101500");
        assert_eq!(far, ("2026-03-01T10:15:00+01:00".into(), "2026-03-01T09:15:00Z".into()));
        let own = read("20260301103000-0600", "2026-03-01T16:31:00Z", "20260701101500");
        assert_eq!(own.0, "2026-07-01T10:15:00-05:00", "the sender's clock keeps its summer time");
        assert_eq!(read("2026+0100", "2026-03-01T16:31:00Z", "20260301101500").0, "2026-03-01T10:15:00-06:00");
    }

    #[test]
    fn in_the_repeated_hour_nothing_is_later_than_the_message() {
        // On 1 November 2026 the clock shows 01:00 to 02:00 twice: from 06:00Z by -05:00, from 07:00Z by -06:00.
        let by_header = |text| read("20261101012000-0600", "2026-11-01T07:20:05Z", text);
        assert_eq!(by_header("20261101011500"), ("2026-11-01T01:15:00-06:00".into(), "2026-11-01T07:15:00Z".into()));
        assert_eq!(by_header("20261101014500"), ("2026-11-01T01:45:00-05:00".into(), "2026-11-01T06:45:00Z".into()));
        let first = |text| read("20261101014000-0500", "2026-11-01T06:40:05Z", text);
        assert_eq!(first("20261101013500").1, "2026-11-01T06:35:00Z");
        let by_arrival = |received| read("20261101012000", received, "20261101011500").1;
        assert_eq!(by_arrival("2026-11-01T06:20:05Z"), "2026-11-01T06:15:00Z");
        assert_eq!(by_arrival("2026-11-01T07:20:05Z"), "2026-11-01T07:15:00Z");
    }

    #[test]
    fn doubt_is_said_only_where_the_header_does_not_end_it() {
        let doubt = |written: &str, text: &str| {
            let written = DateTime::parse(written).unwrap();
            let clock = SenderClock::of_message(zone(), Some(&written), "2026-11-01T09:00:00Z".parse().unwrap());
            DateTime::parse(text).unwrap().moment(&clock).doubt
        };
        assert_eq!(doubt("20261101012000", "20261101011500"), Some(Doubt::Repeated));
        assert_eq!(doubt("20261101012000-0600", "20261101011500"), None);
        assert_eq!(doubt("20260308033000", "20260308021500"), Some(Doubt::Skipped));
        assert_eq!(doubt("20260308033000", "20260308031500"), None);
    }

    #[test]
    fn a_time_that_the_clock_skips_is_printed_as_it_is_sorted() {
        let (printed, sorted) = read("20260308040000", "2026-03-08T09:00:05Z", "20260308023000");
        assert_eq!((printed.as_str(), sorted.as_str()), ("2026-03-08T03:30:00-05:00", "2026-03-08T08:30:00Z"));
    }
}
