//! Whether a resource's dates lie within a span as a whole: what `eq`, `sa` and `eb` ask beyond the overlap that stores
//! answer (http://hl7.org/fhir/R4/search.html#prefix).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::date::Span;
use crate::fhir::Resource;
use crate::fhir::time::PartialDateTime;

/// One of the elements has a value that lies within the span.
pub fn lies_within(resource: &Resource, elements: &[&str], span: Span) -> bool {
    elements.iter().filter_map(|element| resource.get(element)).filter_map(extent).any(|(start, end)| {
        let begins_in = span.from.is_none_or(|from| start.is_some_and(|start| start >= from));
        let ends_in = span.until.is_none_or(|until| end.is_some_and(|end| end <= until));
        begins_in && ends_in
    })
}

/// First moment and first moment after; none where a Period is open.
fn extent(value: &Value) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
    let range = |value: &Value| PartialDateTime::parse(value.as_str()?)?.range(&TimeZone::UTC);
    match value {
        Value::String(_) => range(value).map(|(start, end)| (Some(start), Some(end))),
        Value::Object(period) => {
            let start = period.get("start").and_then(range).map(|(start, _)| start);
            let end = period.get("end").and_then(range).map(|(_, end)| end);
            (start.is_some() || end.is_some()).then_some((start, end))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::date::parse;
    use super::*;

    fn stay(period: Value) -> Resource {
        Resource::new("Encounter").with("period", period)
    }

    #[test]
    fn a_stay_over_several_days_is_not_on_one_of_them() {
        let long = stay(json!({ "start": "2026-03-01T08:00:00Z", "end": "2026-03-04" }));
        let short = stay(json!({ "start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:00:00Z" }));
        let open = stay(json!({ "start": "2026-03-02T08:00:00Z" }));
        let within = |stay: &Resource, text: &str| lies_within(stay, &["period"], parse(text).unwrap());
        assert!(!within(&long, "2026-03-02") && within(&short, "2026-03-02") && !within(&open, "2026-03-02"));
        assert!(within(&long, "2026-03") && within(&open, "sa2026-03-01") && within(&long, "eb2026-03-05"));
        assert!(!within(&open, "eb2027") && !within(&long, "sa2026-03-01"));
    }
}
