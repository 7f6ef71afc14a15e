//! When the care was that a resource tells of, by the search parameters that say so: what `start` and `end` of $everything mean
//! (http://hl7.org/fhir/R4/patient-operation-everything.html). What says no such time is there whatever is asked.

use crate::fhir::search::{Asked, Criterion, DateValue, Filter, SearchTable, Test};
use crate::store::Term;

/// The parameter that says when care begins, and the one that says when it ends; where it has a course both are the same. None where no parameter
/// says it: an order is written before what is ordered is done, and a bill after.
type Bounds = (&'static str, &'static str);
const NONE: &str = "";

/// Of each type what says its time, and what does where that says nothing. Types that are not here tell of nothing that happened at a time.
const TIMES: [(&str, &[Bounds]); 31] = [
    ("Account", &[("period", "period")]),
    ("Appointment", &[("date", "date")]),
    ("CarePlan", &[("date", "date")]),
    ("CareTeam", &[("date", "date")]),
    ("ChargeItem", &[("occurrence", "occurrence")]),
    ("Claim", &[(NONE, "created")]),
    ("ClaimResponse", &[(NONE, "created")]),
    ("Communication", &[("sent", "sent")]),
    ("CommunicationRequest", &[("occurrence", "occurrence"), ("authored", NONE)]),
    ("Condition", &[("onset-date", "abatement-date")]),
    ("Consent", &[("period", "period")]),
    ("DiagnosticReport", &[("date", "date")]),
    ("DocumentReference", &[("date", "date")]),
    ("Encounter", &[("date", "date")]),
    ("EpisodeOfCare", &[("date", "date")]),
    ("ExplanationOfBenefit", &[(NONE, "created")]),
    ("Flag", &[("date", "date")]),
    ("Goal", &[("start-date", "target-date")]),
    ("ImagingStudy", &[("started", "started")]),
    ("Immunization", &[("date", "date")]),
    ("List", &[("date", "date")]),
    ("MedicationAdministration", &[("effective-time", "effective-time")]),
    ("MedicationDispense", &[("whenhandedover", "whenhandedover")]),
    ("MedicationRequest", &[("authoredon", NONE)]),
    ("MedicationStatement", &[("effective", "effective")]),
    ("Observation", &[("date", "date")]),
    ("Procedure", &[("date", "date")]),
    ("QuestionnaireResponse", &[("authored", "authored")]),
    ("ServiceRequest", &[("occurrence", "occurrence"), ("authored", NONE)]),
    ("Specimen", &[("collected", "collected")]),
    ("Task", &[("period", "period")]),
];

/// The time that is asked for, open where it has no bound.
#[derive(Debug, Clone, Copy, Default)]
pub struct Care {
    pub start: Option<DateValue>,
    pub end: Option<DateValue>,
}

impl Care {
    /// The conditions on a type, and the elements whose content decides.
    pub fn terms(self, kind: &str) -> (Vec<Term>, Vec<String>) {
        let (mut terms, mut elements) = (Vec::new(), Vec::new());
        let bounds = TIMES.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, bounds)| *bounds);
        for (date, side) in [(self.end, (|of| of.0) as fn(&Bounds) -> &'static str), (self.start, |of| of.1)] {
            // Nothing lost: what is not asked for is no condition.
            let Some(date) = date else { continue };
            let mut unsaid: Option<Filter<Term>> = None;
            for name in bounds.iter().rev().map(side).filter(|name| *name != NONE) {
                // Nothing lost: that each is there a test holds.
                let Some(parameter) = SearchTable::built_in().find(kind, name) else { continue };
                elements.extend(parameter.elements.iter().cloned());
                let is_then = Criterion::any(parameter, vec![Asked::Date(date)]);
                let is_missing = Filter::Is(Term::Of(Criterion { test: Test::Missing(true), ..is_then.clone() }));
                let otherwise = match unsaid {
                    Some(rest) => Filter::All(vec![is_missing, rest]),
                    None => is_missing,
                };
                unsaid = Some(Filter::Any(vec![Filter::Is(Term::Of(is_then)), otherwise]));
            }
            terms.extend(unsaid.map(|filter| Term::Where(Box::new(filter))));
        }
        elements.sort_unstable();
        elements.dedup();
        (terms, elements)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::Resource;
    use crate::fhir::search::SearchKind;

    #[test]
    fn every_time_is_a_date_that_its_type_is_searched_by() {
        for (kind, bounds) in TIMES {
            for name in bounds.iter().flat_map(|(begins, ends)| [begins, ends]).filter(|name| **name != NONE) {
                let parameter = SearchTable::built_in().find(kind, name).unwrap_or_else(|| panic!("{kind} {name}"));
                assert_eq!(parameter.kind, SearchKind::Date, "{kind} {name}");
            }
        }
    }

    #[test]
    fn an_order_is_of_the_time_it_is_for_and_a_bill_of_none_that_comes_after_it() {
        let now = "2026-05-04T12:00:00Z".parse().unwrap();
        let asked = |start: &str, end: &str| {
            let date = |text: String| crate::web::fhir::date::parse(&text, now).unwrap();
            Care { start: Some(date(format!("ge{start}"))), end: Some(date(format!("le{end}"))) }
        };
        let march = asked("2026-03-01", "2026-03-31");
        for (body, expected) in [
            (
                json!({ "resourceType": "ServiceRequest", "authoredOn": "2026-01-08", "occurrenceDateTime": "2026-03-19" }),
                true,
            ),
            (
                json!({ "resourceType": "ServiceRequest", "authoredOn": "2026-03-08", "occurrenceDateTime": "2026-04-19" }),
                false,
            ),
            (
                json!({ "resourceType": "ServiceRequest", "authoredOn": "2026-03-08",
                "occurrencePeriod": { "start": "2026-01-05", "end": "2026-02-05" } }),
                false,
            ),
            (json!({ "resourceType": "ServiceRequest", "authoredOn": "2025-11-30" }), true),
            (json!({ "resourceType": "ServiceRequest", "authoredOn": "2026-04-02" }), false),
            (json!({ "resourceType": "ServiceRequest" }), true),
            (
                json!({ "resourceType": "CommunicationRequest", "authoredOn": "2026-02-27", "occurrenceDateTime": "2026-03-02" }),
                true,
            ),
            (
                json!({ "resourceType": "CommunicationRequest", "authoredOn": "2026-03-27", "occurrenceDateTime": "2026-04-01" }),
                false,
            ),
            (json!({ "resourceType": "MedicationRequest", "authoredOn": "2024-06-11" }), true),
            (json!({ "resourceType": "MedicationRequest", "authoredOn": "2026-04-11" }), false),
            (json!({ "resourceType": "Claim", "created": "2026-04-20" }), true),
            (json!({ "resourceType": "Claim", "created": "2026-02-20" }), false),
            (
                json!({ "resourceType": "Task", "authoredOn": "2026-01-02",
                "executionPeriod": { "start": "2026-01-03", "end": "2026-01-09" } }),
                false,
            ),
            (json!({ "resourceType": "Task", "executionPeriod": { "start": "2026-03-30" } }), true),
            (json!({ "resourceType": "Task", "authoredOn": "2026-01-02" }), true),
            (
                json!({ "resourceType": "Consent", "provision": { "period": { "start": "2025-01-01", "end": "2026-02-28" } } }),
                false,
            ),
            (json!({ "resourceType": "Consent", "provision": { "period": { "start": "2025-01-01" } } }), true),
        ] {
            let resource = Resource::try_from(body.clone()).unwrap();
            let (terms, elements) = march.terms(resource.resource_type());
            assert!(!elements.is_empty());
            let is_met = |term: &Term| match term {
                Term::Of(criterion) => criterion.is_met_by(&resource),
                other => panic!("{other:?}"),
            };
            let is_shown = terms.iter().all(|term| match term {
                Term::Where(filter) => filter.holds(&is_met),
                other => panic!("{other:?}"),
            });
            assert_eq!(is_shown, expected, "{body}");
        }
        let (terms, elements) = march.terms("AllergyIntolerance");
        assert!(terms.is_empty() && elements.is_empty());
    }
}
