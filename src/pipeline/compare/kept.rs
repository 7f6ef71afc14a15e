//! Sites that are being compared, kept compiled from one part of a comparison to the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::site::Site;

/// Comparisons that go on at the same time; one that was pushed out is told and begins again.
const MOST: usize = 2;
/// One that nobody went on with for so long is over; whoever still asks for it begins again.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The site in force and the changed one.
pub type Sites = (Arc<Site>, Arc<Site>);

/// One comparison: the name that whoever asked has of it, and when it was last gone on with.
struct One {
    name: String,
    sites: Sites,
    asked: Instant,
}

#[derive(Default)]
pub struct Kept(Mutex<VecDeque<One>>);

impl Kept {
    pub(super) fn keep(&self, sites: Sites) -> String {
        let name = format!("{:016x}", rand::random::<u64>());
        let mut kept = self.lately();
        // Nothing lost: whoever asks for the one that goes is told to begin again.
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back(One { name: name.clone(), sites, asked: Instant::now() });
        name
    }

    pub(super) fn find(&self, name: &str) -> Option<Sites> {
        let mut kept = self.lately();
        let one = kept.iter_mut().find(|one| one.name == name)?;
        one.asked = Instant::now();
        Some(one.sites.clone())
    }

    pub(super) fn end(&self, name: &str) {
        // Nothing lost: the comparison is over.
        self.lately().retain(|one| one.name != name);
    }

    /// Lets go of those whose asker went away.
    pub(in crate::pipeline) fn tidy(&self) {
        drop(self.lately());
    }

    fn lately(&self) -> MutexGuard<'_, VecDeque<One>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing lost: whoever asks for one that is gone is told to begin again.
        kept.retain(|one| one.asked.elapsed() < LONGEST_PAUSE);
        kept
    }
}
