//! Writing over FHIR (http://hl7.org/fhir/R4/http.html): who may ask for it, in which words, and what the answer says. What is done is
//! the pipeline's to decide; nothing is written here.

mod batch;
mod conditions;
mod door;
mod message;
mod reply;
mod single;

pub use batch::at_base;
pub use door::admit;
pub use message::process_message;
pub use single::{create, delete, delete_by_condition, patch, patch_by_condition, update, update_by_condition};
