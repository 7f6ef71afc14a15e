//! Records that were used lately, as they were written: whoever is seen today is seen again today, and their life need not be
//! read again for each message. A record is taken out while an input works on it and put back once that is durable. What is
//! here counts only while the store's head has the same revision, so that another gateway's writes are never overlooked.

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::identity::PersonId;
use crate::protocol::Memory;
use crate::record::{Head, Record};

/// The newest observations that are read with a record; rules look back no further.
/// A pressure that came as two results is three of them.
pub(super) const OBSERVATIONS: usize = 384;

/// About so much memory is spent on them.
const BYTES: u64 = 64 << 20;
/// So many records weigh that with a year of visits each; only how the cache is laid out depends on it.
const USUAL_COUNT: usize = 1024;

pub(super) struct Hot(Cache<PersonId, Warm, Weigh>);

/// A record with what it weighs in bytes, more or less.
#[derive(Clone)]
struct Warm {
    record: Record,
    weight: Weight,
    memory: Memory,
}

/// What it weighed when it was weighed, and all that was written since: what that took the place of still counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Weight {
    weighed: usize,
    written: usize,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<PersonId, Warm> for Weigh {
    fn weight(&self, _: &PersonId, warm: &Warm) -> u64 {
        (warm.weight.bytes() + warm.memory.weight()) as u64
    }
}

impl Weight {
    fn bytes(self) -> usize {
        self.weighed + self.written
    }

    /// The same after these bytes were written; weighed anew before the error exceeds the weight.
    fn after(self, record: &Record, written: usize) -> Self {
        let written = self.written + written;
        if written <= self.weighed {
            return Self { written, ..self };
        }
        Self { weighed: record.resources.values().map(crate::record::weight).sum(), written: 0 }
    }
}

impl Hot {
    pub fn new() -> Self {
        let mut options = OptionsBuilder::new();
        // Several shards would each bound what one record may weigh, and a long life is what is worth keeping most.
        options.shards(1).estimated_items_capacity(USUAL_COUNT).weight_capacity(BYTES);
        let (hash, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self(match options.build() {
            Ok(options) => Cache::with_options(options, Weigh, hash, lifecycle),
            // Nothing lost: it lacks no size, and otherwise only long lives would stay out.
            Err(_) => Cache::with_weighter(USUAL_COUNT, BYTES, Weigh),
        })
    }

    /// Takes a record out; `current` is its head as the store has it.
    pub fn take_out(&self, current: &Head) -> Option<(Record, Weight, Memory)> {
        let (_, Warm { mut record, weight, memory }) = self.0.remove(&current.person)?;
        if record.head.revision != current.revision {
            return None;
        }
        record.head = current.clone();
        Some((record, weight, memory))
    }

    pub fn has(&self, person: PersonId) -> bool {
        self.0.contains_key(&person)
    }

    /// Puts back a record that was committed, as the store would give it; `written` is what the commit wrote of it in bytes.
    pub fn put_back(&self, mut record: Record, memory: Memory, weight: Weight, written: usize) {
        // Nothing lost: the store has what belongs to no patient, and is asked for it.
        record.resources.remove_shared();
        record.truncated |= record.resources.keep_newest_observations(OBSERVATIONS);
        let weight = weight.after(&record, written);
        self.0.insert(record.head.person, Warm { record, weight, memory });
    }

    #[cfg(test)]
    pub fn peek(&self, person: PersonId) -> Option<Record> {
        self.0.peek(&person).map(|warm| warm.record)
    }
}
