//! What a piece of work tells of: the resources whose words, codes or mere being there are in it, as `Condition/id`. A label
//! on one of them holds for the work, too (`labels.rs`).

use std::collections::BTreeSet;

use crate::record::Stored;

pub type Sources = BTreeSet<String>;

/// So many are remembered of one piece of work: alerts tell of new readings for as long as they are open.
const MOST_REMEMBERED: usize = 1024;

/// What work tells of now, with what it told of before: its notes and versions still do.
pub fn remembered(now: &Sources, before: &Sources) -> Sources {
    let mut all = now.clone();
    // Nothing lost: an alert that is open over so many readings keeps the labels that it had of them.
    let room = MOST_REMEMBERED.saturating_sub(all.len());
    // Nothing lost: as said above, and no other work tells of nearly so much.
    all.extend(before.difference(now).take(room).cloned());
    all
}

pub fn of<'a>(stored: impl IntoIterator<Item = &'a Stored>) -> Sources {
    stored.into_iter().map(|stored| format!("{}/{}", stored.resource.resource_type(), stored.id)).collect()
}
