//! Hands a call and what it is applied to to the file that knows the function.

use super::invocation::Invocation;
use super::table::Function;
use super::{clock, conversion, existence, fhir, filtering, math, parts, sets, strings, text_forms};
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;

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
