//! The worker: claims what is due, sends each once, and records what follows. Any number of workers may share a store;
//! a claim is a lease, so one that dies loses nothing. Order per patient and partner is the store's: it gives out heads
//! of lines only.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::client::Lines;
use super::keys::SigningKey;
use super::lane::Entry;
use super::permission::{Permission, decide_anew};
use super::retry::{Reply, Situation, decide};
use super::send::{Route, Sent, send};
use crate::agreement::Form;
use crate::fhir::Resource;
use crate::pipeline::{Event, Gateway};
use crate::site::{Partner, RetryPolicy, Site};
use crate::store::{Attempt, AuditEntry, Delivery, Outcome, StoreError, WriteUnit};

/// Deliveries this worker has in hand at most.
const IN_HAND: usize = 128;

/// How often it looks even when no bell rings: for retries that come due, and for what other gateways left.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After a store that could not answer.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// What an agreement does not allow now is looked at again after this long.
const HOLD: SignedDuration = SignedDuration::from_mins(15);

/// Sends a gateway's deliveries.
pub struct Worker {
    gateway: Arc<Gateway>,
    own_key: SigningKey,
    lines: Lines,
}

impl Worker {
    /// `own_key` signs at partners that the site gives no key of their own for; see `own_key`.
    pub fn new(gateway: Arc<Gateway>, own_key: SigningKey) -> Arc<Self> {
        Arc::new(Self { gateway, own_key, lines: Lines::default() })
    }

    /// One step: claims what is due, tries all of it, and returns how many there were. For tests and tools.
    pub async fn deliver_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut in_hand = JoinSet::new();
        let count = self.take_up(&mut in_hand).await?;
        while in_hand.join_next().await.is_some() {}
        Ok(count)
    }

    /// Delivers until told to stop; then takes up nothing more, finishes what is in hand and returns.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut in_hand = JoinSet::new();
        while !*stop.borrow() {
            let pause = match self.take_up(&mut in_hand).await {
                // A full claim: there may be more.
                Ok(count) if count > 0 && in_hand.len() < IN_HAND => Duration::ZERO,
                Ok(_) => LOOK_EVERY,
                Err(error) => {
                    warn!(%error, "deliveries could not be claimed");
                    AFTER_FAULT
                }
            };
            tokio::select! {
                _ = stop.changed() => break,
                // What ended may have freed the next of its line.
                Some(_) = in_hand.join_next() => while in_hand.try_join_next().is_some() {},
                () = self.gateway.delivery_bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while in_hand.join_next().await.is_some() {}
    }

    /// Claims as many as there is room for and starts each.
    async fn take_up(self: &Arc<Self>, in_hand: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let room = IN_HAND.saturating_sub(in_hand.len());
        if room == 0 {
            return Ok(0);
        }
        let site = self.gateway.site.load_full();
        let now = self.gateway.clock.now();
        let claimed = self.gateway.store.claim_deliveries(now, room, lease(&site)).await?;
        let count = claimed.len();
        for delivery in claimed {
            let (worker, site) = (self.clone(), site.clone());
            in_hand.spawn(async move {
                if let Err(error) = worker.attempt(&site, &delivery).await {
                    // Its lease runs out and it is sent again; the partner knows it by its identifier.
                    warn!(%error, delivery = delivery.new.id, "what came of a delivery could not be recorded");
                }
            });
        }
        Ok(count)
    }

    async fn attempt(&self, site: &Arc<Site>, delivery: &Delivery) -> Result<(), StoreError> {
        let at = self.gateway.clock.now();
        // First, so that what may not go waits in no lane.
        let Some((partner, _)) = self.permitted(site, delivery, at).await? else { return Ok(()) };
        let line = match self.lines.to(site, partner) {
            Ok(line) => line,
            Err(text) => {
                let sent = Sent { reply: Reply::Transport, status: None, text };
                return self.conclude(partner, delivery, at, sent).await;
            }
        };
        let place = match line.lane.enter(at).await {
            Entry::Go(place) => place,
            Entry::Later(due) => return self.gateway.store.release_delivery(&delivery.new.id, due).await,
        };
        let at = self.gateway.clock.now();
        if !Arc::ptr_eq(site, &self.gateway.site.load()) {
            // Another site was taken over while it waited for its turn: it is taken up anew, under that one.
            return self.gateway.store.release_delivery(&delivery.new.id, at).await;
        }
        // What leaves is decided when it leaves.
        let Some((partner, fhir_base)) = self.permitted(site, delivery, at).await? else { return Ok(()) };
        let clock = &*self.gateway.clock;
        let sent = send(&Route { line: &line, partner, fhir_base, own_key: &self.own_key, clock }, delivery).await;
        drop(place);
        line.lane.learn(sent.reply, self.gateway.clock.now());
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
            Permission::Shorten(form) => self.shorten(delivery, &form, at).await?,
            Permission::Hold(why) => {
                let until = at.saturating_add(HOLD).unwrap_or(at);
                self.finish(delivery, unsent(at, format!("held: {why}")), Outcome::Held(until)).await?;
            }
            Permission::Withdraw { why, because } => {
                self.note(delivery, false, because).await?;
                self.finish(delivery, unsent(at, format!("withdrawn: {why}")), Outcome::Withdrawn).await?;
            }
        }
        Ok(None)
    }

    /// Leaves out what the partner may not have any more; what is left is sent in its turn, at once.
    async fn shorten(&self, delivery: &Delivery, form: &Form, at: Timestamp) -> Result<(), StoreError> {
        // The audit first: if it ends here it is shortened and noted again, and never shortened without a word.
        self.note(delivery, true, format!("shortened before it was sent: {}", form.words())).await?;
        if let Ok(made) = Resource::try_from(delivery.new.payload.clone()) {
            self.gateway.store.shorten_delivery(&delivery.new.id, form.of(&made).into()).await?;
        }
        let result = format!("shortened: the partner may have it {} by now", form.words());
        self.finish(delivery, unsent(at, result), Outcome::Shortened(at)).await?;
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
        let now = self.gateway.clock.now();
        let outcome = follow(&partner.retry, delivery, at, now, sent.reply);
        let took_millis = u64::try_from(now.duration_since(at).as_millis()).unwrap_or_default();
        let sent_out = matches!(sent.reply, Reply::Status { .. } | Reply::Transport);
        let attempt = Attempt { at, took_millis, status: sent.status, result: sent.text, sent: sent_out };
        self.finish(delivery, attempt, outcome).await
    }

    async fn finish(&self, delivery: &Delivery, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
        let word = match outcome {
            Outcome::Delivered => "delivered",
            Outcome::RetryAt(_) => "retry",
            Outcome::Held(_) => "held",
            Outcome::Dead => "dead",
            Outcome::Withdrawn => "withdrawn",
            Outcome::Shortened(_) => "shortened",
        };
        let (id, partner) = (&delivery.new.id, &delivery.new.partner);
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of one attempt are far below 2^52")]
        self.gateway.metrics.count_delivery(partner, word, attempt.took_millis as f64 / 1000.0);
        match outcome {
            Outcome::Delivered => info!(delivery = id, partner, result = attempt.result, "delivered"),
            _ => warn!(delivery = id, partner, result = attempt.result, outcome = word, "not delivered"),
        }
        self.gateway.store.finish_attempt(id, attempt, outcome).await?;
        let event = Event::Delivery { id: id.clone(), partner: partner.clone(), result: word.to_string() };
        // Nobody may be listening.
        let _ = self.gateway.events.send(event);
        Ok(())
    }
}

/// What is remembered of a delivery that did not go out.
fn unsent(at: Timestamp, result: String) -> Attempt {
    Attempt { at, took_millis: 0, status: None, result, sent: false }
}

/// The retry decision for a delivery as it was claimed.
fn follow(policy: &RetryPolicy, delivery: &Delivery, at: Timestamp, now: Timestamp, reply: Reply) -> Outcome {
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

/// Long enough for the slowest partner to be waited for, asked for a token, and sent to twice.
fn lease(site: &Site) -> SignedDuration {
    let slowest = site.partners.values().map(|partner| partner.timeout_secs).max().unwrap_or(30);
    SignedDuration::from_secs(i64::try_from(slowest.clamp(1, 300) * 10 + 60).unwrap_or(600))
}
