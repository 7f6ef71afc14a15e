//! Messages as they came, and whether one came before.

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{Hash, INPUT, Key, MESSAGE, Reader, hash};
use super::pack::{pack_message, unpack_message, unpack_summary, unpack_summary_and_content};
use super::walk::{present, walk};
use crate::store::engine::{Span, View};
use crate::store::{Cursor, MessageEntry, MessageFilter, MessageSummary, Notice, Page, Seen, StoreError};

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
    if draft.get(&key)?.is_none() {
        return Ok(false);
    }
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

pub fn list(
    view: &dyn View,
    filter: &MessageFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<MessageSummary>, StoreError> {
    if let (Some(feed), Some(control)) = (&filter.feed, &filter.control) {
        return of_input(view, filter, &input_hash(feed, control), cursor);
    }
    let all = Span::prefix(vec![MESSAGE]).backwards();
    walk(view, &[all], cursor, count, |_, value| taken(filter, value))
}

/// The summary of a message that belongs into the listing.
fn taken(filter: &MessageFilter, packed: &[u8]) -> Result<Option<MessageSummary>, StoreError> {
    let mut summary = unpack_summary(packed)?;
    if filter.patient.is_some() && summary.further_patients > 0 && summary.other_patients.is_empty() {
        // A program of before only counted them; what the message wrote tells who they are.
        summary.other_patients = unpack_message(packed)?.other_patients();
    }
    Ok(filter.takes(&summary).then_some(summary))
}

/// The few messages under one control id; always one page.
fn of_input(
    view: &dyn View,
    filter: &MessageFilter,
    input: &Hash,
    cursor: Option<&Cursor>,
) -> Result<Page<MessageSummary>, StoreError> {
    if cursor.is_some() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut items = Vec::new();
    for (_, sequence) in view.scan(&Span::prefix(Key::new(INPUT).bytes(input).done()), 256)? {
        let value = view.get(&message_key(Reader(&sequence).number()?))?;
        items.extend(taken(filter, &present(value, "a message")?)?);
    }
    items.sort_by_key(|summary| std::cmp::Reverse(summary.sequence));
    Ok(Page { items, next: None })
}
