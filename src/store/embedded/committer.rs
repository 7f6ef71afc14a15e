//! The one writer: a thread that takes whatever waits, up to a bound, decides each piece on what is committed and on the
//! group so far, commits once, syncs once, and answers all. One piece alone does not wait for company.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::counters::Counters;
use super::draft::Draft;
use super::marker::Marker;
use super::queue::Queue;
use super::shared::{Opener, Shared};
use super::work::{Answer, Waiting};
use crate::store::StoreError;
use crate::store::engine::{Changes, EngineError};

/// Bounds of one group.
const GROUP_COUNT: usize = 512;
const GROUP_BYTES: usize = 8 * 1024 * 1024;
/// How often it is tried whether writing works again, and how much must be writable then.
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_BYTES: usize = 1024 * 1024;

/// Whether work is taken.
enum Condition {
    Writable,
    /// The last write failed for want of room or permission. Nothing of it is half there; tried again every second.
    Unwritable,
    /// A write or sync failed in a way that leaves open what the disk holds. Over until a restart reads it anew: a second
    /// sync may well succeed although the kernel has thrown the data away.
    Broken,
}

pub struct Committer {
    pub shared: Arc<Shared>,
    pub open: Opener,
    pub marker: Option<Marker>,
    pub counters: Counters,
    waiting: Receiver<Waiting>,
    condition: Condition,
}

impl Committer {
    pub fn new(
        shared: Arc<Shared>,
        open: Opener,
        marker: Option<Marker>,
        counters: Counters,
        waiting: Receiver<Waiting>,
    ) -> Self {
        Self { shared, open, marker, counters, waiting, condition: Condition::Writable }
    }

    /// Runs until all who could send work are gone.
    pub fn run(mut self) {
        while let Some(first) = self.next() {
            let mut size = first.work.size();
            let mut group = vec![first];
            while group.len() < GROUP_COUNT && size < GROUP_BYTES {
                let Ok(more) = self.waiting.try_recv() else { break };
                size += more.work.size();
                group.push(more);
            }
            self.commit(group);
        }
        if let Some(marker) = &mut self.marker {
            // Only a hint for the next start.
            let _ = marker.write(self.counters.sequence, true);
        }
        self.shared.close();
    }

    fn next(&mut self) -> Option<Waiting> {
        loop {
            if !matches!(self.condition, Condition::Unwritable) {
                return self.waiting.recv().ok();
            }
            match self.waiting.recv_timeout(PROBE_EVERY) {
                Ok(waiting) => return Some(waiting),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => _ = self.recover(),
            }
        }
    }

    pub fn commit(&mut self, group: Vec<Waiting>) {
        let usable = match self.condition {
            Condition::Writable => true,
            Condition::Unwritable => self.recover(),
            Condition::Broken => false,
        };
        if !usable {
            let fault = self.shared.fault().unwrap_or_default();
            group.into_iter().for_each(|waiting| answer(waiting, Err(StoreError::Unavailable(fault.clone()))));
            return;
        }
        let (places, works): (Vec<_>, Vec<_>) = group.into_iter().map(|waiting| (waiting.answer, waiting.work)).unzip();
        let outcome = self.write(works);
        for (place, result) in places.into_iter().zip(outcome) {
            // Whoever asked may have gone; what was committed stays so.
            let _ = place.send(result);
        }
    }

    /// Answers to all, given only when what they rest on is durable: a refusal because of a unit earlier in the group is
    /// no answer if that unit then could not be written.
    fn write(&mut self, works: Vec<super::work::Work>) -> Vec<Answer> {
        let count = works.len();
        let mut changes = Changes::new();
        let mut counters = self.counters;
        let planned = self.shared.read(|view| {
            let mut answers = Vec::with_capacity(count);
            for work in works {
                let mut draft = Draft::new(view, &changes, counters);
                let answer = work.apply(&mut draft);
                if answer.is_ok() {
                    let (own, counted) = draft.finish();
                    changes.extend(own);
                    counters = counted;
                }
                answers.push(answer);
            }
            Ok(answers)
        });
        let answers = match planned {
            Ok(answers) => answers,
            Err(error) => return all_failed(count, &error.to_string()),
        };
        if changes.is_empty() {
            return answers;
        }
        if counters.sequence == self.counters.sequence {
            // Every group raises it, so that the watermark tells of every group.
            counters.sequence += 1;
        }
        let queued = match Queue::changes(&changes) {
            Ok(queued) => queued,
            Err(error) => return all_failed(count, &error.to_string()),
        };
        changes.insert(Counters::key(), Some(counters.to_bytes()));
        let mut failure = None;
        let written = self.shared.with_engine(|engine| {
            failure = engine.write(changes).err();
            Ok(())
        });
        if let Err(error) = written {
            return all_failed(count, &error.to_string());
        }
        if let Some(error) = failure {
            return all_failed(count, &self.fail(&error));
        }
        self.counters = counters;
        self.shared.deliveries.apply(queued);
        if let Some(marker) = &mut self.marker {
            let _ = marker.write(counters.sequence, false);
        }
        answers
    }

    fn fail(&mut self, error: &EngineError) -> String {
        let fault = match error {
            EngineError::Unwritable(_) | EngineError::Busy(_) => {
                self.condition = Condition::Unwritable;
                format!("writing failed ({error}); it goes on by itself when writing works again")
            }
            EngineError::Unsure(_) | EngineError::Locked(_) | EngineError::Damaged(_) => {
                self.condition = Condition::Broken;
                let fault =
                    format!("writing failed ({error}) and it is unknown what the disk holds; restart to read it anew");
                self.shared.broken.send_replace(Some(fault.clone()));
                fault
            }
        };
        tracing::error!(fault, "the store cannot write");
        self.shared.set_fault(Some(fault.clone()));
        fault
    }

    /// Tries whether writing works again; if so opens the engine anew, which settles whether the last write is there.
    fn recover(&mut self) -> bool {
        let room = self.marker.as_ref().map_or(Ok(()), |marker| marker.probe(PROBE_BYTES));
        if room.is_err() {
            return false;
        }
        let reopened = self.shared.reopen(&self.open).and_then(|()| {
            self.shared.read(|view| {
                self.shared.deliveries.fill(view, false)?;
                Counters::read(view)
            })
        });
        match reopened {
            Ok(counters) => {
                self.counters = counters;
                self.condition = Condition::Writable;
                self.shared.set_fault(None);
                tracing::info!("the store can write again");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the store cannot be opened again yet");
                false
            }
        }
    }
}

fn answer(waiting: Waiting, result: Answer) {
    // Whoever asked may have gone.
    let _ = waiting.answer.send(result);
}

fn all_failed(count: usize, fault: &str) -> Vec<Answer> {
    (0..count).map(|_| Err(StoreError::Unavailable(fault.to_string()))).collect()
}
