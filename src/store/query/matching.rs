//! Whether a resource answers a query: token, date and reference matching (http://hl7.org/fhir/R4/search.html).
//! Pure; every store tests its candidates here, so that all give the same answers.

use serde_json::Value;

use super::{DateValue, Query, Relation, Term, TokenValue, text};
use crate::fhir::{Interval, is_deleted};
use crate::record::Stored;

/// Whether the resource matches all terms; one that another superseded, or that was deleted, matches none. `Patient` terms are not tested: they say where to look, and following
/// merges takes a store.
pub fn matches(stored: &Stored, query: &Query) -> bool {
    stored.state.superseded.is_none()
        && !is_deleted(&stored.resource)
        && stored.resource.resource_type() == query.resource_type
        && query.terms.iter().all(|term| matches_term(stored, term))
}

fn matches_term(stored: &Stored, term: &Term) -> bool {
    let elements = |path: &str| elements_at(stored, path);
    match term {
        Term::Id(ids) => ids.contains(&stored.id),
        Term::Patient(_) => true,
        Term::Identifier(values) => {
            elements("identifier").iter().any(|found| values.iter().any(|value| identifier_matches(found, value)))
        }
        Term::Token { element, values } => {
            elements(element).iter().any(|found| values.iter().any(|value| token_matches(found, value)))
        }
        Term::Date { elements: paths, values } => paths
            .iter()
            .flat_map(|path| elements(path))
            .filter_map(Interval::of_value)
            .any(|interval| values.iter().any(|value| answers(interval, value))),
        Term::LastUpdated(values) => {
            let moment = Interval::at(stored.updated);
            values.iter().any(|value| answers(moment, value))
        }
        Term::Text { elements: paths, values } => {
            let texts = paths.iter().flat_map(|path| elements(path)).flat_map(text::texts).map(text::fold);
            texts.into_iter().any(|found| values.iter().any(|value| text::has_word(&found, &text::fold(value))))
        }
        Term::Reference { element, values } => {
            elements(element).iter().any(|found| values.iter().any(|value| reference_matches(found, value)))
        }
    }
}

fn answers(covered: Interval, asked: &DateValue) -> bool {
    let within =
        asked.from.is_none_or(|from| covered.from >= from) && asked.until.is_none_or(|until| covered.until <= until);
    match asked.relation {
        Relation::Within => within,
        Relation::NotWithin => !within,
        Relation::Overlaps => covered.overlaps(asked.from, asked.until),
    }
}

/// All values at a dotted path, lists taken apart: `participant.individual`.
pub(super) fn elements_at<'a>(stored: &'a Stored, path: &str) -> Vec<&'a Value> {
    let mut names = path.split('.');
    let mut found: Vec<&Value> = names.next().and_then(|name| stored.resource.get(name)).into_iter().collect();
    found = apart(found);
    for name in names {
        found = apart(found.into_iter().filter_map(|value| value.get(name)).collect());
    }
    found
}

fn apart(values: Vec<&Value>) -> Vec<&Value> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Array(items) => all.extend(items),
            one => all.push(one),
        }
    }
    all
}

/// code, boolean, Coding, CodeableConcept, Identifier or ContactPoint.
fn token_matches(found: &Value, wanted: &TokenValue) -> bool {
    match found {
        Value::String(code) => primitive_matches(code, wanted),
        Value::Bool(flag) => primitive_matches(if *flag { "true" } else { "false" }, wanted),
        Value::Object(object) => match object.get("coding") {
            Some(Value::Array(codings)) => codings.iter().any(|coding| pair_matches(coding, "code", wanted, false)),
            _ if object.contains_key("code") => pair_matches(found, "code", wanted, false),
            _ => pair_matches(found, "value", wanted, false),
        },
        _ => false,
    }
}

/// A code element states no system. Whoever asks by the one that its definition gives it leaves it out (`web/fhir/values.rs`).
fn primitive_matches(code: &str, wanted: &TokenValue) -> bool {
    wanted.system.as_deref().unwrap_or_default().is_empty() && wanted.code.as_ref().is_none_or(|wanted| wanted == code)
}

fn identifier_matches(found: &Value, wanted: &TokenValue) -> bool {
    pair_matches(found, "value", wanted, true)
}

/// Codes are compared without regard to case, as the specification asks when in doubt; identifiers as they are.
fn pair_matches(found: &Value, name: &str, wanted: &TokenValue, exact: bool) -> bool {
    let system = found.get("system").and_then(Value::as_str).unwrap_or_default();
    let Some(code) = found.get(name).and_then(Value::as_str) else { return false };
    wanted.system.as_ref().is_none_or(|wanted| wanted == system)
        && wanted.code.as_ref().is_none_or(|wanted| wanted == code || (!exact && wanted.eq_ignore_ascii_case(code)))
}

/// `Patient/1`, a bare id, an absolute URL that ends so, or `system|value` of a logical reference.
fn reference_matches(found: &Value, wanted: &str) -> bool {
    if let Some((system, value)) = wanted.split_once('|') {
        let token = TokenValue { system: Some(system.to_string()), code: Some(value.to_string()) };
        return found.get("identifier").is_some_and(|identifier| identifier_matches(identifier, &token));
    }
    let Some(literal) = found.get("reference").and_then(Value::as_str) else { return false };
    let literal = literal.split("/_history/").next().unwrap_or_default();
    literal == wanted || literal.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{DateValue, Relation};
    use super::*;
    use crate::fhir::Identifier;
    use crate::identity::{PersonId, ResourceId};

    fn task() -> Stored {
        let resource = json!({
            "resourceType": "Task",
            "status": "requested",
            "identifier": [{ "system": "urn:s", "value": "A1" }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }, { "code": "Local" }] },
            "for": { "reference": "https://here/fhir/Patient/p1/_history/3" },
            "owner": { "identifier": { "system": "urn:org", "value": "9" } },
            "restriction": { "period": { "end": "2026-03-05" } },
            "requester": { "name": [{ "use": "official", "family": "de la Müller", "given": ["Zoe M."] }] },
            "active": true
        });
        Stored {
            id: ResourceId::of(PersonId::SHARED, "Task", "1"),
            version: 1,
            updated: "2026-03-01T12:00:00Z".parse().unwrap(),
            resource: resource.try_into().unwrap(),
            state: Default::default(),
        }
    }

    fn token(text: &str) -> TokenValue {
        let (system, code) = match text.split_once('|') {
            Some((system, code)) => (Some(system.to_string()), code),
            None => (None, text),
        };
        TokenValue { system, code: (!code.is_empty()).then(|| code.to_string()) }
    }

    fn has(term: Term) -> bool {
        matches(&task(), &Query { resource_type: "Task".into(), terms: vec![term] })
    }

    fn code(element: &'static str, text: &str) -> bool {
        has(Term::Token { element, values: vec![token("other"), token(text)] })
    }

    #[test]
    fn tokens_match_by_system_and_code_in_all_their_forms() {
        for (element, yes) in [
            ("status", "requested"),
            ("status", "|requested"),
            ("code", "8867-4"),
            ("code", "http://loinc.org|"),
            ("code", "http://loinc.org|8867-4"),
            ("code", "|local"),
            ("active", "true"),
        ] {
            assert!(code(element, yes), "{element}={yes}");
        }
        for (element, no) in [
            ("status", "draft"),
            ("status", "urn:x|requested"),
            ("status", "http://hl7.org/fhir/flag-status|requested"),
            ("code", "|8867-4"),
            ("code", "http://loinc.org|Local"),
        ] {
            assert!(!code(element, no), "{element}={no}");
        }
    }

    #[test]
    fn identifiers_match_exactly() {
        assert!(has(Term::Identifier(vec![Identifier::new("urn:s", "A1").into()])));
        assert!(has(Term::Identifier(vec![token("A1")])));
        assert!(!has(Term::Identifier(vec![token("urn:s|a1")])));
    }

    #[test]
    fn references_match_literally_by_id_and_by_identifier() {
        let refers = |element, value: &str| has(Term::Reference { element, values: vec![value.to_string()] });
        assert!(refers("for", "Patient/p1") && refers("for", "p1") && refers("owner", "urn:org|9"));
        assert!(!refers("for", "Patient/1") && !refers("owner", "urn:org|8"));
    }

    #[test]
    fn dates_overlap_lie_within_or_do_not_and_any_of_several_values_is_enough() {
        let at = |text: &str| Some(text.parse().unwrap());
        let value = |relation, from, until| DateValue { from, until, relation };
        let due = |values: &[DateValue]| has(Term::Date { elements: &["restriction.period"], values: values.to_vec() });
        let (noon, sixth) = (at("2026-03-05T12:00:00Z"), at("2026-03-06T00:00:00Z"));
        assert!(due(&[value(Relation::Overlaps, noon, None)]), "the day an end names belongs to the period");
        assert!(!due(&[value(Relation::Overlaps, sixth, None)]));
        assert!(due(&[value(Relation::Within, None, sixth)]) && !due(&[value(Relation::Within, None, noon)]));
        assert!(due(&[value(Relation::NotWithin, None, noon)]) && !due(&[value(Relation::NotWithin, None, sixth)]));
        assert!(due(&[value(Relation::Overlaps, sixth, None), value(Relation::Within, None, sixth)]));
        let none = Term::Date { elements: &["authoredOn"], values: vec![value(Relation::NotWithin, noon, sixth)] };
        assert!(!has(none), "what has no date is not beside one");
    }

    #[test]
    fn last_updated_is_a_moment() {
        let at = |text: &str| Some(text.parse().unwrap());
        let updated = |relation, from, until| has(Term::LastUpdated(vec![DateValue { from, until, relation }]));
        assert!(updated(Relation::Overlaps, at("2026-03-01T12:00:00Z"), None));
        assert!(!updated(Relation::Overlaps, None, at("2026-03-01T12:00:00Z")));
        assert!(updated(Relation::Within, at("2026-03-01T12:00:00Z"), at("2026-03-01T12:00:01Z")));
    }

    #[test]
    fn texts_match_where_a_word_begins_so_in_any_case_and_accent() {
        let named = |asked: &str| has(Term::Text { elements: &["requester.name"], values: vec![asked.to_string()] });
        assert!(named("mül") && named("MULLER") && named("de la") && named("zoë") && named("zoe m"));
        assert!(!named("uller") && !named("dr") && !named("official"));
    }
}
