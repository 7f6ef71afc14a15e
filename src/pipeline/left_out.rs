//! Which stored messages are read once more when it is worked out what maps make of them, and why others are not.

use super::Gateway;
use crate::site::CLIENT;
use crate::store::{MessageEntry, MessageSummary, StoreError};

impl Gateway {
    /// A message to be read once more, or why it is left out, in words for whoever counts those.
    pub(super) async fn to_read_again(
        &self,
        of: &MessageSummary,
    ) -> Result<Result<MessageEntry, &'static str>, StoreError> {
        if let Some(why) = left_out(of) {
            return Ok(Err(why));
        }
        Ok(self.store.message(of.sequence).await?.ok_or("they are no longer kept"))
    }
}

fn left_out(of: &MessageSummary) -> Option<&'static str> {
    if of.replays.is_some() {
        Some("runs of others, which are looked at themselves")
    } else if of.incomplete {
        Some("only a part of them came")
    } else if of.feed.starts_with(CLIENT) {
        Some("partners wrote them over FHIR, which no mapping reads")
    } else {
        None
    }
}
