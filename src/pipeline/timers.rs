//! Clocks that come due: the protocols look at the record again, by the same path as a message.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use super::Gateway;

/// How many records are looked at before asking the store again.
const BATCH: usize = 64;
/// What a gateway that died had claimed stands still for as long.
const LEASE: SignedDuration = SignedDuration::from_secs(9);
/// What was claimed and not looked at by then is left to whoever claims next, with a little time to spare.
const BEGIN_WITHIN: Duration = Duration::from_secs(7);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs until told to stop; the record under way is finished first.
pub async fn run(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    loop {
        let fired = wake_due(&gateway).await;
        if *stop.borrow() {
            return;
        }
        if fired == BATCH {
            // Nothing lost: a full batch is followed by the next look at once.
            continue;
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = gateway.timer_bell.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// One step: wakes every record that is due now, up to a bound, and says how many there were.
pub async fn wake_due(gateway: &Gateway) -> usize {
    let claimed = gateway.clock.steady();
    let due = match gateway.store.claim_timers(gateway.clock.now(), BATCH, LEASE).await {
        Ok(due) => due,
        Err(fault) => {
            tracing::warn!(%fault, "timers cannot be claimed; trying again");
            return 0;
        }
    };
    for (count, (person, _)) in due.iter().enumerate() {
        if gateway.clock.steady().saturating_sub(claimed) > BEGIN_WITHIN {
            // Nothing lost: the leases of the rest end, and they are claimed again.
            return count;
        }
        if let Err(fault) = gateway.wake(*person).await {
            tracing::warn!(%fault, "a record could not be looked at; its timer stays due");
        }
    }
    due.len()
}
