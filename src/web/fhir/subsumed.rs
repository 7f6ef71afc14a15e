//! `ss` and `sb` of `_filter` (http://hl7.org/fhir/R4/search_filter.html): a code, and those that its code system has below it, or above it.

use std::collections::BTreeSet;

use super::criteria::{MOST_CODES, wrong};
use super::reading::Reading;
use super::values::token;
use crate::fhir::search::{Asked, Parameter, TokenValue};
use crate::fhir::terminology::{HeldSystem, Unreadable};
use crate::problem::Category;
use crate::web::answer::Fault;

/// The codes that a code subsumes (`ss`), or that subsume it (`sb`); it is one of them.
pub fn codes(reading: &Reading<'_>, parameter: &Parameter, operator: &str, value: &str) -> Result<Vec<Asked>, Fault> {
    let needs = |why: &str| wrong(&parameter.name, &format!("{why}, which {operator} takes: system|code"));
    let asked = token(value);
    let (Some(system), Some(code)) = (asked.system.filter(|system| !system.is_empty()), asked.code) else {
        return Err(needs("is not a code with its code system"));
    };
    // Of a part of a code system nobody can say what else stands below a code.
    let held = reading.profiles.library().code_system(&system).filter(|held| held.head().is_complete());
    let held = held.ok_or_else(|| {
        needs("names a code system that is not here, or not all of it (a site can add it, docs/site.md), so nobody can say what is below what")
    })?;
    let found = held.find(&code).map_err(unreadable)?.ok_or_else(|| needs("is no code of its code system here"))?;
    let others = match operator {
        "ss" => held.below(&found.code, MOST_CODES).map_err(unreadable)?.map(|below| below.into_iter().collect()),
        _ => above(held.as_ref(), &found.code).map_err(unreadable)?,
    };
    let others: BTreeSet<String> = others.ok_or_else(|| {
        let text =
            format!("{operator} of {} goes on from {MOST_CODES} codes at most; name a narrower one", parameter.name);
        Fault::bad_request(Category::TooCostly, text)
    })?;
    let one = |code: String| {
        Asked::Token(TokenValue { system: Some(system.clone()), code: Some(code), is_implied: parameter.codes.is_all })
    };
    Ok(others.into_iter().chain([found.code]).map(one).collect())
}

/// All codes above one, at any depth; none when there are more than are gone on from.
fn above(held: &dyn HeldSystem, code: &str) -> Result<Option<BTreeSet<String>>, Unreadable> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![code.to_string()]);
    while let Some(next) = waiting.pop() {
        for parent in held.find(&next)?.map(|concept| concept.parents).unwrap_or_default() {
            if parent != code && found.insert(parent.clone()) {
                waiting.push(parent);
            }
        }
        if found.len() > MOST_CODES {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

fn unreadable(_: Unreadable) -> Fault {
    let text = "the files of this code system cannot be read; whoever runs the gateway finds the reason in its log";
    Fault::new(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR, Category::Exception, text)
}
