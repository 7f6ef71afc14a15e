//! A calendar month in a practice's zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// By its first day; written as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(Date);

impl Month {
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    pub fn at(moment: Timestamp, zone: &TimeZone) -> Self {
        Self::of(moment.to_zoned(zone.clone()).date())
    }

    /// So many months before.
    pub fn before(self, months: u8) -> Self {
        Self(self.0.saturating_sub(i32::from(months).months()))
    }

    pub fn first(self) -> Date {
        self.0
    }

    pub fn last(self) -> Date {
        self.0.last_of_month()
    }

    /// From its first moment to the first that is not in it any more.
    pub fn span(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let start = |day: Date| day.to_zoned(zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp());
        (start(self.0), start(self.0.saturating_add(1.month())))
    }

    /// "Nov 2026"
    pub fn words(self) -> String {
        self.0.strftime("%b %Y").to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Nothing lost: whoever wrote it is told how a month is written.
        let day = Some(text).filter(|text| text.len() == 7).and_then(|text| format!("{text}-01").parse::<Date>().ok());
        day.map(Self).ok_or_else(|| format!("`{text}` is no month; write it as 2026-11"))
    }
}

impl TryFrom<String> for Month {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_on_the_practices_wall() {
        let month: Month = "2026-03".parse().unwrap();
        let zone = TimeZone::get("America/Chicago").unwrap();
        let (from, until) = month.span(&zone);
        assert_eq!(
            (from.to_string(), until.to_string()),
            ("2026-03-01T06:00:00Z".into(), "2026-04-01T05:00:00Z".into())
        );
        assert_eq!((month.before(3).to_string(), month.words()), ("2025-12".to_string(), "Mar 2026".to_string()));
        assert_eq!(Month::at(until, &zone).to_string(), "2026-04");
        for none in ["", "2026", "2026-13", "2026-3", "26-03", "2026-03-01", "März 26"] {
            assert!(none.parse::<Month>().unwrap_err().contains("write it as 2026-11"), "{none}");
        }
    }
}
