//! Whether a delivery is tried again, and when: the outbox's heart, a pure function. Exponential backoff with full
//! jitter; what a partner asks for in Retry-After (RFC 9110, 10.2.3) is honoured within bounds.

use jiff::{SignedDuration, Timestamp};

use crate::site::RetryPolicy;
use crate::store::Outcome;

/// A partner may ask us to wait this long and no longer.
const LONGEST_RETRY_AFTER_SECS: u64 = 6 * 3600;

/// A version conflict can pass by itself, but not for ever.
const CONFLICT_TRIES: u32 = 5;

/// 403, 404 and 405 may be those of something in front of the partner for a moment (a proxy whose route is being changed, a
/// registration under way): they count as the partner's own once they have lasted this long.
const BELIEVED_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The partner answered.
    Status { code: u16, retry_after_secs: Option<u64> },
    /// It answered with a success whose content says that it did not take it.
    Denied,
    /// A success with a page for people: something in front of the partner answered.
    Foreign,
    /// No answer, and nothing arrived: no connection, TLS refused.
    Transport,
    /// No answer, and nobody knows whether it arrived: timed out, or cut after it had begun.
    Unknown,
    /// What the partner holds is not what we knew (412): what it holds now was read, and it is tried anew.
    Differs,
    /// No access token could be had.
    Unauthorized,
    /// It cannot be sent as it is, whoever tries.
    Unsendable,
}

/// All that the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub reply: Reply,
    /// Attempts made, this one included; 1 or more.
    pub tries: u32,
    /// When the first of these attempts was made.
    pub first_attempt: Timestamp,
    pub now: Timestamp,
    pub policy: &'a RetryPolicy,
    /// A sample from [0, 1): where in the wait's span this one falls.
    pub jitter: f64,
}

/// What follows from an attempt.
pub fn decide(situation: &Situation) -> Outcome {
    match situation.reply {
        Reply::Status { code: 200..=299, .. } => Outcome::Delivered,
        // The token was renewed and refused again: a key or a registration is amiss, and people are at work on it.
        Reply::Status { code: 401, .. } | Reply::Foreign | Reply::Transport | Reply::Unknown | Reply::Unauthorized => {
            again(situation, None)
        }
        Reply::Differs if situation.tries < CONFLICT_TRIES => Outcome::RetryAt(situation.now),
        Reply::Status { code: 408 | 425 | 429 | 500..=599, retry_after_secs } => again(situation, retry_after_secs),
        Reply::Status { code: 409 | 412, retry_after_secs } if situation.tries < CONFLICT_TRIES => {
            again(situation, retry_after_secs)
        }
        Reply::Denied if situation.tries < CONFLICT_TRIES => again(situation, None),
        Reply::Status { code: 403..=405, retry_after_secs } if !is_believed(situation) => {
            again(situation, retry_after_secs)
        }
        Reply::Status { .. } | Reply::Denied | Reply::Differs | Reply::Unsendable => Outcome::Dead,
    }
}

/// Whether what was sent may still take effect at the partner: nobody answered, or somebody in front of it who does not know
/// either.
pub fn may_arrive_late(reply: Reply) -> bool {
    matches!(reply, Reply::Unknown | Reply::Status { code: 502 | 504, .. })
}

fn is_believed(situation: &Situation) -> bool {
    situation.now.duration_since(situation.first_attempt) >= BELIEVED_AFTER
}

fn again(situation: &Situation, retry_after_secs: Option<u64>) -> Outcome {
    let last = situation.first_attempt.saturating_add(hours(situation.policy.give_up_after_hours));
    if last.is_ok_and(|last| situation.now >= last) && situation.tries >= fewest_tries(situation.policy) {
        return Outcome::Dead;
    }
    let asked = retry_after_secs.unwrap_or(0).min(LONGEST_RETRY_AFTER_SECS);
    let wait_millis = backoff_millis(situation.policy, situation.tries, situation.jitter).max(asked * 1000);
    let wait = SignedDuration::from_millis(i64::try_from(wait_millis).unwrap_or(i64::MAX));
    Outcome::RetryAt(situation.now.saturating_add(wait).unwrap_or(situation.now))
}

/// Before so many tries it is not given up, whatever the clock says: while nobody tried, or after the time of day was set forward,
/// hours went by in which it could not go.
fn fewest_tries(policy: &RetryPolicy) -> u32 {
    let longest = u64::from(policy.longest_secs.max(1));
    let usual = u64::from(policy.give_up_after_hours).saturating_mul(3_600) / longest;
    u32::try_from((usual / 4).clamp(1, 1_000)).unwrap_or(1)
}

fn hours(count: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(count))
}

/// The span grows by the policy's factor up to its longest; the wait is anywhere in it, but for a tenth at its start, so
/// that partners that come back are not met by everybody at once, nor by anybody at no distance.
fn backoff_millis(policy: &RetryPolicy, tries: u32, jitter: f64) -> u64 {
    let growth = u64::from(policy.factor.max(1)).saturating_pow(tries.saturating_sub(1));
    let span_secs = u64::from(policy.first_secs).saturating_mul(growth).min(u64::from(policy.longest_secs));
    let floor = span_secs * 100;
    let parts_of_million = scale(jitter);
    floor + (span_secs * 900).saturating_mul(parts_of_million) / 1_000_000
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1,000,000 before the cast")]
fn scale(jitter: f64) -> u64 {
    (jitter.clamp(0.0, 1.0) * 1_000_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { first_secs: 2, factor: 2, longest_secs: 900, give_up_after_hours: 72 };

    fn situation(reply: Reply, tries: u32, jitter: f64) -> Situation<'static> {
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        Situation { reply, tries, first_attempt: now, now, policy: &POLICY, jitter }
    }

    fn status(code: u16) -> Reply {
        Reply::Status { code, retry_after_secs: None }
    }

    fn wait_secs(situation: &Situation) -> f64 {
        match decide(situation) {
            Outcome::RetryAt(at) => at.duration_since(situation.now).as_secs_f64(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_2xx_is_delivered() {
        for code in [200, 201, 202, 204] {
            assert_eq!(decide(&situation(status(code), 1, 0.5)), Outcome::Delivered);
        }
    }

    #[test]
    fn faults_of_the_request_are_dead_letters_at_once() {
        for code in [301, 400, 402, 406, 410, 413, 415, 422, 451] {
            assert_eq!(decide(&situation(status(code), 1, 0.5)), Outcome::Dead, "{code}");
        }
        assert_eq!(decide(&situation(Reply::Unsendable, 1, 0.5)), Outcome::Dead);
    }

    #[test]
    fn what_a_proxy_may_have_said_is_believed_when_it_lasts() {
        for code in [403, 404, 405] {
            let mut refused = situation(status(code), 1, 0.5);
            assert!(matches!(decide(&refused), Outcome::RetryAt(_)), "{code}");
            refused.now = refused.first_attempt + SignedDuration::from_mins(14);
            assert!(matches!(decide(&refused), Outcome::RetryAt(_)), "{code}");
            refused.now = refused.first_attempt + SignedDuration::from_mins(15);
            assert_eq!(decide(&refused), Outcome::Dead, "{code}");
        }
        assert!(matches!(decide(&situation(Reply::Foreign, 40, 0.5)), Outcome::RetryAt(_)));
        assert!(matches!(decide(&situation(Reply::Denied, 4, 0.5)), Outcome::RetryAt(_)));
        assert_eq!(decide(&situation(Reply::Denied, 5, 0.5)), Outcome::Dead);
    }

    #[test]
    fn the_wait_grows_to_its_longest_and_jitter_fills_the_span() {
        assert!((wait_secs(&situation(status(503), 1, 0.999_999_9)) - 2.0).abs() < 0.01);
        assert!((wait_secs(&situation(status(503), 1, 0.0)) - 0.2).abs() < 0.01);
        assert!((wait_secs(&situation(status(500), 4, 0.5)) - 8.8).abs() < 0.01);
        assert!((wait_secs(&situation(Reply::Transport, 40, 1.0)) - 900.0).abs() < 0.01);
        assert!((wait_secs(&situation(Reply::Unauthorized, u32::MAX, 1.0)) - 900.0).abs() < 0.01);
    }

    #[test]
    fn retry_after_is_honoured_within_bounds() {
        let asked = |secs| situation(Reply::Status { code: 429, retry_after_secs: Some(secs) }, 1, 0.5);
        assert!((wait_secs(&asked(120)) - 120.0).abs() < 0.01);
        assert!((wait_secs(&asked(10_000_000)) - 21_600.0).abs() < 0.01);
        assert!((wait_secs(&asked(0)) - 1.1).abs() < 0.01);
    }

    #[test]
    fn conflicts_are_tried_a_few_times_only() {
        assert!(matches!(decide(&situation(status(409), 4, 0.5)), Outcome::RetryAt(_)));
        assert_eq!(decide(&situation(status(412), 5, 0.5)), Outcome::Dead);
    }

    #[test]
    fn it_is_given_up_when_its_time_is_over() {
        let mut late = situation(status(503), 300, 0.5);
        late.now = late.first_attempt + SignedDuration::from_hours(72);
        assert_eq!(decide(&late), Outcome::Dead);
        late.tries = 71;
        assert!(matches!(decide(&late), Outcome::RetryAt(_)), "it can hardly have been tried for so long");
        late.tries = 72;
        assert_eq!(decide(&late), Outcome::Dead);
        late.now = late.first_attempt + SignedDuration::from_hours(71);
        assert!(matches!(decide(&late), Outcome::RetryAt(_)));
    }
}
