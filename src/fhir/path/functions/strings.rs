//! Functions on text (http://hl7.org/fhirpath/N1/#string-manipulation). Positions count characters.

use std::borrow::Cow;

use regex_lite::{Regex, RegexBuilder};

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use smallvec::smallvec;

/// The most memory a pattern may compile to, in bytes.
const MAX_PATTERN_SIZE: usize = 65_536;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    if invocation.call.function == Function::Join {
        return join(invocation, &input);
    }
    let Some(item) = invocation.single(&input)? else { return Ok(Items::new()) };
    let Some(text) = text_of(item) else { return Err(invocation.fault("works on text; convert with `toString()`")) };
    match invocation.call.function {
        Function::Upper => Ok(one(text.to_uppercase())),
        Function::Lower => Ok(one(text.to_lowercase())),
        Function::Trim => Ok(one(text.trim().to_string())),
        Function::Length => Ok(smallvec![integer(text.chars().count())]),
        Function::ToChars => {
            invocation.scope.bound(text.chars().count(), invocation.position)?;
            Ok(text.chars().map(|letter| Item::String(Cow::Owned(letter.to_string()))).collect())
        }
        Function::Substring => substring(invocation, &text),
        Function::Matches | Function::MatchesFull | Function::ReplaceMatches => by_pattern(invocation, &text),
        _ => with_text(invocation, &text),
    }
}

/// Text, as a value of its own or as an element; dates and numbers are not text.
pub(super) fn text_of<'a>(item: &Item<'a>) -> Option<Cow<'a, str>> {
    match item.system()? {
        Item::String(text) => Some(text),
        _ => None,
    }
}

pub(super) fn one<'a>(text: String) -> Items<'a> {
    smallvec![Item::String(Cow::Owned(text))]
}

fn integer<'a>(count: usize) -> Item<'a> {
    Item::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

fn join<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let separator = invocation.text(0)?.unwrap_or_default();
    let texts: Vec<Cow<'a, str>> = input.iter().filter_map(text_of).collect();
    let length: usize = texts.iter().map(|text| text.len() + separator.len()).sum();
    invocation.scope.charge_text(length, invocation.position)?;
    if texts.is_empty() { Ok(Items::new()) } else { Ok(one(texts.join(separator.as_ref()))) }
}

/// Functions with one text as argument.
fn with_text<'a>(invocation: Invocation<'_, 'a>, text: &str) -> Result<Items<'a>, PathError> {
    let Some(other) = invocation.text(0)? else { return Ok(Items::new()) };
    let other = other.as_ref();
    let position = |found: Option<usize>| match found.and_then(|at| text.get(..at)) {
        Some(before) => integer(before.chars().count()),
        None => Item::Integer(-1),
    };
    Ok(match invocation.call.function {
        Function::IndexOf => smallvec![position(text.find(other))],
        Function::LastIndexOf => smallvec![position(text.rfind(other))],
        Function::StartsWith => smallvec![Item::Boolean(text.starts_with(other))],
        Function::EndsWith => smallvec![Item::Boolean(text.ends_with(other))],
        Function::Contains => smallvec![Item::Boolean(text.contains(other))],
        Function::Split if other.is_empty() => one(text.to_string()),
        Function::Split => {
            invocation.scope.bound(text.matches(other).count(), invocation.position)?;
            text.split(other).map(|part| Item::String(Cow::Owned(part.to_string()))).collect()
        }
        Function::Replace => match invocation.text(1)? {
            Some(new) => {
                let count = text.matches(other).count();
                let length = text.len().saturating_add(count.saturating_mul(new.len()));
                invocation.scope.charge_text(length, invocation.position)?;
                one(text.replace(other, &new))
            }
            None => Items::new(),
        },
        _ => Items::new(),
    })
}

fn substring<'a>(invocation: Invocation<'_, 'a>, text: &str) -> Result<Items<'a>, PathError> {
    let Some(start) = invocation.integer(0)? else { return Ok(Items::new()) };
    let length = invocation.integer(1)?;
    let Ok(start) = usize::try_from(start) else { return Ok(Items::new()) };
    if start >= text.chars().count() {
        return Ok(Items::new());
    }
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    Ok(one(text.chars().skip(start).take(length).collect()))
}

/// Compiles a regular expression: `.` matches line ends too, and matching takes linear time whatever the pattern.
pub(in crate::fhir::path) fn compile_pattern(
    pattern: &str,
    function: Function,
    position: u32,
) -> Result<Regex, PathError> {
    let anchored = if function == Function::MatchesFull { format!("^(?:{pattern})$") } else { pattern.to_string() };
    RegexBuilder::new(&anchored)
        .dot_matches_new_line(true)
        .size_limit(MAX_PATTERN_SIZE)
        .build()
        .map_err(|_| PathError::at(position, "this pattern is not a regular expression that can be used"))
}

fn by_pattern<'a>(invocation: Invocation<'_, 'a>, text: &str) -> Result<Items<'a>, PathError> {
    let Some(pattern) = invocation.text(0)? else { return Ok(Items::new()) };
    let (function, scope, position) = (invocation.call.function, invocation.scope, invocation.position);
    // Matching takes time by the length of the text times the size of the compiled pattern, which repetitions multiply.
    let size = if pattern.contains('{') { MAX_PATTERN_SIZE / 64 } else { pattern.len() };
    scope.charge(text.len().saturating_mul(size) / 16, position)?;
    let compiled;
    let regex = match &invocation.call.pattern {
        Some(regex) => regex,
        None => {
            scope.charge(pattern.len(), position)?;
            compiled = compile_pattern(&pattern, function, position)?;
            &compiled
        }
    };
    if function != Function::ReplaceMatches {
        return Ok(smallvec![Item::Boolean(regex.is_match(text))]);
    }
    match invocation.text(1)? {
        None => Ok(Items::new()),
        Some(_) if pattern.is_empty() => Ok(one(text.to_string())),
        Some(new) => {
            // Each `$` may stand for a group, and a group is at most the text it was found in.
            let groups = new.matches('$').count();
            let written = regex.find_iter(text).count().saturating_mul(new.len());
            let length = text.len().saturating_mul(groups.saturating_add(1)).saturating_add(written);
            scope.charge_text(length, position)?;
            Ok(one(regex.replace_all(text, new.as_ref()).into_owned()))
        }
    }
}
