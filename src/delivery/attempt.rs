//! One attempt at one delivery, from its turn to the record of what came of it. What leaves is decided when it leaves; what
//! came of it is kept until the store has it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{info, warn};

use super::follow::{tried, unsent};
use super::lane::Place;
use super::message::Rewritten;
use super::outside::Outside;
use super::own_keys::OwnKeys;
use super::permission::{Permission, decide_anew};
use super::retry::Reply;
use super::route::{Route, Sent};
use crate::pipeline::{Event, Gateway};
use crate::site::{Partner, Site};
use crate::store::{Attempt, AuditEntry, Delivery, Outcome, StoreError, Tried, WriteUnit};
use crate::telemetry::Attempted;

/// What an agreement does not allow now is looked at again after this long.
const HOLD: SignedDuration = SignedDuration::from_mins(15);

/// How often it is tried again to record what came of an attempt while the store cannot write.
const RECORD_EVERY: Duration = Duration::from_secs(1);

/// All that attempts need and share.
pub struct Attempts {
    pub gateway: Arc<Gateway>,
    /// Signs at partners that the site gives no key of their own for.
    pub own_keys: OwnKeys,
    pub outside: Box<dyn Outside>,
    in_hand: Mutex<HashMap<String, Held>>,
    /// Counts what was taken in hand, so that the end of one attempt is not taken for that of the next.
    begun: AtomicU64,
    /// How many outcomes the store does not have yet.
    unrecorded: watch::Sender<usize>,
    stopping: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    number: u64,
    /// When its lease ends, as far as this gateway knows (`Clock::steady`).
    until: Duration,
}

/// However an attempt ends, its lease is renewed no more.
struct End<'a> {
    attempts: &'a Attempts,
    id: &'a str,
    number: u64,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut in_hand = self.attempts.in_hand();
        if in_hand.get(self.id).is_some_and(|held| held.number == self.number) {
            in_hand.remove(self.id);
        }
    }
}

impl Attempts {
    pub fn new(gateway: Arc<Gateway>, own_keys: OwnKeys, outside: Box<dyn Outside>) -> Self {
        Self {
            gateway,
            own_keys,
            outside,
            in_hand: Mutex::default(),
            begun: AtomicU64::new(0),
            unrecorded: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
        }
    }

    /// Whether the store has what came of all attempts that have ended. While it does not, nothing new is sent: it could
    /// not be recorded either, and would be sent again after a restart.
    pub fn are_recorded(&self) -> bool {
        *self.unrecorded.borrow() == 0
    }

    /// Nobody waits for a store that cannot write any more.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn in_hand(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in hand whose leases end within this long.
    pub fn to_renew(&self, within: Duration) -> Vec<String> {
        let soon = self.gateway.clock.steady() + within;
        let in_hand = self.in_hand();
        in_hand.iter().filter(|(_, held)| held.until < soon).map(|(id, _)| id.clone()).collect()
    }

    /// The leases of these end at this time, as far as this gateway knows.
    pub fn leased(&self, ids: &[String], until: Duration) {
        let mut in_hand = self.in_hand();
        for id in ids {
            // Nothing lost: what ended meanwhile needs no lease.
            in_hand.entry(id.clone()).and_modify(|held| held.until = until);
        }
    }

    /// Claimed, and worked on from now; leased until this time. The number is for `run`.
    pub fn begin(&self, delivery: &Delivery, until: Duration) -> u64 {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_hand().insert(delivery.new.id.clone(), Held { number, until });
        number
    }

    pub async fn run(&self, site: &Arc<Site>, delivery: &Delivery, place: Option<Place>, number: u64) {
        let _ends = End { attempts: self, id: &delivery.new.id, number };
        if let Err(error) = self.attempt(site, delivery, place, number).await {
            // Its lease runs out and it is sent again; the partner knows it by its identifier.
            warn!(%error, delivery = delivery.new.id, "what came of a delivery could not be recorded");
        }
    }

    async fn attempt(
        &self,
        site: &Arc<Site>,
        delivery: &Delivery,
        place: Option<Place>,
        number: u64,
    ) -> Result<(), StoreError> {
        if let Some(place) = &place {
            self.outside.wait(place.turn(self.gateway.clock.steady())).await;
        }
        let at = self.gateway.clock.now();
        let held = self.in_hand().get(&delivery.new.id).copied();
        let Some(held) = held.filter(|held| held.number == number) else {
            // Nothing lost: it was taken up again since, and goes its way there.
            place.into_iter().for_each(Place::leave_turn);
            return Ok(());
        };
        let stood_still = held.until <= self.gateway.clock.steady();
        if stood_still || !Arc::ptr_eq(site, &self.gateway.site.load()) || self.gateway.holds_back(delivery) {
            // This process stood still, another site was taken over, or the partner was paused: it is taken up anew.
            place.into_iter().for_each(Place::leave_turn);
            return self.gateway.store.release_delivery(&delivery.new.id, at).await;
        }
        if self.goes_in_newer(site, delivery, at).await? {
            place.into_iter().for_each(Place::leave_turn);
            return Ok(());
        }
        // What leaves is decided when it leaves.
        let Some((partner, fhir_base)) = self.permitted(site, delivery, at).await? else {
            place.into_iter().for_each(Place::leave_turn);
            return Ok(());
        };
        let line = match self.outside.line(site, partner) {
            Ok(line) => line,
            Err(text) => {
                let sent = Sent::without_answer(Reply::Transport, text);
                return self.conclude(partner, delivery, at, sent).await;
            }
        };
        let clock = &*self.gateway.clock;
        // Nothing lost: what the store cannot tell now is as if the server had said nothing.
        let server = self.gateway.server_of(partner).await.ok().flatten();
        let offered = server.as_ref().and_then(|server| server.offered.as_ref());
        let route = Route { line: &line, partner, fhir_base, own_keys: &self.own_keys, clock, offered };
        let behind = self.behind(site, delivery, at, &route).await?;
        if held.until <= clock.steady() {
            // It stood still meanwhile.
            place.into_iter().for_each(Place::leave_turn);
            return self.gateway.store.release_delivery(&delivery.new.id, at).await;
        }
        if !behind.is_empty() {
            return self.attempt_together(&route, delivery, &behind, place).await;
        }
        let sent = self.outside.send(&route, delivery).await;
        if let Some(place) = place {
            place.learn(sent.reply, self.gateway.clock.steady());
        }
        self.conclude(partner, delivery, at, sent).await
    }

    /// Where it may go, if it may go now; otherwise what follows is recorded.
    async fn permitted<'s>(
        &self,
        site: &'s Site,
        delivery: &Delivery,
        at: Timestamp,
    ) -> Result<Option<(&'s Partner, &'s str)>, StoreError> {
        match decide_anew(&self.gateway, site, delivery, at).await? {
            Permission::Send(partner, fhir_base) => return Ok(Some((partner, fhir_base))),
            Permission::Rewrite(rewritten) => self.rewrite(site, delivery, rewritten, at).await?,
            Permission::Hold(why) => {
                let until = at.saturating_add(HOLD).unwrap_or(at);
                self.finish(delivery, unsent(site, delivery, at, format!("held: {why}")), Outcome::Held(until)).await?;
            }
            Permission::Supersede(why) => {
                let attempt = unsent(site, delivery, at, format!("superseded: {why}"));
                self.finish(delivery, attempt, Outcome::Superseded).await?;
            }
            Permission::Withdraw { why, because } => {
                self.note(delivery, false, because).await?;
                let attempt = unsent(site, delivery, at, format!("withdrawn: {why}"));
                self.finish(delivery, attempt, Outcome::Withdrawn).await?;
            }
        }
        Ok(None)
    }

    /// Leaves out what the partner may not have any more, or puts a message together; what there is then is sent in its turn, at once.
    async fn rewrite(
        &self,
        site: &Site,
        delivery: &Delivery,
        rewritten: Rewritten,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Rewritten { payload, result, because, is_first } = rewritten;
        // The audit first: if it ends here it is shortened and noted again, and never shortened without a word.
        self.note(delivery, true, because).await?;
        self.gateway.store.shorten_delivery(&delivery.new.id, payload).await?;
        if is_first {
            self.gateway.store.release_delivery(&delivery.new.id, at).await?;
            self.gateway.delivery_bell.notify_one();
            return Ok(());
        }
        self.finish(delivery, unsent(site, delivery, at, result), Outcome::Shortened(at)).await?;
        self.gateway.delivery_bell.notify_one();
        Ok(())
    }

    /// What was decided when it was made is in the audit; so is what was decided otherwise since.
    async fn note(&self, delivery: &Delivery, allowed: bool, because: String) -> Result<(), StoreError> {
        let entry = AuditEntry {
            at: self.gateway.clock.now(),
            agent: delivery.new.partner.clone(),
            action: "push".to_string(),
            person: Some(delivery.new.person),
            subject: delivery.new.subject.clone(),
            allowed,
            because,
        };
        self.gateway.store.commit(WriteUnit { audit: vec![entry], ..WriteUnit::default() }).await.map(|_| ())
    }

    async fn conclude(
        &self,
        partner: &Partner,
        delivery: &Delivery,
        at: Timestamp,
        sent: Sent,
    ) -> Result<(), StoreError> {
        let (attempt, outcome) = tried(partner, delivery, (at, self.gateway.clock.now()), sent, false);
        self.finish(delivery, attempt, outcome).await
    }

    async fn finish(&self, delivery: &Delivery, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
        self.finish_all(vec![(delivery, attempt, outcome)]).await
    }

    /// What came of those that went together is recorded together.
    pub(super) async fn finish_all(&self, came: Vec<(&Delivery, Attempt, Outcome)>) -> Result<(), StoreError> {
        let mut events = Vec::with_capacity(came.len());
        let mut all = Vec::with_capacity(came.len());
        for (delivery, attempt, outcome) in came {
            let word = word(outcome);
            let (id, partner) = (&delivery.new.id, &delivery.new.partner);
            #[allow(clippy::cast_precision_loss, reason = "milliseconds of one attempt are far below 2^52")]
            self.gateway.metrics.count_delivery(partner, word, attempt.took_millis as f64 / 1000.0);
            if attempt.sent {
                self.gateway.traces.tell_attempt(attempted(delivery, &attempt, word));
            }
            match outcome {
                Outcome::Delivered => info!(delivery = id, partner, result = attempt.result, "delivered"),
                _ => warn!(delivery = id, partner, result = attempt.result, outcome = word, "not delivered"),
            }
            events.push(Event::Delivery { id: id.clone(), partner: partner.clone(), result: word.to_string() });
            all.push((id.clone(), attempt, outcome));
        }
        self.record(all).await?;
        for event in events {
            // Nobody may be listening.
            let _ = self.gateway.events.send(event);
        }
        Ok(())
    }

    /// A store that cannot write for a while is waited for, with the outcome in hand.
    async fn record(&self, all: Vec<Tried>) -> Result<(), StoreError> {
        let store = &self.gateway.store;
        let fault = match store.finish_attempts(all.clone()).await {
            Err(StoreError::Unavailable(fault)) => fault,
            recorded => return recorded,
        };
        let id = all.first().map_or("", |(id, ..)| id);
        warn!(delivery = id, fault, "what came of a delivery is kept until the store can write again");
        let waiting = Unrecorded::begin(&self.unrecorded);
        let mut stopping = self.stopping.subscribe();
        loop {
            let is_last = tokio::select! {
                () = self.outside.wait(RECORD_EVERY) => false,
                _ = stopping.wait_for(|is_stopping| *is_stopping) => true,
            };
            match store.finish_attempts(all.clone()).await {
                Err(StoreError::Unavailable(_)) if !is_last => {}
                recorded => {
                    drop(waiting);
                    return recorded;
                }
            }
        }
    }
}

fn attempted<'a>(delivery: &'a Delivery, attempt: &Attempt, outcome: &'static str) -> Attempted<'a> {
    Attempted {
        message: delivery.new.message,
        partner: &delivery.new.partner,
        kind: delivery.new.subject.split('/').next().unwrap_or_default(),
        outcome,
        status: attempt.status,
        at: attempt.at,
        took: Duration::from_millis(attempt.took_millis),
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::RetryAt(_) => "retry",
        Outcome::Held(_) => "held",
        Outcome::Dead => "dead",
        Outcome::Withdrawn => "withdrawn",
        Outcome::Shortened(_) => "shortened",
        Outcome::Superseded => "superseded",
    }
}

/// Counts one outcome that the store does not have yet.
struct Unrecorded<'a>(&'a watch::Sender<usize>);

impl<'a> Unrecorded<'a> {
    fn begin(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Unrecorded<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
