//! How much waits for one partner, counted from its lines.

use jiff::Timestamp;

use super::delivery;
use super::keys::{Key, LINE, Reader, hash};
use super::pack::damaged;
use crate::store::engine::{Span, View};
use crate::store::{Backlog, DeliveryState, StoreError};

/// So many are read at a time.
const CHUNK: usize = 2000;

pub fn count(view: &dyn View, partner: &str, made_until: Option<Timestamp>) -> Result<Backlog, StoreError> {
    let mut backlog = Backlog::default();
    let mut rest = Span::prefix(Key::new(LINE).bytes(&hash(&[partner])).done());
    loop {
        let pairs = view.scan(&rest, CHUNK)?;
        let Some((last, _)) = pairs.last() else { return Ok(backlog) };
        rest = rest.after(last);
        for (_, id) in &pairs {
            let kept = delivery::read(view, Reader(id).text()?)?.ok_or_else(|| damaged("a delivery in line"))?;
            let progress = &kept.progress;
            if progress.state == DeliveryState::Held {
                backlog.held += 1;
            } else {
                backlog.waiting += 1;
                backlog.made_before += u64::from(made_until.is_some_and(|until| progress.created <= until));
                backlog.oldest = [backlog.oldest, Some(progress.created)].into_iter().flatten().min();
                backlog.next = [backlog.next, progress.next].into_iter().flatten().min();
            }
        }
    }
}
