//! One referral and the stage that it is in.

use jiff::Timestamp;

use super::sources::Sources;
use super::stage::Stage;
use crate::identity::ResourceId;

/// One referral.
#[derive(Debug, Clone)]
pub struct Referral {
    /// The ServiceRequest.
    pub request: ResourceId,
    /// What it is for, and whom it was sent to.
    pub what: String,
    pub to: String,
    pub stage: Stage,
    /// Since when it is in that stage; of an appointment, when it is.
    pub since: Timestamp,
    /// What was said: why it was rejected, what the appointment is called.
    pub said: String,
    /// What says so, where that is not the request itself.
    pub by: Option<ResourceId>,
    /// What tells of it.
    pub told: Sources,
}

impl Referral {
    /// What tells the work about this stage from other work: each appointment can be missed.
    pub fn name(&self) -> String {
        let by = match self.stage {
            Stage::Scheduled | Stage::Missed | Stage::Rejected => self.by.map(|id| id.to_string()),
            _ => None,
        };
        format!("{}:{}:{}", self.request, self.stage.word(), by.unwrap_or_default())
    }

    /// Where it is now, `since` in words.
    pub fn now_in_words(&self, since: &str) -> String {
        match self.stage {
            Stage::Requested => format!("it is waiting for an answer since {since}"),
            Stage::Rejected => format!("it was rejected {since}: {}", self.said),
            Stage::Accepted => format!("it was accepted {since}"),
            Stage::Scheduled => format!("there is an appointment {since}"),
            Stage::Missed => format!("the appointment of {since} did not take place"),
            Stage::Seen => format!("the patient was seen {since}"),
            Stage::Reported => format!("the report came {since}"),
        }
    }
}
