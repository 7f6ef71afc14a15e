//! Small readings of FHIR values that the parts of a patient's page share.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::fhir::Resource;
use crate::fhir::time::PartialDateTime;

pub(super) fn items<'r>(resource: &'r Resource, element: &str) -> impl Iterator<Item = &'r Value> {
    resource.get(element).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn list<'v>(value: &'v Value, element: &str) -> impl Iterator<Item = &'v Value> {
    value.get(element).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text(value: &Value, element: &str) -> String {
    value.get(element).and_then(Value::as_str).unwrap_or_default().trim().to_string()
}

/// The moment a FHIR date or time begins.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    PartialDateTime::parse(text)?.range(zone).map(|(start, _)| start)
}

/// `Sep 1, 1969 (57)`; a date that is not whole as it is.
pub(crate) fn born(date: Option<&str>, today: Date) -> String {
    let Some(date) = date else { return "birth date not known".to_string() };
    let Ok(day) = date.parse::<Date>() else { return date.to_string() };
    let age = crate::console::when::age(day, today).map(|age| format!(" ({age})")).unwrap_or_default();
    format!("{}{age}", day.strftime("%b %-d, %Y"))
}

/// What is said of a code: its text, or what its coding is called; the first letter large.
pub(super) fn title(value: Option<&Value>) -> String {
    crate::console::plot::capital(crate::fhir::concept_title(value).unwrap_or_default())
}
