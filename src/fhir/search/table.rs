//! The types that are served and what each is searched by. The store's index, the searches and the CapabilityStatement read this
//! table and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use sha2::{Digest, Sha256};

use super::parameter::{LAYOUT, Parameter};
use crate::fhir::package::{Library, SearchParameter};

/// All types that are read and searched here, in the order of the alphabet.
pub const SERVED: [&str; 49] = [
    "Account",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "Binary",
    "CarePlan",
    "CareTeam",
    "ChargeItem",
    "Claim",
    "ClaimResponse",
    "Communication",
    "CommunicationRequest",
    "Condition",
    "Consent",
    "Coverage",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Endpoint",
    "EpisodeOfCare",
    "ExplanationOfBenefit",
    "Flag",
    "Goal",
    "Group",
    "ImagingStudy",
    "Immunization",
    "List",
    "Location",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "Schedule",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "Task",
];

/// A type's name as the table has it; none for types that are not served.
pub fn served(resource_type: &str) -> Option<&'static str> {
    SERVED.iter().find(|name| **name == resource_type).copied()
}

/// The search parameters of the types that are served, each compiled when its type is first asked for.
#[derive(Debug)]
pub struct SearchTable {
    types: HashMap<&'static str, OnceLock<Arc<[Arc<Parameter>]>>>,
}

static BUILT_IN: LazyLock<SearchTable> = LazyLock::new(SearchTable::default);

impl Default for SearchTable {
    fn default() -> Self {
        Self { types: SERVED.iter().map(|name| (*name, OnceLock::new())).collect() }
    }
}

impl SearchTable {
    /// R4's and US Core's parameters: what the stores index, whatever guides a site has.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The parameters of a type, in the order of their names.
    pub fn of_type(&self, resource_type: &str) -> &[Arc<Parameter>] {
        let compile = || compiled(Library::built_in(), resource_type, &[]);
        self.types.get(resource_type).map_or(&[], |slot| slot.get_or_init(compile))
    }

    /// The same with those that a site's guides add, which stores index beside these (`store::Guided`). The library must be the same each time.
    pub fn of_type_with(&self, library: &Library, resource_type: &str) -> &[Arc<Parameter>] {
        let compile = || compiled(library, resource_type, Self::built_in().of_type(resource_type));
        self.types.get(resource_type).map_or(&[], |slot| slot.get_or_init(compile))
    }

    pub fn find(&self, resource_type: &str, name: &str) -> Option<&Arc<Parameter>> {
        find_parameter(self.of_type(resource_type), name)
    }

    /// A number that is another for another set of parameters: a store that was indexed by another is indexed anew.
    pub fn fingerprint() -> u64 {
        static OF_ALL: LazyLock<u64> = LazyLock::new(|| {
            let mut hash = Sha256::new();
            hash.update(LAYOUT);
            for resource_type in SERVED {
                for (name, parameter) in Library::built_in().search_parameters(resource_type) {
                    let parts = [resource_type, name, &parameter.kind, &parameter.expression];
                    parts.iter().for_each(|part| hash.update(format!("{part}\0")));
                }
            }
            let first = hash.finalize().first_chunk().copied().unwrap_or_default();
            // Zero is a store that no program indexed.
            u64::from_be_bytes(first).max(1)
        });
        *OF_ALL
    }
}

fn compiled(library: &Library, resource_type: &str, below: &[Arc<Parameter>]) -> Arc<[Arc<Parameter>]> {
    let all = library.search_parameters(resource_type);
    let kind_of = |other: &str| {
        let is_it = |url: &str| url == other || url.rsplit('/').next() == Some(other);
        all.values().find(|one| is_it(&one.url)).map(|one| one.kind.clone())
    };
    let compile = |(name, definition): (&&str, &&SearchParameter)| {
        if let Some(known) = find_parameter(below, name) {
            return Some(Arc::clone(known));
        }
        // Nothing lost: a parameter that cannot be read is not offered; a test compiles all that are built in.
        Parameter::compile(resource_type, name, definition, &kind_of).ok().flatten().map(Arc::new)
    };
    all.iter().filter_map(compile).collect()
}

/// A parameter by name.
pub fn find_parameter<'p>(parameters: &'p [Arc<Parameter>], name: &str) -> Option<&'p Arc<Parameter>> {
    let place = parameters.binary_search_by(|one| one.name.as_str().cmp(name)).ok()?;
    parameters.get(place)
}
