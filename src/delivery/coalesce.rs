//! Of versions of one resource that wait for one partner only the newest is sent, where the agreement says so (docs/agreements.md). What is
//! left out is superseded and says why; the newest keeps its own place in the line.

use jiff::Timestamp;

use super::attempt::Attempts;
use super::follow::unsent;
use super::message;
use super::permission::{Permission, decide_anew};
use crate::site::Site;
use crate::store::{Delivery, Outcome, StoreError};

/// So far behind the first of a line a newer version is looked for.
const MOST_READ: usize = 50;

fn thing(delivery: &Delivery) -> &str {
    let subject = &delivery.new.subject;
    subject.split_once("/_history/").map_or(subject.as_str(), |(thing, _)| thing)
}

impl Attempts {
    /// Whether a newer version waits behind it and goes instead; then that is recorded. The newer one must be one that may go now: what
    /// is kept back takes nothing with it.
    pub(super) async fn goes_in_newer(
        &self,
        site: &Site,
        delivery: &Delivery,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let new = &delivery.new;
        if !site.agreements.coalesces(&new.partner, &new.agreement) || message::is_message(&new.payload) {
            return Ok(false);
        }
        let behind = self.gateway.store.deliveries_behind(&new.id, at, MOST_READ).await?;
        let is_version = |one: &&Delivery| {
            thing(one) == thing(delivery) && !message::is_message(&one.new.payload) && !self.gateway.holds_back(one)
        };
        let mut versions: Vec<&Delivery> = behind.iter().filter(is_version).collect();
        let Some(newest) = versions.pop() else { return Ok(false) };
        let Permission::Send(..) = decide_anew(&self.gateway, site, newest, at).await? else { return Ok(false) };
        let why = format!("superseded: a newer version of it waits as no. {} and goes instead", newest.new.number);
        let all = [delivery].into_iter().chain(versions);
        let came = all.map(|one| (one, unsent(site, one, at, why.clone()), Outcome::Superseded)).collect();
        self.finish_all(came).await?;
        self.gateway.delivery_bell.notify_one();
        Ok(true)
    }
}
