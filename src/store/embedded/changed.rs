//! What of one type changed since a listing began and may have been missed by it, oldest change first.

use super::keys::{BY_TYPE, Key, Reader, history_key, resource_key};
use super::pack::{Terms, unpack_pair, unpack_stored};
use super::walk::{Walked, present, walk_keys};
use crate::record::Stored;
use crate::store::engine::{Span, View};
use crate::store::query::{Judge, Window, may_be_missed};
use crate::store::{Cursor, StoreError};

/// All changes of a type after a number, in their order.
pub fn of_type(kind: u8, since: u64) -> Vec<Span> {
    let first = Key::new(BY_TYPE).byte(kind).done();
    vec![Span::between(first, Key::new(BY_TYPE).byte(kind).newest(since).done()).backwards()]
}

/// The spans are of changes in their order (`of_type`), or of the resources themselves, which do not move.
pub fn missed(
    view: &dyn View,
    kind: u8,
    spans: &[Span],
    window: Window,
    cursor: Option<&Cursor>,
    count: usize,
    judge: &Judge<'_>,
) -> Result<Walked<Stored>, StoreError> {
    walk_keys(view, spans, cursor, count, |key, value| {
        if key.first() != Some(&BY_TYPE) {
            return if_missed(view, kind, unpack_pair(key, value)?, value, window, judge);
        }
        let mut reader = Reader::of_key(key);
        let _: [u8; 9] = reader.take()?;
        let id = reader.id()?;
        let value = present(view.get(&resource_key(kind, id))?, "an indexed resource")?;
        if_missed(view, kind, unpack_stored(id, &value)?, &value, window, judge)
    })
}

fn if_missed(
    view: &dyn View,
    kind: u8,
    now: Stored,
    packed: &[u8],
    window: Window,
    judge: &Judge<'_>,
) -> Result<Option<Stored>, StoreError> {
    let earlier = |version| {
        let Some(packed) = view.get(&history_key(kind, now.id, version))? else { return Ok(None) };
        Ok(Some((Terms::of_packed(&packed)?.sequence, unpack_stored(now.id, &packed)?)))
    };
    let sequence = Terms::of_packed(packed)?.sequence;
    Ok(may_be_missed(window, &now, sequence, judge, earlier)?.then_some(now))
}
