//! Reading of stored messages that goes on by itself, for people who look on: the newest of its kind, as far as it is, one at a time. It
//! stands in memory, and is let go of a day after it ended; a gateway that is started anew knows of none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::message_words::{MessageWords, refused};
use crate::problem::Problem;

/// What it came to, and what it reads by, are kept for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Running,
    Done,
    Stopped,
    /// The store did not answer, or the site changed.
    CutOff,
}

/// As far as it is.
#[derive(Debug, Clone)]
pub struct Progress<F> {
    pub state: RunState,
    /// Messages to look at, where they can be counted.
    pub total: Option<u64>,
    pub found: F,
    /// When it was last heard of.
    pub said: Timestamp,
    /// Why it could not go on.
    pub fault: String,
}

/// What somebody began: over the messages that the words name, by what it reads them.
pub struct Run<A, F> {
    pub who: String,
    /// What is asked, as people call it.
    pub name: String,
    pub words: MessageWords,
    pub began: Timestamp,
    pub(super) by: A,
    stop: AtomicBool,
    progress: Mutex<Progress<F>>,
}

/// The newest of this gateway.
pub struct Newest<A, F>(Mutex<Option<Arc<Run<A, F>>>>);

/// What one part came to, how many messages there are where that is known, and where to go on.
pub(super) type Found<F> = Result<(F, Option<u64>, Option<String>), Problem>;

impl<A, F> Default for Newest<A, F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A, F> Newest<A, F> {
    fn now(&self) -> MutexGuard<'_, Option<Arc<Run<A, F>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Option<Arc<Run<A, F>>> {
        self.now().clone()
    }

    pub(super) fn running(&self) -> Option<Arc<Run<A, F>>> {
        self.get().filter(|run| run.state() == RunState::Running)
    }

    /// Puts it in the place of the one before.
    ///
    /// # Errors
    /// One is running.
    pub(super) fn put(&self, run: &Arc<Run<A, F>>) -> Result<(), Problem> {
        let mut newest = self.now();
        if let Some(other) = newest.as_ref().filter(|other| other.state() == RunState::Running) {
            return Err(other.busy());
        }
        *newest = Some(Arc::clone(run));
        Ok(())
    }

    /// Lets go of one that ended long ago.
    pub(super) fn tidy(&self, now: Timestamp) {
        let mut newest = self.now();
        let is_old = |run: &Arc<Run<A, F>>| {
            let progress = run.now();
            progress.state != RunState::Running && now.duration_since(progress.said) > KEPT
        };
        if newest.as_ref().is_some_and(is_old) {
            *newest = None;
        }
    }
}

impl<A, F> Run<A, F> {
    pub(super) fn new(who: &str, name: String, words: &MessageWords, by: A, nothing: F, now: Timestamp) -> Arc<Self> {
        let (state, fault) = (RunState::Running, String::new());
        let progress = Progress { state, total: None, found: nothing, said: now, fault };
        let (who, words) = (who.to_string(), words.clone());
        let (stop, progress) = (AtomicBool::new(false), Mutex::new(progress));
        Arc::new(Self { who, name, words, began: now, by, stop, progress })
    }

    fn now(&self) -> MutexGuard<'_, Progress<F>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> RunState {
        self.now().state
    }

    /// Said to whoever would begin another.
    pub(super) fn busy(&self) -> Problem {
        refused(format!("{} has the stored messages read just now; wait, or stop it", self.who))
    }

    /// Has it end after the part that it is at.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Takes in what a part came to; where to go on, none where it ended.
    pub(super) fn note(&self, part: Found<F>, now: Timestamp, add: impl FnOnce(&mut F, F)) -> Option<String> {
        let mut progress = self.now();
        progress.said = now;
        let next = match part {
            Err(problem) => {
                (progress.state, progress.fault) = (RunState::CutOff, problem.text);
                return None;
            }
            Ok((found, total, next)) => {
                add(&mut progress.found, found);
                progress.total = progress.total.or(total);
                next
            }
        };
        if next.is_none() || self.stop.load(Ordering::Relaxed) {
            progress.state = if next.is_none() { RunState::Done } else { RunState::Stopped };
            return None;
        }
        next
    }

    /// Where whoever goes on with it breaks off, it says so, and another can begin.
    pub(super) fn going(self: &Arc<Self>) -> Going<A, F> {
        Going(Arc::clone(self))
    }
}

impl<A, F: Clone> Run<A, F> {
    pub fn progress(&self) -> Progress<F> {
        self.now().clone()
    }
}

pub(super) struct Going<A, F>(Arc<Run<A, F>>);

impl<A, F> Drop for Going<A, F> {
    fn drop(&mut self) {
        let mut progress = self.0.now();
        if progress.state == RunState::Running {
            (progress.state, progress.fault) = (RunState::CutOff, "it broke off; the log says why".to_string());
        }
    }
}
