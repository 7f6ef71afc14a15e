//! What else went to the same partner about the same thing: what was never sent needs no end. Read from the lines of the
//! patient and the partner; never looks into a payload.

use crate::identity::PersonId;
use crate::record::Head;
use crate::store::{Delivery, NewDelivery, Store, StoreError};

/// So many places of lines are read for one delivery.
const MOST_READ: usize = 1024;

/// Whether the partner may have what an ending ends. It may, unless all that was ever to be sent of it is there and never went
/// out.
pub async fn was_sent(store: &dyn Store, ending: &Delivery) -> Result<bool, StoreError> {
    let new = &ending.new;
    let mut reading = Reading { store, partner: &new.partner, left: MOST_READ };
    let Some(own) = store.head(new.person).await? else { return Ok(true) };
    let mut is_known = false;
    for person in own.family() {
        let last = match store.head(person).await? {
            _ if person == new.person => new.number.saturating_sub(1),
            Some(head) => last(&head, &new.partner),
            None => 0,
        };
        for number in (1..=last).rev() {
            let other = match reading.at(person, number).await? {
                Some(Read::There(other)) => other,
                // It was pruned, or there is too much to read: nobody knows.
                _ => return Ok(true),
            };
            // Nothing lost: what is about another thing says nothing of this one.
            if other.new.ending || !is_about_the_same(&other, ending) {
                continue;
            }
            if other.was_sent() {
                return Ok(true);
            }
            is_known = true;
            if other.new.subject.ends_with("/_history/1") {
                return Ok(false);
            }
        }
    }
    Ok(!is_known)
}

/// How far the line of a patient and a partner goes.
fn last(head: &Head, partner: &str) -> u64 {
    head.deliveries.get(partner).copied().unwrap_or_default()
}

fn is_about_the_same(one: &Delivery, other: &Delivery) -> bool {
    let thing = |delivery: &Delivery| delivery.new.subject.split_once("/_history/").map(|(thing, _)| thing.to_string());
    thing(one).is_some_and(|own| thing(other) == Some(own))
}

enum Read {
    There(Box<Delivery>),
    /// It was pruned.
    Gone,
}

struct Reading<'a> {
    store: &'a dyn Store,
    partner: &'a str,
    left: usize,
}

impl Reading<'_> {
    /// None once so much was read.
    async fn at(&mut self, person: PersonId, number: u64) -> Result<Option<Read>, StoreError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let found = self.store.delivery(&NewDelivery::id_of(self.partner, person, number)).await?;
        Ok(Some(found.map_or(Read::Gone, |found| Read::There(Box::new(found)))))
    }
}
