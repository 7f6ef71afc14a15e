//! Which resource types are served and how each can be searched
//! (http://hl7.org/fhir/R4/searchparameter-registry.html). Search and the CapabilityStatement both read this table and nothing else.

use crate::store::SortBy;

/// How a parameter is answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Id,
    LastUpdated,
    Identifier,
    /// By the patient whose record the resource is in; the element that names them.
    Patient(&'static str),
    Token(&'static str),
    Date(&'static [&'static str]),
    Reference(&'static str),
    /// Strings and HumanNames; a path may name a part of the latter.
    Text(&'static [&'static str]),
}

impl Kind {
    /// http://hl7.org/fhir/R4/valueset-search-param-type.html
    pub fn code(self) -> &'static str {
        match self {
            Self::Id | Self::Identifier | Self::Token(_) => "token",
            Self::LastUpdated | Self::Date(_) => "date",
            Self::Patient(_) | Self::Reference(_) => "reference",
            Self::Text(_) => "string",
        }
    }

    /// The elements that it looks at.
    pub fn elements(self) -> Vec<&'static str> {
        match self {
            Self::Id => Vec::new(),
            Self::LastUpdated => vec!["meta"],
            Self::Identifier => vec!["identifier"],
            Self::Patient(element) | Self::Token(element) | Self::Reference(element) => vec![element],
            Self::Date(elements) | Self::Text(elements) => elements.to_vec(),
        }
    }

    /// How resources are put in order by it; none for those that have no order.
    pub fn sort(self) -> Option<SortBy> {
        match self {
            Self::Id => Some(SortBy::Id),
            Self::LastUpdated => Some(SortBy::LastUpdated),
            Self::Identifier => Some(SortBy::Identifier),
            Self::Token(element) => Some(SortBy::Token(element)),
            Self::Date(elements) => Some(SortBy::Date(elements)),
            Self::Text(elements) => Some(SortBy::Text(elements)),
            Self::Patient(_) | Self::Reference(_) => None,
        }
    }
}

pub type Parameter = (&'static str, Kind);

/// Every type has these.
pub const COMMON: [Parameter; 3] =
    [("_id", Kind::Id), ("_lastUpdated", Kind::LastUpdated), ("identifier", Kind::Identifier)];

/// Of types that call the patient their subject; `OWN` of those that say `patient`, `FOR` of tasks.
const PATIENT: Parameter = ("patient", Kind::Patient("subject"));
const SUBJECT: Parameter = ("subject", Kind::Patient("subject"));
const OWN: Parameter = ("patient", Kind::Patient("patient"));
const FOR: Parameter = ("patient", Kind::Patient("for"));
const BENEFICIARY: Parameter = ("patient", Kind::Patient("beneficiary"));
const NAME: Parameter = ("name", Kind::Text(&["name"]));
const FAMILY: Parameter = ("family", Kind::Text(&["name.family"]));
const GIVEN: Parameter = ("given", Kind::Text(&["name.given"]));
const TITLE: Parameter = ("name", Kind::Text(&["name", "alias"]));
const STATUS: Parameter = ("status", Kind::Token("status"));
const CODE: Parameter = ("code", Kind::Token("code"));
const CATEGORY: Parameter = ("category", Kind::Token("category"));
const TYPE: Parameter = ("type", Kind::Token("type"));
const INTENT: Parameter = ("intent", Kind::Token("intent"));
const PRIORITY: Parameter = ("priority", Kind::Token("priority"));
const ACTIVE: Parameter = ("active", Kind::Token("active"));
const CLINICAL: Parameter = ("clinical-status", Kind::Token("clinicalStatus"));
const VERIFICATION: Parameter = ("verification-status", Kind::Token("verificationStatus"));
const ENCOUNTER: Parameter = ("encounter", Kind::Reference("encounter"));
const PERIOD: Parameter = ("date", Kind::Date(&["period"]));
const EFFECTIVE: Parameter = ("date", Kind::Date(&["effectiveDateTime", "effectivePeriod", "effectiveInstant"]));

/// All types, in the order of the CapabilityStatement.
pub const TYPES: &[(&str, &[Parameter])] = &[
    ("AllergyIntolerance", &[OWN, CODE, CATEGORY, CLINICAL, VERIFICATION, ("date", Kind::Date(&["recordedDate"]))]),
    ("Appointment", &[STATUS, ("date", Kind::Date(&["start"])), ("service-type", Kind::Token("serviceType"))]),
    ("CarePlan", &[PATIENT, SUBJECT, STATUS, INTENT, CATEGORY, ENCOUNTER, PERIOD]),
    ("CareTeam", &[PATIENT, SUBJECT, STATUS, CATEGORY, ENCOUNTER, PERIOD]),
    ("Claim", &[OWN, STATUS, PRIORITY, ("created", Kind::Date(&["created"]))]),
    (
        "Communication",
        &[
            PATIENT,
            SUBJECT,
            STATUS,
            CATEGORY,
            ENCOUNTER,
            ("sent", Kind::Date(&["sent"])),
            ("received", Kind::Date(&["received"])),
        ],
    ),
    (
        "CommunicationRequest",
        &[PATIENT, SUBJECT, STATUS, PRIORITY, CATEGORY, ENCOUNTER, ("authored", Kind::Date(&["authoredOn"]))],
    ),
    (
        "Condition",
        &[
            PATIENT,
            SUBJECT,
            CODE,
            CATEGORY,
            CLINICAL,
            VERIFICATION,
            ENCOUNTER,
            ("onset-date", Kind::Date(&["onsetDateTime", "onsetPeriod"])),
            ("abatement-date", Kind::Date(&["abatementDateTime", "abatementPeriod"])),
            ("recorded-date", Kind::Date(&["recordedDate"])),
        ],
    ),
    ("Consent", &[OWN, STATUS, CATEGORY, ("scope", Kind::Token("scope")), ("date", Kind::Date(&["dateTime"]))]),
    ("Coverage", &[BENEFICIARY, ("beneficiary", Kind::Patient("beneficiary")), STATUS, TYPE]),
    ("Device", &[OWN, STATUS, TYPE]),
    (
        "DiagnosticReport",
        &[
            PATIENT,
            SUBJECT,
            STATUS,
            CODE,
            CATEGORY,
            ENCOUNTER,
            ("date", Kind::Date(&["effectiveDateTime", "effectivePeriod"])),
            ("issued", Kind::Date(&["issued"])),
        ],
    ),
    ("DocumentReference", &[PATIENT, SUBJECT, STATUS, TYPE, CATEGORY, ("date", Kind::Date(&["date"]))]),
    ("Encounter", &[PATIENT, SUBJECT, STATUS, TYPE, ("class", Kind::Token("class")), PERIOD]),
    ("EpisodeOfCare", &[OWN, STATUS, TYPE, PERIOD]),
    ("ExplanationOfBenefit", &[OWN, STATUS, ("created", Kind::Date(&["created"]))]),
    ("Flag", &[PATIENT, SUBJECT, ENCOUNTER, PERIOD]),
    (
        "Goal",
        &[
            PATIENT,
            SUBJECT,
            ("lifecycle-status", Kind::Token("lifecycleStatus")),
            ("achievement-status", Kind::Token("achievementStatus")),
            CATEGORY,
        ],
    ),
    ("ImagingStudy", &[PATIENT, SUBJECT, STATUS, ("started", Kind::Date(&["started"]))]),
    (
        "Immunization",
        &[OWN, STATUS, ("vaccine-code", Kind::Token("vaccineCode")), ("date", Kind::Date(&["occurrenceDateTime"]))],
    ),
    ("Location", &[STATUS, TYPE, TITLE]),
    ("Medication", &[STATUS, CODE]),
    ("MedicationAdministration", &[PATIENT, SUBJECT, STATUS]),
    (
        "MedicationRequest",
        &[PATIENT, SUBJECT, STATUS, INTENT, PRIORITY, ENCOUNTER, ("authoredon", Kind::Date(&["authoredOn"]))],
    ),
    ("MedicationStatement", &[PATIENT, SUBJECT, STATUS, CATEGORY]),
    ("Observation", &[PATIENT, SUBJECT, STATUS, CODE, CATEGORY, ENCOUNTER, EFFECTIVE]),
    ("Organization", &[ACTIVE, TYPE, TITLE]),
    (
        "Patient",
        &[ACTIVE, NAME, FAMILY, GIVEN, ("gender", Kind::Token("gender")), ("birthdate", Kind::Date(&["birthDate"]))],
    ),
    ("Practitioner", &[ACTIVE, NAME, FAMILY, GIVEN]),
    (
        "PractitionerRole",
        &[
            ACTIVE,
            ("role", Kind::Token("code")),
            ("specialty", Kind::Token("specialty")),
            ("practitioner", Kind::Reference("practitioner")),
            ("organization", Kind::Reference("organization")),
        ],
    ),
    (
        "Procedure",
        &[
            PATIENT,
            SUBJECT,
            STATUS,
            CODE,
            CATEGORY,
            ENCOUNTER,
            ("date", Kind::Date(&["performedDateTime", "performedPeriod"])),
        ],
    ),
    ("QuestionnaireResponse", &[PATIENT, SUBJECT, STATUS, ENCOUNTER, ("authored", Kind::Date(&["authored"]))]),
    ("RelatedPerson", &[OWN, NAME, ACTIVE, ("relationship", Kind::Token("relationship"))]),
    (
        "ServiceRequest",
        &[
            PATIENT,
            SUBJECT,
            STATUS,
            INTENT,
            PRIORITY,
            CODE,
            CATEGORY,
            ENCOUNTER,
            ("authored", Kind::Date(&["authoredOn"])),
        ],
    ),
    (
        "Task",
        &[
            FOR,
            ("subject", Kind::Patient("for")),
            STATUS,
            INTENT,
            PRIORITY,
            CODE,
            ENCOUNTER,
            ("business-status", Kind::Token("businessStatus")),
            ("authored-on", Kind::Date(&["authoredOn"])),
            ("modified", Kind::Date(&["lastModified"])),
            ("period", Kind::Date(&["executionPeriod"])),
            ("focus", Kind::Reference("focus")),
            ("owner", Kind::Reference("owner")),
        ],
    ),
];

/// A type's name as the table has it and its own parameters; none for types that are not served.
pub fn served(resource_type: &str) -> Option<(&'static str, &'static [Parameter])> {
    TYPES.iter().find(|(name, _)| *name == resource_type).map(|(name, parameters)| (*name, *parameters))
}

/// A parameter of a type by name.
pub fn find(parameters: &'static [Parameter], name: &str) -> Option<Kind> {
    COMMON.iter().chain(parameters).find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{Definitions, Library};

    #[test]
    fn every_parameter_names_an_element_of_its_type() {
        let definitions = Definitions::r4();
        for (name, parameters) in TYPES {
            for (parameter, kind) in *parameters {
                for element in kind.elements() {
                    let first = element.split('.').next().unwrap();
                    assert!(definitions.element(name, first).is_some(), "{name}.{element} of {parameter}");
                }
            }
        }
    }

    #[test]
    fn every_parameter_is_one_of_r4_and_of_its_kind() {
        for (name, parameters) in TYPES {
            for (parameter, kind) in COMMON.iter().chain(*parameters) {
                let known = Library::built_in().search_parameter(name, parameter);
                let known = known.unwrap_or_else(|| panic!("R4 has no parameter {parameter} of {name}"));
                assert_eq!(known.kind, kind.code(), "{parameter} of {name}");
                let of_r4 = &known.expression;
                let element = match kind {
                    Kind::Token(element) | Kind::Reference(element) | Kind::Patient(element) => element,
                    Kind::Text(elements) => elements[0],
                    Kind::Date(elements) => elements[0].trim_end_matches("DateTime"),
                    Kind::Id | Kind::LastUpdated | Kind::Identifier => continue,
                };
                assert!(of_r4.contains(&format!("{name}.{element}")), "{parameter} of {name} is {of_r4}");
            }
        }
    }

    #[test]
    fn names_are_given_once_and_types_are_in_order() {
        assert!(TYPES.is_sorted_by_key(|(name, _)| *name));
        for (name, parameters) in TYPES {
            let mut names: Vec<&str> = COMMON.iter().chain(*parameters).map(|(name, _)| *name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), COMMON.len() + parameters.len(), "{name}");
        }
    }
}
