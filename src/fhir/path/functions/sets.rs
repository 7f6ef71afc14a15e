//! Functions that treat collections as sets (http://hl7.org/fhirpath/N1/#combining, #subsetting, `distinct`).

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::context::Scope;
use crate::fhir::path::equality::equal_items;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use smallvec::smallvec;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let (position, scope) = (invocation.position, invocation.scope);
    let other = invocation.argument(0)?;
    scope.charge(input.len().saturating_mul(other.len()), position)?;
    match invocation.call.function {
        Function::Distinct => distinct(input, position, scope),
        Function::IsDistinct => {
            let count = input.len();
            Ok(smallvec![Item::Boolean(distinct(input, position, scope)?.len() == count)])
        }
        Function::SubsetOf => Ok(smallvec![Item::Boolean(input.iter().all(|item| holds(&other, item)))]),
        Function::SupersetOf => Ok(smallvec![Item::Boolean(other.iter().all(|item| holds(&input, item)))]),
        Function::Union => union(input, other, position, scope),
        Function::Combine => Ok(input.into_iter().chain(other).collect()),
        Function::Intersect => {
            let shared = input.into_iter().filter(|item| holds(&other, item)).collect();
            distinct(shared, position, scope)
        }
        _ => Ok(input.into_iter().filter(|item| !holds(&other, item)).collect()),
    }
}

/// Whether a collection holds an item.
pub(super) fn holds(items: &[Item<'_>], wanted: &Item<'_>) -> bool {
    items.iter().any(|item| equal_items(item, wanted) == Some(true))
}

fn distinct<'a>(items: Items<'a>, position: u32, scope: Scope<'_, 'a>) -> Result<Items<'a>, PathError> {
    let mut kept = Items::with_capacity(items.len());
    for item in items {
        scope.charge(kept.len(), position)?;
        if !holds(&kept, &item) {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// `left | right`: both, each item once.
pub(in crate::fhir::path) fn union<'a>(
    left: Items<'a>,
    right: Items<'a>,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Items<'a>, PathError> {
    distinct(left.into_iter().chain(right).collect(), position, scope)
}
