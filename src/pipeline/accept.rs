//! The path of one message, every branch of it: read, known already?, understood, whose, decided, committed, answered.
//! The answer says AA only when the commit is durable.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::answer::{self, Answer};
use super::decide::{Decided, decide, joined};
use super::find::{find, persons};
use super::hot::Weight;
use super::locks::MOST_TRIES;
use super::overlay::Overlay;
use super::portions::portions;
use super::said::Said;
use super::understand::{self, Read};
use super::{Acknowledged, Arrival, Event, Gateway, notices, trace};
use crate::mapping::Mapped;
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::site::{Feed, Site};
use crate::store::{Disposition, MessageEntry, MessageSummary, Notice, Seen, StoreError, Trace, WriteUnit};
use crate::unused::Kind;

impl Gateway {
    /// Takes one message all the way to durable. Never fails: whatever happens, the sender is told.
    pub async fn accept(&self, arrival: Arrival) -> Acknowledged {
        let started = Instant::now();
        let site = self.site.load_full();
        let Some(feed) = site.feeds.get(&arrival.feed) else {
            return answer::unknown_feed(&site, &arrival, self.clock.now());
        };
        let mut read = understand::read(&site, feed, &arrival);
        read.problems.extend(arrival.noted.iter().cloned());
        let content: [u8; 32] = Sha256::digest(&arrival.raw).into();
        let acknowledged = match self.take(&site, feed, &arrival, read, content).await {
            Ok(acknowledged) => acknowledged,
            Err((error, read)) => {
                tracing::error!(%error, feed = %feed.name, "a message could not be stored; its sender is told to send it again");
                answer::unavailable(&site, &arrival, &read, self.clock.now(), &error)
            }
        };
        let (took, answered) = (started.elapsed().as_secs_f64(), self.clock.now().as_second());
        self.metrics.count_message(&feed.name, acknowledged.code.text(), took, answered);
        acknowledged
    }

    async fn take(
        &self,
        site: &Site,
        feed: &Feed,
        arrival: &Arrival,
        mut read: Read,
        content: [u8; 32],
    ) -> Result<Acknowledged, (StoreError, Read)> {
        let mut replays = arrival.replays;
        if replays.is_none() {
            match self.store.seen(&feed.name, &read.control, &content).await {
                Err(error) => return Err((error, read)),
                Ok(Seen::New) => {}
                // What was refused is tried again: the site may have been repaired since.
                Ok(Seen::Same(entry))
                    if matches!(entry.summary.disposition, Disposition::Error | Disposition::Rejected) =>
                {
                    replays = Some(entry.summary.sequence);
                }
                Ok(Seen::Same(entry)) => return Ok(answer::again(*entry)),
                Ok(Seen::ControlReused(earlier)) => {
                    if self.was_taken(earlier).await {
                        read.problems.push(control_reused());
                    }
                }
            }
        }
        let mapped = match (&read.refusal, &read.message) {
            (None, Some(message)) => understand::map(site, feed, message, self.clock.now()),
            _ => None,
        };
        if let Some(mapped) = &mapped {
            read.problems.extend(mapped.problems.iter().cloned());
        }
        // Nothing lost: after so many tries the sender is told to send it again.
        for _ in 0..MOST_TRIES {
            match self.once(site, feed, arrival, &read, mapped.as_ref(), content, replays).await {
                Ok(acknowledged) => return Ok(acknowledged),
                Err(StoreError::Conflict) => {}
                Err(StoreError::Duplicate(sequence)) => return self.answered_before(sequence, read).await,
                Err(error) => return Err((error, read)),
            }
        }
        Err((StoreError::Unavailable("the record is changed by others all the time".to_string()), read))
    }

    /// Whether an earlier message with the same control id was taken. One that was cut short or oversized was not, and its
    /// sender rightly sends it again under the same id.
    async fn was_taken(&self, sequence: u64) -> bool {
        let earlier = self.store.message(sequence).await;
        matches!(earlier, Ok(Some(entry)) if entry.summary.disposition != Disposition::Rejected)
    }

    /// Decides and commits once.
    #[allow(clippy::too_many_arguments, reason = "one call site, and each is a different thing")]
    async fn once(
        &self,
        site: &Site,
        feed: &Feed,
        arrival: &Arrival,
        read: &Read,
        mapped: Option<&Mapped>,
        content: [u8; 32],
        replays: Option<u64>,
    ) -> Result<Acknowledged, StoreError> {
        let now = self.clock.now();
        let said = Said { site, feed, control: &read.control, received: now };
        let (mut decided, weight, _locks) = match (read.refusal, mapped) {
            (None, Some(mapped)) => self.decide_message(&said, mapped).await?,
            (refusal, _) => (nothing(refusal.unwrap_or(Disposition::Rejected)), Weight::default(), Vec::new()),
        };
        let mut problems = read.problems.clone();
        problems.append(&mut decided.problems);
        notices::mark_refused(&mut problems, decided.disposition, &read.event);
        trace::complete(&mut decided.trace, &problems, mapped);
        let answer = Answer::new(site, read, arrival, decided.disposition, &problems, now);
        let summary = MessageSummary {
            sequence: 0,
            received: now,
            feed: feed.name.clone(),
            control: read.control.clone(),
            event: read.event.clone(),
            disposition: decided.disposition,
            acknowledged: answer.code.text().to_string(),
            patient: decided.patient,
            further_patients: u64::try_from(decided.other_patients.len()).unwrap_or(u64::MAX),
            other_patients: decided.other_patients,
            replays,
            incomplete: arrival.oversized || arrival.cut_short || arrival.unframed,
            size: u64::try_from(arrival.raw.len()).unwrap_or(u64::MAX),
            problems: problems.len(),
        };
        // What a replay brings was counted with what it replays.
        let unused = if replays.is_none() { decided.trace.notices(&feed.name, now) } else { Vec::new() };
        let resources = decided.trace.resources.clone();
        let rings =
            (decided.unit.heads.iter().any(|write| write.head.wake_at.is_some()), !decided.unit.deliveries.is_empty());
        let mut unit = decided.unit;
        unit.message = Some(MessageEntry {
            summary: summary.clone(),
            content,
            raw: arrival.raw.clone(),
            answer: answer.bytes.clone(),
            trace: decided.trace,
        });
        let written = unit.changes.iter().map(|change| crate::record::weight(&change.stored)).sum();
        let began = Instant::now();
        let committed = self.store.commit(unit).await?;
        self.metrics.count_commit(began.elapsed().as_secs_f64());
        if let Some(record) = decided.record {
            self.hot.put_back(record, weight, written);
        }
        self.count_unused(&unused);
        self.tell(committed.sequence, &summary, resources, rings);
        let Answer { code, bytes } = answer;
        Ok(Acknowledged { code, bytes, sequence: Some(committed.sequence), duplicate: false, unavailable: false })
    }

    async fn decide_message(
        &self,
        said: &Said<'_>,
        mapped: &Mapped,
    ) -> Result<(Decided, Weight, Vec<tokio::sync::OwnedMutexGuard<()>>), StoreError> {
        let none = |decided| (decided, Weight::default(), Vec::new());
        if mapped.has_errors() {
            return Ok(none(nothing(Disposition::Error)));
        }
        let portions = match portions(&said.feed.identified_by, mapped) {
            Ok(portions) => portions,
            Err(problem) => return Ok(none(Decided { problems: vec![problem], ..nothing(Disposition::Error) })),
        };
        let store = &*self.store;
        let doubts = self.join_newcomers(&portions).await?;
        let locks = self.locks.hold(&persons(store, &portions).await?).await;
        let started = Instant::now();
        let (mut overlay, mut all, mut read) = (Overlay::default(), Vec::new(), Duration::ZERO);
        let mut weight = Weight::default();
        for (place, portion) in portions.iter().enumerate() {
            let begun = Instant::now();
            let found = find(store, &self.hot, &overlay, portion).await?;
            read += begun.elapsed();
            weight = found.weight;
            let decided = decide(said, portion, found);
            if place + 1 < portions.len() {
                // Nothing lost: the overlay takes in, and cuts nothing.
                overlay.take(&decided.unit);
            }
            all.push(decided);
        }
        let mut decided = joined(all);
        decided.problems.extend(doubts);
        let steps = [("reading the record", read), ("deciding", started.elapsed().saturating_sub(read))];
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        decided.trace.timing_micros = steps.map(|(step, time)| (step.to_string(), micros(time))).to_vec();
        Ok((decided, weight, locks))
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
    fn tell(&self, sequence: u64, summary: &MessageSummary, written: Vec<String>, (timer, delivery): (bool, bool)) {
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

/// A message that changes nothing but is kept.
fn nothing(disposition: Disposition) -> Decided {
    let (unit, trace) = (WriteUnit::default(), Trace::default());
    let (patient, other_patients) = (None, Vec::new());
    Decided { unit, trace, problems: Vec::new(), disposition, patient, other_patients, record: None }
}

fn control_reused() -> Problem {
    let text = "this control id came before with other content; the message was taken as a new one, ask the sender to number \
                its messages";
    let place = Place::Field(FieldPlace::field("MSH", 1, 10));
    Problem::warning(Category::Duplicate, place, text).unused(Kind::Event, "MSH-10 used again")
}
