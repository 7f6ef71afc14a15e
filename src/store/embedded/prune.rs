//! Pruning by age: what is old is found by a reader, and taken away by the committer in small commits like any other,
//! each piece looked at again. What is unfinished is never found.

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{AUDIT, Key, MESSAGE, ONCE_EXPIRY, Reader};
use super::{audit, messages, once, outbox, unused};
use crate::store::engine::{Span, View};
use crate::store::{PruneBefore, StoreError};

pub const LARGEST_BUDGET: usize = 1000;

/// Entries read at once: messages are large, and where so many in a row are young the rest is too.
const CHUNK: usize = 16;

/// Entries of one kind that are old enough to go.
pub enum Aged {
    /// With the key that each is recognised by.
    Messages(Vec<(u64, Vec<u8>)>),
    Deliveries(Vec<String>, Timestamp),
    /// The sequence numbers of commits.
    Audit(Vec<u64>),
    /// So many expired before.
    Once(usize, Timestamp),
    /// Causes by feed and id.
    Unused(Vec<(String, String)>, Timestamp),
}

impl Aged {
    pub fn len(&self) -> usize {
        match self {
            Self::Messages(found) => found.len(),
            Self::Deliveries(found, _) => found.len(),
            Self::Audit(found) => found.len(),
            Self::Once(count, _) => *count,
            Self::Unused(found, _) => found.len(),
        }
    }

    /// Takes them away, and returns how many were still there.
    pub fn remove(self, draft: &mut Draft<'_>) -> Result<u64, StoreError> {
        match self {
            Self::Messages(found) => {
                sum(found.into_iter().map(|(sequence, input)| messages::remove(draft, sequence, input).map(u64::from)))
            }
            Self::Deliveries(ids, before) => sum(ids.iter().map(|id| outbox::remove(draft, id, before).map(u64::from))),
            Self::Audit(found) => sum(found.into_iter().map(|sequence| audit::remove(draft, sequence))),
            Self::Once(count, before) => once::prune(draft, before, count),
            Self::Unused(found, before) => {
                sum(found.iter().map(|(feed, id)| unused::remove(draft, feed, id, before).map(u64::from)))
            }
        }
    }
}

fn sum(mut counts: impl Iterator<Item = Result<u64, StoreError>>) -> Result<u64, StoreError> {
    counts.try_fold(0, |sum, count| Ok(sum + count?))
}

/// The oldest of each kind (messages, deliveries, audit, one-time values, causes of what could not be used), and whether a budget was used up.
pub fn find(view: &dyn View, before: &PruneBefore, budget: usize) -> Result<([Aged; 5], bool), StoreError> {
    let (received, some_messages) = in_order(view, MESSAGE, budget, |sequence, value| {
        let (received, input) = messages::received_and_input(value)?;
        Ok((received < before.messages).then_some((sequence, input)))
    })?;
    let deliveries = outbox::finished_before(view, before.deliveries, budget)?;
    let (entries, some_audit) = in_order(view, AUDIT, budget, |sequence, value| {
        Ok(audit::all_before(value, before.audit)?.then_some(sequence))
    })?;
    let past = Span::between(vec![ONCE_EXPIRY], Key::new(ONCE_EXPIRY).time(before.once).done());
    let expired = view.scan(&past, budget)?.len();
    let causes = unused::aged(view, before.messages, budget)?;
    let used_up = [deliveries.len(), expired, causes.len()].contains(&budget);
    let deliveries = Aged::Deliveries(deliveries, before.deliveries);
    let (entries, expired) = (Aged::Audit(entries), Aged::Once(expired, before.once));
    let causes = Aged::Unused(causes, before.messages);
    Ok(([Aged::Messages(received), deliveries, entries, expired, causes], some_messages || some_audit || used_up))
}

/// Looks at the first entries of a keyspace that is ordered by sequence number, until `budget` were looked at or a whole
/// chunk was young. Says whether it was the budget that ended it.
fn in_order<T>(
    view: &dyn View,
    space: u8,
    budget: usize,
    aged: impl Fn(u64, &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<(Vec<T>, bool), StoreError> {
    let (mut found, mut looked) = (Vec::new(), 0);
    let mut span = Span::prefix(vec![space]);
    while looked < budget {
        let wanted = CHUNK.min(budget - looked);
        let pairs = view.scan(&span, wanted)?;
        let before = found.len();
        for (key, value) in &pairs {
            found.extend(aged(Reader::of_key(key).number()?, value)?);
        }
        looked += pairs.len();
        let Some((last, _)) = pairs.last().filter(|_| pairs.len() == wanted && found.len() > before) else {
            return Ok((found, false));
        };
        span = span.after(last);
    }
    Ok((found, true))
}
