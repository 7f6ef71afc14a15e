//! The interface as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html), put together from the tables by which it is wired.

mod components;
mod document;
mod operation;

pub use document::{Described, document};
pub use operation::{About, Paths, add};
