//! `_filter` (http://hl7.org/fhir/R4/search_filter.html): each of its comparisons read into what the store tests, or what is looked up before.

use std::sync::Arc;

use super::criteria::{self, Condition, by_ours, modifiers, several, wrong};
use super::date;
use super::join::{Join, check_depth, led_to};
use super::names::Name;
use super::negotiate::shown;
use super::reading::{Reading, is_claimed};
use super::subsumed;
use super::values::token;
use crate::fhir::canonical_system;
use crate::fhir::search::{
    Asked, Comparison, Criterion, DateValue, Filter, How, Parameter, Relation, SearchKind, Test,
};
use crate::problem::Category;
use crate::store::Term;
use crate::web::answer::Fault;

/// One condition of a filter.
#[derive(Debug, Clone)]
pub enum Leaf {
    Term(Term),
    /// No value can be that of anything here.
    Nothing,
    Join(Join),
}

/// A filter, and the elements whose content decides what it finds.
pub struct Read {
    pub filter: Filter<Leaf>,
    pub elements: Vec<String>,
}

/// Reads a filter. All of it is understood, or it is refused: what is left out of one may show more, or less.
pub fn read(reading: &Reading<'_>, text: &str) -> Result<Read, Fault> {
    let unreadable = |why| Fault::bad_request(Category::Value, format!("_filter cannot be read: {why}"));
    let mut elements = Vec::new();
    let comparisons = Filter::<Comparison>::read(text).map_err(unreadable)?;
    let filter = comparisons.convert(&mut |comparison| leaf(reading, &comparison, &mut elements))?;
    Ok(Read { filter: filter.flatten(), elements })
}

fn leaf(reading: &Reading<'_>, comparison: &Comparison, elements: &mut Vec<String>) -> Result<Filter<Leaf>, Fault> {
    let Comparison { path, operator, value } = comparison;
    let unknown = || {
        let text = format!("_filter: {} is nothing that {} is filtered by here", shown(path), reading.resource_type);
        Fault::bad_request(Category::NotSupported, text)
    };
    check_depth(path)?;
    match Name::read(path) {
        Name::Plain { name, modifier: None } if !is_claimed(name) => {
            let parameter = reading.find(name).ok_or_else(unknown)?;
            elements.extend(parameter.elements.iter().filter(|element| *element != "id").cloned());
            let condition = |operator, value| {
                Ok(match compare(reading, parameter, operator, value)? {
                    Condition::Term(term) => Filter::Is(Leaf::Term(term)),
                    Condition::Nothing => Filter::Is(Leaf::Nothing),
                    Condition::Both(..) | Condition::Unknown => return Err(unknown()),
                })
            };
            // Whose it is says the record that it lies in; what names nobody is nobody else's.
            if operator == "ne"
                && parameter.kind == SearchKind::Reference
                && parameter.is_home_of(reading.resource_type)
            {
                let other = Filter::Not(Box::new(condition("eq", value)?));
                return Ok(Filter::All(vec![condition("pr", "true")?, other]));
            }
            condition(operator, value)
        }
        Name::Chain { name, kind, rest } => {
            let reference = reading.find(name).filter(|one| one.kind == SearchKind::Reference).ok_or_else(unknown)?;
            let kinds = led_to(reading, reference, kind, rest);
            if kinds.is_empty() {
                return Err(unknown());
            }
            elements.extend(reference.elements.iter().cloned());
            let value = format!("{rest} {operator} {}", serde_json::Value::from(value.as_str()));
            let (reference, name) = (Arc::clone(reference), "_filter".to_string());
            Ok(Filter::Is(Leaf::Join(Join { reference, kinds, is_reverse: false, name, value })))
        }
        _ => Err(unknown()),
    }
}

/// The operators of a kind, and what all have.
fn operators(kind: SearchKind) -> &'static str {
    match kind {
        SearchKind::Date => "eq, ne, gt, lt, ge, le, ap, sa, eb, po and pr",
        SearchKind::Number | SearchKind::Quantity => "eq, ne, gt, lt, ge, le, ap, sa, eb and pr",
        SearchKind::String => "eq, ne, co, sw, ew and pr",
        SearchKind::Reference => "eq, re, ne and pr",
        SearchKind::Token => "eq, ne, in, ni, ss, sb and pr",
        SearchKind::Uri => "eq, ne and pr",
        SearchKind::Composite => "eq and pr",
    }
}

/// A value with systems instead of namespaces: `loinc|8480-6`, `5.4|ucum|mmol/L`, or both of these as parts of a composite.
fn spelled(parameter: &Parameter, value: &str) -> String {
    let of_kind = |(kind, text): (SearchKind, &str)| {
        let mut parts: Vec<&str> = text.split('|').collect();
        let place = match (kind, parts.len()) {
            (SearchKind::Token, 2) => Some(0),
            (SearchKind::Quantity, 3) => Some(1),
            _ => None,
        };
        if let Some(part) = place.and_then(|place| parts.get_mut(place)) {
            *part = canonical_system(part);
        }
        parts.join("|")
    };
    let parts: Vec<&str> = value.split('$').collect();
    if parts.len() == parameter.components.len() {
        let kinds = parameter.components.iter().map(|component| component.kind);
        return kinds.zip(parts).map(of_kind).collect::<Vec<_>>().join("$");
    }
    of_kind((parameter.kind, value))
}

fn compare(reading: &Reading<'_>, parameter: &Arc<Parameter>, operator: &str, value: &str) -> Result<Condition, Fault> {
    use SearchKind::{Composite, Date, Number, Quantity, Reference, String, Token, Uri};
    let spelled = spelled(parameter, value);
    let escaped = spelled.replace('\\', "\\\\").replace(',', "\\,");
    let of = |test| Ok(Condition::Term(Term::Of(Criterion { parameter: Arc::clone(parameter), test })));
    let text = |how| vec![Asked::Text { text: value.to_string(), how }];
    match (operator, parameter.kind) {
        ("pr", _) => {
            let missing = match value {
                "true" => "false",
                "false" => "true",
                _ => return Err(wrong(&parameter.name, "is neither true nor false, which pr takes")),
            };
            criteria::read(reading, parameter, Some("missing"), missing)
        }
        ("eq" | "ne" | "gt" | "lt" | "ge" | "le" | "ap" | "sa" | "eb", Date | Number | Quantity) => {
            criteria::read(reading, parameter, None, &format!("{operator}{escaped}"))
        }
        ("po", Date) => {
            if value.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
                return Err(wrong(
                    &parameter.name,
                    "is not a date such as 2026-03-01, which po takes without a prefix",
                ));
            }
            let date = date::parse(value, reading.now).map_err(|why| wrong(&parameter.name, why))?;
            let date = DateValue { relation: Relation::Overlaps, ..date };
            match parameter.name.as_str() {
                "_lastUpdated" => Ok(Condition::Term(Term::LastUpdated(vec![date]))),
                _ => of(Test::Any(vec![Asked::Date(date)])),
            }
        }
        ("eq", Token | Uri | Composite) | ("eq" | "re", Reference) => {
            criteria::read(reading, parameter, None, &escaped)
        }
        ("in" | "ni", Token) if modifiers(parameter).contains(&"in") => {
            let modifier = if operator == "in" { "in" } else { "not-in" };
            let escaped = value.replace('\\', "\\\\").replace(',', "\\,");
            criteria::read(reading, parameter, Some(modifier), &escaped)
        }
        ("ss" | "sb", Token) if modifiers(parameter).contains(&"in") => {
            of(Test::Any(subsumed::codes(reading, parameter, operator, &spelled)?))
        }
        ("ne", Token | Reference | Uri) => {
            let values = by_ours(reading, parameter, None, vec![escaped]);
            let mut asked = several(reading, parameter, &values)?;
            // Of a system that the definition rules out each token is another.
            if asked.is_empty() {
                asked.extend(values.iter().map(|text| Asked::Token(token(text))));
            }
            of(Test::Other(asked))
        }
        ("eq", String) => of(Test::Any(text(How::Whole))),
        ("ne", String) => of(Test::Other(text(How::Whole))),
        ("co", String) => of(Test::Any(text(How::Contains))),
        ("sw", String) => of(Test::Any(text(How::Starts))),
        ("ew", String) => of(Test::Any(text(How::Ends))),
        (_, kind) => {
            let text = format!(
                "_filter: {} is no operator for {}, which is a {}; it takes {}",
                shown(operator),
                parameter.name,
                kind.code(),
                operators(kind)
            );
            Err(Fault::bad_request(Category::NotSupported, text))
        }
    }
}
