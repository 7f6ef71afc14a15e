//! Value sets and code systems as far as they are at hand (http://hl7.org/fhir/R4/terminologies.html): whether a code is
//! in a value set, and what that cannot be told for. Never asks a terminology server.

mod code_group;
mod compose;
mod concepts;
mod enumerate;
mod membership;
mod syntax;
mod written;

pub use code_group::CodeGroup;
pub use compose::{Compose, Filter, Include};
pub use concepts::{Concepts, Content};
pub use membership::Membership;
pub use written::check_written_code;
