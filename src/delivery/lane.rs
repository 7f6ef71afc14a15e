//! How fast one partner is sent to: so many at the same time, so many in a second, and none for a while after it showed
//! that it cannot take them. Never decides what becomes of a delivery.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::retry::Reply;

/// So many failures in a row before a partner is left alone.
const FAILURES_BEFORE_PAUSE: u32 = 3;
const LONGEST_PAUSE_SECS: i64 = 60;
const LONGEST_ASKED_PAUSE_SECS: u64 = 300;

/// Claimed deliveries may wait here, as many as this for each that may be sent at the same time.
const WAITING_PER_PLACE: usize = 4;

#[derive(Debug)]
pub struct Lane {
    places: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
    spacing: Duration,
    next_start: tokio::sync::Mutex<Instant>,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    paused_until: Option<Timestamp>,
}

/// Whether a delivery may go now.
#[derive(Debug)]
pub enum Entry<'a> {
    Go(SemaphorePermit<'a>),
    /// Not before this time.
    Later(Timestamp),
}

impl Lane {
    pub fn new(parallel: usize, rate_per_sec: u32) -> Self {
        let parallel = parallel.clamp(1, 256);
        Self {
            places: Semaphore::new(parallel),
            waiting: AtomicUsize::new(0),
            most_waiting: parallel * WAITING_PER_PLACE,
            spacing: Duration::from_secs(1) / rate_per_sec.clamp(1, 100_000),
            next_start: tokio::sync::Mutex::new(Instant::now()),
            health: Mutex::default(),
        }
    }

    /// Waits for its turn, if that is near; the permit is held while sending.
    pub async fn enter(&self, now: Timestamp) -> Entry<'_> {
        if let Some(until) = self.health().paused_until.filter(|until| now < *until) {
            return Entry::Later(until);
        }
        let soon = Entry::Later(now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now));
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return soon;
        }
        let place = self.places.acquire().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let Ok(place) = place else { return soon };
        let mut next = self.next_start.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + self.spacing;
        Entry::Go(place)
    }

    /// Learns from a reply how the partner is.
    pub fn learn(&self, reply: Reply, now: Timestamp) {
        let mut health = self.health();
        let asked = match reply {
            Reply::Status { code: 429 | 503, retry_after_secs } => retry_after_secs.unwrap_or(0),
            Reply::Status { code: 500 | 502 | 504, .. } | Reply::Transport | Reply::Unauthorized => 0,
            Reply::Status { .. } => {
                *health = Health::default();
                return;
            }
            Reply::Unsendable => return,
        };
        health.failures = health.failures.saturating_add(1);
        let growing = i64::from(1_u32 << health.failures.saturating_sub(FAILURES_BEFORE_PAUSE).min(6));
        let own = if health.failures < FAILURES_BEFORE_PAUSE { 0 } else { growing.min(LONGEST_PAUSE_SECS) };
        let pause = own.max(i64::try_from(asked.min(LONGEST_ASKED_PAUSE_SECS)).unwrap_or_default());
        if pause > 0 {
            health.paused_until = now.saturating_add(SignedDuration::from_secs(pause)).ok();
        }
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T10:00:00Z".parse().unwrap()
    }

    const BUSY: Reply = Reply::Status { code: 429, retry_after_secs: Some(20) };
    const FINE: Reply = Reply::Status { code: 200, retry_after_secs: None };

    #[tokio::test]
    async fn a_partner_that_asks_for_time_gets_it() {
        let lane = Lane::new(2, 100);
        lane.learn(BUSY, now());
        assert!(matches!(lane.enter(now()).await, Entry::Later(at) if at == now() + SignedDuration::from_secs(20)));
        assert!(matches!(lane.enter(now() + SignedDuration::from_secs(20)).await, Entry::Go(_)));
    }

    #[tokio::test]
    async fn failures_in_a_row_pause_it_and_a_success_forgets_them() {
        let lane = Lane::new(2, 100);
        lane.learn(Reply::Transport, now());
        lane.learn(Reply::Transport, now());
        assert!(matches!(lane.enter(now()).await, Entry::Go(_)));
        lane.learn(Reply::Transport, now());
        assert!(matches!(lane.enter(now()).await, Entry::Later(_)));
        lane.learn(FINE, now());
        assert!(matches!(lane.enter(now()).await, Entry::Go(_)));
    }

    #[tokio::test]
    async fn starts_are_spaced_by_the_rate() {
        let lane = Lane::new(10, 20);
        let start = Instant::now();
        for _ in 0..5 {
            drop(lane.enter(now()).await);
        }
        assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_sent_away() {
        let lane = std::sync::Arc::new(Lane::new(1, 1000));
        let held = lane.enter(now()).await;
        let mut waiting = Vec::new();
        for _ in 0..WAITING_PER_PLACE {
            let lane = lane.clone();
            waiting.push(tokio::spawn(async move { matches!(lane.enter(now()).await, Entry::Go(_)) }));
        }
        tokio::task::yield_now().await;
        assert!(matches!(lane.enter(now()).await, Entry::Later(_)));
        drop(held);
        for one in waiting {
            assert!(one.await.unwrap());
        }
    }
}
