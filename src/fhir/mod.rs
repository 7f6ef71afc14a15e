//! FHIR R4: resources as JSON behind a thin type, references, identifiers, narratives and drafts; R4's definitions, value sets and FHIRPath.

mod compartment;
mod concept;
pub mod definition;
mod draft;
mod familiar;
mod human_name;
mod identifier;
mod interval;
mod labels;
mod language;
mod links;
mod located;
pub mod narrative;
mod offered;
mod outcome;
mod package;
pub mod path;
mod resource;
pub mod search;
mod systems;
pub mod terminology;
pub mod time;
mod uuid;
mod valueset;

pub use compartment::{Home, home_of, is_deletable, is_revised, patient_element, references_at, written_types};
pub use concept::concept_title;
pub use definition::{Definitions, ElementDefinition, TypeDefinition};
pub use draft::{BY_MEMBER, Draft, KEYED, Scope};
pub use familiar::{Familiar, Fingerprint};
pub use human_name::{UNNAMED, display_name, names, said_name, sorted_name, usual_name};
pub use identifier::Identifier;
pub use interval::{Interval, observed_at};
pub use labels::{
    OWN_LABELS, add_labels, deleted_tag, is_deleted, is_hold, is_restricted, is_very_restricted, labels_of,
    retain_labels,
};
pub use language::{language_word, main_tag};
pub use located::{Located, Span, Unreadable};
pub use offered::{Offered, OfferedType};
pub use outcome::{operation_outcome, operation_outcome_in_text};
pub use package::{
    Differential, ExtensionContext, Library, Package, PackageFile, PackageSource, SearchParameter, built_in_packages,
};
pub use resource::{Resource, codings_of, without};
pub use systems::{CodeSystem, SYSTEMS, canonical_system, code_system, is_loinc};
pub use uuid::{named_uuid, random_uuid};
pub use valueset::{ValueSet, ValueSets, built_in_value_sets, words_of};
