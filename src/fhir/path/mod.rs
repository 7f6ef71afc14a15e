//! FHIRPath (http://hl7.org/fhirpath/N1/, with R4's additions http://hl7.org/fhir/R4/fhirpath.html): parsed once,
//! evaluated on resources without copying them, always ending. Reads no clock and asks no server: what it may know of
//! the world outside is in the `Context`.

mod arithmetic;
mod ast;
mod boundary;
mod calendar;
mod check;
mod compare;
mod context;
mod equality;
mod error;
mod evaluate;
mod expression;
mod flow;
mod functions;
mod item;
mod kinds;
mod lexer;
mod literal;
mod navigate;
mod operators;
mod parser;
mod quantity;
mod step;
mod stream;
mod variables;

pub use context::{Context, Membership, Resolver};
pub use error::PathError;
pub use expression::Expression;
pub use item::{Element, Item};
pub use quantity::Quantity;

#[cfg(test)]
mod tests;
