//! What the site keeps for a time goes when that is over: in small steps, so that messages never wait for it.
//! Never touches records, resources or their history. What went leaves room on the disk, which is given back from time to time.

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

/// Space is given back when one in so many of what there was has gone: it costs as much as writing the whole anew.
const WORTH_ONE_IN: u64 = 10;

/// Runs until told to stop; the step under way is finished first.
pub async fn run(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    let (mut round, mut gone) = (Pruned::default(), 0);
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
                gone += messages + deliveries + audit;
                gone = give_back(&gateway, gone).await;
            }
            round = Pruned::default();
        }
        gateway.compared.tidy();
        gateway.comparing.tidy(gateway.clock.now());
        gateway.covering.tidy(gateway.clock.now());
        if *stop.borrow() {
            return;
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(if more { PAUSE } else { LOOK_EVERY }) => {}
        }
    }
}

fn is_worth_it(gone: u64, left: u64) -> bool {
    gone > 0 && gone.saturating_mul(WORTH_ONE_IN) >= left
}

/// Has the store give space back where enough went since it last did. Returns how much went that it has not given back.
pub async fn give_back(gateway: &Gateway, gone: u64) -> u64 {
    let before = gateway.store.health().await;
    if !is_worth_it(gone, before.messages + before.records) {
        return gone;
    }
    if let Err(fault) = gateway.store.reclaim().await {
        tracing::warn!(%fault, "space cannot be given back to the disk; it is tried again when more was pruned");
        return gone;
    }
    let after = gateway.store.health().await.disk_bytes;
    tracing::info!(before = before.disk_bytes, after, "space was given back to the disk");
    0
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
    fn space_is_given_back_when_a_tenth_of_what_is_left_has_gone() {
        assert!(!is_worth_it(0, 0) && !is_worth_it(99, 1000) && is_worth_it(100, 1000) && is_worth_it(1, 0));
    }

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
