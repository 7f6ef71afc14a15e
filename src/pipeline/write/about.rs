//! Whom an entry of a request is about.

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::Head;

#[derive(Clone)]
pub(super) struct About {
    pub person: PersonId,
    /// The identifiers that lead there.
    pub identifiers: Vec<Identifier>,
    /// How a resource of the same body refers to the patient.
    pub reference: String,
}

impl About {
    pub fn of_head(head: Head) -> Self {
        let reference = format!("Patient/{}", ResourceId::patient(head.person));
        Self { person: head.person, identifiers: head.identifiers, reference }
    }

    /// What belongs to nobody.
    pub fn nobody() -> Self {
        Self { person: PersonId::SHARED, identifiers: Vec::new(), reference: String::new() }
    }
}
