//! Conditions on other resources (http://hl7.org/fhir/R4/search.html#chaining, #has): which types they go through.

use std::sync::Arc;

use super::names::{Name, depth};
use super::reading::{Reading, SPECIAL};
use crate::fhir::search::{Parameter, served};
use crate::problem::Category;
use crate::web::answer::Fault;

/// References that one condition goes through.
pub const DEEPEST: usize = 4;

/// Refuses a name that goes through more, before its ways are looked for: each reference may lead to several types, and so may each of these.
pub fn check_depth(name: &str) -> Result<(), Fault> {
    if depth(name) > DEEPEST { Err(too_deep()) } else { Ok(()) }
}

pub fn too_deep() -> Fault {
    let text = format!("a condition goes through at most {DEEPEST} references");
    Fault::bad_request(Category::TooCostly, text)
}

/// A condition on other resources: those referred to (chaining), or those that refer (`_has`).
#[derive(Debug, Clone)]
pub struct Join {
    /// The reference that joins them.
    pub reference: Arc<Parameter>,
    /// The types of the others.
    pub kinds: Vec<&'static str>,
    /// Whether the others refer to what is searched.
    pub is_reverse: bool,
    /// The condition on the others.
    pub name: String,
    pub value: String,
}

impl Join {
    /// Whether what it joins lies in the record of one patient: what is searched names its patient by it, or is the patient of the others.
    pub fn is_within_a_record(&self, searched: &str) -> bool {
        let home = |kind: &str| self.reference.is_home_of(kind);
        if self.is_reverse { searched == "Patient" && self.kinds.iter().all(|kind| home(kind)) } else { home(searched) }
    }
}

/// The types that a chain goes through: those that the reference leads to and that know the condition on them.
pub fn led_to(reading: &Reading<'_>, reference: &Parameter, kind: Option<&str>, rest: &str) -> Vec<&'static str> {
    let asked = kind.map_or_else(|| reference.targets.clone(), |kind| vec![kind.to_string()]);
    let leads_to = |kind: &&'static str| reference.targets.is_empty() || reference.targets.iter().any(|to| to == kind);
    let knows = |kind: &&'static str| is_condition(&Reading { resource_type: kind, ..*reading }, rest);
    asked.iter().filter_map(|kind| served(kind)).filter(leads_to).filter(knows).collect()
}

/// Whether a name is that of a condition on a type.
pub fn is_condition(reading: &Reading<'_>, name: &str) -> bool {
    match Name::read(name) {
        Name::Plain { name, .. } => reading.find(name).is_some() || SPECIAL.iter().any(|(known, _)| *known == name),
        Name::Chain { name, kind, rest } => {
            reading.find(name).is_some_and(|reference| !led_to(reading, reference, kind, rest).is_empty())
        }
        Name::Has { kind, reference, rest } => served(kind).is_some_and(|kind| {
            let of_other = Reading { resource_type: kind, ..*reading };
            of_other.find(reference).is_some() && is_condition(&of_other, rest)
        }),
    }
}
