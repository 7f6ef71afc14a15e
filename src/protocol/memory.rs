//! What was seen of a record when the rules last looked at it, so that they look again only at what changed since. Nothing
//! depends on it: an evaluation that remembers gives what one gives that remembers nothing, and whoever cannot say that no
//! change of the record was missed begins with an empty one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::inputs::Inputs;
use super::view::Explained;
use super::work::{Desired, Work};
use crate::identity::ResourceId;
use crate::record::{Change, Stored};

/// What one piece of remembered work weighs in bytes, more or less.
const USUAL_BYTES: usize = 1024;

#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// What all answers were made from: the site's rules, the practice, the patient.
    general: Inputs,
    /// What rules asked for, by key.
    asked: HashMap<String, Arc<Desired>>,
    /// The alerts of a protocol, by its name.
    alerts: BTreeMap<String, Rested>,
    /// The engine's own memory of work as it was read, with the version that it was read from.
    works: HashMap<ResourceId, (u64, Arc<Work>)>,
}

/// Rules whose answer stands until something changes.
#[derive(Debug, Clone)]
pub struct Rested {
    pub inputs: Inputs,
    /// When it was given. What is news then is news still to whoever asks at the same moment.
    pub at: Timestamp,
    /// When it changes by itself.
    pub wake: Option<Timestamp>,
    pub lines: Vec<Explained>,
    /// Keys of what they asked for, in order.
    pub asked: Vec<String>,
}

impl Memory {
    /// Forgets every answer when something changed that all are made from.
    pub fn begin(&mut self, general: Inputs) {
        if self.general != general {
            self.asked.clear();
            self.alerts.clear();
            self.general = general;
        }
    }

    /// What was asked for under a key, if it was made from the same.
    pub fn standing(&self, key: &str, inputs: Inputs) -> Option<&Arc<Desired>> {
        self.asked.get(key).filter(|desired| desired.inputs == Some(inputs))
    }

    /// Remembers what was asked for and how that was told.
    pub fn ask(&mut self, desired: Desired, line: &Explained) {
        let key = desired.work.key();
        self.asked.insert(key, Arc::new(desired.resting(line.clone())));
    }

    pub fn rested(&self, protocol: &str) -> Option<&Rested> {
        self.alerts.get(protocol)
    }

    pub fn rest(&mut self, protocol: &str, rested: Rested) {
        self.alerts.insert(protocol.to_string(), rested);
    }

    /// The engine's own memory of a piece of work.
    pub fn work(&mut self, stored: &Stored) -> Option<Arc<Work>> {
        if let Some((version, work)) = self.works.get(&stored.id)
            && *version == stored.version
        {
            return Some(Arc::clone(work));
        }
        let work = Arc::new(Work::read(stored)?);
        self.works.insert(stored.id, (stored.version, Arc::clone(&work)));
        Some(work)
    }

    /// Takes in that these were written: of one whose version stayed, the engine's own memory may still be another.
    pub fn learn(&mut self, changes: &[Change]) {
        for change in changes {
            self.works.remove(&change.stored.id);
        }
    }

    /// What it takes of memory in bytes, more or less.
    pub fn weight(&self) -> usize {
        (self.asked.len() + self.works.len()) * USUAL_BYTES
    }
}
