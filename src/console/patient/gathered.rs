//! What work holds together (http://hl7.org/fhir/R4/task-definitions.html#Task.input), read from the record as whoever looks may see it:
//! goals in their words, questions, readings with their values, what happened. What is not there to be read is counted.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fhir::{items, list, moment, text, title};
use crate::console::when;
use crate::protocol::{GATHERED, Looked};
use crate::record::{Record, Stored};

/// The parts in the order in which they are read out, by their codes.
const PARTS: [(&str, &str); 4] = [
    ("goal", "Goals"),
    ("question", "Questions that wait"),
    ("reading", "Newest readings"),
    ("event", "Emergency visits, stays and alerts"),
];

#[derive(Default)]
pub(crate) struct Gathered {
    /// A heading, and its lines.
    pub parts: Vec<(&'static str, Vec<String>)>,
    pub count: usize,
    /// How many of them cannot be shown here.
    pub more: usize,
}

pub(super) fn gathered(
    task: &Stored,
    record: &Record,
    looked: &Looked,
    (now, zone): (Timestamp, &TimeZone),
) -> Gathered {
    let mut all = Gathered::default();
    for (code, heading) in PARTS {
        let mut lines = Vec::new();
        for input in items(&task.resource, "input").filter(|input| is_part(input, code)) {
            let stored = input.pointer("/valueReference/reference").and_then(Value::as_str).and_then(|name| {
                let (kind, id) = name.split_once('/')?;
                // Nothing lost: what is no id of ours is counted as not shown.
                record.get(kind, id.parse().ok()?)
            });
            all.count += 1;
            match stored.and_then(|stored| line(stored, looked, (now, zone))) {
                Some(line) => lines.push(line),
                None => all.more += 1,
            }
        }
        if !lines.is_empty() {
            all.parts.push((heading, lines));
        }
    }
    all
}

fn is_part(input: &Value, code: &str) -> bool {
    let codings = input.get("type").into_iter().flat_map(|kind| list(kind, "coding"));
    codings.into_iter().any(|coding| text(coding, "system") == GATHERED && text(coding, "code") == code)
}

fn line(stored: &Stored, looked: &Looked, (now, zone): (Timestamp, &TimeZone)) -> Option<String> {
    let resource = &stored.resource;
    let at = |text: Option<&str>| text.and_then(|text| moment(text, zone)).map(|at| when::moment(at, now, zone));
    let said = |words: String, at: Option<String>| {
        let at = at.map(|at| format!(", {at}")).unwrap_or_default();
        (!words.is_empty()).then(|| format!("{words}{at}"))
    };
    match resource.resource_type() {
        "Goal" => {
            let own = resource.get("description").map(|one| text(one, "text")).filter(|words| !words.is_empty());
            let words = own.map(|words| format!("“{words}”")).unwrap_or_else(|| title(resource.get("description")));
            said(words, None)
        }
        "Flag" => said(title(resource.get("code")), None),
        "Task" => said(title(resource.get("code")), at(resource.text("authoredOn"))),
        "Encounter" => {
            let visit = looked.visits.iter().find(|visit| visit.id == stored.id)?;
            let reason = if visit.reason.is_empty() { String::new() } else { format!(" ({})", visit.reason) };
            let start = visit.start.map(|start| when::moment(start, now, zone));
            said(format!("{} at {}{reason}", visit.words, visit.place), start)
        }
        _ => {
            let period = resource.get("effectivePeriod").and_then(|one| one.get("end").or(one.get("start"))?.as_str());
            let taken = resource.text("effectiveDateTime").or(resource.text("effectiveInstant")).or(period);
            let parts: Vec<String> = items(resource, "component").filter_map(value).collect();
            let value = value(&Value::from(resource.clone())).unwrap_or_else(|| parts.join(" / "));
            let words = title(resource.get("code"));
            said(
                if value.is_empty() { words } else { format!("{words}: {value}") },
                at(taken.or(resource.text("issued"))),
            )
        }
    }
}

/// The value of an Observation or of one of its components.
fn value(of: &Value) -> Option<String> {
    if let Some(quantity) = of.get("valueQuantity") {
        let unit =
            Some(text(quantity, "unit")).filter(|unit| !unit.is_empty()).unwrap_or_else(|| text(quantity, "code"));
        return Some(format!("{}{} {unit}", text(quantity, "comparator"), quantity.get("value")?).trim().to_string());
    }
    let coded = of.get("valueCodeableConcept").map(|coded| title(Some(coded)));
    let said = coded.or_else(|| Some(of.get("valueString").or(of.get("valueDateTime"))?.as_str()?.to_string()));
    said.filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_told_as_it_was_stated() {
        let of = |value_of: Value| value(&value_of);
        assert_eq!(of(json!({ "valueQuantity": { "value": 7.9, "unit": "%" } })).as_deref(), Some("7.9 %"));
        let low = json!({ "valueQuantity": { "value": 5, "comparator": "<", "code": "mg/dL" } });
        assert_eq!(of(low).as_deref(), Some("<5 mg/dL"));
        assert_eq!(of(json!({ "valueCodeableConcept": { "text": "never smoker" } })).as_deref(), Some("Never smoker"));
        assert_eq!((of(json!({ "valueString": "clear" })).as_deref(), of(json!({}))), (Some("clear"), None));
    }
}
