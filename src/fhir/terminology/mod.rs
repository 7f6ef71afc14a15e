//! Value sets and code systems as far as they are at hand (http://hl7.org/fhir/R4/terminologies.html): whether a code is
//! in a value set, which codes it has, and what that cannot be told for. Never asks a terminology server.

mod code_group;
mod compose;
mod concepts;
mod ecl;
#[cfg(test)]
mod ecl_tests;
mod enumerate;
mod expansion;
mod held;
mod implicit;
mod membership;
mod summary;
mod syntax;
mod texts;
mod walk;
mod written;

pub use code_group::CodeGroup;
pub use compose::{Compose, Filter, Include};
pub use concepts::Concepts;
pub use expansion::{Contained, Expansion, ExpansionAsked};
pub use held::{Concept, Head, HeldSystem, Unreadable};
pub use implicit::{ANSWER_LIST, MEMBER_OF, MEMBERS, implicit, implicit_version, members_key};
pub use membership::Membership;
pub use summary::{Summary, definition_id};
pub use texts::{Designation, Texts};
pub use walk::Unexpandable;
pub use written::check_written_code;
