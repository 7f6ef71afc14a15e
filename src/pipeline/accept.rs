//! The path of one message, every branch of it: read, known already?, understood, whose, decided, committed, answered.
//! The answer says AA only when the commit is durable.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::answer::{self, Answer};
use super::decide::{Decided, decide, joined};
use super::find::{find, persons};
use super::hot::Weight;
use super::locks::MOST_TRIES;
use super::on_its_way::{Ready, Step, Told, nothing};
use super::overlay::Overlay;
use super::portions::Portion;
use super::said::Said;
use super::understand::{self, Read};
use super::{Acknowledged, Arrival, Event, Gateway, notices, trace};
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::site::{Feed, Site};
use crate::store::{Disposition, MessageEntry, MessageSummary, NewDelivery, Notice, Seen, StoreError, step_aside};
use crate::telemetry::{Journey, Taken};
use crate::unused::Kind;

impl Gateway {
    /// Takes one message all the way to durable. Never fails: whatever happens, the sender is told.
    pub async fn accept(&self, arrival: Arrival) -> Acknowledged {
        let started = Instant::now();
        let site = self.site.load_full();
        let Some(feed) = site.feeds.get(&arrival.feed) else {
            return answer::unknown_feed(&site, &arrival, self.clock.now());
        };
        let journey = self.traces.begin(self.clock.now());
        journey.enter("parse");
        let mut read = understand::read(&site, feed, &arrival);
        // What a map reads is a code; a sender may have written anything else there.
        let event = if read.refusal.is_none() { read.event.clone() } else { String::new() };
        read.problems.extend(arrival.noted.iter().cloned());
        let content: [u8; 32] = Sha256::digest(&arrival.raw).into();
        let acknowledged = match self.take(&site, feed, (&arrival, &journey), read, content).await {
            Ok(acknowledged) => acknowledged,
            Err((error, read)) => {
                tracing::error!(%error, feed = %feed.name, "a message could not be stored; its sender is told to send it again");
                answer::unavailable(&site, &arrival, &read, self.clock.now(), &error)
            }
        };
        let (took, answered) = (started.elapsed().as_secs_f64(), self.clock.now().as_second());
        self.metrics.count_message(&feed.name, acknowledged.code.text(), took, answered);
        let (message, code) = (acknowledged.sequence, acknowledged.code.text());
        let (is_replay, is_duplicate) = (arrival.replays.is_some(), acknowledged.duplicate);
        self.traces.tell(journey, Taken { message, feed: &feed.name, event: &event, code, is_replay, is_duplicate });
        acknowledged
    }

    async fn take(
        &self,
        site: &Site,
        feed: &Feed,
        (arrival, journey): (&Arrival, &Journey),
        mut read: Read,
        content: [u8; 32],
    ) -> Result<Acknowledged, (StoreError, Read)> {
        let mut told = Told { site, feed, arrival, journey, content, mapped: None, replays: arrival.replays };
        journey.enter("known before");
        let first = async {
            if let Some(answer) = self.answered(&mut told, &mut read).await? {
                return Ok(Step::Answered(answer));
            }
            if let (None, Some(message)) = (&read.refusal, &read.message) {
                journey.enter("map");
                told.mapped = understand::map(site, feed, message, self.clock.now());
            }
            read.problems.extend(told.mapped.iter().flat_map(|mapped| mapped.problems.iter().cloned()));
            journey.enter("identify");
            self.prepare(&told, &read).await
        };
        let mut step = self.aside(first).await;
        // Nothing lost: after so many tries the sender is told to send it again.
        for _ in 0..MOST_TRIES {
            if let Ok(Step::Waiting { persons, doubts }) = step {
                journey.enter("wait");
                let locks = self.locks.hold(&persons).await;
                step = self.aside(self.decide_held(&told, &read, locks, doubts)).await;
            }
            let ready = match step {
                Ok(Step::Answered(answer)) => return Ok(answer),
                Ok(Step::Ready(ready)) => ready,
                // Nothing lost: whoever holds the locks waits for none.
                Ok(Step::Waiting { .. }) => break,
                Err(error) => return Err((error, read)),
            };
            match self.write(&told, *ready).await {
                Ok(acknowledged) => return Ok(acknowledged),
                Err(StoreError::Conflict) => step = self.aside(self.prepare(&told, &read)).await,
                Err(StoreError::Duplicate(sequence)) => return self.answered_before(sequence, read).await,
                Err(error) => return Err((error, read)),
            }
        }
        Err((StoreError::Unavailable("the record is changed by others all the time".to_string()), read))
    }

    /// What taking an arrival would come to, decided against the record as it stands; nothing is written. None where it is not decided
    /// at all: its feed is gone. Records that a roster would join first are taken as they are.
    pub(super) async fn decide_only(&self, arrival: &Arrival) -> Result<Option<Would>, StoreError> {
        let site = self.site.load_full();
        let Some(feed) = site.feeds.get(&arrival.feed) else { return Ok(None) };
        let mut read = understand::read(&site, feed, arrival);
        let content: [u8; 32] = Sha256::digest(&arrival.raw).into();
        let mut told = Told {
            site: &site,
            feed,
            arrival,
            journey: &Journey::default(),
            content,
            mapped: None,
            replays: arrival.replays,
        };
        if let (None, Some(message)) = (&read.refusal, &read.message) {
            told.mapped = understand::map(&site, feed, message, self.clock.now());
        }
        read.problems.extend(told.mapped.iter().flat_map(|mapped| mapped.problems.iter().cloned()));
        let portions = told.mapped.as_ref().map(|mapped| told.portions(mapped));
        let step = match (read.refusal, &portions) {
            (None, Some(Ok(portions))) => {
                let locks = self.locks.hold(&persons(&*self.store, portions).await?).await;
                self.aside(self.decide_portions(&told, &read, portions, locks, Vec::new())).await?
            }
            (refusal, portions) => {
                let error = portions.as_ref().and_then(|portions| portions.as_ref().err()).map(|_| Disposition::Error);
                let disposition = refusal.or(error).unwrap_or(Disposition::Rejected);
                self.ready(&told, &read, nothing(disposition), Weight::default(), (self.clock.now(), Vec::new()))
            }
        };
        let Step::Ready(ready) = step else { return Ok(None) };
        let Ready { decided, summary, .. } = *ready;
        let (written, deliveries) = (decided.trace.resources, decided.unit.deliveries);
        Ok(Some(Would { answer: summary.acknowledged, written, deliveries }))
    }

    /// Reads often: on a thread that may wait, where the store's reads hold one.
    pub(super) async fn aside<T>(&self, work: impl Future<Output = T> + Send) -> T {
        if self.store.reads_hold_a_thread() { step_aside(work).await } else { work.await }
    }

    /// The answer to a message that came before.
    async fn answered(&self, told: &mut Told<'_>, read: &mut Read) -> Result<Option<Acknowledged>, StoreError> {
        if told.replays.is_some() {
            return Ok(None);
        }
        match self.store.seen(&told.feed.name, &read.control, &told.content).await? {
            Seen::New => {}
            // What was refused is tried again: the site may have been repaired since.
            Seen::Same(entry) if matches!(entry.summary.disposition, Disposition::Error | Disposition::Rejected) => {
                told.replays = Some(entry.summary.sequence);
            }
            Seen::Same(entry) => return Ok(Some(answer::again(*entry))),
            Seen::ControlReused(earlier) => {
                if self.was_taken(earlier).await {
                    read.problems.push(control_reused());
                }
            }
        }
        Ok(None)
    }

    /// Whether an earlier message with the same control id was taken. One that was cut short or oversized was not, and its
    /// sender rightly sends it again under the same id.
    async fn was_taken(&self, sequence: u64) -> bool {
        let earlier = self.store.message(sequence).await;
        matches!(earlier, Ok(Some(entry)) if entry.summary.disposition != Disposition::Rejected)
    }

    /// Decides once, unless the records are somebody else's at the moment.
    async fn prepare(&self, told: &Told<'_>, read: &Read) -> Result<Step, StoreError> {
        let now = self.clock.now();
        let (None, Some(mapped)) = (read.refusal, &told.mapped) else {
            let refused = nothing(read.refusal.unwrap_or(Disposition::Rejected));
            return Ok(self.ready(told, read, refused, Weight::default(), (now, Vec::new())));
        };
        let portions = match told.portions(mapped) {
            Ok(portions) => portions,
            Err(problems) => {
                let refused = Decided { problems, ..nothing(Disposition::Error) };
                return Ok(self.ready(told, read, refused, Weight::default(), (now, Vec::new())));
            }
        };
        let doubts = self.join_newcomers(&portions).await?;
        let persons = persons(&*self.store, &portions).await?;
        match self.locks.hold_free(&persons) {
            Some(locks) => self.decide_portions(told, read, &portions, locks, doubts).await,
            None => Ok(Step::Waiting { persons, doubts }),
        }
    }

    async fn decide_held(
        &self,
        told: &Told<'_>,
        read: &Read,
        locks: Vec<OwnedMutexGuard<()>>,
        doubts: Vec<Problem>,
    ) -> Result<Step, StoreError> {
        // Nothing lost: that the message can be taken apart was found before it had to wait.
        let portions = told.mapped.as_ref().and_then(|mapped| told.portions(mapped).ok()).unwrap_or_default();
        self.decide_portions(told, read, &portions, locks, doubts).await
    }

    async fn decide_portions(
        &self,
        told: &Told<'_>,
        read: &Read,
        portions: &[Portion<'_>],
        locks: Vec<OwnedMutexGuard<()>>,
        doubts: Vec<Problem>,
    ) -> Result<Step, StoreError> {
        let now = self.clock.now();
        let said =
            Said { site: told.site, feed: told.feed, control: &read.control, received: now, journey: told.journey };
        let started = Instant::now();
        let (mut overlay, mut all, mut reading) = (Overlay::default(), Vec::new(), Duration::ZERO);
        let mut weight = Weight::default();
        for (place, portion) in portions.iter().enumerate() {
            told.journey.enter("read record");
            let begun = Instant::now();
            let found = find(self, &told.site.value_sets, &overlay, portion).await?;
            reading += begun.elapsed();
            weight = found.weight;
            let decided = decide(&said, portion, found);
            if place + 1 < portions.len() {
                // Nothing lost: the overlay takes in, and cuts nothing.
                overlay.take(&decided.unit);
            }
            all.push(decided);
        }
        let mut decided = joined(all);
        decided.problems.extend(doubts);
        let steps = [("reading the record", reading), ("deciding", started.elapsed().saturating_sub(reading))];
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        decided.trace.timing_micros = steps.map(|(step, time)| (step.to_string(), micros(time))).to_vec();
        Ok(self.ready(told, read, decided, weight, (now, locks)))
    }

    /// What was decided at that time, with all that is written and answered of it.
    fn ready(
        &self,
        told: &Told<'_>,
        read: &Read,
        mut decided: Decided,
        weight: Weight,
        (now, locks): (Timestamp, Vec<OwnedMutexGuard<()>>),
    ) -> Step {
        let arrival = told.arrival;
        let mut problems = read.problems.clone();
        problems.append(&mut decided.problems);
        notices::mark_refused(&mut problems, decided.disposition, &read.event);
        trace::complete(&mut decided.trace, &problems, told.mapped.as_ref());
        let answer = Answer::new(told.site, read, arrival, decided.disposition, &problems, now);
        let summary = MessageSummary {
            sequence: 0,
            received: now,
            feed: told.feed.name.clone(),
            control: read.control.clone(),
            event: read.event.clone(),
            disposition: decided.disposition,
            acknowledged: answer.code.text().to_string(),
            patient: decided.patient.take(),
            further_patients: u64::try_from(decided.other_patients.len()).unwrap_or(u64::MAX),
            other_patients: std::mem::take(&mut decided.other_patients),
            replays: told.replays,
            incomplete: arrival.oversized || arrival.cut_short || arrival.unframed,
            size: u64::try_from(arrival.raw.len()).unwrap_or(u64::MAX),
            problems: problems.len(),
        };
        // What a replay brings was counted with what it replays.
        let unused = if told.replays.is_none() { decided.trace.notices(&told.feed.name, now) } else { Vec::new() };
        Step::Ready(Box::new(Ready { decided, weight, summary, answer, unused, _locks: locks }))
    }

    /// Commits what was decided, and tells whoever listens.
    async fn write(&self, told: &Told<'_>, ready: Ready) -> Result<Acknowledged, StoreError> {
        let Ready { decided, weight, summary, answer, unused, _locks } = ready;
        let resources = decided.trace.resources.clone();
        let rings =
            (decided.unit.heads.iter().any(|write| write.head.wake_at.is_some()), !decided.unit.deliveries.is_empty());
        let mut unit = decided.unit;
        unit.message = Some(MessageEntry {
            summary: summary.clone(),
            content: told.content,
            raw: told.arrival.raw.clone(),
            answer: answer.bytes.clone(),
            trace: decided.trace,
        });
        let written = unit.changes.iter().map(|change| crate::record::weight(&change.stored)).sum();
        told.journey.enter("commit");
        let began = Instant::now();
        let committed = self.store.commit(unit).await?;
        told.journey.enter("acknowledge");
        self.metrics.count_commit(began.elapsed().as_secs_f64());
        if let Some((record, memory)) = decided.record {
            self.hot.put_back(record, memory, weight, written);
        }
        self.count_unused(&unused);
        self.tell(committed.sequence, &summary, resources, rings);
        let Answer { code, bytes } = answer;
        Ok(Acknowledged { code, bytes, sequence: Some(committed.sequence), duplicate: false, unavailable: false })
    }

    async fn answered_before(&self, sequence: u64, read: Read) -> Result<Acknowledged, (StoreError, Read)> {
        match self.store.message(sequence).await {
            Ok(Some(entry)) => Ok(answer::again(entry)),
            Ok(None) => Err((StoreError::Damaged("a message that is there cannot be read".to_string()), read)),
            Err(error) => Err((error, read)),
        }
    }

    pub(super) fn count_unused(&self, notices: &[Notice]) {
        for notice in notices {
            self.metrics.count_unused(&notice.cause.feed, notice.cause.kind.word());
        }
    }

    /// Tells listeners and workers what is new. Nobody listening is fine.
    pub(super) fn tell(
        &self,
        sequence: u64,
        summary: &MessageSummary,
        written: Vec<String>,
        (timer, delivery): (bool, bool),
    ) {
        // Nothing lost: nobody listening is fine; what happened is in the store.
        let _ = self.events.send(Event::Message {
            sequence,
            feed: summary.feed.clone(),
            event: summary.event.clone(),
            code: summary.acknowledged.clone(),
        });
        if !written.is_empty() {
            // Nothing lost: nobody listening is fine; what happened is in the store.
            let _ = self.events.send(Event::Resources { sequence, written });
        }
        if timer {
            self.timer_bell.notify_one();
        }
        if delivery {
            self.delivery_bell.notify_one();
        }
    }
}

/// What taking a message would come to: AA, AE or AR, `Task/id/_history/version` of what it would write, and what it would send.
pub(super) struct Would {
    pub answer: String,
    pub written: Vec<String>,
    pub deliveries: Vec<NewDelivery>,
}

fn control_reused() -> Problem {
    let text = "this control id came before with other content; the message was taken as a new one, ask the sender to number \
                its messages";
    let place = Place::Field(FieldPlace::field("MSH", 1, 10));
    Problem::warning(Category::Duplicate, place, text).unused(Kind::Event, "MSH-10 used again")
}
