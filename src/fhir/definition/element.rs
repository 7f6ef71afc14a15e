//! What is known of one type and of one element of it (http://hl7.org/fhir/R4/elementdefinition.html), without prose.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

/// Which kind of thing a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Primitive,
    Datatype,
    Resource,
}

/// A type, or the anonymous type of an element with children of its own (`Patient.contact`).
#[derive(Debug)]
pub struct TypeDefinition {
    /// `Patient`, or the path of the element that holds the children: `Patient.contact`.
    pub name: String,
    pub kind: Kind,
    pub is_abstract: bool,
    pub base: Option<String>,
    pub constraints: Vec<Constraint>,
    /// Inherited elements first; a choice stands here once.
    pub elements: Vec<ElementDefinition>,
    pub(super) choices: Vec<ElementDefinition>,
    pub(super) names: HashMap<String, Position>,
}

/// Where an element of a given name stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Position {
    Element(usize),
    Choice(usize),
}

/// One element. For a choice asked for by one of its JSON names (`valueQuantity`) there is only that type.
#[derive(Debug, Clone)]
pub struct ElementDefinition {
    /// As in JSON; for a choice the name without its type (`value`).
    pub name: String,
    /// As the specification writes it: `Observation.value[x]`, `Patient.contact.name`.
    pub path: String,
    pub min: u32,
    pub max: Max,
    pub types: Vec<TypeRef>,
    pub binding: Option<Binding>,
    /// The value set beyond which an extensible or preferred binding does not extend.
    pub limit: Option<String>,
    /// Whether the JSON name carries the type. False for one that was asked for by its JSON name.
    pub is_choice: bool,
    /// The choice (`value`) that this is one type of, when asked for by its JSON name.
    pub choice: Option<String>,
    pub is_summary: bool,
    pub is_modifier: bool,
    pub constraints: Vec<Constraint>,
    /// The type that defines the children when they are not those of a datatype: `Patient.contact`, `Questionnaire.item`.
    pub content: Option<String>,
    pub(super) definition: OnceLock<Option<&'static TypeDefinition>>,
}

/// How often an element may stand at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Max {
    Count(u32),
    Many,
}

/// One of the types an element may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeRef {
    /// `string`, `Quantity`, `Reference`, `BackboneElement`.
    pub code: String,
    /// The URLs of profiles on that type, of which one must hold; empty means that there is none.
    pub profiles: Vec<String>,
    /// For Reference and canonical: the types, or URLs of profiles, it may point at; empty means any.
    pub targets: Vec<String>,
}

/// A value set that the codes of an element come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub strength: Strength,
    /// The canonical URL, without version.
    pub value_set: String,
}

/// http://hl7.org/fhir/R4/valueset-binding-strength.html
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    Required,
    Extensible,
    Preferred,
    Example,
}

/// An invariant, in FHIRPath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    pub key: String,
    /// False for one that only warns.
    pub is_error: bool,
    pub expression: String,
}

impl Strength {
    /// As FHIR writes it, the strictest first.
    const CODES: [(Self, &'static str); 4] = [
        (Self::Required, "required"),
        (Self::Extensible, "extensible"),
        (Self::Preferred, "preferred"),
        (Self::Example, "example"),
    ];

    /// The FHIR code.
    pub fn code(self) -> &'static str {
        Self::CODES.iter().find(|(own, _)| *own == self).map_or("", |(_, code)| code)
    }

    /// The strength with that code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::CODES.iter().find(|(_, own)| *own == code).map(|(strength, _)| *strength)
    }
}

impl fmt::Display for Max {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Many => f.write_str("*"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl Max {
    /// Whether the JSON of the element is an array.
    pub fn is_list(self) -> bool {
        self != Self::Count(1) && self != Self::Count(0)
    }

    pub fn allows(self, count: usize) -> bool {
        match self {
            Self::Many => true,
            Self::Count(most) => u32::try_from(count).is_ok_and(|count| count <= most),
        }
    }
}

impl TypeDefinition {
    /// An element by its JSON name, or a choice by its name without type.
    pub fn element(&self, name: &str) -> Option<&ElementDefinition> {
        match self.names.get(name)? {
            Position::Element(index) => self.elements.get(*index),
            Position::Choice(index) => self.choices.get(*index),
        }
    }

    /// The names that may stand in JSON, each type of a choice under its own.
    pub fn element_names(&self) -> Vec<&str> {
        let plain = self.elements.iter().filter(|element| !element.is_choice);
        plain.chain(&self.choices).map(|element| element.name.as_str()).collect()
    }
}

impl ElementDefinition {
    /// The name of the type that defines the children: a datatype, or the path of the element that holds them. None for
    /// a choice, which has no one type.
    pub fn type_name(&self) -> Option<&str> {
        match (&self.content, self.types.as_slice()) {
            (Some(content), _) => Some(content),
            (None, [one]) => Some(&one.code),
            _ => None,
        }
    }

    /// What the JSON name of a choice is when it has a value of this type: `value` and `Quantity` give `valueQuantity`.
    pub fn choice_name(&self, type_code: &str) -> String {
        join_choice(&self.name, type_code)
    }
}

pub(super) fn join_choice(name: &str, type_code: &str) -> String {
    let mut joined = name.to_string();
    let mut letters = type_code.chars();
    joined.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    joined.push_str(letters.as_str());
    joined
}
