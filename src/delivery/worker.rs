//! The worker: takes up what each partner can be sent now, sends each once, and records what follows. Any number of workers
//! may share a store: what one has in hand is leased and its lease renewed while it works on it, so that one that dies loses
//! nothing and holds nothing up for long. Order per patient and partner is the store's: it gives out heads of lines only.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use super::attempt::Attempts;
use super::lane::{Place, Room};
use super::outside::{Network, Outside};
use super::own_keys::OwnKeys;
use crate::pipeline::Gateway;
use crate::site::Site;
use crate::store::{Delivery, Share, StoreError};

/// How often it looks even when no bell rings: for retries that come due, and for what a gateway that died left.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After a store that could not answer.
const AFTER_FAULT: Duration = Duration::from_secs(2);

/// How long a lease lasts without being renewed; what a gateway that died had in hand stands still for as long.
const LEASE: Duration = Duration::from_secs(9);
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// So much earlier than the store a worker holds its own leases for ended, if it could not renew them.
const MARGIN: Duration = Duration::from_secs(2);

/// So many at a time of what goes to no lane, because the site has no way to that partner now; each is told why.
const WITHOUT_LANE: usize = 64;

/// Sends a gateway's deliveries.
pub struct Worker {
    attempts: Attempts,
}

/// What one look came to.
pub(super) struct Look {
    count: usize,
    /// When to look again, even if nothing happens until then.
    pub again: Duration,
}

impl Worker {
    /// `own_keys` signs at partners that the site gives no key of their own for; see [`OwnKeys`].
    pub fn new(gateway: Arc<Gateway>, own_keys: OwnKeys) -> Arc<Self> {
        Self::facing(gateway, own_keys, Box::new(Network::default()))
    }

    pub(super) fn facing(gateway: Arc<Gateway>, own_keys: OwnKeys, outside: Box<dyn Outside>) -> Arc<Self> {
        Arc::new(Self { attempts: Attempts::new(gateway, own_keys, outside) })
    }

    /// One step: takes up what can be sent now, tries all of it, and returns how many there were. For tests and tools.
    pub async fn deliver_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut in_hand = JoinSet::new();
        let look = self.take_up(&mut in_hand).await?;
        while in_hand.join_next().await.is_some() {}
        Ok(look.count)
    }

    /// Delivers until told to stop; then takes up nothing more, finishes what is in hand and returns.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.drive(stop) => {}
            () = self.keep_leases() => {}
        }
    }

    async fn drive(self: &Arc<Self>, mut stop: watch::Receiver<bool>) {
        let (mut in_hand, mut others) = (JoinSet::new(), self.attempts.gateway.store.others());
        while !*stop.borrow() {
            let pause = match self.take_up(&mut in_hand).await {
                Ok(look) => look.again,
                Err(error) => {
                    warn!(%error, "deliveries could not be claimed");
                    AFTER_FAULT
                }
            };
            tokio::select! {
                _ = stop.changed() => break,
                // What ended made room, and may have freed the next of its line.
                Some(_) = in_hand.join_next() => while in_hand.try_join_next().is_some() {},
                () = self.attempts.gateway.delivery_bell.notified() => {}
                () = rung(&mut others) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.attempts.stop();
        while in_hand.join_next().await.is_some() {}
    }

    /// Claims of each partner as many as can be sent to it now, and starts each.
    pub(super) async fn take_up(self: &Arc<Self>, in_hand: &mut JoinSet<()>) -> Result<Look, StoreError> {
        let mut look = Look { count: 0, again: LOOK_EVERY };
        let gateway = &self.attempts.gateway;
        if !self.attempts.are_recorded() || gateway.deliveries_are_held().await? {
            return Ok(look);
        }
        // Both readings before anything is waited for: leases count from here in the store and here.
        let (now, steady) = (gateway.clock.now(), gateway.clock.steady());
        let (site, until) = (gateway.site.load_full(), steady + (LEASE - MARGIN));
        let mut rooms = Vec::new();
        let due = gateway.store.due_partners(now).await?;
        gateway.see_pauses(due.iter()).await?;
        for partner in due {
            let made_until = match gateway.last_pause(&partner) {
                // Nothing lost: it waits until a person has it sent again, and health says so.
                Some(pause) if !pause.drains => continue,
                Some(pause) => pause.made_until(),
                None => None,
            };
            let room = self.room(&site, &partner, steady);
            look.again = room.again.map_or(look.again, |again| look.again.min(again));
            if room.places > 0 {
                rooms.push(Share { partner, places: room.places, made_until });
            }
        }
        if rooms.is_empty() {
            return Ok(look);
        }
        for delivery in gateway.store.claim_deliveries(now, &rooms, lease()).await? {
            let place = self.enter(&site, &delivery);
            let number = self.attempts.begin(&delivery, until);
            look.count += 1;
            let (worker, site) = (self.clone(), site.clone());
            in_hand.spawn(async move { worker.attempts.run(&site, &delivery, place, number).await });
        }
        Ok(look)
    }

    fn room(&self, site: &Arc<Site>, partner: &str, now: Duration) -> Room {
        let line = site.partners.get(partner).and_then(|partner| self.attempts.outside.line(site, partner).ok());
        line.map_or(Room { places: WITHOUT_LANE, again: None }, |line| line.lane.room(now))
    }

    fn enter(&self, site: &Arc<Site>, delivery: &Delivery) -> Option<Place> {
        let partner = site.partners.get(&delivery.new.partner)?;
        // Nothing lost: the attempt finds the same fault and tells it.
        Some(self.attempts.outside.line(site, partner).ok()?.lane.enter())
    }

    /// Never ends. A lease that could not be renewed ends by itself, here before it does in the store.
    async fn keep_leases(&self) {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            self.renew_leases().await;
        }
    }

    pub(super) async fn renew_leases(&self) {
        let ids = self.attempts.to_renew(LEASE - MARGIN - RENEW_EVERY / 2);
        if ids.is_empty() {
            // Nothing lost: what was claimed a moment ago is renewed the next time.
            return;
        }
        let gateway = &self.attempts.gateway;
        let until = gateway.clock.steady() + (LEASE - MARGIN);
        match gateway.store.renew_deliveries(&ids, gateway.clock.now(), lease()).await {
            Ok(()) => self.attempts.leased(&ids, until),
            Err(error) => warn!(%error, count = ids.len(), "leases of deliveries could not be renewed"),
        }
    }
}

/// Waits until another gateway added something; for ever where there is no other.
async fn rung(others: &mut Option<watch::Receiver<u64>>) {
    let is_rung = match others {
        Some(others) => others.changed().await.is_ok(),
        None => false,
    };
    if !is_rung {
        std::future::pending().await
    }
}

fn lease() -> SignedDuration {
    SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::MAX)
}
