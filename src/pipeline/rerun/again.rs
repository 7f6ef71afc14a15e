//! One stored message taken once more, with what that changed.

use super::changed::Changed;
use super::preview::told;
use crate::pipeline::{Code, Gateway};
use crate::store::StoreError;

/// How it was answered, what it is kept as now, and what changed, in words.
pub struct Again {
    pub code: Option<Code>,
    pub kept_as: Option<u64>,
    pub what: String,
}

impl Gateway {
    /// Runs one message and adds what it changed to the sums. Fails where the store could not take it.
    pub(in crate::pipeline) async fn run_again(
        &self,
        changed: &mut Changed,
        sequence: u64,
        who: &str,
    ) -> Result<Again, StoreError> {
        let before = self.store.message(sequence).await?;
        let (Some(before), Some(answer)) = (before, self.replay(sequence, who).await?) else {
            changed.gone += 1;
            return Ok(Again { code: None, kept_as: None, what: "is no longer kept".to_string() });
        };
        if answer.unavailable {
            return Err(StoreError::Unavailable(format!("message {sequence} could not be taken now")));
        }
        let after = match answer.sequence {
            Some(kept) => self.store.message(kept).await?,
            None => None,
        };
        let trace = after.map(|after| after.trace).unwrap_or_default();
        let mut sent = Vec::new();
        for id in &trace.deliveries {
            sent.extend(self.store.delivery(id).await?.map(|delivery| told(&delivery.new)));
        }
        let what = changed.add(&before.summary, answer.code.text(), &trace.resources, &sent);
        Ok(Again { code: Some(answer.code), kept_as: answer.sequence, what })
    }
}
