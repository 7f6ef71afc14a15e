//! FHIR packages (https://hl7.org/fhir/packages.html) in their reduced form (profiles/README.md): what is built in and
//! what a site adds, found by canonical URL and read when first asked for. Reads texts, never files.

mod block;
mod built_in;
mod differential;
mod library;
mod search;
mod source;

pub use built_in::sources as built_in_packages;
pub use differential::{Differential, ExtensionContext};
pub use library::{Library, Package};
pub use search::SearchParameter;
pub use source::{PackageFile, PackageSource};
