//! What the site keeps for a time goes when that is over: in small steps, so that messages never wait for it.
//! Never touches records, resources or their history.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Gateway;
use crate::site::Retention;
use crate::store::{PruneBefore, Pruned, StoreError};

/// How much of each kind goes in one step, and how long the store is left alone between two.
const BATCH: usize = 500;
const PAUSE: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs until told to stop; the step under way is finished first.
pub async fn run(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    let mut round = Pruned::default();
    loop {
        let more = match step(&gateway).await {
            Ok(pruned) => {
                round.messages += pruned.messages;
                round.deliveries += pruned.deliveries;
                round.audit += pruned.audit;
                round.unused += pruned.unused;
                pruned.more
            }
            Err(fault) => {
                tracing::warn!(%fault, "what is old cannot be pruned; trying again");
                false
            }
        };
        if !more {
            if !round.is_empty() {
                let Pruned { messages, deliveries, audit, unused, .. } = round;
                tracing::info!(messages, deliveries, audit, unused, "pruned by age");
            }
            round = Pruned::default();
        }
        if *stop.borrow() {
            return;
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(if more { PAUSE } else { LOOK_EVERY }) => {}
        }
    }
}

/// One step: takes away a bounded number of entries that are older than the site keeps them now.
pub async fn step(gateway: &Gateway) -> Result<Pruned, StoreError> {
    let before = cut_offs(&gateway.site.load().settings.retention, gateway.clock.now());
    let pruned = gateway.store.prune(&before, BATCH).await?;
    let Pruned { messages, deliveries, audit, unused, .. } = pruned;
    for (kind, count) in [("messages", messages), ("deliveries", deliveries), ("audit", audit), ("unused", unused)] {
        gateway.metrics.count_pruned(kind, count);
    }
    Ok(pruned)
}

fn cut_offs(retention: &Retention, now: Timestamp) -> PruneBefore {
    let before =
        |days: u32| now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    PruneBefore {
        messages: before(retention.message_days),
        deliveries: before(retention.attempt_days),
        audit: before(retention.audit_days),
        once: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_back_from_now_and_a_great_many_keep_everything() {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let retention = Retention { message_days: 1, attempt_days: 90, audit_days: u32::MAX };
        let before = cut_offs(&retention, now);
        assert_eq!(before.messages.to_string(), "2026-03-01T08:00:00Z");
        assert_eq!(before.deliveries.to_string(), "2025-12-02T08:00:00Z");
        assert_eq!((before.audit, before.once), (Timestamp::MIN, now));
    }
}
