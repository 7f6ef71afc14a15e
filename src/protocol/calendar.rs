//! Which days a practice works: weekends and holidays, written as rules so that no year needs a new file.
//! Never reads the clock.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

/// The days on which nobody can be expected to call a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub name: String,
    pub title: String,
    pub(super) weekend: Vec<Weekday>,
    pub(super) holidays: Vec<Holiday>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holiday {
    pub name: String,
    pub rule: HolidayRule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HolidayRule {
    /// Every year; when `observed`, a Saturday's is kept on Friday and a Sunday's on Monday.
    Yearly { month: i8, day: i8, observed: bool },
    /// The nth such weekday of a month; negative counts from its end.
    Nth { month: i8, weekday: Weekday, nth: i8 },
    /// Once.
    Once(Date),
}

/// No practice is closed for longer than this; a calendar that says so is not followed further.
const LONGEST_CLOSURE_DAYS: usize = 60;

impl Calendar {
    /// Saturdays and Sundays only, for practices that name no calendar.
    pub fn weekends() -> Self {
        Self {
            name: "weekends".to_string(),
            title: "Saturdays and Sundays".to_string(),
            weekend: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: Vec::new(),
        }
    }

    pub fn is_business_day(&self, date: Date) -> bool {
        !self.weekend.contains(&date.weekday()) && !self.holidays.iter().any(|holiday| holiday.rule.is_kept_on(date))
    }

    /// The name of the holiday kept on a day.
    pub fn holiday_on(&self, date: Date) -> Option<&str> {
        self.holidays.iter().find(|holiday| holiday.rule.is_kept_on(date)).map(|holiday| holiday.name.as_str())
    }

    /// The `count`th business day after a date; the date itself is day 0 whether or not it is worked.
    pub fn add_business_days(&self, date: Date, count: u32) -> Date {
        let mut day = date;
        for _ in 0..count {
            // Nothing lost: in a longer closure the last day looked at counts, and the work is due then.
            for _ in 0..LONGEST_CLOSURE_DAYS {
                day = add_days(day, 1);
                if self.is_business_day(day) {
                    break;
                }
            }
        }
        day
    }
}

/// Days later; stays where it is at the end of time.
pub(super) fn add_days(date: Date, days: i64) -> Date {
    date.checked_add(Span::new().try_days(days).unwrap_or_default()).unwrap_or(date)
}

impl HolidayRule {
    fn is_kept_on(&self, date: Date) -> bool {
        match *self {
            Self::Once(day) => day == date,
            Self::Nth { month, weekday, nth } => {
                date.month() == month && date.nth_weekday_of_month(nth, weekday).is_ok_and(|day| day == date)
            }
            // New Year's Day of the next year may be kept in this one.
            Self::Yearly { month, day, observed } => [date.year(), date.year().saturating_add(1)]
                .into_iter()
                // Nothing lost: February 29 is no feast in other years.
                .filter_map(|year| Date::new(year, month, day).ok())
                .any(|feast| if observed { kept_on(feast) == date } else { feast == date }),
        }
    }
}

fn kept_on(feast: Date) -> Date {
    let shift = match feast.weekday() {
        Weekday::Saturday => -1,
        Weekday::Sunday => 1,
        _ => 0,
    };
    feast.checked_add(shift.days()).unwrap_or(feast)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::read::read_calendar;
    use crate::yaml::Source;

    fn federal() -> Calendar {
        let text = include_str!("../../calendars/us-federal.yaml");
        let mut problems = Vec::new();
        let calendar = read_calendar(&Source::new("calendars/us-federal.yaml", text), &mut problems);
        assert_eq!(problems, []);
        calendar.unwrap()
    }

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_federal_holidays_of_2026_are_known() {
        let calendar = federal();
        let kept = [
            "2026-01-01",
            "2026-01-19",
            "2026-02-16",
            "2026-05-25",
            "2026-06-19",
            "2026-07-03",
            "2026-09-07",
            "2026-10-12",
            "2026-11-11",
            "2026-11-26",
            "2026-12-25",
        ];
        let mut day = date("2026-01-01");
        let mut found = Vec::new();
        while day <= date("2026-12-31") {
            if calendar.holiday_on(day).is_some() {
                found.push(day.to_string());
            }
            day = add_days(day, 1);
        }
        assert_eq!(found, kept);
    }

    #[test]
    fn a_new_years_day_on_saturday_is_kept_in_the_old_year() {
        assert_eq!(federal().holiday_on(date("2021-12-31")), Some("New Year's Day"));
    }

    #[test]
    fn two_business_days_after_the_wednesday_before_thanksgiving_is_monday() {
        let calendar = federal();
        assert_eq!(calendar.add_business_days(date("2026-11-25"), 2), date("2026-11-30"));
        assert_eq!(Calendar::weekends().add_business_days(date("2026-11-25"), 2), date("2026-11-27"));
        assert_eq!(calendar.add_business_days(date("2026-11-28"), 0), date("2026-11-28"));
    }
}
