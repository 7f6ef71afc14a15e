//! What running messages again would change: each is decided against the record as it stands now, and nothing is written.

use super::changed::Changed;
use crate::pipeline::{Arrival, Gateway};
use crate::site::CLIENT;
use crate::store::{NewDelivery, StoreError};

impl Gateway {
    /// Adds up what these would change. Each is looked at by itself: what one changes the next does not see.
    pub async fn preview(&self, sequences: &[u64]) -> Result<Changed, StoreError> {
        let mut changed = Changed::default();
        for sequence in sequences {
            let Some(entry) = self.store.message(*sequence).await? else {
                changed.gone += 1;
                // Nothing lost: it is counted as gone.
                continue;
            };
            if entry.summary.feed.starts_with(CLIENT) {
                changed.unknown += 1;
                // Nothing lost: it is counted as not known.
                continue;
            }
            let arrival = Arrival::again(&entry, "preview");
            match self.decide_only(&arrival).await? {
                Some(would) => {
                    let told: Vec<String> = would.deliveries.iter().map(told).collect();
                    changed.add(&entry.summary, &would.answer, &would.written, &told);
                }
                // Nothing lost: it is said that what comes of it is not known.
                None => changed.unknown += 1,
            }
        }
        Ok(changed)
    }
}

/// Whom a delivery tells of what.
pub(in crate::pipeline) fn told(delivery: &NewDelivery) -> String {
    format!("{}: {}", delivery.partner, delivery.subject.split('/').next().unwrap_or_default())
}
