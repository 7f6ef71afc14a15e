//! Date search parameters (http://hl7.org/fhir/R4/search.html#date): a prefix and a date stated as far as it is known.
//! Times without an offset are UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::fhir::time::PartialDateTime;

/// A span of time that a resource's value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// The value must lie in the span as a whole; otherwise it is enough that they overlap.
    pub within: bool,
}

/// Reads `ge2026-03-01` and the like; a sentence that says what is wrong with it otherwise.
pub fn parse(text: &str) -> Result<Span, &'static str> {
    let split = text.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(text.len());
    let (prefix, date) = text.split_at_checked(split).unwrap_or((text, ""));
    let date = PartialDateTime::parse(date).ok_or("is not a date such as 2026-03-01 or 2026-03-01T10:00:00Z")?;
    let (start, end) = date.range(&TimeZone::UTC).ok_or("is beyond the dates that can be searched")?;
    let overlapping = |from, until| Span { from, until, within: false };
    match prefix {
        "" | "eq" => Ok(Span { from: Some(start), until: Some(end), within: true }),
        "ge" => Ok(overlapping(Some(start), None)),
        "gt" => Ok(overlapping(Some(end), None)),
        "le" => Ok(overlapping(None, Some(end))),
        "lt" => Ok(overlapping(None, Some(start))),
        "sa" => Ok(Span { from: Some(end), until: None, within: true }),
        "eb" => Ok(Span { from: None, until: Some(start), within: true }),
        "ne" | "ap" => Err("has a prefix that is not supported here; use eq, gt, ge, lt, le, sa or eb"),
        _ => Err("has an unknown prefix; use eq, gt, ge, lt, le, sa or eb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_date_without_prefix_must_hold_the_whole_value() {
        let day = parse("2026-03-01").unwrap();
        assert_eq!(day, Span { from: at("2026-03-01T00:00:00Z"), until: at("2026-03-02T00:00:00Z"), within: true });
        assert_eq!(parse("eq2026-03-01"), Ok(day));
    }

    #[test]
    fn prefixes_cut_where_the_stated_date_ends_or_begins() {
        assert_eq!(parse("gt2026-03").unwrap().from, at("2026-04-01T00:00:00Z"));
        assert_eq!(parse("ge2026-03-01T10:00:00-05:00").unwrap().from, at("2026-03-01T15:00:00Z"));
        assert_eq!(parse("lt2026").unwrap().until, at("2026-01-01T00:00:00Z"));
        assert_eq!(parse("le2026").unwrap().until, at("2027-01-01T00:00:00Z"));
        assert!(parse("sa2026").unwrap().within && parse("eb2026").unwrap().within);
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in ["", "ge", "today", "ap2026", "ne2026", "xx2026", "2026-13-01", "2026-03-01 10:00"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
