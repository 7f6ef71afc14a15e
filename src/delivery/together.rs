//! All that is due about one patient as one transaction, where the agreement says so (docs/decisions/0030): what goes along with the
//! first of a line, and what follows for each from how the transaction was answered. Nothing goes along that may not go by itself now.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::attempt::Attempts;
use super::follow::tried;
use super::lane::Place;
use super::message;
use super::permission::{Permission, decide_anew};
use super::retry::Reply;
use super::route::Route;
use crate::site::Site;
use crate::store::{Delivery, Outcome, StoreError};

/// So many, and so much, go together; the rest of the line follows.
const MOST: usize = 50;
const MOST_BYTES: usize = 1 << 20;

/// After so many transactions with it that came to nothing, a delivery goes by itself.
const TRIES_TOGETHER: usize = 3;

/// Whether a delivery goes with others: its agreement says so, and it is not the one that made a transaction fail, as far as anybody knows.
fn goes_together(site: &Site, delivery: &Delivery) -> bool {
    let new = &delivery.new;
    let together = || delivery.attempts.iter().filter(|attempt| attempt.together);
    let was_refused = together().any(|attempt| attempt.status.is_some_and(is_refusal));
    site.agreements.is_transaction(&new.partner, &new.agreement)
        && !message::is_message(&new.payload)
        && !was_refused
        && together().count() < TRIES_TOGETHER
}

/// The partner took nothing of it, and would not take it later either: one entry is amiss, and which one only each by itself shows.
fn is_refusal(code: u16) -> bool {
    matches!(code, 400 | 402 | 404..=407 | 409..=424 | 426..=428 | 430..=499 | 501)
}

fn thing(delivery: &Delivery) -> String {
    let subject = &delivery.new.subject;
    subject.split_once("/_history/").map_or(subject.as_str(), |(thing, _)| thing).to_string()
}

impl Attempts {
    /// What goes together with the first of a line, in its order: as far as each may go now, and no thing twice.
    pub(super) async fn behind(
        &self,
        site: &Site,
        head: &Delivery,
        at: Timestamp,
        route: &Route<'_>,
    ) -> Result<Vec<Delivery>, StoreError> {
        let takes = |delivery: &Delivery| {
            let kind = delivery.new.payload.get("resourceType").and_then(|kind| kind.as_str()).unwrap_or_default();
            goes_together(site, delivery)
                && !route.line.lacks_conditional_update(kind)
                && route.offered.is_none_or(|offered| {
                    offered.transaction != Some(false) && offered.takes_conditional_update(kind) != Some(false)
                })
        };
        let mut together = Vec::new();
        if route.line.lacks_transactions() || !takes(head) {
            return Ok(together);
        }
        let size = |delivery: &Delivery| delivery.new.payload.to_string().len();
        let (mut things, mut bytes) = (BTreeSet::from([thing(head)]), size(head));
        for next in self.gateway.store.deliveries_behind(&head.new.id, at, MOST - 1).await? {
            bytes += size(&next);
            let is_held_back = self.gateway.holds_back(&next);
            if bytes > MOST_BYTES || is_held_back || !takes(&next) || !things.insert(thing(&next)) {
                break;
            }
            // What leaves is decided when it leaves; what may not go as it is has its turn as the first of its line.
            let Permission::Send(..) = decide_anew(&self.gateway, site, &next, at).await? else { break };
            together.push(next);
        }
        if !together.is_empty() {
            let ids: Vec<String> = together.iter().map(|delivery| delivery.new.id.clone()).collect();
            self.gateway.store.take_in_hand(&ids).await?;
        }
        Ok(together)
    }

    /// One request for all of them, and what came of each.
    pub(super) async fn attempt_together(
        &self,
        route: &Route<'_>,
        head: &Delivery,
        behind: &[Delivery],
        place: Option<Place>,
    ) -> Result<(), StoreError> {
        let all: Vec<&Delivery> = [head].into_iter().chain(behind).collect();
        let at = self.gateway.clock.now();
        let sent = self.outside.send_together(route, &all).await;
        let now = self.gateway.clock.now();
        if let (Some(place), Some(first)) = (place, sent.first()) {
            place.learn(first.reply, self.gateway.clock.steady());
        }
        let mut came = Vec::with_capacity(all.len());
        let mut head_waits = None;
        for (delivery, sent) in all.into_iter().zip(sent) {
            let reply = sent.reply;
            let (attempt, outcome) = tried(route.partner, delivery, (at, now), sent, true);
            let outcome = match (outcome, reply) {
                // It goes by itself, at once.
                (Outcome::Dead | Outcome::RetryAt(_), Reply::Status { code, .. }) if is_refusal(code) => {
                    Outcome::RetryAt(now)
                }
                (Outcome::RetryAt(next), _) => Outcome::RetryAt(*head_waits.get_or_insert(next)),
                (outcome, _) => outcome,
            };
            came.push((delivery, attempt, outcome));
        }
        self.finish_all(came).await?;
        self.gateway.delivery_bell.notify_one();
        Ok(())
    }
}
