//! Moments that encounters are put in order by.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The moment that a FHIR dateTime begins with; none for a year or a month alone.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    // Nothing lost: a year or a month alone orders nothing; the event's own time does.
    let civil = |moment: DateTime| moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        // Nothing lost: a year or a month alone orders nothing; the event's own time does.
        .ok()
        // Nothing lost: a year or a month alone orders nothing; the event's own time does.
        .or_else(|| text.parse::<DateTime>().ok().and_then(civil))
        // Nothing lost: a year or a month alone orders nothing; the event's own time does.
        .or_else(|| text.parse::<Date>().ok().and_then(|date| civil(date.at(0, 0, 0, 0))))
}
