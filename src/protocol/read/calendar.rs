//! `calendars/*.yaml`: weekends and holidays.

use jiff::civil::{Date, Weekday};

use super::super::calendar::{Calendar, Holiday, HolidayRule, Observed};
use super::words::Reading;
use crate::fhir::ValueSets;
use crate::problem::{Category, Problem};
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
    let mut holidays: Vec<Holiday> = Vec::new();
    for node in fields.list("holidays") {
        let holiday = read_holiday(node, &holidays, &mut reading);
        holidays.extend(holiday);
    }
    fields.finish(&mut reading.problems);
    problems.append(&mut reading.problems);
    let name = name?;
    Some(Calendar { title: title.unwrap_or_else(|| name.clone()), name, weekend, holidays })
}

/// Reads one; `before` are those that stand above it, which it may count from.
fn read_holiday(node: &Node, before: &[Holiday], reading: &mut Reading<'_>) -> Option<Holiday> {
    let mut fields = Fields::of(node, "a holiday");
    let name = fields.required_text("name");
    let rule = read_rule(node, before, &mut fields);
    let ways = [
        ("nearest-weekday", Observed::NearestWeekday),
        ("next-working-day", Observed::NextWorkingDay),
        ("on-the-day", Observed::OnTheDay),
    ];
    let observed = fields.choice("observed", &ways).unwrap_or_default();
    fields.finish(&mut reading.problems);
    Some(Holiday { name: name?, rule: rule?, observed })
}

fn read_rule(node: &Node, before: &[Holiday], fields: &mut Fields<'_>) -> Option<HolidayRule> {
    let (yearly, once, after) = (fields.optional("date"), fields.optional("on"), fields.optional("after"));
    let (nth, weekday) = (fields.integer("nth", -5..=5), fields.choice("weekday", &WEEKDAYS));
    let (month, easter) = (fields.integer("month", 1..=12), fields.integer("easter", -120..=120));
    let days = fields.integer("days", -120..=120);
    let is_counted = nth.is_some() || weekday.is_some() || month.is_some();
    let ways = [yearly.is_some(), once.is_some(), after.is_some(), easter.is_some(), is_counted];
    let rule = match ways {
        _ if days.is_some() && after.is_none() => None,
        [true, false, false, false, false] => {
            yearly.and_then(month_and_day).map(|(month, day)| HolidayRule::Yearly { month, day })
        }
        [false, true, false, false, false] => {
            once.and_then(Node::as_text).and_then(|text| text.parse::<Date>().ok()).map(HolidayRule::Once)
        }
        [false, false, true, false, false] => {
            let named = after.and_then(Node::as_text).unwrap_or_default();
            let Some(holiday) = before.iter().position(|holiday| holiday.name == named) else {
                let text = format!("no holiday above this one is called `{named}`; write that one first");
                fields.report(after.unwrap_or(node).mark.problem(Category::NotFound, text));
                return None;
            };
            Some(HolidayRule::After { holiday, days: days.unwrap_or(1) })
        }
        [false, false, false, true, false] => easter.map(|days| HolidayRule::Easter { days }),
        [false, false, false, false, true] => {
            let small = |number: i64| i8::try_from(number).unwrap_or(1);
            nth.zip(weekday)
                .zip(month)
                .filter(|((nth, _), _)| *nth != 0)
                .map(|((nth, weekday), month)| HolidayRule::Nth { month: small(month), weekday, nth: small(nth) })
        }
        _ => None,
    };
    if rule.is_none() {
        fields.report(node.problem(
            "say when: `date: 12-25` every year, `on: 2026-12-24` once, `nth: 4, weekday: thursday, month: 11`, \
             `easter: -2` (days from Easter Sunday), or `after: Thanksgiving Day`",
        ));
    }
    rule
}

fn month_and_day(node: &Node) -> Option<(i8, i8)> {
    let text = node.as_text()?;
    let (month, day) = text.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // 29 February is a day of leap years only.
    Date::new(2024, month, day).ok().map(|_| (month, day))
}
