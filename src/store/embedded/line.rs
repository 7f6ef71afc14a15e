//! Lines: what is to be sent to one partner about one patient, in its order. The head of each is kept beside it, so that
//! finding it passes over nothing that was delivered before, and stands in the queue of what is due.

use jiff::Timestamp;

use super::convert::convert;
use super::delivery::{self, Kept};
use super::draft::Draft;
use super::keys::{DUE, Hash, Key, LINE_HEAD, Reader, time_bytes, time_of};
use super::pack::damaged;
use super::walk::present;
use crate::identity::PersonId;
use crate::store::engine::{Engine, Span, View};
use crate::store::outbox::Progress;
use crate::store::{DeliveryState, StoreError};

/// The first open delivery of a line; kept under `Place::line_head`, and under `due_key` for the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineHead {
    pub partner: String,
    pub person: PersonId,
    pub id: String,
    pub number: u64,
    /// Up to this number something in the line is urgent, and with it all that stands before it.
    pub urgent_until: u64,
    pub next: Timestamp,
    /// The end of time for what was delivered and is to be sent once more: nobody waits for it.
    pub created: Timestamp,
}

impl LineHead {
    pub fn is_urgent(&self) -> bool {
        self.number <= self.urgent_until
    }

    pub fn due_key(&self) -> Vec<u8> {
        Key::new(DUE).time(self.next).bytes(self.id.as_bytes()).done()
    }

    pub fn pack(&self) -> Vec<u8> {
        let numbers = [self.number.to_be_bytes(), self.urgent_until.to_be_bytes()].concat();
        let times = [time_bytes(self.next), time_bytes(self.created)].concat();
        // A name is the stem of a file's name.
        let length = u16::try_from(self.partner.len()).unwrap_or(u16::MAX);
        let partner = [&length.to_be_bytes()[..], self.partner.as_bytes()].concat();
        [&numbers, &times, &partner, &self.person.0[..], self.id.as_bytes()].concat()
    }

    pub fn unpack(value: &[u8]) -> Result<Self, StoreError> {
        Self::read(value, None)
    }

    /// As it was written before it said whose it is.
    fn read(value: &[u8], person: Option<PersonId>) -> Result<Self, StoreError> {
        let mut reader = Reader(value);
        let (number, urgent_until) = (reader.number()?, reader.number()?);
        let (next, created) = (time_of(reader.take()?)?, time_of(reader.take()?)?);
        let length = u16::from_be_bytes(reader.take()?);
        let partner = Reader(reader.slice(usize::from(length))?).text()?.to_string();
        let person = person.map_or_else(|| reader.person(), Ok)?;
        Ok(Self { partner, person, id: reader.text()?.to_string(), number, urgent_until, next, created })
    }
}

/// Puts the head of a line, and its place in the queue, right after one of its deliveries changed.
pub fn follow(draft: &mut Draft<'_>, id: &str, kept: &Kept) -> Result<(), StoreError> {
    let place = &kept.place;
    let key = place.line_head();
    let before = draft.get(&key)?.map(|value| LineHead::unpack(&value)).transpose()?;
    let own_urgency = if place.is_urgent { place.number } else { 0 };
    let urgent_until = before.as_ref().map_or(0, |head| head.urgent_until).max(own_urgency);
    let next = kept.progress.next.filter(|_| kept.progress.state.is_open());
    let after = match (&before, next) {
        // It stands behind the head, or is in the line no more and was not its head.
        (Some(head), next) if head.id != id && (next.is_none() || head.number <= place.number) => {
            Some(LineHead { urgent_until, ..head.clone() })
        }
        (head, Some(next)) => {
            let partner = match head {
                Some(head) => head.partner.clone(),
                None => kept.made()?.partner,
            };
            let (number, created) = (place.number, kept.progress.created);
            Some(LineHead { partner, person: place.person, id: id.to_string(), number, urgent_until, next, created })
        }
        (Some(head), None) => behind(draft, head, kept)?,
        (None, None) => None,
    };
    if before == after {
        return Ok(());
    }
    if let Some(before) = before.filter(|before| after.as_ref().map(LineHead::due_key) != Some(before.due_key())) {
        draft.delete(before.due_key());
    }
    match after {
        Some(after) => {
            draft.put(after.due_key(), after.pack());
            draft.put(key, after.pack());
        }
        None => draft.delete(key),
    }
    Ok(())
}

/// When it is sent once more, where it was delivered.
pub fn again(progress: &Progress) -> Option<Timestamp> {
    progress.next.filter(|_| progress.state == DeliveryState::Delivered)
}

/// What was delivered has no place in its line; what of it is to be sent once more stands in the queue by itself.
pub fn follow_again(draft: &mut Draft<'_>, id: &str, before: Option<Timestamp>, kept: &Kept) -> Result<(), StoreError> {
    let after = again(&kept.progress);
    if before == after {
        return Ok(());
    }
    let (place, partner) = (&kept.place, kept.made()?.partner);
    let urgent_until = if place.is_urgent { place.number } else { 0 };
    let (person, number, created) = (place.person, place.number, Timestamp::MAX);
    let entry =
        |next| LineHead { partner: partner.clone(), person, id: id.to_string(), number, urgent_until, next, created };
    before.into_iter().for_each(|at| draft.delete(entry(at).due_key()));
    after.into_iter().for_each(|at| draft.put(entry(at).due_key(), entry(at).pack()));
    Ok(())
}

/// The next in the line behind a head that has left it.
fn behind(view: &dyn View, head: &LineHead, kept: &Kept) -> Result<Option<LineHead>, StoreError> {
    let line = kept.place.line().done();
    let rest = Span::prefix(line).after(&kept.place.line().number(kept.place.number).done());
    let Some((_, id)) = view.scan(&rest, 1)?.into_iter().next() else { return Ok(None) };
    let id = Reader(&id).text()?.to_string();
    let next = Kept::unpack(&present(view.get(&delivery::key(&id))?, "a delivery in line")?)?;
    let due = next.progress.next.ok_or_else(|| damaged("a delivery in line"))?;
    // Once the last urgent one has left, what is brought back before it is routine again.
    let urgent_until = if head.number < head.urgent_until { head.urgent_until } else { 0 };
    let (number, created) = (next.place.number, next.progress.created);
    Ok(Some(LineHead { id, number, urgent_until, next: due, created, ..head.clone() }))
}

/// Writes the heads of a store that a program wrote which kept only a queue of ids.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    convert(engine, DUE, |view, (key, _), changes| {
        let mut reader = Reader::of_key(key);
        let next = time_of(reader.take()?)?;
        let id = reader.text()?;
        let kept = delivery::read(view, id)?.ok_or_else(|| damaged("a delivery in a queue"))?;
        let head = LineHead {
            partner: kept.made()?.partner,
            person: kept.place.person,
            id: id.to_string(),
            number: kept.place.number,
            urgent_until: 0,
            next,
            created: kept.progress.created,
        };
        changes.insert(key.to_vec(), Some(head.pack()));
        changes.insert(kept.place.line_head(), Some(head.pack()));
        Ok(())
    })
}

/// Says in the heads of a store of before whose each is.
pub fn name_persons(engine: &dyn Engine) -> Result<(), StoreError> {
    convert(engine, LINE_HEAD, |_, (key, value), changes| {
        let mut reader = Reader::of_key(key);
        let _: Hash = reader.take()?;
        let head = LineHead::read(value, Some(reader.person()?))?;
        changes.insert(head.due_key(), Some(head.pack()));
        changes.insert(key.to_vec(), Some(head.pack()));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::store::embedded::Embedded;
    use crate::store::embedded::counters::Counters;
    use crate::store::embedded::keys::{COPY, DELIVERY, UNSETTLED};
    use crate::store::embedded::pack::pack_json;
    use crate::store::engine::{Changes, Memory};
    use crate::store::{Attempt, NewDelivery, Outcome, Share, Store, WriteUnit};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn made(person: u8, number: u64) -> NewDelivery {
        NewDelivery {
            id: format!("{person}.{number}"),
            partner: "practice".to_string(),
            person: PersonId([person; 10]),
            number,
            subject: format!("Task/{person}-{number}/_history/1"),
            agreement: "agreements/lakeside.yaml:7".to_string(),
            payload: json!({ "resourceType": "Task" }),
            created: at(i64::from(person)),
            due: at(200),
            message: None,
            ending: false,
            urgent: false,
        }
    }

    fn open(memory: &Memory) -> Embedded {
        let engine = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(engine.clone())))).unwrap()
    }

    async fn claim(store: &Embedded, seconds: i64) -> Vec<String> {
        let room = [Share::of("practice", 9)];
        let claimed = store.claim_deliveries(at(seconds), &room, SignedDuration::from_secs(60)).await.unwrap();
        let mut ids: Vec<_> = claimed.into_iter().map(|delivery| delivery.new.id).collect();
        ids.sort();
        ids
    }

    /// Takes a store back to the layout without heads of lines and with attempts among what is sent.
    fn as_before(memory: &Memory) {
        let view = memory.view().unwrap();
        let mut changes = Changes::new();
        for (key, _) in view.scan(&Span::prefix(vec![LINE_HEAD]), 99).unwrap() {
            changes.insert(key, None);
        }
        for (key, value) in view.scan(&Span::prefix(vec![DUE]), 99).unwrap() {
            let created = LineHead::unpack(&value).unwrap().created;
            changes.insert(key, Some(time_bytes(created).to_vec()));
        }
        for (key, value) in view.scan(&Span::prefix(vec![DELIVERY]), 99).unwrap() {
            let kept = Kept::unpack(&value).unwrap();
            let (place, progress) = (&kept.place, &kept.progress);
            let head = Key::new(progress.state as u8).bytes(&place.partner).person(place.person);
            let head = head.number(place.number).number(place.sequence).bytes(&place.ordinal.to_be_bytes());
            let head = match progress.next {
                Some(next) => head.byte(1).time(next).done(),
                None => head.byte(0).done(),
            };
            let body = pack_json(&(kept.made().unwrap(), progress.tries, &progress.attempts)).unwrap();
            changes.insert(key, Some([head, body].concat()));
        }
        let mut counters = Counters::read(&*view).unwrap().to_bytes();
        counters.truncate(counters.len() - 56);
        for (key, _) in [COPY, UNSETTLED].iter().flat_map(|space| view.scan(&Span::prefix(vec![*space]), 99).unwrap()) {
            changes.insert(key, None);
        }
        changes.insert(Counters::key(), Some(counters));
        drop(view);
        memory.write(changes).unwrap();
    }

    #[tokio::test]
    async fn a_store_of_before_gets_the_heads_of_its_lines_and_goes_on() {
        let memory = Memory::default();
        let store = open(&memory);
        let deliveries = [(1, 1), (1, 2), (1, 3), (2, 1)].map(|(person, number)| made(person, number)).to_vec();
        store.commit(WriteUnit { deliveries, ..WriteUnit::default() }).await.unwrap();
        let busy = Attempt { status: Some(503), sent: true, ..Attempt::unsent(at(200), "busy".to_string()) };
        store.finish_attempt("2.1", busy.clone(), Outcome::RetryAt(at(300))).await.unwrap();
        store.close().await;
        as_before(&memory);
        let store = open(&memory);
        assert_eq!(store.health().await.oldest_delivery, Some(at(1)));
        let backlog = store.backlog("practice", None).await.unwrap();
        assert_eq!((backlog.waiting, backlog.held, backlog.next), (4, 0, Some(at(200))));
        assert_eq!(claim(&store, 200).await, ["1.1"]);
        assert_eq!(claim(&store, 300).await, ["1.1", "2.1"], "a lease of 60 seconds is over by then");
        let tried = store.delivery("2.1").await.unwrap().unwrap();
        assert_eq!((tried.tries, &tried.attempts[..], tried.new), (1, &[busy.clone()][..], made(2, 1)));
        store.finish_attempt("1.1", busy, Outcome::Delivered).await.unwrap();
        assert_eq!(claim(&store, 301).await, ["1.2"]);
    }
}
