//! Messages as they came, and whether one came before.

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{Hash, INPUT, Key, MESSAGE, Reader, hash};
use super::pack::{pack_message, unpack_message, unpack_summary_and_content};
use super::sought;
use crate::store::engine::{Span, View};
use crate::store::{MessageEntry, Notice, Seen, StoreError};

fn message_key(sequence: u64) -> Vec<u8> {
    Key::new(MESSAGE).number(sequence).done()
}

fn input_hash(feed: &str, control: &str) -> Hash {
    hash(&[feed, control])
}

/// A replay brings the same input again on purpose: it is taken, and from then on answers for that input. Returns what of
/// it could not be used, for the first time of this input.
pub fn put(draft: &mut Draft<'_>, mut entry: MessageEntry, sequence: u64) -> Result<Vec<Notice>, StoreError> {
    let summary = &mut entry.summary;
    let input = Key::new(INPUT).bytes(&input_hash(&summary.feed, &summary.control)).bytes(&entry.content).done();
    let mut counted = Vec::new();
    if let Some(known) = draft.get(&input)? {
        let known = Reader(&known).number()?;
        if summary.replays.is_none() {
            return Err(StoreError::Duplicate(known));
        }
        counted = get(draft, known)?.map(|before| before.counted()).unwrap_or_default();
    }
    summary.sequence = sequence;
    let notices = entry.count_after(counted);
    sought::put(draft, &entry, sequence)?;
    draft.put(input, sequence.to_be_bytes().to_vec());
    draft.put(message_key(sequence), pack_message(&mut entry)?);
    draft.counters.messages += 1;
    Ok(notices)
}

/// When a message came, and the key it is recognised by.
pub fn received_and_input(packed: &[u8]) -> Result<(Timestamp, Vec<u8>), StoreError> {
    let (summary, content) = unpack_summary_and_content(packed)?;
    let input = Key::new(INPUT).bytes(&input_hash(&summary.feed, &summary.control)).bytes(&content).done();
    Ok((summary.received, input))
}

/// Takes a message away, and the key it is recognised by unless a replay answers for that now.
pub fn remove(draft: &mut Draft<'_>, sequence: u64, input: Vec<u8>) -> Result<bool, StoreError> {
    let key = message_key(sequence);
    let Some(packed) = draft.get(&key)? else { return Ok(false) };
    sought::remove(draft, &unpack_message(&packed)?)?;
    draft.delete(key);
    if draft.get(&input)?.is_some_and(|known| known == sequence.to_be_bytes()) {
        draft.delete(input);
    }
    draft.counters.messages = draft.counters.messages.saturating_sub(1);
    Ok(true)
}

pub fn seen(view: &dyn View, feed: &str, control: &str, content: &[u8; 32]) -> Result<Seen, StoreError> {
    let prefix = Key::new(INPUT).bytes(&input_hash(feed, control)).done();
    if let Some(known) = view.get(&[&prefix[..], content].concat())? {
        let entry = get(view, Reader(&known).number()?)?;
        return entry.map_or(Ok(Seen::New), |entry| Ok(Seen::Same(Box::new(entry))));
    }
    // A control id is reused rarely; a sender that never changes it is answered from the first few.
    let others = view.scan(&Span::prefix(prefix), 256)?;
    let sequences = others.iter().map(|(_, value)| Reader(value).number()).collect::<Result<Vec<_>, _>>()?;
    Ok(sequences.into_iter().max().map_or(Seen::New, Seen::ControlReused))
}

pub fn get(view: &dyn View, sequence: u64) -> Result<Option<MessageEntry>, StoreError> {
    view.get(&message_key(sequence))?.map(|value| unpack_message(&value)).transpose()
}
