//! Deliveries that people have sent again: what was given up or is held, and what a partner lost that went back to an older state.
//! Neither takes a partner back in time: what is older than what it took is not sent.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Gateway;
use super::operation::{MOST, fault, missing};
use crate::problem::{Category, Place, Problem};
use crate::store::{Attempt, Delivery, DeliveryFilter, DeliveryState};

impl Gateway {
    /// One delivery, or all that were given up or are held.
    pub async fn retry_deliveries(
        &self,
        id: Option<String>,
        partner: Option<String>,
        who: &str,
    ) -> Result<Value, Problem> {
        let now = self.clock.now();
        let mut retried = 0_u64;
        if let Some(id) = id {
            let otherwise = "there is no such delivery, or it has been delivered, or the partner has something newer";
            let may = |state| !matches!(state, DeliveryState::Delivered | DeliveryState::Superseded);
            self.say_of_delivery(&id, (may, otherwise), ("retry", "it is tried again"), who).await?;
            if !self.store.retry_delivery(&id, now).await.map_err(fault)? {
                return Err(missing(otherwise));
            }
            retried = 1;
        } else {
            let subject =
                partner.as_ref().map_or("deliveries".to_string(), |partner| format!("deliveries to {partner}"));
            let because = "all that were given up or are held are tried again";
            self.say_of_deliveries(("retry", &subject), None, who, because).await.map_err(fault)?;
            for state in [DeliveryState::Dead, DeliveryState::Held] {
                for delivery in self.deliveries_that(partner.clone(), state, |_| true).await? {
                    retried += u64::from(self.store.retry_delivery(&delivery, now).await.map_err(fault)?);
                }
            }
        }
        self.delivery_bell.notify_one();
        Ok(json!({ "retried": retried }))
    }

    /// Leaves for good what was given up: nobody has to look after it any more. It stays, as withdrawn, with who said so and why.
    pub async fn drop_delivery(&self, id: &str, why: &str, who: &str) -> Result<(), Problem> {
        let why = why.trim();
        if why.is_empty() {
            return Err(Problem::error(Category::Required, Place::Whole, "say why it is left for good"));
        }
        let otherwise = "there is no such delivery, or it was not given up";
        let may = |state| state == DeliveryState::Dead;
        self.say_of_delivery(id, (may, otherwise), ("drop", why), who).await?;
        let said = Attempt::unsent(self.clock.now(), format!("left for good by {who}: {why}"));
        match self.store.drop_delivery(id, said).await.map_err(fault)? {
            true => Ok(()),
            false => Err(missing(otherwise)),
        }
    }

    /// Writes into the audit what is about to be done with a delivery, where it is in a state in which that may be.
    async fn say_of_delivery(
        &self,
        id: &str,
        (may, otherwise): (impl Fn(DeliveryState) -> bool, &str),
        (action, because): (&str, &str),
        who: &str,
    ) -> Result<(), Problem> {
        let found = self.store.delivery(id).await.map_err(fault)?.filter(|delivery| may(delivery.state));
        let person = found.ok_or_else(|| missing(otherwise))?.new.person;
        let subject = format!("delivery/{id}");
        self.say_of_deliveries((action, &subject), Some(person), who, because).await.map_err(fault)
    }

    /// What was delivered before and never since is what the partner still has.
    pub(super) async fn resend_deliveries(&self, partner: &str, since: Timestamp, who: &str) -> Result<Value, Problem> {
        if !self.site.load().partners.contains_key(partner) {
            return Err(missing(&format!("the site has no partner `{partner}`")));
        }
        let (subject, because) =
            (format!("deliveries to {partner}"), format!("what it was sent since {since} goes once more"));
        self.say_of_deliveries(("resend", &subject), None, who, &because).await.map_err(fault)?;
        let now = self.clock.now();
        // First, so that what is not recorded as delivered yet is either found below or due once more when it is.
        self.store.note_loss(partner, now).await.map_err(fault)?;
        let was_since = |delivery: &Delivery| delivery.attempts.last().is_some_and(|last| last.at >= since);
        let mut resent = 0_u64;
        for delivery in self.deliveries_that(Some(partner.to_string()), DeliveryState::Delivered, was_since).await? {
            resent += u64::from(self.store.resend_delivery(&delivery, now).await.map_err(fault)?);
        }
        self.delivery_bell.notify_one();
        Ok(json!({ "resent": resent }))
    }

    /// Ids of all deliveries in a state for which something holds, oldest first.
    async fn deliveries_that(
        &self,
        partner: Option<String>,
        state: DeliveryState,
        holds: impl Fn(&Delivery) -> bool,
    ) -> Result<Vec<String>, Problem> {
        let filter = DeliveryFilter { partner, state: Some(state), ..DeliveryFilter::default() };
        let (mut ids, mut after) = (Vec::new(), None);
        // A page may be empty and have more behind it: the listing goes on until it says that it is over.
        loop {
            // Nothing lost: every page is read.
            let page = self.store.deliveries(&filter, after.as_ref(), MOST).await.map_err(fault)?;
            ids.extend(page.items.iter().filter(|delivery| holds(delivery)).map(|delivery| delivery.new.id.clone()));
            after = page.next;
            if after.is_none() {
                ids.reverse();
                return Ok(ids);
            }
        }
    }
}
