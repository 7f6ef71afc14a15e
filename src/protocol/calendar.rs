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
    pub observed: Observed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HolidayRule {
    /// Every year.
    Yearly { month: i8, day: i8 },
    /// The nth such weekday of a month; negative counts from its end.
    Nth { month: i8, weekday: Weekday, nth: i8 },
    /// So many days after Easter Sunday of the Western churches; negative is before it.
    Easter { days: i64 },
    /// So many days after another holiday of the calendar, as that falls and not as it is kept; negative is before it.
    After { holiday: usize, days: i64 },
    /// Once.
    Once(Date),
}

/// When a holiday is kept that falls on a day that is free already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Observed {
    /// It is lost.
    #[default]
    OnTheDay,
    /// A Saturday's on Friday and a Sunday's on Monday, as federal offices in the United States do.
    NearestWeekday,
    /// On the next working day, as bank holidays in the United Kingdom are.
    NextWorkingDay,
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
        !self.weekend.contains(&date.weekday()) && self.holiday_on(date).is_none()
    }

    /// The name of the holiday kept on a day.
    pub fn holiday_on(&self, date: Date) -> Option<&str> {
        let kept = self.kept_around(date.year());
        kept.into_iter().find(|(day, _)| *day == date).map(|(_, holiday)| holiday.name.as_str())
    }

    /// The days on which holidays of a year and its neighbours are kept: New Year's Day of the next year may be kept in this
    /// one. A holiday that is kept on another day never takes the day of one that is kept on its own, nor that of one before it.
    fn kept_around(&self, year: i16) -> Vec<(Date, &Holiday)> {
        let years = year.saturating_sub(1)..=year.saturating_add(1);
        let feasts = years.flat_map(|year| self.holidays.iter().map(move |holiday| (year, holiday)));
        let feasts = feasts.filter_map(|(year, holiday)| Some((self.falls_on(&holiday.rule, year)?, holiday)));
        let is_free = |day: Date| self.weekend.contains(&day.weekday());
        let (moved, mut kept): (Vec<_>, Vec<_>) =
            feasts.partition(|(day, holiday)| holiday.observed != Observed::OnTheDay && is_free(*day));
        kept.sort_by_key(|(day, _)| *day);
        // Two that fall on one day, each with a day of its own to be kept on, are two days.
        let mut taken: Vec<(Date, &Holiday)> = Vec::with_capacity(kept.len() + moved.len());
        let mut waiting = moved;
        for (day, holiday) in kept {
            let is_taken = taken.iter().any(|(known, _)| *known == day);
            if is_taken && holiday.observed == Observed::NextWorkingDay {
                waiting.push((day, holiday));
            } else {
                taken.push((day, holiday));
            }
        }
        waiting.sort_by_key(|(day, _)| *day);
        for (day, holiday) in waiting {
            let is_open = |day: &Date| !is_free(*day) && !taken.iter().any(|(known, _)| known == day);
            let nearest = Some(nearest_weekday(day)).filter(|_| holiday.observed == Observed::NearestWeekday);
            // Nothing lost: a closure that long is a fault of the calendar, not a day of it.
            let later = (1..).take(LONGEST_CLOSURE_DAYS).map(|days| add_days(day, days)).find(is_open);
            if let Some(day) = nearest.filter(is_open).or(later) {
                taken.push((day, holiday));
            }
        }
        taken
    }

    /// The day of a year that a rule names.
    fn falls_on(&self, rule: &HolidayRule, year: i16) -> Option<Date> {
        match *rule {
            HolidayRule::Once(day) => Some(day).filter(|day| day.year() == year),
            HolidayRule::Nth { month, weekday, nth } => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
            // Nothing lost: February 29 is no feast in other years.
            HolidayRule::Yearly { month, day } => Date::new(year, month, day).ok(),
            HolidayRule::Easter { days } => Some(add_days(easter(year)?, days)),
            // A rule comes after the one that it counts from, so this ends.
            HolidayRule::After { holiday, days } => {
                let from = self.holidays.get(holiday)?;
                Some(add_days(self.falls_on(&from.rule, year)?, days))
            }
        }
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

/// From one date to another, below nothing where that is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    i64::from(to.since(from).map_or(i32::MAX, |span| span.get_days()))
}

/// Days later; stays where it is at the end of time.
pub(super) fn add_days(date: Date, days: i64) -> Date {
    date.checked_add(Span::new().try_days(days).unwrap_or_default()).unwrap_or(date)
}

/// Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8).
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (century, rest) = (year / 100, year % 100);
    let golden = year % 19;
    let correction = (century + 8) / 25;
    let moon = (19 * golden + century - century / 4 - (century - correction + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let shift = (golden + 11 * moon + 22 * weekday) / 451;
    let days = moon + weekday - 7 * shift + 114;
    // Nothing lost: months and days are small numbers.
    let part = |number: i32| i8::try_from(number).ok();
    Date::new(i16::try_from(year).ok()?, part(days / 31)?, part(days % 31 + 1)?).ok()
}

fn nearest_weekday(feast: Date) -> Date {
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

    fn calendar(holidays: &str) -> Calendar {
        let text = format!("calendar: own\nweekend: [saturday, sunday]\nholidays:\n{holidays}");
        let mut problems = Vec::new();
        let calendar = read_calendar(&Source::new("calendars/own.yaml", text.as_str()), &mut problems);
        assert_eq!(problems, []);
        calendar.unwrap()
    }

    /// The days off of a year beside weekends.
    fn days_off(calendar: &Calendar, year: i16) -> Vec<String> {
        let mut day = Date::new(year, 1, 1).unwrap();
        let mut found = Vec::new();
        while day.year() == year {
            if calendar.holiday_on(day).is_some() && !calendar.weekend.contains(&day.weekday()) {
                found.push(day.strftime("%m-%d").to_string());
            }
            day = add_days(day, 1);
        }
        found
    }

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
    fn the_day_after_a_holiday_is_said_by_its_name() {
        let own = calendar(
            "  - { name: Thanksgiving Day, nth: 4, weekday: thursday, month: 11 }\n  \
             - { name: Day after Thanksgiving, after: Thanksgiving Day }\n  \
             - { name: Christmas Day, date: 12-25, observed: nearest-weekday }\n  \
             - { name: Christmas Eve, after: Christmas Day, days: -1 }\n",
        );
        // In 2018 the fourth Friday of November was the 23rd, and in 2019 the day after Thanksgiving was the fifth.
        assert_eq!(days_off(&own, 2018), ["11-22", "11-23", "12-24", "12-25"]);
        assert_eq!(days_off(&own, 2019), ["11-28", "11-29", "12-24", "12-25"]);
    }

    #[test]
    fn two_holidays_never_share_a_substitute_day() {
        let bank = calendar(
            "  - { name: Christmas Day, date: 12-25, observed: next-working-day }\n  \
             - { name: Boxing Day, date: 12-26, observed: next-working-day }\n",
        );
        for (year, kept) in [
            (2020, ["12-25", "12-28"]),
            (2021, ["12-27", "12-28"]),
            (2022, ["12-26", "12-27"]),
            (2023, ["12-25", "12-26"]),
        ] {
            assert_eq!(days_off(&bank, year), kept, "{year}");
        }
        let eves = calendar(
            "  - { name: Christmas Eve, date: 12-24 }\n  - { name: Christmas Day, date: 12-25, observed: nearest-weekday }\n",
        );
        assert_eq!(days_off(&eves, 2021), ["12-24", "12-27"], "the Friday is a holiday of its own");
    }

    #[test]
    fn easter_moves_and_what_hangs_on_it_with_it() {
        let own = calendar(
            "  - { name: Good Friday, easter: -2 }\n  - { name: Easter Monday, easter: 1 }\n  \
             - { name: Ascension Day, easter: 39 }\n",
        );
        for (year, kept) in [
            (2024, ["03-29", "04-01", "05-09"]),
            (2025, ["04-18", "04-21", "05-29"]),
            (2026, ["04-03", "04-06", "05-14"]),
            (2038, ["04-23", "04-26", "06-03"]),
        ] {
            assert_eq!(days_off(&own, year), kept, "{year}");
        }
    }

    #[test]
    fn two_business_days_after_the_wednesday_before_thanksgiving_is_monday() {
        let calendar = federal();
        assert_eq!(calendar.add_business_days(date("2026-11-25"), 2), date("2026-11-30"));
        assert_eq!(Calendar::weekends().add_business_days(date("2026-11-25"), 2), date("2026-11-27"));
        assert_eq!(calendar.add_business_days(date("2026-11-28"), 0), date("2026-11-28"));
    }
}
