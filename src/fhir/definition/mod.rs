//! The element definitions of FHIR R4 4.0.1 (http://hl7.org/fhir/R4/structuredefinition.html), read from `profiles/r4`
//! type by type as they are asked for. Never holds prose, never changes after start.

mod canonical;
mod element;
mod primitive;
mod r4;
mod reading;
mod rule;

pub use canonical::{profile_url, split_version, value_set_url};
pub use element::{Binding, Constraint, ElementDefinition, Kind, Max, Strength, TypeDefinition, TypeRef};
pub use primitive::{check_primitive, check_primitive_value};
pub use r4::{Definitions, type_of_url};
pub(in crate::fhir) use rule::read_constraint;
pub use rule::{Discriminator, DiscriminatorKind, ElementRule, Rest, Slicing};
