//! A person takes back what they did to a thing a moment ago. It is again as it was, as a version of its own: that it was done and that it was
//! taken back both stay in its history (http://hl7.org/fhir/R4/http.html#history).

use jiff::Timestamp;
use serde_json::json;

use super::act::{provenance, refusal};
use super::reconcile::stamped;
use crate::problem::{Category, Problem};
use crate::record::{Change, Record, State, Stored};

/// The thing as it was `before`, which is the version that the one taken back followed: what it says, and who had the last word on what.
///
/// # Errors
/// There is no such thing, or something else happened to it since.
pub fn undo(record: &Record, before: &Stored, who: &str, now: Timestamp) -> Result<Vec<Change>, Problem> {
    let kind = before.resource.resource_type();
    let Some(stored) = record.get(kind, before.id) else {
        return Err(refusal(Category::NotFound, "There is no such thing in this record."));
    };
    is_next(stored, before.version)?;
    let mut resource = before.resource.clone();
    if kind == "Task" {
        resource.set("lastModified", json!(now.to_string()));
    }
    let mut change = stamped(before.id, Some(stored), resource, now, before.state.work.clone());
    // What partners have of it is what they were sent.
    change.stored.state = State { sent: stored.state.sent.clone(), ..before.state.clone() };
    let told = provenance(&change, "undo", who, now);
    Ok(vec![change, told])
}

/// Whether nothing happened to a thing but what followed this version.
///
/// # Errors
/// Something did.
pub fn is_next(stored: &Stored, version: u64) -> Result<(), Problem> {
    if stored.version == version + 1 {
        return Ok(());
    }
    Err(refusal(Category::Conflict, "Something else happened to it since, so it stays as it is now."))
}
