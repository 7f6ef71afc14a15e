//! Dates as intervals (http://hl7.org/fhir/R4/search.html#date): `2026-03` is the whole of March, `[from, until)`.
//! A date without a time zone is read as UTC.

use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::Resource;

/// The time that a date, dateTime, instant or Period covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Interval {
    /// Reads a FHIR date, dateTime or instant.
    pub fn of_text(text: &str) -> Option<Self> {
        if let Some((date, time)) = text.split_once('T') {
            return of_date_time(date, time);
        }
        let mut parts = text.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next().map(str::parse::<i8>).transpose().ok()?;
        let day = parts.next().map(str::parse::<i8>).transpose().ok()?;
        let first = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        let length = match (month, day) {
            (_, Some(_)) => Span::new().days(1),
            (Some(_), None) => Span::new().months(1),
            _ => Span::new().years(1),
        };
        Some(Self { from: midnight(first)?, until: midnight(first.checked_add(length).ok()?)? })
    }

    /// Reads a primitive date or a Period; a missing end is open.
    pub fn of_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::of_text(text),
            Value::Object(period) => {
                let end = |name: &str| period.get(name).and_then(Value::as_str).and_then(Self::of_text);
                let (start, end) = (end("start"), end("end"));
                if start.is_none() && end.is_none() {
                    return None;
                }
                Some(Self {
                    from: start.map_or(Timestamp::MIN, |start| start.from),
                    until: end.map_or(Timestamp::MAX, |end| end.until),
                })
            }
            _ => None,
        }
    }

    /// A moment as an instant states it.
    pub fn at(moment: Timestamp) -> Self {
        let until = moment.checked_add(SignedDuration::from_nanos(1)).unwrap_or(moment);
        Self { from: moment, until }
    }

    pub fn overlaps(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        until.is_none_or(|until| self.from < until) && from.is_none_or(|from| self.until > from)
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn of_date_time(date: &str, time: &str) -> Option<Interval> {
    let zoned = time.ends_with('Z') || time.contains(['+', '-']);
    let text = if zoned { format!("{date}T{time}") } else { format!("{date}T{time}Z") };
    let from: Timestamp = text.parse().ok()?;
    let clock = time.split(['Z', '+', '-']).next().unwrap_or_default();
    let length = if clock.contains('.') {
        SignedDuration::from_nanos(1)
    } else if clock.matches(':').count() < 2 {
        SignedDuration::from_mins(1)
    } else {
        SignedDuration::from_secs(1)
    };
    Some(Interval { from, until: from.checked_add(length).ok()? })
}

/// When an observation was true, for reading a patient's newest first: its effective time, else when it was issued.
pub fn observed_at(resource: &Resource) -> Option<Timestamp> {
    ["effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued"]
        .iter()
        .find_map(|element| Interval::of_value(resource.get(element)?))
        .map(|interval| if interval.from == Timestamp::MIN { interval.until } else { interval.from })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn interval(text: &str) -> (String, String) {
        let interval = Interval::of_text(text).unwrap();
        (interval.from.to_string(), interval.until.to_string())
    }

    #[test]
    fn partial_dates_cover_all_they_leave_open() {
        assert_eq!(interval("2026"), ("2026-01-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into()));
        assert_eq!(interval("2024-02"), ("2024-02-01T00:00:00Z".into(), "2024-03-01T00:00:00Z".into()));
        assert_eq!(interval("2026-12-31"), ("2026-12-31T00:00:00Z".into(), "2027-01-01T00:00:00Z".into()));
    }

    #[test]
    fn a_time_is_read_in_its_own_zone_and_covers_its_last_unit() {
        assert_eq!(interval("2026-03-02T23:30:00-05:00").0, "2026-03-03T04:30:00Z");
        assert_eq!(interval("2026-03-02T10:00:00Z").1, "2026-03-02T10:00:01Z");
        assert_eq!(interval("2026-03-02T10:00Z").1, "2026-03-02T10:01:00Z");
    }

    #[test]
    fn a_period_without_end_goes_on() {
        let running = Interval::of_value(&json!({ "start": "2026-03-02" })).unwrap();
        assert!(running.overlaps(Some("2030-01-01T00:00:00Z".parse().unwrap()), None));
        assert!(!running.overlaps(None, Some("2026-03-02T00:00:00Z".parse().unwrap())));
    }

    #[test]
    fn what_is_no_date_is_none() {
        assert_eq!(Interval::of_text("yesterday"), None);
        assert_eq!(Interval::of_text("2026-13"), None);
        assert_eq!(Interval::of_value(&json!({})), None);
    }
}
