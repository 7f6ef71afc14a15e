//! How often one caller may ask: a token bucket each, in a table that cannot grow beyond its bound.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Callers remembered at the same time. When all are in use, the table is emptied of those whose bucket is full again.
const CALLERS: usize = 10_000;

/// Buckets by caller.
#[derive(Debug)]
pub struct Pace<Caller> {
    buckets: Mutex<HashMap<Caller, Bucket>>,
    /// What may come at once is what may come in so many seconds.
    burst_secs: u32,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl<Caller: Hash + Eq> Pace<Caller> {
    pub fn new(burst_secs: u32) -> Self {
        Self { buckets: Mutex::default(), burst_secs }
    }

    /// Whether this caller, who may ask so often in a second, may ask now. A table full of busy callers turns newcomers away.
    pub fn admit(&self, caller: Caller, per_sec: u32, now: Timestamp) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS && !buckets.contains_key(&caller) {
            buckets.retain(|_, bucket| self.refill(*bucket, per_sec, now).left < self.burst(per_sec));
            if buckets.len() >= CALLERS {
                return false;
            }
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { left: self.burst(per_sec), at: now });
        *bucket = self.refill(*bucket, per_sec, now);
        let admitted = bucket.left >= 1.0;
        if admitted {
            bucket.left -= 1.0;
        }
        admitted
    }

    /// Whether this caller could ask now; asking this costs nothing.
    pub fn has_room(&self, caller: &Caller, per_sec: u32, now: Timestamp) -> bool {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(caller).is_none_or(|bucket| self.refill(*bucket, per_sec, now).left >= 1.0)
    }

    fn burst(&self, per_sec: u32) -> f64 {
        f64::from(per_sec) * f64::from(self.burst_secs)
    }

    fn refill(&self, bucket: Bucket, per_sec: u32, now: Timestamp) -> Bucket {
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        Bucket { left: (bucket.left + passed * f64::from(per_sec)).min(self.burst(per_sec)), at: now.max(bucket.at) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_caller_may_burst_and_then_keeps_to_the_rate_while_others_go_on() {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let pace = Pace::new(3);
        let admitted = (0..10).filter(|_| pace.admit("a", 2, now)).count();
        assert_eq!(admitted, 6);
        assert!(pace.admit("b", 2, now));
        let later = now + SignedDuration::from_secs(1);
        assert_eq!((0..10).filter(|_| pace.admit("a", 2, later)).count(), 2);
        // Who may ask more often from now on may do so at once.
        let later = later + SignedDuration::from_secs(1);
        assert_eq!((0..90).filter(|_| pace.admit("a", 25, later)).count(), 25);
    }

    #[test]
    fn the_table_does_not_grow_beyond_its_bound() {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let pace = Pace::new(1);
        for caller in 0..CALLERS {
            assert!(pace.admit(caller, 1, now));
        }
        assert!(!pace.admit(CALLERS, 1, now));
        assert!(pace.admit(CALLERS, 1, now + SignedDuration::from_secs(2)));
        assert_eq!(pace.buckets.lock().unwrap().len(), 1);
    }
}
