//! A person takes back what they did to a Task a moment ago. It is again as it was, as a version of its own: that it was done and that it was
//! taken back both stay in its history (http://hl7.org/fhir/R4/http.html#history).

use jiff::Timestamp;
use serde_json::json;

use super::act::{provenance, refusal};
use super::reconcile::stamped;
use crate::problem::{Category, Problem};
use crate::record::{Change, Record, Stored};

/// The Task as it was `before`, which is the version that the one taken back followed.
///
/// # Errors
/// There is no such Task, or something else happened to it since.
pub fn undo(record: &Record, before: &Stored, who: &str, now: Timestamp) -> Result<Vec<Change>, Problem> {
    let Some(stored) = record.get("Task", before.id) else {
        return Err(refusal(Category::NotFound, "There is no such task in this record."));
    };
    if stored.version != before.version + 1 {
        return Err(refusal(
            Category::Conflict,
            "Something else happened to this task since, so it stays as it is now.",
        ));
    }
    let mut resource = before.resource.clone();
    resource.set("lastModified", json!(now.to_string()));
    let change = stamped(before.id, Some(stored), resource, now, before.state.work.clone());
    let told = provenance(&change, "undo", who, now);
    Ok(vec![change, told])
}
