//! The newest comparison that goes on by itself, as far as it is: in memory, and let go of a day after it ended.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::kept::Sites;
use super::tally::Differences;
use crate::pipeline::message_words::MessageWords;

/// What it came to, and the site that was compiled for it, are kept for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonState {
    Running,
    Done,
    Stopped,
    /// The store did not answer.
    CutOff,
}

/// As far as it is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub state: ComparisonState,
    /// Messages to look at, where they can be counted.
    pub total: Option<u64>,
    pub differences: Differences,
    /// When it was last heard of.
    pub said: Timestamp,
    /// Why it could not go on.
    pub fault: String,
}

/// A comparison that somebody began.
pub struct Comparison {
    pub who: String,
    /// The changed site, as people call it.
    pub name: String,
    pub words: MessageWords,
    pub began: Timestamp,
    pub(super) sites: Sites,
    pub(super) stop: AtomicBool,
    pub(super) progress: Mutex<Progress>,
}

/// The newest comparison of this gateway.
#[derive(Default)]
pub struct Running(Mutex<Option<Arc<Comparison>>>);

impl Running {
    pub(super) fn newest(&self) -> MutexGuard<'_, Option<Arc<Comparison>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of one that ended long ago.
    pub(in crate::pipeline) fn tidy(&self, now: Timestamp) {
        let mut newest = self.newest();
        let progress = newest.as_ref().map(|run| run.progress());
        if progress.is_some_and(|of| of.state != ComparisonState::Running && now.duration_since(of.said) > KEPT) {
            *newest = None;
        }
    }
}

impl Comparison {
    pub fn progress(&self) -> Progress {
        self.now().clone()
    }

    pub(super) fn now(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
