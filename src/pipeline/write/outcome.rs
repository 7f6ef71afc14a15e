//! What became of a write, for the answer, for what is kept of it, and for giving the same answer again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::fhir::operation_outcome_in_text;
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};

/// What became of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The number under which it is kept; none where it could not be.
    pub sequence: Option<u64>,
    /// What was done, in the order of what was asked, or why nothing was.
    pub result: Result<Vec<Done>, Refusal>,
    /// What there is to say of what was done: advice, and what was not taken.
    pub notes: Vec<Problem>,
    /// The message that answers a message.
    pub reply: Option<Value>,
}

/// One resource that was asked for, as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Its place among the entries of a bundle.
    pub place: usize,
    #[serde(rename = "type")]
    pub kind: String,
    pub id: ResourceId,
    pub version: u64,
    pub updated: Timestamp,
    pub happened: Happened,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    Created,
    Updated,
    /// It says what it said before.
    Unchanged,
    Deleted,
}

impl Submitted {
    /// As it is kept beside the request.
    pub(super) fn answer(result: &Result<Vec<Done>, Refusal>, reply: Option<&Value>) -> Vec<u8> {
        let mut value = match result {
            Ok(done) => json!({ "done": done }),
            Err(refusal) => {
                json!({ "status": refusal.status, "outcome": operation_outcome_in_text(&refusal.problems) })
            }
        };
        if let (Some(reply), Some(members)) = (reply, value.as_object_mut()) {
            members.insert("reply".to_string(), reply.clone());
        }
        value.to_string().into_bytes()
    }

    /// The answer that was given before; none where it cannot be read.
    pub(super) fn again(sequence: u64, answer: &[u8]) -> Option<Self> {
        // Nothing lost: what cannot be read is decided anew.
        let value: Value = serde_json::from_slice(answer).ok()?;
        // Nothing lost: a refusal is no answer that is given again.
        let done = value.get("done").and_then(|done| serde_json::from_value(done.clone()).ok())?;
        let reply = value.get("reply").cloned();
        Some(Self { sequence: Some(sequence), result: Ok(done), notes: Vec::new(), reply })
    }

    /// The store could not take it: nothing is kept, and the client sends it again.
    pub fn unavailable() -> Self {
        let text = "the gateway cannot store what was sent now; send it again later";
        let problem = Problem::error(Category::Transient, Place::Whole, text);
        Self { sequence: None, result: Err(Refusal::new(503, problem)), notes: Vec::new(), reply: None }
    }
}
