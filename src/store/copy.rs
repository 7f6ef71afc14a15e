//! What a partner holds of one thing, as far as its answers say, and what follows for what was sent of it before
//! (docs/decisions/0019). Pure: both stores keep it beside their deliveries and do what it says.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use super::{Attempt, Outcome, StoreError};

/// So many attempts of unknown outcome are told apart; of more the oldest count as one.
const MOST_DOUBTS: usize = 8;

/// Which of two deliveries about one thing was decided later: the commit that made it, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order(pub u64, pub u32);

/// The piece of state that keeps until when a partner, by the hash of its name, may have lost what it took.
pub fn loss_state(partner: &Hash) -> String {
    format!("lost/{:032x}", u128::from_be_bytes(*partner))
}

/// What that piece of state says.
pub fn loss_of(bytes: &[u8]) -> Result<Timestamp, StoreError> {
    let time = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    time.ok_or_else(|| StoreError::Damaged("until when a partner lost what it took does not read".to_string()))
}

/// One thing at one partner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// The newest delivery that the partner took, and its id.
    newest: Option<(Order, String)>,
    /// The version that the partner gave it then (`ETag`), or named since.
    etag: Option<String>,
    /// What may have been sent and nobody knows of, with the time until which it may take effect.
    doubts: Vec<(Order, Timestamp)>,
}

/// What follows from an attempt for other deliveries about the same thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Follow {
    /// The newest that the partner took is sent once more then, because something older may arrive until then.
    pub again: Option<(String, Timestamp)>,
    /// No longer the newest: it is not sent again.
    pub no_more: Option<String>,
    /// All that is older and not finished, or was given up, is over.
    pub retires_older: bool,
}

impl Copy {
    /// Notes what came of an attempt at the delivery of this order and id. What the partner took before `lost` it may have no more.
    pub fn record(
        &mut self,
        order: Order,
        id: &str,
        attempt: &Attempt,
        outcome: Outcome,
        lost: Option<Timestamp>,
    ) -> Follow {
        let mut follow = Follow::default();
        let mut once_more = None;
        if let Some(until) = attempt.may_arrive_until {
            self.doubt(order, until);
        }
        if let Some(etag) = &attempt.etag {
            self.etag = Some(etag.clone()).filter(|etag| !etag.is_empty());
        }
        match outcome {
            Outcome::Delivered if self.newest.as_ref().is_some_and(|(newest, _)| order < *newest) => {
                // Somebody who had stood still laid it over what is newer.
                let took = SignedDuration::from_millis(i64::try_from(attempt.took_millis).unwrap_or(i64::MAX));
                self.doubt(order, attempt.at.saturating_add(took).unwrap_or(attempt.at));
            }
            Outcome::Delivered => {
                let before = self.newest.replace((order, id.to_string()));
                follow.no_more = before.map(|(_, before)| before).filter(|before| before != id);
                if attempt.etag.is_none() {
                    self.etag = None;
                }
                // What could arrive before it was sent only is under it now.
                self.doubts.retain(|(_, until)| *until > attempt.at);
                follow.retires_older = true;
                once_more = lost.filter(|lost| attempt.at <= *lost);
            }
            // What went out before may show more than what is left of it.
            Outcome::Shortened(_) => {
                self.doubts.iter_mut().filter(|(doubt, _)| *doubt == order).for_each(|doubt| doubt.0 = Order(0, 0));
            }
            _ => {}
        }
        let newest = self.newest.as_ref();
        follow.again =
            newest.and_then(|(newest, id)| Some((id.clone(), self.older_may_arrive_until(*newest).max(once_more)?)));
        follow
    }

    fn doubt(&mut self, order: Order, until: Timestamp) {
        match self.doubts.iter_mut().find(|(known, _)| *known == order) {
            Some(doubt) => doubt.1 = doubt.1.max(until),
            None => self.doubts.push((order, until)),
        }
        self.doubts.sort_unstable();
        while self.doubts.len() > MOST_DOUBTS {
            // The older of two stands for both: too old asks for one sending too many, never for one too few.
            let next = self.doubts.remove(1);
            self.doubts.iter_mut().take(1).for_each(|oldest| oldest.1 = oldest.1.max(next.1));
        }
    }

    fn older_may_arrive_until(&self, order: Order) -> Option<Timestamp> {
        self.doubts.iter().filter(|(doubt, _)| *doubt < order).map(|(_, until)| *until).max()
    }

    /// Whether the partner took something newer.
    pub fn is_newer_than(&self, order: Order) -> bool {
        self.newest.as_ref().is_some_and(|(newest, _)| *newest > order)
    }

    /// Whether this is what the partner took last.
    pub fn is_of(&self, id: &str) -> bool {
        self.newest.as_ref().is_some_and(|(_, newest)| newest == id)
    }

    pub fn etag(&self) -> Option<String> {
        self.etag.clone()
    }

    /// What was delivered before this was kept.
    pub fn found_delivered(&mut self, order: Order, id: &str) {
        if !self.is_newer_than(order) {
            self.newest = Some((order, id.to_string()));
        }
    }
}

/// The thing that a subject names: `Task/id` of `Task/id/_history/3`.
pub fn thing(subject: &str) -> &str {
    subject.split_once("/_history/").map_or(subject, |(thing, _)| thing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn attempt(second: i64, until: Option<i64>) -> Attempt {
        let may_arrive_until = until.map(at);
        Attempt { at: at(second), may_arrive_until, sent: true, ..Attempt::unsent(at(second), String::new()) }
    }

    const RETRY: Outcome = Outcome::RetryAt(Timestamp::UNIX_EPOCH);

    #[test]
    fn what_is_newer_is_sent_again_once_the_older_can_arrive_no_more() {
        let mut copy = Copy::default();
        assert_eq!(copy.record(Order(1, 0), "one", &attempt(0, Some(100)), RETRY, None), Follow::default());
        let follow = copy.record(Order(1, 0), "one", &attempt(5, None), Outcome::Delivered, None);
        assert_eq!(follow, Follow { retires_older: true, ..Follow::default() }, "the same once more does no harm");
        let follow = copy.record(Order(2, 0), "two", &attempt(9, None), Outcome::Delivered, None);
        assert_eq!((follow.again, follow.no_more), (Some(("two".into(), at(100))), Some("one".into())));
        let follow = copy.record(Order(3, 0), "three", &attempt(10, None), Outcome::Delivered, None);
        assert_eq!((follow.again, follow.no_more), (Some(("three".into(), at(100))), Some("two".into())));
        let follow = copy.record(Order(3, 0), "three", &attempt(100, None), Outcome::Delivered, None);
        assert_eq!(follow.again, None);
    }

    #[test]
    fn an_older_one_that_was_laid_over_a_newer_is_put_right_at_once() {
        let mut copy = Copy::default();
        copy.record(Order(2, 0), "two", &attempt(9, None), Outcome::Delivered, None);
        assert!(copy.is_newer_than(Order(1, 7)) && !copy.is_newer_than(Order(2, 0)));
        let follow = copy.record(Order(1, 0), "one", &attempt(20, None), Outcome::Delivered, None);
        assert_eq!(follow, Follow { again: Some(("two".into(), at(20))), ..Follow::default() });
        assert!(copy.is_of("two"));
    }

    #[test]
    fn what_was_shortened_is_laid_over_what_showed_more() {
        let mut copy = Copy::default();
        copy.record(Order(1, 0), "one", &attempt(0, Some(100)), RETRY, None);
        copy.record(Order(1, 0), "one", &attempt(1, None), Outcome::Shortened(at(1)), None);
        let follow = copy.record(Order(1, 0), "one", &attempt(2, None), Outcome::Delivered, None);
        assert_eq!(follow.again, Some(("one".into(), at(100))));
    }

    #[test]
    fn more_doubts_than_are_told_apart_ask_for_too_much_and_not_for_too_little() {
        let mut copy = Copy::default();
        for number in 1..=30 {
            copy.record(Order(number, 0), "x", &attempt(0, Some(1000 - number as i64)), RETRY, None);
        }
        assert_eq!(copy.doubts.len(), MOST_DOUBTS);
        let follow = copy.record(Order(31, 0), "y", &attempt(1, None), Outcome::Delivered, None);
        assert_eq!(follow.again, Some(("y".into(), at(999))));
    }

    #[test]
    fn what_was_taken_before_the_partner_lost_it_is_sent_once_more() {
        let mut copy = Copy::default();
        let lost = Some(at(50));
        // It was recorded late, when somebody had said already what the partner lost.
        let follow = copy.record(Order(1, 0), "one", &attempt(48, None), Outcome::Delivered, lost);
        assert_eq!(follow.again, Some(("one".to_string(), at(50))));
        let follow = copy.record(Order(1, 0), "one", &attempt(51, None), Outcome::Delivered, lost);
        assert_eq!(follow.again, None);
        // The older one that was to be sent once more is under a newer one that the partner lost, too.
        let follow = copy.record(Order(2, 0), "two", &attempt(49, None), Outcome::Delivered, lost);
        assert_eq!((follow.again, follow.no_more), (Some(("two".to_string(), at(50))), Some("one".to_string())));
        let refused = copy.record(Order(3, 0), "three", &attempt(49, None), RETRY, lost);
        assert_eq!(refused.again, None, "nothing that it did not take");
    }

    #[test]
    fn a_loss_reads_back() {
        assert_eq!(loss_of(at(50).to_string().as_bytes()).unwrap(), at(50));
        assert!(loss_of(b"soon").is_err());
    }
}
