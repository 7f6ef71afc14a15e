//! One-time values until they expire, and small pieces of state by name.

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{Key, ONCE, ONCE_EXPIRY, Reader, STATE, hash, time_of};
use crate::store::StoreError;
use crate::store::engine::{Span, View};

/// Written for the sake of writing when space was given back.
pub const RECLAIMED: &str = "reclaimed";

/// How many expired values each new one takes away: more than one, so that they die out.
const PRUNE: usize = 8;

pub fn remember(
    draft: &mut Draft<'_>,
    kind: &str,
    value: &str,
    expires: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    prune(draft, now, PRUNE)?;
    let hash = hash(&[kind, value]);
    let key = Key::new(ONCE).bytes(&hash).done();
    let expiry = |at| Key::new(ONCE_EXPIRY).time(at).bytes(&hash).done();
    if let Some(known) = draft.get(&key)? {
        let until = time_of(Reader(&known).take()?)?;
        if until > now {
            return Ok(false);
        }
        draft.delete(expiry(until));
    }
    draft.put(key, super::keys::time_bytes(expires).to_vec());
    draft.put(expiry(expires), Vec::new());
    Ok(true)
}

pub fn is_remembered(view: &dyn View, kind: &str, value: &str, now: Timestamp) -> Result<bool, StoreError> {
    let known = view.get(&Key::new(ONCE).bytes(&hash(&[kind, value])).done())?;
    let until = known.map(|known| time_of(Reader(&known).take()?)).transpose()?;
    Ok(until.is_some_and(|until| until > now))
}

pub fn prune(draft: &mut Draft<'_>, now: Timestamp, count: usize) -> Result<u64, StoreError> {
    let past = Span::between(vec![ONCE_EXPIRY], Key::new(ONCE_EXPIRY).time(now).done());
    let expired = draft.scan(&past, count)?;
    let pruned = expired.len() as u64;
    for (key, _) in expired {
        let mut reader = Reader::of_key(&key);
        let _: [u8; 12] = reader.take()?;
        draft.delete(Key::new(ONCE).bytes(reader.0).done());
        draft.delete(key);
    }
    Ok(pruned)
}

pub fn state_key(name: &str) -> Vec<u8> {
    Key::new(STATE).bytes(name.as_bytes()).done()
}
