//! Calls a function: evaluates what it is applied to and hands it to the file that knows it.

use std::borrow::Cow;

use super::table::Function;
use super::{clock, conversion, existence, fhir, filtering, math, parts, sets, strings, text_forms};
use crate::fhir::path::ast::{Call, Node};
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::evaluate;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;

/// One call while it is evaluated: its arguments are evaluated when asked for.
#[derive(Clone, Copy)]
pub(super) struct Invocation<'s, 'a> {
    pub call: &'a Call,
    pub position: u32,
    pub scope: Scope<'s, 'a>,
}

impl<'s, 'a> Invocation<'s, 'a> {
    pub fn fault(&self, text: &str) -> PathError {
        PathError::at(self.position, format!("`{}`: {text}", self.call.function.name()))
    }

    pub fn node(&self, index: usize) -> Option<&'a Node> {
        self.call.arguments.get(index)
    }

    /// An argument that is the same for all items; empty when it is not given.
    pub fn argument(&self, index: usize) -> Result<Items<'a>, PathError> {
        self.node(index).map_or_else(|| Ok(Items::new()), |node| evaluate(node, self.scope))
    }

    /// An argument evaluated for one item.
    pub fn on(&self, index: usize, item: &Item<'a>, count: usize) -> Result<Items<'a>, PathError> {
        let Some(node) = self.node(index) else { return Ok(Items::new()) };
        evaluate(node, self.scope.on(std::slice::from_ref(item), count))
    }

    /// An argument that is one text; none when it is empty.
    pub fn text(&self, index: usize) -> Result<Option<Cow<'a, str>>, PathError> {
        self.node(index).map_or(Ok(None), |node| self.text_of(node))
    }

    /// A part of the expression that is one text; none when it is empty.
    pub fn text_of(&self, node: &'a Node) -> Result<Option<Cow<'a, str>>, PathError> {
        match evaluate(node, self.scope)?.as_slice() {
            [] => Ok(None),
            [one] => one.as_text().map(Some).ok_or_else(|| self.fault("text was expected as argument")),
            _ => Err(self.fault("one text was expected as argument, not several")),
        }
    }

    /// An argument that is one whole number; none when it is empty.
    pub fn integer(&self, index: usize) -> Result<Option<i64>, PathError> {
        match self.argument(index)?.as_slice() {
            [] => Ok(None),
            [one] => match one.system() {
                Some(Item::Integer(value)) => Ok(Some(value)),
                _ => Err(self.fault("a whole number was expected as argument")),
            },
            _ => Err(self.fault("one whole number was expected as argument, not several")),
        }
    }

    /// The one item that the function is applied to; none when there is none.
    pub fn single<'i>(&self, input: &'i [Item<'a>]) -> Result<Option<&'i Item<'a>>, PathError> {
        match input {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(self.fault("works on one item; choose one with `first()` or use `select()`")),
        }
    }
}

/// What a function yields that needs its input whole. Its lines are left as a table, to be read as one.
#[rustfmt::skip]
pub(super) fn collected<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    use Function as F;
    match invocation.call.function {
        F::Count | F::Iif => existence::call(invocation, input),
        F::IsDistinct | F::Distinct | F::SubsetOf | F::SupersetOf | F::Union | F::Combine | F::Intersect
            | F::Exclude => sets::call(invocation, input),
        F::Repeat | F::Is | F::As | F::Single | F::Last | F::Tail | F::Skip | F::Take | F::Aggregate | F::Sort
            | F::Coalesce => filtering::call(invocation, input),
        F::ToBoolean | F::ToInteger | F::ToDecimal | F::ToString | F::ToDate | F::ToDateTime | F::ToTime
            | F::ToQuantity | F::ConvertsToBoolean | F::ConvertsToInteger | F::ConvertsToDecimal
            | F::ConvertsToString | F::ConvertsToDate | F::ConvertsToDateTime | F::ConvertsToTime
            | F::ConvertsToQuantity => conversion::call(invocation, input),
        F::Encode | F::Decode | F::Escape | F::Unescape => text_forms::call(invocation, input),
        F::IndexOf | F::LastIndexOf | F::Substring | F::StartsWith | F::EndsWith | F::Contains | F::Upper
            | F::Lower | F::Replace | F::Matches | F::MatchesFull | F::ReplaceMatches | F::Length | F::ToChars
            | F::Split | F::Join | F::Trim => strings::call(invocation, input),
        F::Abs | F::Ceiling | F::Exp | F::Floor | F::Ln | F::Log | F::Power | F::Round | F::Sqrt | F::Truncate => math::call(invocation, input),
        F::Now | F::Today | F::TimeOfDay | F::LowBoundary | F::HighBoundary | F::Precision | F::Comparable => clock::call(invocation, input),
        F::GetValue | F::Resolve | F::MemberOf | F::Subsumes | F::SubsumedBy | F::ConformsTo | F::Slice
            | F::CheckModifiers | F::ElementDefinition | F::HtmlChecks => fhir::call(invocation, input),
        F::YearOf | F::MonthOf | F::DayOf | F::HourOf | F::MinuteOf | F::SecondOf | F::MillisecondOf
            | F::TimezoneOffsetOf | F::DateOf | F::TimeOf => parts::call(invocation, input),
        // These hand over their items one by one, in `stream.rs`, or decide, in `existence.rs`.
        F::Where | F::Select | F::First | F::OfType | F::Trace | F::Children | F::Descendants | F::Type
            | F::Extension | F::DefineVariable | F::Empty | F::Exists | F::All | F::AllTrue | F::AnyTrue
            | F::AllFalse | F::AnyFalse | F::Not | F::HasValue => Ok(input),
    }
}
