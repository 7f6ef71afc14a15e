//! What is to be sent, in memory: the heads of all lines by partner, as the keys of the queue (DUE) say, which are the truth.
//! The writer tells of every change of those keys once it is durable, so that finding what is due reads nothing and passes
//! over nothing. A head takes about 500 bytes; there is one for each patient and partner that something waits for.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::keys::{DUE, Reader, time_of};
use super::line::LineHead;
use super::partner_queue::{Head, PartnerQueue};
use crate::identity::PersonId;
use crate::store::engine::{Changes, Span, View};
use crate::store::{Share, StoreError};

/// Keys read at once when it is filled.
const CHUNK: usize = 2000;

#[derive(Debug, Default)]
pub struct Queue(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    heads: HashMap<Arc<str>, Head>,
    partners: HashMap<Arc<str>, PartnerQueue>,
    /// Who works on what, and until when; also of what has left the queue meanwhile.
    leases: HashMap<Arc<str>, Lease>,
    /// Lines of which one is worked on, with what was due meanwhile: nothing of a line overtakes what is under way.
    busy: HashMap<Line, Vec<Arc<str>>>,
    /// What somebody had claimed, or may have, and never told of.
    inherited: HashSet<Arc<str>>,
    /// No lease ends before this.
    first_end: Option<Timestamp>,
}

/// A partner and a patient.
type Line = (Arc<str>, PersonId);

#[derive(Debug)]
struct Lease {
    until: Timestamp,
    line: Line,
}

impl Inner {
    fn put(&mut self, id: &str, head: LineHead) {
        self.forget(id);
        let id: Arc<str> = Arc::from(id);
        let is_urgent = head.is_urgent();
        let known = self.partners.get_key_value(head.partner.as_str()).map(|(name, _)| Arc::clone(name));
        let partner = known.unwrap_or_else(|| Arc::from(head.partner));
        let head = Head { partner, person: head.person, is_urgent, next: head.next, created: head.created };
        let waiting = self.partners.entry(Arc::clone(&head.partner)).or_default();
        waiting.put(&id, &head);
        if !self.leases.contains_key(&id) {
            waiting.offer(&id, &head);
        }
        self.heads.insert(id, head);
    }

    fn forget(&mut self, id: &str) {
        let Some((id, head)) = self.heads.remove_entry(id) else { return };
        let Some(waiting) = self.partners.get_mut(&head.partner) else { return };
        waiting.forget(&id, &head);
    }

    fn free(&mut self, id: &str) {
        let Some((id, lease)) = self.leases.remove_entry(id) else { return };
        let waited = self.busy.remove(&lease.line).unwrap_or_default();
        for id in waited.iter().chain([&id]) {
            // Nothing lost: what left the queue meanwhile is not there, and what came back stands in it already.
            let Some(head) = self.heads.get(id) else { continue };
            if let Some(waiting) = self.partners.get_mut(&head.partner) {
                waiting.offer(id, head);
            }
        }
    }

    /// Gives back what was claimed by somebody who never told what came of it.
    fn end_leases(&mut self, now: Timestamp) {
        if self.first_end.is_none_or(|end| end > now) {
            return;
        }
        let ended = self.leases.iter().filter(|(_, lease)| lease.until <= now).map(|(id, _)| Arc::clone(id));
        for id in ended.collect::<Vec<_>>() {
            self.free(&id);
            self.inherited.insert(id);
        }
        self.first_end = self.leases.values().map(|lease| lease.until).min();
    }

    /// False where its line is worked on: it comes up again with the end of that.
    fn lease(&mut self, id: &Arc<str>, until: Timestamp) -> bool {
        // Nothing lost: what stands in the queue has a head.
        let Some(head) = self.heads.get(id) else { return false };
        let line = (Arc::clone(&head.partner), head.person);
        if let Some(waiting) = self.busy.get_mut(&line) {
            waiting.push(Arc::clone(id));
            return false;
        }
        self.busy.insert(line.clone(), Vec::new());
        self.first_end = Some(self.first_end.map_or(until, |first| first.min(until)));
        self.leases.insert(Arc::clone(id), Lease { until, line });
        true
    }
}

impl Queue {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads all of it from the store; leases stay with those who work on them. Of what another process left nobody knows
    /// what came of it.
    pub fn fill(&self, view: &dyn View, is_start: bool) -> Result<(), StoreError> {
        let mut read = Inner::default();
        let mut rest = Span::prefix(vec![DUE]);
        let mut inner = self.inner();
        (read.leases, read.first_end) = (std::mem::take(&mut inner.leases), inner.first_end);
        (read.busy, read.inherited) = (std::mem::take(&mut inner.busy), std::mem::take(&mut inner.inherited));
        loop {
            let pairs = view.scan(&rest, CHUNK)?;
            let Some((last, _)) = pairs.last() else { break };
            rest = rest.after(last);
            for (_, value) in &pairs {
                let head = LineHead::unpack(value)?;
                read.put(&head.id.clone(), head);
            }
        }
        if is_start {
            read.inherited = read.heads.keys().cloned().collect();
        }
        *inner = read;
        Ok(())
    }

    /// What of a commit is about the queue, read before it is written and applied once it is durable.
    pub fn changes(changes: &Changes) -> Result<Vec<QueueChange>, StoreError> {
        let mut found = Vec::new();
        for (key, value) in changes.range(vec![DUE]..vec![DUE + 1]) {
            let mut reader = Reader::of_key(key);
            let next = time_of(reader.take()?)?;
            let id = reader.text()?.to_string();
            found.push(match value {
                Some(value) => QueueChange::Put(id, LineHead::unpack(value)?),
                None => QueueChange::Gone(id, next),
            });
        }
        Ok(found)
    }

    pub fn apply(&self, changes: Vec<QueueChange>) {
        if changes.is_empty() {
            return;
        }
        let mut inner = self.inner();
        for change in changes {
            match change {
                QueueChange::Put(id, head) => inner.put(&id, head),
                // What was put at another time in the same commit stays.
                QueueChange::Gone(id, next) if inner.heads.get(id.as_str()).is_some_and(|head| head.next == next) => {
                    inner.forget(&id);
                }
                QueueChange::Gone(..) => {}
            }
        }
    }

    /// Partners for whom something is due that nobody works on.
    pub fn due_partners(&self, now: Timestamp) -> Vec<String> {
        let mut inner = self.inner();
        inner.end_leases(now);
        let due = inner.partners.iter().filter(|(_, waiting)| waiting.is_due(now));
        due.map(|(name, _)| name.to_string()).collect()
    }

    /// Ids of what is due, of each partner at most so many, leased; with whether somebody claimed it before and never told.
    pub fn claim(&self, now: Timestamp, room: &[Share], lease: SignedDuration) -> Vec<(Arc<str>, bool)> {
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let mut inner = self.inner();
        inner.end_leases(now);
        let mut claimed = Vec::new();
        for share in room {
            let mut left = share.places;
            while left > 0 {
                let Inner { partners, heads, .. } = &mut *inner;
                let Some(waiting) = partners.get_mut(share.partner.as_str()) else { break };
                let is_before =
                    |until: Timestamp, id: &Arc<str>| heads.get(id).is_some_and(|head| head.created <= until);
                let may_go = |id: &Arc<str>| share.made_until.is_none_or(|until| is_before(until, id));
                let Some(id) = waiting.pop_due(now, may_go) else { break };
                if inner.lease(&id, until) {
                    let is_inherited = inner.inherited.contains(&id);
                    claimed.push((id, is_inherited));
                    left -= 1;
                }
            }
        }
        claimed
    }

    /// Whoever claimed these still works on them.
    pub fn renew(&self, ids: &[String], now: Timestamp, lease: SignedDuration) {
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let mut inner = self.inner();
        for id in ids {
            if let Some(lease) = inner.leases.get_mut(id.as_str()) {
                lease.until = until;
            }
        }
    }

    /// Given back untried.
    pub fn free(&self, id: &str) {
        self.inner().free(id);
    }

    /// What came of it is recorded.
    pub fn told(&self, id: &str) {
        let mut inner = self.inner();
        inner.free(id);
        inner.inherited.remove(id);
    }

    /// When the oldest was made of all that is the first of its line; what is sent once more is not.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.inner().partners.values().filter_map(PartnerQueue::oldest).min()
    }

    /// The same of one partner's, and when the first of them is due.
    pub fn first_of(&self, partner: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let inner = self.inner();
        inner.partners.get(partner).map_or((None, None), |waiting| (waiting.oldest(), waiting.first_due()))
    }
}

pub enum QueueChange {
    Put(String, LineHead),
    Gone(String, Timestamp),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::identity::PersonId;
    use crate::store::embedded::backlog;
    use crate::store::embedded::counters::Counters;
    use crate::store::embedded::draft::Draft;
    use crate::store::embedded::outbox;
    use crate::store::engine::{Engine, Memory};
    use crate::store::{Alteration, Attempt, Backlog, Delivery, DeliveryState, NewDelivery, Outcome};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// One writer over an engine, and the queue that it tells of what it wrote.
    #[derive(Default)]
    struct House {
        engine: Memory,
        queue: Queue,
        lines: HashMap<(u8, u8), u64>,
    }

    impl House {
        fn write(&self, work: impl FnOnce(&mut Draft<'_>)) {
            let view = self.engine.view().unwrap();
            let none = Changes::new();
            let mut draft = Draft::new(&*view, &none, Counters::default());
            work(&mut draft);
            let changes = draft.finish().0;
            drop(view);
            let queued = Queue::changes(&changes).unwrap();
            self.engine.write(changes).unwrap();
            self.queue.apply(queued);
        }

        fn add(&mut self, partner: u8, person: u8, due: i64, urgent: bool) {
            let number = self.lines.entry((partner, person)).or_default();
            *number += 1;
            let new = NewDelivery {
                id: format!("{partner}.{person}.{number}"),
                partner: partner.to_string(),
                person: PersonId([person; 10]),
                number: *number,
                subject: format!("Task/{person}/_history/{number}"),
                agreement: String::new(),
                payload: json!({}),
                created: at(due),
                due: at(due),
                message: None,
                ending: false,
                urgent,
            };
            self.write(|draft| outbox::add(draft, new, 1, 0).unwrap());
        }

        fn finish(&self, id: &str, outcome: Outcome) {
            let attempt = Attempt { sent: true, ..Attempt::unsent(at(0), String::new()) };
            self.write(|draft| outbox::finish(draft, id, attempt, outcome).unwrap());
            self.queue.told(id);
        }

        /// What waits for a partner, read delivery by delivery.
        fn counted(&self, partner: u8, until: Timestamp) -> Backlog {
            let mut counted = Backlog::default();
            let numbers = self.lines.iter().filter(|((of, _), _)| *of == partner);
            for ((_, person), last) in numbers {
                let ids = (1..=*last).map(|number| format!("{partner}.{person}.{number}"));
                let found = ids.map(|id| outbox::get(&*self.engine.view().unwrap(), &id).unwrap().unwrap());
                let open: Vec<_> = found.filter(|one| one.state.is_open()).collect();
                counted.oldest = [counted.oldest, open.first().map(|one| one.new.created)].into_iter().flatten().min();
                counted.next = [counted.next, open.first().and_then(|one| one.next)].into_iter().flatten().min();
                let is = |state: DeliveryState| move |one: &&Delivery| one.state == state;
                counted.held += open.iter().filter(is(DeliveryState::Held)).count() as u64;
                let waiting: Vec<_> = open.iter().filter(is(DeliveryState::Waiting)).collect();
                counted.waiting += waiting.len() as u64;
                counted.made_before += waiting.iter().filter(|one| one.new.created <= until).count() as u64;
            }
            counted
        }

        /// What a queue gives out at a time, partner by partner.
        fn given_out(queue: &Queue, now: i64) -> Vec<Arc<str>> {
            let mut due = queue.due_partners(at(now));
            due.sort();
            let room: Vec<_> = due.into_iter().map(|partner| Share::of(partner, 99)).collect();
            queue.claim(at(now), &room, SignedDuration::from_secs(1)).into_iter().map(|(id, _)| id).collect()
        }
    }

    proptest! {
        #[test]
        fn it_gives_out_what_the_store_says_after_any_work(
            steps in prop::collection::vec((0..9_u8, 0..3_u8, 0..4_u8, 0..50_i64, any::<bool>()), 1..120)
        ) {
            let mut house = House::default();
            for (what, partner, person, time, flag) in steps {
                let last = house.lines.get(&(partner, person)).copied().unwrap_or_default();
                let id = format!("{partner}.{person}.{}", last.saturating_sub(u64::from(flag)));
                let is_there = last > u64::from(flag);
                match what {
                    0..=2 => house.add(partner, person, time, flag),
                    3 => drop(house.queue.claim(at(time), &[Share::of(partner.to_string(), 2)], SignedDuration::from_secs(time))),
                    4 if is_there => house.finish(&id, Outcome::RetryAt(at(time))),
                    5 if is_there => house.finish(&id, if time % 2 == 0 { Outcome::Dead } else { Outcome::Held(at(time)) }),
                    6 if is_there => house.write(|draft| _ = outbox::alter(draft, &id, Alteration::Retry(at(time))).unwrap()),
                    7 if is_there => house.write(|draft| outbox::release(draft, &id, at(time)).unwrap()),
                    _ => {
                        for (id, _) in house.queue.claim(at(time), &[Share::of(partner.to_string(), 1)], SignedDuration::from_secs(9)) {
                            house.finish(&id, Outcome::Delivered);
                        }
                    }
                }
            }
            let anew = Queue::default();
            anew.fill(&*house.engine.view().unwrap(), true).unwrap();
            prop_assert_eq!(anew.oldest(), house.queue.oldest());
            for partner in 0..3_u8 {
                let view = house.engine.view().unwrap();
                let told = backlog::of_partner(&*view, &house.queue, &partner.to_string(), Some(at(25))).unwrap();
                prop_assert_eq!(told, house.counted(partner, at(25)));
            }
            // By then every lease has ended.
            prop_assert_eq!(House::given_out(&house.queue, 500), House::given_out(&anew, 500));
            prop_assert!(House::given_out(&house.queue, 500).is_empty());
            let inner = house.queue.inner();
            prop_assert!(inner.partners.values().all(PartnerQueue::is_idle));
            drop(inner);
            prop_assert_eq!(house.queue.inner().heads.len(), anew.inner().heads.len());
        }
    }
}
