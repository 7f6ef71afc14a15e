//! FHIRPath (http://hl7.org/fhirpath/N1/, with R4's additions http://hl7.org/fhir/R4/fhirpath.html): parsed once,
//! evaluated on resources without copying them, always ending. Reads no clock and asks no server: what it may know of
//! the world outside is in the `Context`.
//!
//! ```
//! use handover::fhir::Resource;
//! use handover::fhir::path::{Context, Expression};
//!
//! // Once, when a file is read: faults of the text and of the elements it names are told with their position.
//! let expression = Expression::parse("component.where(code.coding.code = '8480-6').value > 140 'mm[Hg]'")?;
//! expression.check("Observation")?;
//! let wrong = Expression::parse("componet.value > 140")?.check("Observation").unwrap_err();
//! assert_eq!(wrong.to_string(), "Observation has no element `componet`; did you mean `component`? (at character 1)");
//!
//! // Then as often as wanted, on any thread.
//! let reading: Resource = serde_json::from_str(
//!     r#"{ "resourceType": "Observation", "component": [{
//!         "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] },
//!         "valueQuantity": { "value": 162, "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } }] }"#,
//! )?;
//! assert!(expression.matches(&Context::new(&reading))?);
//!
//! let units = Expression::parse("component.value.ofType(Quantity).code")?;
//! let found = units.evaluate(&Context::new(&reading))?;
//! assert_eq!(found[0].as_text().as_deref(), Some("mm[Hg]"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is supported
//!
//! All of FHIRPath 2.0 (N1); of what came after: `defineVariable`, `sort`, `coalesce`, `lowBoundary`, `highBoundary`,
//! `precision`, the parts of dates (`yearOf` …), `matchesFull`, `split`, `join`, `encode`, `escape` and their like; and all
//! functions that R4 adds. Arithmetic is decimal and keeps the digits that were written; quantities are converted by UCUM;
//! dates and times are compared as far as they are stated, and unknown is empty, not false. Not there: the type `Long`,
//! and date arithmetic in UCUM's mean months and years, which are no calendar's.
//!
//! Of the 935 cases of HL7's suite for R4, 932 pass; `tests/conformance/fhirpath_known_failures.txt` tells of the others.
//!
//! # How it sees a resource
//!
//! - Elements are typed by R4's definitions, in which the engine looks nothing up twice: a step remembers where it leads.
//!   An element that the type does not have is empty; `check` is there to find it before.
//! - A **choice** is written without its type: `value`, and `value.ofType(Quantity)` or `value as Quantity`. Its JSON name
//!   (`valueQuantity`) is refused by `check` and empty in evaluation. In R4's own expressions (`parse_r4`) `as` filters
//!   collections; elsewhere it takes one item, as the specification has it.
//! - **Primitives** carry their id and extensions with them (`birthDate.extension('…')`); one that has extensions only is
//!   an item without a value (`hasValue()` is false), and stands in lists where it stood.
//! - A `Quantity` is a quantity where its value is asked for, unless it has a comparator: `<5` is no number.
//! - Types are `FHIR.string` and `System.String`; a name alone means whichever the item is of. `is` takes what derives from
//!   the type; `as` and `ofType` tell a `code` from a `string`.
//! - `resolve()` finds contained resources by itself, others through [`Context::resolving`]. `memberOf`, `subsumes`,
//!   `conformsTo`, `slice` and `elementDefinition` ask the caller likewise; R4's own codes and types are known without. What
//!   nobody knows is a fault, never a quiet false. `now()` is [`Context::at`]'s. `trace()` writes nothing.
//!
//! # Bounds
//!
//! An expression has at most 16,384 characters, nests at most 64 deep, and has at most about 150 steps and operators in a
//! row (calls count threefold); an unoptimised build evaluates it on less than 1 MiB of stack. One evaluation looks at no
//! more than 2,000,000 items; a collection holds at most 200,000, a text that it makes 1 MiB, and patterns match without backtracking. At a
//! bound the evaluation ends with a fault.
//!
//! # Faults
//!
//! [`PathError`] tells what is wrong and at which character of the expression. It never holds a value of a resource.
//! Evaluation is lazy: what the result does not depend on (the right side of `false and …`, what comes after `first()`) is
//! not looked at, and so its faults are not found.

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
mod roots;
mod step;
mod stream;
mod truth;
mod variables;

pub use context::{Conformance, Context, ElementDefinitions, Membership, Resolver, Slices, Subsumption};
pub use error::PathError;
pub use expression::Expression;
pub use item::{Element, Item};
pub use quantity::Quantity;

#[cfg(test)]
mod tests;
