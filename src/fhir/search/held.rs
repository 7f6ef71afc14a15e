//! What a resource holds for a search parameter: the elements that its expression finds, as values of the parameter's kind
//! (http://hl7.org/fhir/R4/search.html#ptypes has which datatype means what).

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::parameter::{Component, Parameter, SearchKind};
use super::text::{of_name, texts};
use crate::fhir::interval::Interval;
use crate::fhir::path::Item;
use crate::fhir::resource::Resource;

/// One value that a resource is found by.
#[derive(Debug, Clone, PartialEq)]
pub enum Held<'a> {
    /// The system is none for a `code` or boolean, which states none, and empty for a coding without one. Identifiers are compared
    /// as they are, codes without regard to case, as the specification asks when in doubt.
    Token {
        system: Option<&'a str>,
        code: &'a str,
        is_exact: bool,
    },
    /// A type of an identifier, and its value.
    Typed {
        system: &'a str,
        code: &'a str,
        value: &'a str,
    },
    /// What a token is called.
    Words(&'a str),
    Text(&'a str),
    Span(Interval),
    /// A literal reference, or a canonical.
    Reference(&'a str),
    /// The identifier of a logical reference.
    Identifier {
        system: &'a str,
        value: &'a str,
    },
    Number(Decimal),
    /// Open where there is no bound.
    Quantity {
        low: Option<Decimal>,
        high: Option<Decimal>,
        system: &'a str,
        code: &'a str,
        unit: &'a str,
    },
    Uri(&'a str),
    /// What each part of one place of a composite holds.
    Composite(Vec<Vec<Held<'a>>>),
}

impl Parameter {
    /// All values that a resource is found by.
    pub fn held<'a>(&'a self, resource: &'a Resource) -> Vec<Held<'a>> {
        let items = self.items(resource);
        if self.kind == SearchKind::Composite {
            let part = |component: &'a Component, item: &Item<'a>| {
                component.items(resource, item).iter().flat_map(|found| held(component.kind, found)).collect()
            };
            let place = |item| Held::Composite(self.components.iter().map(|one| part(one, item)).collect());
            return items.iter().map(place).collect();
        }
        items.iter().flat_map(|item| held(self.kind, item)).collect()
    }
}

fn held<'a>(kind: SearchKind, item: &Item<'a>) -> Vec<Held<'a>> {
    match kind {
        SearchKind::Token => token(item),
        SearchKind::Date => date(item).map(Held::Span).into_iter().collect(),
        SearchKind::String => string(item).into_iter().map(Held::Text).collect(),
        SearchKind::Reference => reference(item),
        SearchKind::Number => item.as_decimal().map(Held::Number).into_iter().collect(),
        SearchKind::Quantity => quantity(item).into_iter().collect(),
        SearchKind::Uri => primitive(item).map(Held::Uri).into_iter().collect(),
        SearchKind::Composite => Vec::new(),
    }
}

fn primitive<'a>(item: &Item<'a>) -> Option<&'a str> {
    item.as_element()?.primitive()?.as_str()
}

fn map<'a>(item: &Item<'a>) -> Option<&'a Map<String, Value>> {
    item.as_element()?.as_map()
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn token<'a>(item: &Item<'a>) -> Vec<Held<'a>> {
    if let Some(flag) = item.as_bool() {
        return vec![Held::Token { system: None, code: if flag { "true" } else { "false" }, is_exact: false }];
    }
    if let Some(code) = primitive(item) {
        let is_exact = matches!(item.type_name(), "id" | "string" | "uri");
        return vec![Held::Token { system: None, code, is_exact }];
    }
    let Some(map) = map(item) else { return Vec::new() };
    match item.type_name() {
        "CodeableConcept" => {
            let codings =
                map.get("coding").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
            codings.flat_map(coding).chain(words(text(map, "text"))).collect()
        }
        "Identifier" | "ContactPoint" => {
            let (system, code) = (Some(text(map, "system")), text(map, "value"));
            let kind = map.get("type").and_then(Value::as_object).map_or("", |kind| text(kind, "text"));
            let found = Held::Token { system, code, is_exact: true };
            let types = map.get("type").and_then(|kind| kind.get("coding")?.as_array()).into_iter().flatten();
            let typed = types.filter_map(Value::as_object).map(|kind| Held::Typed {
                system: text(kind, "system"),
                code: text(kind, "code"),
                value: code,
            });
            let found = (!code.is_empty()).then_some(found).into_iter().chain(words(kind));
            found.chain(typed.filter(|_| !code.is_empty())).collect()
        }
        _ => coding(map).collect(),
    }
}

/// A Coding, or what has a system and a code like one.
fn coding<'a>(map: &'a Map<String, Value>) -> impl Iterator<Item = Held<'a>> {
    let code = text(map, "code");
    let found = Held::Token { system: Some(text(map, "system")), code, is_exact: false };
    (!code.is_empty()).then_some(found).into_iter().chain(words(text(map, "display")))
}

fn words(text: &str) -> Option<Held<'_>> {
    (!text.is_empty()).then_some(Held::Words(text))
}

fn date(item: &Item<'_>) -> Option<Interval> {
    let element = item.as_element()?;
    if let Some(primitive) = element.primitive() {
        return Interval::of_value(primitive);
    }
    let map = element.as_map()?;
    match item.type_name() {
        "Timing" => timing(map),
        _ => of_ends(map.get("start"), map.get("end")),
    }
}

fn of_ends(start: Option<&Value>, end: Option<&Value>) -> Option<Interval> {
    let read = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Interval::of_text);
    match (read(start), read(end)) {
        (None, None) => None,
        (start, end) => Some(Interval {
            from: start.map_or(jiff::Timestamp::MIN, |start| start.from),
            until: end.map_or(jiff::Timestamp::MAX, |end| end.until),
        }),
    }
}

/// From the first event to the last, or as its bounds say.
fn timing(map: &Map<String, Value>) -> Option<Interval> {
    let events = map.get("event").and_then(Value::as_array).into_iter().flatten();
    let events: Vec<Interval> = events.filter_map(Interval::of_value).collect();
    let bounds = map.get("repeat").and_then(|repeat| repeat.get("boundsPeriod")).and_then(Value::as_object);
    let bounds = bounds.and_then(|bounds| of_ends(bounds.get("start"), bounds.get("end")));
    let all = events.into_iter().chain(bounds);
    all.reduce(|one, other| Interval { from: one.from.min(other.from), until: one.until.max(other.until) })
}

/// The parts of an Address that it is found by (http://hl7.org/fhir/R4/search.html#string).
const ADDRESS: [&str; 7] = ["line", "city", "district", "state", "postalCode", "country", "text"];

fn string<'a>(item: &Item<'a>) -> Vec<&'a str> {
    match (primitive(item), map(item)) {
        (Some(text), _) => vec![text],
        (_, Some(map)) if item.type_name() == "HumanName" => of_name(map),
        (_, Some(map)) => ADDRESS.iter().filter_map(|part| map.get(*part)).flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn reference<'a>(item: &Item<'a>) -> Vec<Held<'a>> {
    if let Some(literal) = primitive(item) {
        return vec![Held::Reference(literal)];
    }
    let Some(map) = map(item) else { return Vec::new() };
    let literal = text(map, "reference");
    let literal = literal.split("/_history/").next().unwrap_or_default();
    let mut found: Vec<Held<'a>> = (!literal.is_empty()).then_some(Held::Reference(literal)).into_iter().collect();
    if let Some(identifier) = map.get("identifier").and_then(Value::as_object) {
        let (system, value) = (text(identifier, "system"), text(identifier, "value"));
        found.extend((!value.is_empty()).then_some(Held::Identifier { system, value }));
    }
    found
}

fn quantity<'a>(item: &Item<'a>) -> Option<Held<'a>> {
    let map = map(item)?;
    let number =
        |map: &Map<String, Value>| map.get("value").and_then(Value::as_number)?.as_str().parse::<Decimal>().ok();
    match item.type_name() {
        "Range" => {
            let end = |name: &str| map.get(name).and_then(Value::as_object);
            let unit = end("low").or_else(|| end("high"))?;
            let (low, high) = (end("low").and_then(number), end("high").and_then(number));
            let (system, code, unit) = (text(unit, "system"), text(unit, "code"), text(unit, "unit"));
            (low.is_some() || high.is_some()).then_some(Held::Quantity { low, high, system, code, unit })
        }
        "Money" => {
            let value = number(map);
            let code = text(map, "currency");
            Some(Held::Quantity { low: value, high: value, system: "urn:iso:std:iso:4217", code, unit: code })
                .filter(|_| value.is_some())
        }
        _ => {
            let value = Some(number(map)?);
            let (low, high) = match text(map, "comparator") {
                "<" | "<=" => (None, value),
                ">" | ">=" => (value, None),
                _ => (value, value),
            };
            Some(Held::Quantity {
                low,
                high,
                system: text(map, "system"),
                code: text(map, "code"),
                unit: text(map, "unit"),
            })
        }
    }
}
