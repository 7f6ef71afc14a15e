//! What follows from an attempt, and what is remembered of it. Pure but for the chance in a wait.

use jiff::{SignedDuration, Timestamp};

use super::retry::{Reply, Situation, decide, may_arrive_late};
use super::route::Sent;
use crate::site::{Partner, RetryPolicy, Site};
use crate::store::{Attempt, Delivery, Outcome};

/// What is remembered of a delivery that did not go out; nobody may know whether it did before.
pub fn unsent(site: &Site, delivery: &Delivery, at: Timestamp, result: String) -> Attempt {
    let partner = site.partners.get(&delivery.new.partner);
    let may_arrive_until = may_arrive_until(partner, delivery, at, at, Reply::Unsendable);
    Attempt { may_arrive_until, ..Attempt::unsent(at, result) }
}

/// Until when what was sent of it may still take effect at the partner, where nobody knows whether it did.
pub fn may_arrive_until(
    partner: Option<&Partner>,
    delivery: &Delivery,
    at: Timestamp,
    now: Timestamp,
    reply: Reply,
) -> Option<Timestamp> {
    let last = may_arrive_late(reply).then_some(now).or(delivery.claimed.is_inherited.then_some(at))?;
    let late = partner.map_or(Partner::LATE_SECS, |partner| partner.late_secs);
    let late = SignedDuration::from_secs(i64::try_from(late).unwrap_or(i64::MAX));
    Some(last.saturating_add(late).unwrap_or(Timestamp::MAX))
}

/// The retry decision for a delivery as it was claimed.
pub fn follow(policy: &RetryPolicy, delivery: &Delivery, at: Timestamp, now: Timestamp, reply: Reply) -> Outcome {
    let tries = delivery.tries.saturating_add(1);
    let first_attempt = first_attempt(delivery).unwrap_or(at);
    decide(&Situation { reply, tries, first_attempt, now, policy, jitter: rand::random() })
}

/// When the first of the attempts that count was made. Only the newest are kept; when that one is gone, the delivery has
/// been tried for so long that its making stands for it.
fn first_attempt(delivery: &Delivery) -> Option<Timestamp> {
    let tries = usize::try_from(delivery.tries).unwrap_or(usize::MAX);
    if tries == 0 {
        return None;
    }
    match delivery.attempts.len().checked_sub(tries) {
        Some(at) => delivery.attempts.get(at).map(|attempt| attempt.at),
        None => Some(delivery.new.created),
    }
}

/// An attempt that went out, or may have, with what follows.
pub fn tried(
    partner: &Partner,
    delivery: &Delivery,
    (at, now): (Timestamp, Timestamp),
    sent: Sent,
    together: bool,
) -> (Attempt, Outcome) {
    let outcome = follow(&partner.retry, delivery, at, now, sent.reply);
    let attempt = Attempt {
        at,
        took_millis: u64::try_from(now.duration_since(at).as_millis()).unwrap_or_default(),
        status: sent.status,
        result: sent.text,
        sent: !matches!(sent.reply, Reply::Unauthorized | Reply::Unsendable),
        may_arrive_until: may_arrive_until(Some(partner), delivery, at, now, sent.reply),
        together,
        etag: sent.etag,
    };
    (attempt, outcome)
}
