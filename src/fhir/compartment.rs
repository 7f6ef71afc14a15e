//! Whose a resource is: the element that names its patient (http://hl7.org/fhir/R4/compartmentdefinition-patient.html), for the
//! types that partners write. One that is not here is not taken.

use serde_json::Value;

use super::Resource;

/// Where a resource of a type belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// It is the patient.
    Patient,
    /// With the patient whom this element names, dotted.
    Of(&'static str),
    /// With the patient of the thing that this element names.
    Through(&'static str),
    /// With nobody: practitioners, organisations, places.
    Shared,
}

/// In the order of the alphabet.
const HOMES: [(&str, Home); 48] = [
    ("Account", Home::Of("subject")),
    ("AllergyIntolerance", Home::Of("patient")),
    ("Appointment", Home::Of("participant.actor")),
    ("AppointmentResponse", Home::Through("appointment")),
    ("Binary", Home::Through("securityContext")),
    ("CarePlan", Home::Of("subject")),
    ("CareTeam", Home::Of("subject")),
    ("ChargeItem", Home::Of("subject")),
    ("Claim", Home::Of("patient")),
    ("ClaimResponse", Home::Of("patient")),
    ("Communication", Home::Of("subject")),
    ("CommunicationRequest", Home::Of("subject")),
    ("Condition", Home::Of("subject")),
    ("Consent", Home::Of("patient")),
    ("Coverage", Home::Of("beneficiary")),
    ("Device", Home::Of("patient")),
    ("DiagnosticReport", Home::Of("subject")),
    ("DocumentReference", Home::Of("subject")),
    ("Encounter", Home::Of("subject")),
    ("EpisodeOfCare", Home::Of("patient")),
    ("ExplanationOfBenefit", Home::Of("patient")),
    ("Flag", Home::Of("subject")),
    ("Goal", Home::Of("subject")),
    ("Group", Home::Shared),
    ("ImagingStudy", Home::Of("subject")),
    ("Immunization", Home::Of("patient")),
    ("List", Home::Of("subject")),
    ("Location", Home::Shared),
    ("Medication", Home::Shared),
    ("MedicationAdministration", Home::Of("subject")),
    ("MedicationDispense", Home::Of("subject")),
    ("MedicationRequest", Home::Of("subject")),
    ("MedicationStatement", Home::Of("subject")),
    ("Observation", Home::Of("subject")),
    ("Organization", Home::Shared),
    ("Patient", Home::Patient),
    ("Practitioner", Home::Shared),
    ("PractitionerRole", Home::Shared),
    ("Procedure", Home::Of("subject")),
    ("Provenance", Home::Through("target")),
    ("Questionnaire", Home::Shared),
    ("QuestionnaireResponse", Home::Of("subject")),
    ("RelatedPerson", Home::Of("patient")),
    ("Schedule", Home::Shared),
    ("ServiceRequest", Home::Of("subject")),
    ("Slot", Home::Shared),
    ("Specimen", Home::Of("subject")),
    ("Task", Home::Of("for")),
];

/// Where resources of a type belong; none for types that are not taken from partners.
pub fn home_of(resource_type: &str) -> Option<Home> {
    HOMES.iter().find(|(kind, _)| *kind == resource_type).map(|(_, home)| *home)
}

/// Whether a resource of a type may be deleted by who wrote it. A patient, and what records share, stay.
pub fn is_deletable(resource_type: &str) -> bool {
    is_revised(resource_type) && !matches!(home_of(resource_type), None | Some(Home::Patient | Home::Shared))
}

/// Whether resources of a type are changed after they were written. A Provenance says how something came about, once.
pub fn is_revised(resource_type: &str) -> bool {
    resource_type != "Provenance"
}

/// The element that names the patient in whose record a resource lies, dotted; also of types that only rules write. None where there
/// is none.
pub fn patient_element(resource_type: &str) -> Option<&'static str> {
    match home_of(resource_type) {
        Some(Home::Of(path)) => Some(path),
        _ => None,
    }
}

/// The types that partners may write.
pub fn written_types() -> impl Iterator<Item = &'static str> {
    HOMES.iter().map(|(kind, _)| *kind)
}

/// The References at a dotted path, lists taken apart.
pub fn references_at<'r>(resource: &'r Resource, path: &str) -> Vec<&'r Value> {
    let mut names = path.split('.');
    let first = names.next().and_then(|name| resource.get(name));
    let mut found: Vec<&Value> = first.into_iter().flat_map(each).collect();
    for name in names {
        found = found.into_iter().filter_map(|value| value.get(name)).flat_map(each).collect();
    }
    found
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Definitions;

    #[test]
    fn every_home_is_an_element_of_its_type_that_may_name_a_patient() {
        assert!(HOMES.is_sorted_by_key(|(kind, _)| *kind));
        for (kind, home) in HOMES {
            let Home::Of(path) = home else { continue };
            let first = path.split('.').next().unwrap();
            let element = Definitions::r4().element(kind, first).unwrap_or_else(|| panic!("{kind}.{first}"));
            let names = |element: &crate::fhir::ElementDefinition| {
                element.types.iter().any(|one| {
                    one.targets.is_empty()
                        || one.targets.iter().any(|target| {
                            ["Patient", "Resource"].contains(&target.as_str())
                                || matches!(home_of(target), Some(Home::Of(_)))
                        })
                })
            };
            assert!(path.contains('.') || names(element), "{kind}.{path}");
        }
    }
}
