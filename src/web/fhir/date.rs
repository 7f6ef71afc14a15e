//! Date search parameters (http://hl7.org/fhir/R4/search.html#date): a prefix and a date stated as far as it is known.
//! Times without an offset are UTC.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::fhir::search::{DateValue, Relation};
use crate::fhir::time::PartialDateTime;

/// Reads `ge2026-03-01` and the like; a sentence that says what is wrong with it otherwise.
pub fn parse(text: &str, now: Timestamp) -> Result<DateValue, &'static str> {
    let split = text.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(text.len());
    let (prefix, date) = text.split_at_checked(split).unwrap_or((text, ""));
    let date = PartialDateTime::parse(date).ok_or("is not a date such as 2026-03-01 or 2026-03-01T10:00:00Z")?;
    let (start, end) = date.range(&TimeZone::UTC).ok_or("is beyond the dates that can be searched")?;
    let value = |from, until, relation| Ok(DateValue { from, until, relation });
    match prefix {
        "" | "eq" => value(Some(start), Some(end), Relation::Within),
        "ne" => value(Some(start), Some(end), Relation::NotWithin),
        "ge" => value(Some(start), None, Relation::Overlaps),
        "gt" => value(Some(end), None, Relation::Overlaps),
        "le" => value(None, Some(end), Relation::Overlaps),
        "lt" => value(None, Some(start), Relation::Overlaps),
        "sa" => value(Some(end), None, Relation::Within),
        "eb" => value(None, Some(start), Relation::Within),
        "ap" => {
            let (from, until) = around(start, end, now);
            value(Some(from), Some(until), Relation::Overlaps)
        }
        _ => Err("has an unknown prefix; use eq, ne, gt, ge, lt, le, sa, eb or ap"),
    }
}

/// Wider on both sides by a tenth of the time between the date and now.
fn around(start: Timestamp, end: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let gap = match now {
        now if now < start => start.duration_since(now),
        now if now > end => now.duration_since(end),
        _ => SignedDuration::ZERO,
    };
    let tenth = gap / 10;
    (start.checked_sub(tenth).unwrap_or(start), end.checked_add(tenth).unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    fn read(text: &str) -> Result<DateValue, &'static str> {
        parse(text, "2026-03-11T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_date_without_prefix_must_hold_the_whole_value() {
        let day = read("2026-03-01").unwrap();
        let (from, until) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
        assert_eq!(day, DateValue { from, until, relation: Relation::Within });
        assert_eq!(read("eq2026-03-01"), Ok(day));
        assert_eq!(read("ne2026-03-01"), Ok(DateValue { relation: Relation::NotWithin, ..day }));
    }

    #[test]
    fn prefixes_cut_where_the_stated_date_ends_or_begins() {
        assert_eq!(read("gt2026-03").unwrap().from, at("2026-04-01T00:00:00Z"));
        assert_eq!(read("ge2026-03-01T10:00:00-05:00").unwrap().from, at("2026-03-01T15:00:00Z"));
        assert_eq!(read("lt2026").unwrap().until, at("2026-01-01T00:00:00Z"));
        assert_eq!(read("le2026").unwrap().until, at("2027-01-01T00:00:00Z"));
        assert!(["sa2026", "eb2026"].iter().all(|text| read(text).unwrap().relation == Relation::Within));
    }

    #[test]
    fn about_a_date_reaches_further_the_longer_ago_it_is() {
        let near = read("ap2026-02-28").unwrap();
        assert_eq!((near.from, near.until), (at("2026-02-27T00:00:00Z"), at("2026-03-02T00:00:00Z")));
        let today = read("ap2026-03-11").unwrap();
        assert_eq!((today.from, today.until), (at("2026-03-11T00:00:00Z"), at("2026-03-12T00:00:00Z")));
        assert_eq!(read("ap2026-03-21").unwrap().from, at("2026-03-20T00:00:00Z"));
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in ["", "ge", "today", "ap", "xx2026", "2026-13-01", "2026-03-01 10:00", "GE2026"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
