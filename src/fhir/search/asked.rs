//! One value that a search asks for, as read from a URL (http://hl7.org/fhir/R4/search.html#ptypes).

use jiff::Timestamp;

use super::number::NumberValue;
use crate::fhir::identifier::Identifier;

/// One value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    Token(TokenValue),
    /// `:text` of a token: its display or text begins so, a word of it does.
    Words(String),
    Date(DateValue),
    Text {
        text: String,
        how: How,
    },
    /// `Patient/1`, an id alone, an absolute URL that ends so, a canonical, or `system|value` of a logical reference.
    Reference(String),
    /// `:of-type` of an identifier: a type of it, and its value.
    OfType {
        kind: TokenValue,
        value: String,
    },
    /// `:identifier` of a reference.
    Identifier(TokenValue),
    Number(NumberValue),
    /// The unit by its code in a system, or, without a system, by code or unit.
    Quantity {
        number: NumberValue,
        system: Option<String>,
        unit: Option<String>,
    },
    Uri {
        text: String,
        relation: UriRelation,
    },
    /// One for each part of a composite.
    Composite(Vec<Asked>),
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// From the beginning of a word, whatever the case and accents.
    Begins,
    /// Anywhere, whatever the case and accents.
    Contains,
    /// As it is, as a whole.
    Exact,
    /// From its beginning, to its end, or as a whole, whatever the case and accents.
    Starts,
    Ends,
    Whole,
}

/// How a URI is compared (http://hl7.org/fhir/R4/search.html#uri).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriRelation {
    Same,
    /// The resource's begins with the one asked for.
    Below,
    /// The one asked for begins with the resource's.
    Above,
}

/// One value of a token parameter (http://hl7.org/fhir/R4/search.html#token).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenValue {
    /// None: any system; `Some("")`: no system.
    pub system: Option<String>,
    /// None: any code of the system.
    pub code: Option<String>,
    /// Whether the system is the one that the element's definition gives to codes which state none.
    pub is_implied: bool,
}

impl From<Identifier> for TokenValue {
    fn from(identifier: Identifier) -> Self {
        Self { system: Some(identifier.system), code: Some(identifier.value), is_implied: false }
    }
}

/// One value of a date parameter (http://hl7.org/fhir/R4/search.html#date): the span `[from, until)`, open where there is no
/// bound, and how the resource's value must stand to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateValue {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub relation: Relation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The value lies in the span as a whole.
    Within,
    /// It does not.
    NotWithin,
    /// They have a moment in common.
    Overlaps,
}
