//! FHIR writes (http://hl7.org/fhir/R4/http.html) on the path of every input: a partner's resource is a statement about a patient, as
//! a message is, with its author, its time and the line of an agreement that lets it be said. docs/decisions/0020 says why.

mod about;
mod belonging;
mod changes;
mod entry;
mod groups;
mod kept;
mod members;
mod merging;
mod message;
mod origin;
mod outcome;
mod patch;
mod provenance;
mod read;
mod refusal;
mod rights;
mod settled;
mod statement;
mod submit;
mod target;
mod tell;
mod twins;
mod weigh;

pub use kept::{Condition, Interaction, Submission};
pub use origin::said_by;
pub use outcome::{Done, Happened, Submitted};
pub use read::versions;
pub use refusal::Refusal;
