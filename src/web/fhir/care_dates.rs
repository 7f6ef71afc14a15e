//! When the care was that a resource tells of, by the search parameters that say so: what `start` and `end` of $everything mean
//! (http://hl7.org/fhir/R4/patient-operation-everything.html). What says no such time is there whatever is asked.

use crate::fhir::search::{Asked, Criterion, DateValue, Filter, SearchTable, Test};
use crate::store::Term;

/// Of each type the parameter that says when it begins, and when it ends; where it has a course both are of that. Types that are not
/// here tell of nothing that happened at a time.
const TIMES: [(&str, &str, &str); 29] = [
    ("Account", "period", "period"),
    ("Appointment", "date", "date"),
    ("CarePlan", "date", "date"),
    ("CareTeam", "date", "date"),
    ("ChargeItem", "occurrence", "occurrence"),
    ("Claim", "created", "created"),
    ("ClaimResponse", "created", "created"),
    ("Communication", "sent", "sent"),
    ("CommunicationRequest", "authored", "authored"),
    ("Condition", "onset-date", "abatement-date"),
    ("DiagnosticReport", "date", "date"),
    ("DocumentReference", "date", "date"),
    ("Encounter", "date", "date"),
    ("EpisodeOfCare", "date", "date"),
    ("ExplanationOfBenefit", "created", "created"),
    ("Flag", "date", "date"),
    ("Goal", "start-date", "target-date"),
    ("ImagingStudy", "started", "started"),
    ("Immunization", "date", "date"),
    ("List", "date", "date"),
    ("MedicationAdministration", "effective-time", "effective-time"),
    ("MedicationDispense", "whenhandedover", "whenhandedover"),
    ("MedicationRequest", "authoredon", "authoredon"),
    ("MedicationStatement", "effective", "effective"),
    ("Observation", "date", "date"),
    ("Procedure", "date", "date"),
    ("QuestionnaireResponse", "authored", "authored"),
    ("ServiceRequest", "authored", "authored"),
    ("Specimen", "collected", "collected"),
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
        let times = TIMES.iter().find(|(known, ..)| *known == kind);
        let Some((_, begins, ends)) = times else { return (terms, elements) };
        for (date, name) in [(self.end, begins), (self.start, ends)] {
            let parameter = SearchTable::built_in().find(kind, name);
            // Nothing lost: what is not asked for is no condition; that each parameter is there a test holds.
            let (Some(date), Some(parameter)) = (date, parameter) else { continue };
            elements.extend(parameter.elements.iter().cloned());
            let is_then = Criterion::any(parameter, vec![Asked::Date(date)]);
            let is_unsaid = Criterion { test: Test::Missing(true), ..is_then.clone() };
            let either = [is_then, is_unsaid].map(|criterion| Filter::Is(Term::Of(criterion)));
            terms.push(Term::Where(Box::new(Filter::Any(either.into()))));
        }
        (terms, elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::search::SearchKind;

    #[test]
    fn every_time_is_a_date_that_its_type_is_searched_by() {
        for (kind, begins, ends) in TIMES {
            for name in [begins, ends] {
                let parameter = SearchTable::built_in().find(kind, name).unwrap_or_else(|| panic!("{kind} {name}"));
                assert_eq!(parameter.kind, SearchKind::Date, "{kind} {name}");
            }
        }
    }
}
