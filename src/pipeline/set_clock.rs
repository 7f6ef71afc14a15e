//! Looks after the machine's time of day: says where it was set under the running gateway, which goes on by the time that passes
//! (`clock.rs`), and finds at the start that it was set back since the last time; then what was to be sent later is due. Never
//! sets a clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{info, warn};

use super::Gateway;
use crate::store::StoreError;

/// The part of the gateway's condition.
const PART: &str = "clock";

/// Where the store keeps the time until which a gateway ran.
const STATE: &str = "ran-until";

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Every so many looks the time is kept.
const KEEP_EVERY: u32 = 12;

/// Clocks of gateways on one store differ by less.
const MOST_APART: SignedDuration = SignedDuration::from_secs(60);

/// Runs until told to stop.
pub async fn run(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    let mut is_begun = false;
    for count in 0_u32.. {
        if !is_begun {
            // Nothing lost: where the store does not answer it is asked again with the next look.
            is_begun =
                begin(&gateway).await.inspect_err(|fault| warn!(%fault, "the last time is not known yet")).is_ok();
        }
        look(&gateway);
        if is_begun && count.is_multiple_of(KEEP_EVERY) {
            let now = gateway.clock.now().as_millisecond().to_be_bytes();
            if let Err(fault) = gateway.store.put_state(STATE, &now).await {
                warn!(%fault, "the time cannot be kept");
            }
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Whether the time of day was set back since a gateway last ran on this store: then what was put off waits for a time that was
/// never meant, and is due now.
pub(super) async fn begin(gateway: &Gateway) -> Result<(), StoreError> {
    let now = gateway.clock.now();
    let kept = gateway.store.get_state(STATE).await?;
    // Nothing lost: what is no time was not kept by a gateway, and tells nothing of clocks.
    let Some(last) = kept.and_then(|bytes| time_of(&bytes)) else { return Ok(()) };
    let back = last.duration_since(now);
    // Nothing lost: where it is less, nothing waits longer than that for it.
    if back > MOST_APART {
        let hastened = gateway.store.hasten_deliveries(now).await?;
        warn!(seconds = back.as_secs(), hastened, "the time of day was set back since the gateway last ran");
        gateway.delivery_bell.notify_one();
    }
    Ok(())
}

fn time_of(bytes: &[u8]) -> Option<Timestamp> {
    let millis = i64::from_be_bytes(*bytes.first_chunk()?);
    // Nothing lost: what is no time says nothing.
    Timestamp::from_millisecond(millis).ok()
}

fn look(gateway: &Gateway) {
    let (now, offset) = (gateway.clock.now(), gateway.clock.offset());
    gateway.metrics.set_clock_offset(offset.as_secs());
    let was_set = gateway.condition.is_set(PART);
    if offset.is_zero() {
        gateway.condition.clear(PART);
        if was_set {
            info!("the time of day is again what it was");
        }
        return;
    }
    let way = if offset.is_positive() { "forward" } else { "back" };
    let by = words(offset.abs());
    let text = format!(
        "the machine's time of day was set {way} by {by}; the gateway goes on by the time that passed. Where the new time is right, \
         restart the gateway; where it is not, put the machine right"
    );
    if !was_set {
        warn!(seconds = offset.as_secs(), "the machine's time of day was set; it is not believed");
    }
    gateway.condition.set(PART, now, text, Vec::new());
}

fn words(span: SignedDuration) -> String {
    let secs = span.as_secs();
    match secs {
        0..7_200 => format!("{secs} s"),
        7_200..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::identity::PersonId;
    use crate::site::Site;
    use crate::store::{Attempt, EngineChoice, NewDelivery, Outcome, StoreSettings, WriteUnit, open};

    /// A clock of which we say by how much it was set.
    struct SetBy(SignedDuration);

    impl Clock for SetBy {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn steady(&self) -> Duration {
            Duration::ZERO
        }

        fn offset(&self) -> SignedDuration {
            self.0
        }
    }

    fn gateway(clock: Arc<dyn Clock>) -> Gateway {
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        Gateway::new(open(&settings).unwrap(), Site::bare(Path::new("/")), clock)
    }

    #[tokio::test]
    async fn a_time_that_was_set_is_told_until_it_is_right_again() {
        for (by, told) in [
            (SignedDuration::from_hours(40 * 24), "forward by 40 d"),
            (SignedDuration::from_secs(-3_600), "back by 3600 s"),
        ] {
            let gateway = gateway(Arc::new(SetBy(by)));
            look(&gateway);
            let fault = gateway.condition.faults().remove(0);
            assert!(fault.part == PART && fault.text.contains(told), "{}", fault.text);
        }
        let right = gateway(Arc::new(SetBy(SignedDuration::ZERO)));
        right.condition.set(PART, Timestamp::UNIX_EPOCH, "set", Vec::new());
        look(&right);
        assert!(!right.condition.is_set(PART));
    }

    #[tokio::test]
    async fn what_was_put_off_waits_for_no_time_that_went_away() {
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let gateway = gateway(clock.clone());
        let made = |number: u64| NewDelivery {
            id: format!("d{number}"),
            partner: "practice".into(),
            person: PersonId([1; 10]),
            number,
            subject: format!("Task/{number}/_history/1"),
            agreement: String::new(),
            payload: json!({ "resourceType": "Task" }),
            created: clock.now(),
            due: clock.now(),
            message: None,
            ending: false,
            urgent: false,
        };
        let unit = WriteUnit { deliveries: vec![made(1), made(2)], ..WriteUnit::default() };
        gateway.store.commit(unit).await.unwrap();
        let later = clock.now() + SignedDuration::from_secs(900);
        let busy = Attempt::unsent(clock.now(), "busy".into());
        gateway.store.finish_attempt("d1", busy, Outcome::RetryAt(later)).await.unwrap();
        let kept = clock.now().as_millisecond().to_be_bytes();
        gateway.store.put_state(STATE, &kept).await.unwrap();
        begin(&gateway).await.unwrap();
        assert_eq!(gateway.store.delivery("d1").await.unwrap().unwrap().next, Some(later), "it was not set");
        clock.set(SignedDuration::from_hours(-40 * 24));
        begin(&gateway).await.unwrap();
        for id in ["d1", "d2"] {
            let next = gateway.store.delivery(id).await.unwrap().unwrap().next;
            assert_eq!(next, Some(clock.now()), "{id}: also what stands behind the first");
        }
        assert_eq!(gateway.store.due_partners(clock.now()).await.unwrap(), ["practice"]);
    }
}
