//! What an expression yields: values of FHIRPath's own types, and elements of a resource, which are borrowed.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::literal;
use super::quantity::Quantity;
use super::step::member;
use crate::fhir::Resource;
use crate::fhir::definition::{Definitions, Kind, TypeDefinition};
use crate::fhir::time::{PartialDateTime, PartialTime};

/// One item of a collection.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(Cow<'a, str>),
    Date(PartialDateTime),
    DateTime(PartialDateTime),
    Time(PartialTime),
    Quantity(Quantity<'a>),
    /// A resource or an element of one.
    Element(Element<'a>),
    /// What `type()` tells: name space and name.
    Type(&'static str, Cow<'a, str>),
    /// A value set by its name, for `code in %name`.
    ValueSet(Cow<'a, str>),
}

/// A resource or an element of one, as it stands in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    pub(super) content: Content<'a>,
    /// The object beside a primitive that carries its id and extensions (`_birthDate`).
    pub(super) sibling: Option<&'a Map<String, Value>>,
    /// None where the type is not known.
    pub(super) definition: Option<&'static TypeDefinition>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// A primitive that has extensions but no value.
    Missing,
    Primitive(&'a Value),
    Object(&'a Map<String, Value>),
}

impl<'a> Element<'a> {
    /// A whole resource.
    pub fn resource(resource: &'a Resource) -> Self {
        Self::object(resource.as_map(), None)
    }

    /// An object of a known type.
    pub fn typed(map: &'a Map<String, Value>, definition: &'static TypeDefinition) -> Self {
        Self::object(map, Some(definition))
    }

    /// An object that says itself what it is, with `resourceType`, or is of no known type.
    pub fn untyped(map: &'a Map<String, Value>) -> Self {
        Self::object(map, None)
    }

    /// An object; a resource says itself what it is.
    pub(super) fn object(map: &'a Map<String, Value>, definition: Option<&'static TypeDefinition>) -> Self {
        let definition = match definition {
            Some(definition) if !definition.is_abstract => Some(definition),
            _ => match member(map, "resourceType").and_then(Value::as_str) {
                Some(name) => Definitions::r4().type_definition(name),
                None => definition,
            },
        };
        Self { content: Content::Object(map), sibling: None, definition }
    }

    /// A primitive of a known type, without the extensions beside it.
    pub fn of_primitive(value: &'a Value, definition: &'static TypeDefinition) -> Self {
        Self { content: Content::Primitive(value), sibling: None, definition: Some(definition) }
    }

    /// What is known of its type.
    pub fn definition(&self) -> Option<&'static TypeDefinition> {
        self.definition
    }

    /// The FHIR type: `Patient`, `HumanName`, `code`, `Patient.contact`.
    pub fn type_name(&self) -> Option<&'static str> {
        self.definition.map(|definition| definition.name.as_str())
    }

    /// The JSON of a primitive.
    pub fn primitive(&self) -> Option<&'a Value> {
        match self.content {
            Content::Primitive(value) => Some(value),
            _ => None,
        }
    }

    /// The JSON of a resource or of an element with children.
    pub fn as_map(&self) -> Option<&'a Map<String, Value>> {
        match self.content {
            Content::Object(map) => Some(map),
            _ => None,
        }
    }

    fn is_quantity(&self) -> bool {
        self.definition
            .is_some_and(|definition| definition.name == "Quantity" || definition.base.as_deref() == Some("Quantity"))
    }

    /// The value of FHIRPath's own that this element stands for; none for one with children.
    pub(super) fn system(&self) -> Option<Item<'a>> {
        let value = match self.content {
            Content::Primitive(value) => value,
            Content::Object(map) if self.is_quantity() => return Quantity::from_element(map).map(Item::Quantity),
            _ => return None,
        };
        match value {
            Value::Bool(value) => Some(Item::Boolean(*value)),
            Value::Number(number) => {
                let text = number.as_str();
                let is_decimal = self.definition.is_some_and(|definition| definition.name == "decimal");
                match text.parse() {
                    Ok(whole) if !is_decimal => Some(Item::Integer(whole)),
                    _ => literal::decimal(text).map(Item::Decimal),
                }
            }
            Value::String(text) => Some(self.system_text(text)),
            _ => None,
        }
    }

    fn system_text(&self, text: &'a str) -> Item<'a> {
        let name = self.type_name().unwrap_or_default();
        let moment = || PartialDateTime::parse(text);
        let typed = match name {
            "date" => moment().map(Item::Date),
            "dateTime" | "instant" => moment().map(Item::DateTime),
            "time" => PartialTime::parse(text).map(Item::Time),
            _ => None,
        };
        typed.unwrap_or(Item::String(Cow::Borrowed(text)))
    }

    /// Whether two are the very same place in the same resource.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self.content, other.content) {
            (Content::Primitive(left), Content::Primitive(right)) => std::ptr::eq(left, right),
            (Content::Object(left), Content::Object(right)) => std::ptr::eq(left, right),
            _ => false,
        }
    }

    pub(super) fn is_primitive_type(&self) -> bool {
        match self.definition {
            Some(definition) => definition.kind == Kind::Primitive,
            None => !matches!(self.content, Content::Object(_)),
        }
    }
}

impl<'a> Item<'a> {
    /// The value of FHIRPath's own that an item is or stands for.
    pub(super) fn system(&self) -> Option<Item<'a>> {
        match self {
            Self::Element(element) => element.system(),
            Self::Type(..) | Self::ValueSet(_) => None,
            other => Some(other.clone()),
        }
    }

    /// A boolean, of either kind.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Element(element) => element.primitive()?.as_bool(),
            _ => None,
        }
    }

    /// A string or a primitive written as one.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) => Some(text.clone()),
            Self::Element(element) => element.primitive()?.as_str().map(Cow::Borrowed),
            _ => None,
        }
    }

    /// An integer or decimal, of either kind.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self.system()? {
            Item::Integer(value) => Some(value.into()),
            Item::Decimal(value) => Some(value),
            _ => None,
        }
    }

    /// A quantity; a FHIR Quantity counts when it has a value and no comparator.
    pub fn as_quantity(&self) -> Option<Quantity<'a>> {
        match self.system()? {
            Item::Quantity(quantity) => Some(quantity),
            _ => None,
        }
    }

    pub fn as_element(&self) -> Option<&Element<'a>> {
        match self {
            Self::Element(element) => Some(element),
            _ => None,
        }
    }

    /// A date or dateTime, of either kind.
    pub fn as_date_time(&self) -> Option<PartialDateTime> {
        match self.system()? {
            Item::Date(moment) | Item::DateTime(moment) => Some(moment),
            _ => None,
        }
    }

    /// The item as FHIR JSON would write it: for lineage, cards and tests.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Boolean(value) => Value::Bool(*value),
            Self::Integer(value) => Value::from(*value),
            Self::Decimal(value) => serde_json::from_str(&value.to_string()).unwrap_or(Value::Null),
            Self::String(text) => Value::String(text.to_string()),
            Self::Date(moment) | Self::DateTime(moment) => Value::String(moment.to_string()),
            Self::Time(time) => Value::String(time.to_string()),
            Self::Quantity(quantity) => quantity.to_json(),
            Self::Element(element) => match element.content {
                Content::Missing => Value::Null,
                Content::Primitive(value) => value.clone(),
                Content::Object(map) => Value::Object(map.clone()),
            },
            Self::ValueSet(name) => Value::String(name.to_string()),
            Self::Type(namespace, name) => Value::String(format!("{namespace}.{name}")),
        }
    }

    /// The name of the item's type, without name space: `Quantity`, `code`, `Integer`.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Decimal(_) => "Decimal",
            Self::String(_) => "String",
            Self::Date(_) => "Date",
            Self::DateTime(_) => "DateTime",
            Self::Time(_) => "Time",
            Self::Quantity(_) => "Quantity",
            Self::Element(element) => element.type_name().unwrap_or("Any"),
            Self::Type(..) => "TypeInfo",
            Self::ValueSet(_) => "ValueSet",
        }
    }
}
