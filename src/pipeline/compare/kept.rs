//! Sites that are being compared, kept compiled from one part of a comparison to the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::site::Site;

/// Comparisons that go on at the same time; one that was pushed out is told and begins again.
const MOST: usize = 2;

/// The site in force and the changed one.
type Sites = (Arc<Site>, Arc<Site>);

/// By the names that whoever asked has of them.
#[derive(Default)]
pub struct Kept(Mutex<VecDeque<(String, Sites)>>);

impl Kept {
    pub(super) fn keep(&self, sites: Sites) -> String {
        let name = format!("{:016x}", rand::random::<u64>());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing lost: whoever asks for the one that goes is told to begin again.
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((name.clone(), sites));
        name
    }

    pub(super) fn find(&self, name: &str) -> Option<Sites> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == name).map(|(_, sites)| sites.clone())
    }

    pub(super) fn end(&self, name: &str) {
        // Nothing lost: the comparison is over.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != name);
    }
}
