//! Whether a value that a resource holds answers one that is asked for (http://hl7.org/fhir/R4/search.html#ptypes).

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::asked::{Asked, DateValue, How, Relation, TokenValue, UriRelation};
use super::held::Held;
use super::number::NumberValue;
use super::text::{fold, has_word};
use crate::fhir::interval::Interval;
use crate::fhir::path::Quantity;

const UCUM: &str = "http://unitsofmeasure.org";

impl Asked {
    pub fn is_answered_by(&self, held: &Held<'_>) -> bool {
        match (self, held) {
            (Self::Token(asked), Held::Token { system, code, is_exact }) => token(asked, *system, code, *is_exact),
            (Self::Words(asked), Held::Words(words)) => has_word(&fold(words), &fold(asked)),
            (Self::Date(asked), Held::Span(span)) => date(asked, *span),
            (Self::Text { text, how }, Held::Text(held)) => match how {
                How::Exact => text == held,
                How::Begins => has_word(&fold(held), &fold(text)),
                How::Contains => fold(held).contains(&fold(text)),
                How::Starts => fold(held).starts_with(&fold(text)),
                How::Ends => fold(held).ends_with(&fold(text)),
                How::Whole => fold(held) == fold(text),
            },
            (Self::Reference(asked), Held::Reference(literal)) => is_reference(asked, literal),
            (Self::Reference(asked), Held::Identifier { system, value }) => {
                asked.split_once('|').is_some_and(|(of, number)| of == *system && number == *value)
            }
            (Self::Identifier(asked), Held::Identifier { system, value }) => token(asked, Some(system), value, true),
            (Self::OfType { kind, value }, Held::Typed { system, code, value: held }) => {
                value == held && token(kind, Some(system), code, false)
            }
            (Self::Number(asked), Held::Number(number)) => asked.is_met(Some(*number), Some(*number)),
            (Self::Quantity { number, system, unit }, held @ Held::Quantity { .. }) => {
                quantity(number, system.as_deref(), unit.as_deref(), held)
            }
            (Self::Uri { text, relation }, Held::Uri(held)) => match relation {
                UriRelation::Same => text == held,
                UriRelation::Below => is_below(held, text),
                UriRelation::Above => is_below(text, held),
            },
            (Self::Composite(parts), Held::Composite(places)) => {
                let mut pairs = parts.iter().zip(places);
                parts.len() == places.len()
                    && pairs.all(|(part, held)| held.iter().any(|held| part.is_answered_by(held)))
            }
            _ => false,
        }
    }
}

impl Asked {
    /// Whether a value is one that could answer: what a token is called is no other token.
    pub fn is_comparable(&self, held: &Held<'_>) -> bool {
        matches!(
            (self, held),
            (Self::Token(_), Held::Token { .. })
                | (Self::Text { .. }, Held::Text(_))
                | (Self::Reference(_), Held::Reference(_) | Held::Identifier { .. })
                | (Self::Uri { .. }, Held::Uri(_))
        )
    }
}

fn token(asked: &TokenValue, system: Option<&str>, code: &str, is_exact: bool) -> bool {
    let is_of_system = match (asked.system.as_deref(), system) {
        (None, _) => true,
        (Some(asked), Some(own)) => asked == own,
        (Some(own), None) => own.is_empty() || asked.is_implied,
    };
    let is_code = |asked: &String| asked == code || (!is_exact && asked.eq_ignore_ascii_case(code));
    is_of_system && asked.code.as_ref().is_none_or(is_code)
}

fn date(asked: &DateValue, covered: Interval) -> bool {
    let within =
        asked.from.is_none_or(|from| covered.from >= from) && asked.until.is_none_or(|until| covered.until <= until);
    match asked.relation {
        Relation::Within => within,
        Relation::NotWithin => !within,
        Relation::Overlaps => covered.overlaps(asked.from, asked.until),
    }
}

/// A canonical is found with and without its version.
fn is_reference(asked: &str, literal: &str) -> bool {
    let without_version = literal.split('|').next().unwrap_or_default();
    literal == asked
        || without_version == asked
        || literal.strip_suffix(asked).is_some_and(|rest| rest.ends_with('/'))
        || asked.strip_suffix(literal).is_some_and(|rest| rest.ends_with('/') && literal.contains('/'))
}

fn is_below(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || outer.ends_with('/') || rest.starts_with(['/', '?', '#', '.', ':', '|']))
}

fn quantity(asked: &NumberValue, system: Option<&str>, unit: Option<&str>, held: &Held<'_>) -> bool {
    let Held::Quantity { low, high, system: own, code, unit: word } = held else { return false };
    let Some(unit) = unit else {
        return system.is_none_or(|system| system == *own) && asked.is_met(*low, *high);
    };
    let is_same = match system {
        Some(system) => system == *own && unit == *code,
        None => unit == *code || unit == *word,
    };
    if is_same {
        return asked.is_met(*low, *high);
    }
    // Units of one dimension are converted by UCUM.
    if *own != UCUM || system.is_some_and(|system| system != UCUM) {
        return false;
    }
    let convert = |value: Decimal| {
        let quantity = Quantity { value, unit: Cow::Borrowed(*code), is_calendar: false };
        quantity.convert(unit).map(|value| value.normalize())
    };
    let (bottom, top) = (low.map(convert), high.map(convert));
    if bottom == Some(None) || top == Some(None) {
        return false;
    }
    asked.is_met(bottom.flatten(), top.flatten())
}
