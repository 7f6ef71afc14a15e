//! Which messages are meant by the words of a question: all of them, oldest first, or none where they are too many.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::pipeline::message_words::{MessageWords, refused};
use crate::pipeline::{Gateway, Sought};
use crate::problem::{Category, Place, Problem};
use crate::store::{Disposition, MessageSummary, Seen, StoreError};

/// Messages of one run.
const MOST_RUN: u64 = 20_000;
/// Messages looked through for them, where text is looked for.
const MOST_LOOKED: u64 = 200_000;
/// Read at once.
const PART: usize = 500;

/// What would be run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// Oldest first.
    pub sequences: Vec<u64>,
    pub feeds: BTreeMap<String, u64>,
    pub days: BTreeMap<Date, u64>,
    /// Left out, since they are runs of others; since only a part of them came; and, of refused ones, since they were taken later.
    pub runs: u64,
    pub incomplete: u64,
    pub taken: u64,
}

impl Gateway {
    /// The messages that the words name.
    pub async fn select(&self, words: &MessageWords) -> Result<Selected, Problem> {
        let Sought { filter, zone, .. } = self.sought(words).await?;
        if filter.is_all() {
            return Err(refused("say which messages: a feed, an event, a time, what was wrong with them".to_string()));
        }
        let (mut selected, mut after, mut looked) = (Selected::default(), None, 0);
        loop {
            let part = self.store.find_messages(&filter, after.as_ref(), PART).await.map_err(fault)?;
            looked += part.looked;
            for summary in &part.items {
                let is_taken = filter.faulty && self.was_taken_since(summary.sequence).await.map_err(fault)?;
                match (summary.replays.is_some(), summary.incomplete, is_taken) {
                    (true, ..) => selected.runs += 1,
                    (_, true, _) => selected.incomplete += 1,
                    (.., true) => selected.taken += 1,
                    _ => selected.add(summary, summary.received.to_zoned(zone.clone()).date()),
                }
            }
            after = part.next;
            // Nothing lost: whoever asks is told, and nothing is run.
            if selected.sequences.len() as u64 > MOST_RUN || looked > MOST_LOOKED {
                return Err(refused(format!(
                    // Nothing lost: whoever asks is told.
                    "these are more than {MOST_RUN} messages, or more than {MOST_LOOKED} to look through; say a shorter time"
                )));
            }
            if after.is_none() {
                selected.sequences.reverse();
                return Ok(selected);
            }
        }
    }

    /// Whether what was refused was taken later, in another run or as its sender sent it again.
    pub(in crate::pipeline) async fn was_taken_since(&self, sequence: u64) -> Result<bool, StoreError> {
        let Some(entry) = self.store.message(sequence).await? else { return Ok(true) };
        let seen = self.store.seen(&entry.summary.feed, &entry.summary.control, &entry.content).await?;
        let is_taken =
            |summary: &MessageSummary| !matches!(summary.disposition, Disposition::Error | Disposition::Rejected);
        Ok(matches!(seen, Seen::Same(last) if is_taken(&last.summary)))
    }
}

impl Selected {
    fn add(&mut self, summary: &MessageSummary, day: Date) {
        self.sequences.push(summary.sequence);
        *self.feeds.entry(summary.feed.clone()).or_default() += 1;
        *self.days.entry(day).or_default() += 1;
    }

    /// So many of them, from all over the time.
    pub fn sample(&self, count: usize) -> Vec<u64> {
        let step = self.sequences.len().div_ceil(count.max(1)).max(1);
        self.sequences.iter().copied().step_by(step).collect()
    }
}

fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}
