//! `calendars/*.yaml`: weekends and holidays.

use jiff::civil::{Date, Weekday};

use super::super::calendar::{Calendar, Holiday, HolidayRule};
use super::words::Reading;
use crate::fhir::ValueSets;
use crate::problem::Problem;
use crate::yaml::{Fields, Node, Source, parse};

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// Reads one calendar.
pub fn read_calendar(source: &Source, problems: &mut Vec<Problem>) -> Option<Calendar> {
    let tree = match parse(source) {
        Ok(tree) => tree,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let mut reading = Reading { value_sets: ValueSets::built_in(), problems: Vec::new() };
    let mut fields = Fields::of(&tree, "a calendar");
    let name = fields.required_text("calendar");
    let title = fields.text("title");
    let weekend: Vec<Weekday> =
        fields.list("weekend").into_iter().filter_map(|node| reading.word(node, &WEEKDAYS)).collect();
    if weekend.len() > 6 {
        reading.problems.push(tree.problem("a week without a working day: leave one day out of `weekend`"));
    }
    let holidays = fields.list("holidays").into_iter().filter_map(|node| read_holiday(node, &mut reading)).collect();
    fields.finish(&mut reading.problems);
    problems.append(&mut reading.problems);
    let name = name?;
    Some(Calendar { title: title.unwrap_or_else(|| name.clone()), name, weekend, holidays })
}

fn read_holiday(node: &Node, reading: &mut Reading<'_>) -> Option<Holiday> {
    let mut fields = Fields::of(node, "a holiday");
    let name = fields.required_text("name");
    let yearly = fields.optional("date");
    let once = fields.optional("on");
    let nth = fields.integer("nth", -5..=5);
    let weekday = fields.choice("weekday", &WEEKDAYS);
    let month = fields.integer("month", 1..=12);
    let observed = fields.choice("observed", &[("nearest-weekday", true), ("on-the-day", false)]);
    let rule = match (yearly, once, nth, weekday, month) {
        (Some(date), None, None, None, None) => month_and_day(date).map(|(month, day)| HolidayRule::Yearly {
            month,
            day,
            observed: observed.unwrap_or(false),
        }),
        (None, Some(date), None, None, None) => {
            date.as_text().and_then(|text| text.parse::<Date>().ok()).map(HolidayRule::Once)
        }
        (None, None, Some(nth), Some(weekday), Some(month)) if nth != 0 => {
            let small = |number: i64| i8::try_from(number).unwrap_or(1);
            Some(HolidayRule::Nth { month: small(month), weekday, nth: small(nth) })
        }
        _ => None,
    };
    if rule.is_none() {
        fields.report(node.problem(
            "say when: `date: 12-25` every year, `on: 2026-12-24` once, or `nth: 4, weekday: thursday, month: 11`",
        ));
    }
    fields.finish(&mut reading.problems);
    Some(Holiday { name: name?, rule: rule? })
}

fn month_and_day(node: &Node) -> Option<(i8, i8)> {
    let text = node.as_text()?;
    let (month, day) = text.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // 29 February is a day of leap years only.
    Date::new(2024, month, day).ok().map(|_| (month, day))
}
