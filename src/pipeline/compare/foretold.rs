//! What a changed file of the site would make of the messages that have one code no table knows: the newest of them judged, with the
//! site as it lies in its folder and the file as it is given, in memory.

use std::time::{Duration, Instant};

use super::changed::ChangedSite;
use super::judge::Pair;
use super::step::fault;
use super::tally::Differences;
use crate::pipeline::{Gateway, MessageWords};
use crate::problem::Problem;
use crate::store::{Cause, MessageEntry};

/// Messages that are judged, and looked at to find them; an answer ends after so long with those it has.
const MOST_JUDGED: u64 = 40;
const MOST_LOOKED: u64 = 1_000;
const LONGEST: Duration = Duration::from_secs(6);
/// Read at once.
const PART: usize = 50;
/// Listed of each kind.
const LISTED: usize = 3;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Foretold {
    pub differences: Differences,
    /// Messages of the feed with some code that no table knows, the newest first, of which so many have this one.
    pub looked: u64,
    pub with_it: u64,
    /// Whether all there are were judged.
    pub is_all: bool,
}

impl Gateway {
    /// # Errors
    /// The site would have errors with the file, which are shown; a store that does not answer.
    pub async fn foretell(&self, cause: &Cause, file: &str, text: String) -> Result<Foretold, Problem> {
        let in_force = self.site.load_full();
        let changed = ChangedSite::File { folder: in_force.folder.clone(), file: file.to_string(), text };
        let pair = Pair::new(self, in_force, changed.load().await?);
        let words = MessageWords {
            feed: Some(cause.feed.clone()),
            kind: Some(cause.kind.word().to_string()),
            ..MessageWords::default()
        };
        let filter = self.sought(&words).await?.filter;
        // Reading the site may take as long as it takes; what is bounded are the messages.
        let began = Instant::now();
        let (mut told, mut after) = (Foretold::default(), None);
        loop {
            let part = self.store.find_messages(&filter, after.as_ref(), PART).await.map_err(fault)?;
            for summary in part.items.iter().filter(|summary| summary.replays.is_none()) {
                // Nothing lost: whoever asks is told how many were looked at, and that older ones were not.
                let is_over = told.with_it >= MOST_JUDGED || told.looked >= MOST_LOOKED || began.elapsed() > LONGEST;
                if is_over {
                    return Ok(told);
                }
                told.looked += 1;
                let entry = self.store.message(summary.sequence).await.map_err(fault)?;
                if entry.is_some_and(|entry| has(&entry, cause)) {
                    told.with_it += 1;
                    pair.judge(summary, &mut told.differences, LISTED).await.map_err(fault)?;
                }
            }
            after = part.next;
            if after.is_none() {
                return Ok(Foretold { is_all: true, ..told });
            }
        }
    }
}

fn has(entry: &MessageEntry, cause: &Cause) -> bool {
    let lines = entry.trace.unmapped.iter().chain(&entry.trace.problems);
    lines
        .filter_map(|line| line.unused.as_ref())
        .any(|unused| (unused.kind, &unused.about) == (cause.kind, &cause.about))
}
