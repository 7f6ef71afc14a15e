//! Whether a resource answers a query (http://hl7.org/fhir/R4/search.html).
//! Pure; every store tests its candidates here, so that all give the same answers.

use serde_json::Value;

use super::{Query, Term};
use crate::fhir::search::{Asked, Held, TokenValue};
use crate::fhir::{Interval, is_deleted};
use crate::record::Stored;

/// Whether the resource matches all terms; one that another superseded, or that was deleted, matches none, unless it is asked for. `Patient` terms are not tested: they say where to look, and following
/// merges takes a store.
pub fn matches(stored: &Stored, query: &Query) -> bool {
    let is_there = || stored.state.superseded.is_none() && !is_deleted(&stored.resource);
    (is_there() || query.terms.contains(&Term::EvenDeleted))
        && stored.resource.resource_type() == query.resource_type
        && query.terms.iter().all(|term| matches_term(stored, term))
}

fn matches_term(stored: &Stored, term: &Term) -> bool {
    match term {
        Term::Id(ids) => ids.contains(&stored.id),
        Term::Patient(_) | Term::EvenDeleted => true,
        Term::Identifier(values) => has_identifier(stored, values),
        Term::LastUpdated(values) => {
            let moment = Held::Span(Interval::at(stored.updated));
            values.iter().any(|value| Asked::Date(*value).is_answered_by(&moment))
        }
        Term::Of(criterion) => criterion.is_met_by(&stored.resource),
        Term::Within(persons) => persons.contains(&stored.id.person),
        Term::Words(words) => words.are_in(&stored.resource),
        Term::Where(filter) => filter.holds(&|term| matches_term(stored, term)),
    }
}

/// Identifiers are compared as they are.
fn has_identifier(stored: &Stored, values: &[TokenValue]) -> bool {
    let items: &[Value] = match stored.resource.get("identifier") {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    items.iter().any(|item| {
        let (system, code) = (text(item, "system"), text(item, "value"));
        let held = Held::Token { system: Some(&system), code: &code, is_exact: true };
        !code.is_empty() && values.iter().any(|value| Asked::Token(value.clone()).is_answered_by(&held))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::Identifier;
    use crate::fhir::search::{Criterion, DateValue, How, Relation, SearchTable};
    use crate::identity::{PersonId, ResourceId};

    fn task() -> Stored {
        let resource = json!({
            "resourceType": "Task",
            "status": "requested",
            "identifier": [{ "system": "urn:s", "value": "A1" }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }, { "code": "Local" }] },
            "for": { "reference": "https://here/fhir/Patient/p1/_history/3" },
            "owner": { "identifier": { "system": "urn:org", "value": "9" } },
            "executionPeriod": { "end": "2026-03-05" },
        });
        Stored {
            id: ResourceId::of(PersonId::SHARED, "Task", "1"),
            version: 1,
            updated: "2026-03-01T12:00:00Z".parse().unwrap(),
            resource: resource.try_into().unwrap(),
            state: Default::default(),
        }
    }

    fn patient() -> Stored {
        let resource = json!({
            "resourceType": "Patient",
            "active": true,
            "name": [{ "use": "official", "family": "de la Müller", "given": ["Zoë"] }],
        });
        Stored { resource: resource.try_into().unwrap(), ..task() }
    }

    fn token(text: &str) -> TokenValue {
        let (system, code) = match text.split_once('|') {
            Some((system, code)) => (Some(system.to_string()), code),
            None => (None, text),
        };
        TokenValue { system, code: (!code.is_empty()).then(|| code.to_string()), is_implied: false }
    }

    fn has(term: Term) -> bool {
        matches(&task(), &Query { resource_type: "Task".into(), terms: vec![term] })
    }

    /// Whether the task, or the patient, has one of these values.
    fn holds(stored: &Stored, name: &str, asked: Vec<Asked>) -> bool {
        let resource_type = stored.resource.resource_type().to_string();
        let parameter = SearchTable::built_in().find(&resource_type, name).unwrap();
        matches(stored, &Query { resource_type, terms: vec![Term::Of(Criterion::any(parameter, asked))] })
    }

    fn code(stored: &Stored, name: &str, text: &str) -> bool {
        holds(stored, name, vec![Asked::Token(token("other")), Asked::Token(token(text))])
    }

    #[test]
    fn tokens_match_by_system_and_code_in_all_their_forms() {
        for (name, yes) in [
            ("status", "requested"),
            ("status", "|requested"),
            ("code", "8867-4"),
            ("code", "http://loinc.org|"),
            ("code", "http://loinc.org|8867-4"),
            ("code", "|local"),
        ] {
            assert!(code(&task(), name, yes), "{name}={yes}");
        }
        assert!(code(&patient(), "active", "true"));
        for (name, no) in [
            ("status", "draft"),
            ("status", "urn:x|requested"),
            ("status", "http://hl7.org/fhir/flag-status|requested"),
            ("code", "|8867-4"),
            ("code", "http://loinc.org|Local"),
        ] {
            assert!(!code(&task(), name, no), "{name}={no}");
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
        let refers = |name, value: &str| holds(&task(), name, vec![Asked::Reference(value.to_string())]);
        assert!(refers("subject", "Patient/p1") && refers("subject", "p1") && refers("owner", "urn:org|9"));
        assert!(!refers("subject", "Patient/1") && !refers("owner", "urn:org|8"));
    }

    #[test]
    fn dates_overlap_lie_within_or_do_not_and_any_of_several_values_is_enough() {
        let at = |text: &str| Some(text.parse().unwrap());
        let value = |relation, from, until| DateValue { from, until, relation };
        let asked = |values: &[DateValue]| values.iter().copied().map(Asked::Date).collect();
        let due = |values: &[DateValue]| holds(&task(), "period", asked(values));
        let (noon, sixth) = (at("2026-03-05T12:00:00Z"), at("2026-03-06T00:00:00Z"));
        assert!(due(&[value(Relation::Overlaps, noon, None)]), "the day an end names belongs to the period");
        assert!(!due(&[value(Relation::Overlaps, sixth, None)]));
        assert!(due(&[value(Relation::Within, None, sixth)]) && !due(&[value(Relation::Within, None, noon)]));
        assert!(due(&[value(Relation::NotWithin, None, noon)]) && !due(&[value(Relation::NotWithin, None, sixth)]));
        assert!(due(&[value(Relation::Overlaps, sixth, None), value(Relation::Within, None, sixth)]));
        let none = asked(&[value(Relation::NotWithin, noon, sixth)]);
        assert!(!holds(&task(), "authored-on", none), "what has no date is not beside one");
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
    fn texts_match_where_a_word_begins_so_in_any_case_and_accent_or_anywhere_or_as_they_are() {
        let by = |how, text: &str| holds(&patient(), "name", vec![Asked::Text { text: text.to_string(), how }]);
        let named = |asked: &str| by(How::Begins, asked);
        assert!(named("mül") && named("MULLER") && named("de la") && named("zoë") && named("zoe"));
        assert!(!named("uller") && !named("dr") && !named("official"));
        assert!(by(How::Contains, "ULLER") && !by(How::Contains, "official"));
        assert!(by(How::Exact, "Zoë") && !by(How::Exact, "zoë") && !by(How::Exact, "Zo"));
    }
}
