//! How one element gets its value: the compiled form of an element's entry in a mapping file.

use std::sync::Arc;

use serde_json::Value;

use super::{Condition, SourcePath};
use crate::fhir::ElementDefinition;
use crate::problem::FieldPlace;
use crate::yaml::Mark;

/// The elements of one FHIR type, in the order of the file.
#[derive(Debug, Clone)]
pub struct Template {
    pub type_name: String,
    pub entries: Vec<Entry>,
    /// Elements without which nothing is made: those R4 demands (min ≥ 1), and those the map says it needs. One of each
    /// list must be there.
    pub required: Vec<Vec<String>>,
}

/// One element and the ways to fill it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in JSON: `birthDate`, `valueQuantity`, `_birthDate`.
    pub name: String,
    pub element: &'static ElementDefinition,
    pub is_list: bool,
    /// A list takes the values of all; a single element has exactly one.
    pub ways: Vec<Expression>,
}

/// One way to a value.
#[derive(Debug, Clone)]
pub struct Expression {
    pub mark: Mark,
    pub when: Option<Condition>,
    /// Repeat for each of these; inside, `this` is the one at hand.
    pub each: Option<SourcePath>,
    /// Make this the value at hand for what is nested.
    pub at: Option<SourcePath>,
    /// The place that is meant for this time: what is read here stands in for it, and the element says so.
    pub instead_of: Option<FieldPlace>,
    pub body: Body,
}

/// What is done with what was read.
#[derive(Debug, Clone)]
pub enum Body {
    /// Text to a primitive.
    Convert { path: SourcePath, to: Conversion },
    /// A constant. Constants alone never make an element: something must have been read beside them.
    Fixed(Value),
    /// A code through a table.
    Table { path: SourcePath, table: usize, to: CodeShape, asked: Asked },
    /// A datatype map, called with the value at a path; constants for what the value leaves unsaid.
    Datatype { path: SourcePath, map: usize, otherwise: Option<Value> },
    /// A map of a resource, called with the value at a path: makes a draft and refers to it.
    Resource { path: SourcePath, map: usize },
    /// Elements written in place.
    Nested(Template),
    /// The first way that yields anything.
    First(Vec<Expression>),
    /// All values of all places, joined; the parts of each value too, where the map says by what; `once`: none that the
    /// text already has.
    Join { paths: Vec<SourcePath>, with: String, parts: Option<String>, once: bool, to: Conversion },
    /// An assigning authority to an identifier system: one place that holds an HD, or its three parts.
    Authority { paths: Vec<SourcePath>, default: Option<String> },
    /// The name of a coding system (HL7 table 0396) to its URL.
    CodeSystem { path: SourcePath },
    /// The system that the feed assumes for codes of the field at hand that name none.
    Assumed { path: SourcePath },
    /// Bytes that a message carries in an encoding of HL7 table 0299, as base64.
    Data { path: SourcePath, encoding: SourcePath },
    /// Number, unit and comparator to a Quantity.
    Quantity(Box<Quantity>),
    /// A reference to what another map made of a segment nearby.
    Reference { map: usize },
}

/// How a Quantity is read.
#[derive(Debug, Clone)]
pub struct Quantity {
    pub value: SourcePath,
    /// The first or the second of two numbers in one field.
    pub part: Option<u16>,
    pub unit: Option<SourcePath>,
    pub comparator: Option<SourcePath>,
    /// What is measured: whether a missing unit can be told hangs on it.
    pub of: Option<Measured>,
}

/// What a Quantity measures.
#[derive(Debug, Clone)]
pub enum Measured {
    /// Whatever the code at this place says.
    Coded(SourcePath),
    /// One of `readings/`, by its place in the set.
    Reading(usize),
}

/// The verbs; a mapping without one of them spells out the elements of its type in place.
pub const VERBS: [&str; 19] = [
    "as",
    "table",
    "fixed",
    "first",
    "join",
    "reference",
    "authority",
    "code-system",
    "assumed",
    "data",
    "quantity",
    "date",
    "dateTime",
    "instant",
    "time",
    "integer",
    "decimal",
    "boolean",
    "from",
];

/// What is asked of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What becomes of a code that has no row.
    pub unmapped: Unmatched,
    /// Not the row, but the code itself where it is a member of a row's group.
    pub is_member: bool,
}

/// What becomes of a code that has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// It stays as the sender wrote it, and is listed.
    Keep,
    /// It is left out, and listed.
    Drop,
    /// It is none of this way's business: nothing is said, and the next way may take it.
    Pass,
}

/// What a table's code becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeShape {
    Code,
    Coding,
    CodeableConcept,
}

/// Text to a FHIR primitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversion {
    Text,
    /// Codes of a required binding, when R4 enumerates them.
    Code(Option<Arc<[String]>>),
    Uri,
    Boolean,
    Integer {
        least: i64,
    },
    Decimal,
    Date,
    DateTime,
    Instant,
    Time,
    Base64,
}

impl Conversion {
    /// The conversion to a primitive type; none for types that a message cannot fill.
    pub fn to(type_name: &str, codes: Option<Arc<[String]>>) -> Option<Self> {
        Some(match type_name {
            "string" | "markdown" | "id" => Self::Text,
            "code" => Self::Code(codes),
            "uri" | "url" | "canonical" | "oid" | "uuid" => Self::Uri,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer { least: i64::from(i32::MIN) },
            "unsignedInt" => Self::Integer { least: 0 },
            "positiveInt" => Self::Integer { least: 1 },
            "decimal" => Self::Decimal,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "instant" => Self::Instant,
            "time" => Self::Time,
            "base64Binary" => Self::Base64,
            _ => return None,
        })
    }
}
