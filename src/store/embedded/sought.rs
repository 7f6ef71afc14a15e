//! Messages by what people look for: each stands under its class, the patients it is about and its control id, those received last
//! first, so that any list is a merge of a few ranges of keys. Of each class the hours are counted in the same commit.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::keys::{Hash, Key, MESSAGE, MESSAGE_BY, MESSAGE_CLASS, MESSAGE_COUNT, Reader, hash, time_bytes};
use super::merged::{Merged, PLACE, Place, place_of};
use super::pack::{damaged, json, unpack_message, unpack_summary};
use super::rebuild::{clear, in_steps};
use super::walk::{all, cursor_of, key_of, present, walk_keys};
use super::worklist::hour_of;
use crate::store::engine::{Engine, Span, View};
use crate::store::{
    Cursor, MOST_CLASSES, MOST_COUNTED, MOST_READ, MOST_READ_BYTES, MessageClass, MessageCount, MessageEntry,
    MessageFilter, MessageSummary, MessagesFound, StoreError, kinds_of,
};

/// No page is larger.
const PAGE: usize = 1000;
/// Messages read and written at once while the index is built.
const CHUNK: usize = 200;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn class_hash(class: &MessageClass) -> Result<Hash, StoreError> {
    Ok(hash(&["class", &String::from_utf8_lossy(&json(class)?)]))
}

fn patient_hash(patient: &str) -> Hash {
    hash(&["patient", patient])
}

fn control_hash(control: &str) -> Hash {
    hash(&["control", control])
}

fn class_key(class: &MessageClass) -> Result<Vec<u8>, StoreError> {
    Ok(Key::new(MESSAGE_CLASS).bytes(&hash(&["feed", &class.feed])).bytes(&class_hash(class)?).done())
}

fn by_key(term: &Hash, place: &Place) -> Vec<u8> {
    Key::new(MESSAGE_BY).bytes(term).bytes(place).done()
}

fn place(summary: &MessageSummary, sequence: u64) -> Result<Place, StoreError> {
    place_of(&Key::new(0).newest_time(time_bytes(summary.received)).newest(sequence).done())
}

/// Everything but its class that it stands under.
fn own_terms(entry: &MessageEntry) -> Vec<Hash> {
    let patients = entry.summary.patient.iter().cloned().chain(entry.other_patients());
    let mut terms: Vec<Hash> = patients.map(|patient| patient_hash(&patient)).collect();
    terms.push(control_hash(&entry.summary.control));
    terms.sort_unstable();
    terms.dedup();
    terms
}

pub fn put(draft: &mut Draft<'_>, entry: &MessageEntry, sequence: u64) -> Result<(), StoreError> {
    let mut class = MessageClass::of(entry);
    if draft.get(&class_key(&class)?)?.is_none() {
        let of_feed = Key::new(MESSAGE_CLASS).bytes(&hash(&["feed", &class.feed])).done();
        if draft.scan(&Span::prefix(of_feed), MOST_CLASSES)?.len() == MOST_CLASSES {
            class = class.rest();
        }
    }
    let (place, kinds) = (place(&entry.summary, sequence)?, kinds_of(&entry.trace).to_be_bytes().to_vec());
    counted(draft, &class, entry.summary.received, 1)?;
    for term in own_terms(entry).into_iter().chain([class_hash(&class)?]) {
        draft.put(by_key(&term, &place), kinds.clone());
    }
    Ok(())
}

pub fn remove(draft: &mut Draft<'_>, entry: &MessageEntry) -> Result<(), StoreError> {
    let place = place(&entry.summary, entry.summary.sequence)?;
    let own = MessageClass::of(entry);
    let stands = draft.get(&by_key(&class_hash(&own)?, &place))?.is_some();
    let class = if stands { own } else { own.rest() };
    counted(draft, &class, entry.summary.received, -1)?;
    for term in own_terms(entry).into_iter().chain([class_hash(&class)?]) {
        draft.delete(by_key(&term, &place));
    }
    Ok(())
}

/// One more or less of a class and of its hour; a class that has none is forgotten.
fn counted(draft: &mut Draft<'_>, class: &MessageClass, at: Timestamp, change: i64) -> Result<(), StoreError> {
    let class_key = class_key(class)?;
    let hour_key = Key::new(MESSAGE_COUNT).bytes(&class_hash(class)?).time(hour_of(at)).done();
    for (key, rest) in [(class_key, json(class)?), (hour_key, Vec::new())] {
        let known = draft.get(&key)?.map(|value| Reader(&value).number()).transpose()?.unwrap_or_default();
        match known.saturating_add_signed(change) {
            0 => draft.delete(key),
            count => draft.put(key, [&count.to_be_bytes()[..], &rest].concat()),
        }
    }
    Ok(())
}

/// The classes that may have what is asked for, each with how many it has.
fn classes(view: &dyn View, filter: &MessageFilter) -> Result<Vec<(MessageClass, u64)>, StoreError> {
    let spaces = Key::new(MESSAGE_CLASS);
    let spaces = filter.feed.iter().fold(spaces, |key, feed| key.bytes(&hash(&["feed", feed])));
    let mut found = Vec::new();
    for (_, value) in all(view, &Span::prefix(spaces.done()))? {
        let mut reader = Reader(&value);
        let count = reader.number()?;
        let class: MessageClass = serde_json::from_slice(reader.0).map_err(|_| damaged("a class of messages"))?;
        if filter.takes_class(&class) {
            found.push((class, count));
        }
    }
    Ok(found)
}

/// What the messages asked for stand under: the fewest there are.
fn terms(view: &dyn View, filter: &MessageFilter) -> Result<Vec<Hash>, StoreError> {
    match (&filter.control, &filter.patients) {
        (Some(control), _) => Ok(vec![control_hash(control)]),
        (None, Some(patients)) => Ok(patients.iter().map(|patient| patient_hash(patient)).collect()),
        (None, None) => classes(view, filter)?.iter().map(|(class, _)| class_hash(class)).collect(),
    }
}

pub fn find(
    view: &dyn View,
    filter: &MessageFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<MessagesFound, StoreError> {
    if filter.is_all() {
        return newest(view, cursor, count);
    }
    let count = count.clamp(1, PAGE);
    let mut last =
        cursor.map(|cursor| key_of(cursor).and_then(|key| place_of(&[&[0], &key[..]].concat()))).transpose()?;
    let mut merged = Merged::new(view, &terms(view, filter)?, (filter.from, filter.before), last.as_ref());
    let (mut found, mut read) = (MessagesFound { items: Vec::new(), next: None, looked: 0, reached: None }, 0);
    while let Some((place, kinds)) = merged.next()? {
        if found.items.len() == count || found.looked == MOST_READ as u64 || read > MOST_READ_BYTES {
            found.next = last.map(|last| cursor_of(&last));
            break;
        }
        found.looked += 1;
        last = Some(place);
        let packed = message(view, &place)?;
        let summary = unpack_summary(&packed)?;
        found.reached = Some(summary.received);
        if !filter.takes_kinds(kinds) {
            // Nothing lost: it is not asked for.
            continue;
        }
        let Some(summary) = taken(filter, summary, &packed)? else { continue };
        if filter.text.is_some() {
            let raw = unpack_message(&packed)?.raw;
            read += raw.len();
            if !filter.takes_text(&raw) {
                // Nothing lost: it is not asked for.
                continue;
            }
        }
        found.items.push(summary);
    }
    Ok(found)
}

fn message(view: &dyn View, place: &Place) -> Result<Vec<u8>, StoreError> {
    let sequence = !Reader(place.get(PLACE - 8..).unwrap_or_default()).number()?;
    present(view.get(&Key::new(MESSAGE).number(sequence).done())?, "an indexed message")
}

/// The summary of a message that belongs into the listing.
fn taken(
    filter: &MessageFilter,
    mut summary: MessageSummary,
    packed: &[u8],
) -> Result<Option<MessageSummary>, StoreError> {
    if filter.patients.is_some() && summary.further_patients > 0 && summary.other_patients.is_empty() {
        // A program of before only counted them; what the message wrote tells who they are.
        summary.other_patients = unpack_message(packed)?.other_patients();
    }
    Ok(filter.takes(&summary).then_some(summary))
}

/// All, in the order in which they came.
fn newest(view: &dyn View, cursor: Option<&Cursor>, count: usize) -> Result<MessagesFound, StoreError> {
    let span = Span::prefix(vec![MESSAGE]).backwards();
    let walked = walk_keys(view, &[span], cursor, count, |_, value| unpack_summary(value).map(Some))?;
    let items: Vec<MessageSummary> = walked.items.into_iter().map(|(_, summary)| summary).collect();
    let reached = items.last().map(|summary| summary.received);
    Ok(MessagesFound { looked: items.len() as u64, reached, items, next: walked.next.as_deref().map(cursor_of) })
}

pub fn count(view: &dyn View, filter: &MessageFilter) -> Result<MessageCount, StoreError> {
    let filter = MessageFilter { text: None, ..filter.clone() };
    let mut counted = MessageCount { count: 0, is_exact: true };
    let mut looked_at = Vec::new();
    if filter.is_of_classes() {
        for (class, count) in classes(view, &filter)? {
            match (filter.is_unsure_of(&class), filter.from, filter.before) {
                (true, ..) => looked_at.push(class_hash(&class)?),
                (false, None, None) => counted.count += count,
                (false, from, before) => counted.count += between(view, &class_hash(&class)?, from, before)?,
            }
        }
    } else {
        looked_at = terms(view, &filter)?;
    }
    let (mut merged, mut looked) = (Merged::new(view, &looked_at, (filter.from, filter.before), None), 0);
    while let Some((place, kinds)) = merged.next()? {
        if looked == MOST_COUNTED {
            counted.is_exact = false;
            break;
        }
        looked += 1;
        let packed = message(view, &place)?;
        let is_taken = filter.takes_kinds(kinds) && taken(&filter, unpack_summary(&packed)?, &packed)?.is_some();
        counted.count += u64::from(is_taken);
    }
    Ok(counted)
}

/// How many a class has in a time: whole hours by their sums, the ends by looking.
fn between(
    view: &dyn View,
    class: &Hash,
    from: Option<Timestamp>,
    before: Option<Timestamp>,
) -> Result<u64, StoreError> {
    let start = from.map(|from| (from, if hour_of(from) == from { from } else { later(hour_of(from)) }));
    let end = before.map(|before| (hour_of(before), before));
    if let (Some((from, whole)), Some((last, before))) = (start, end)
        && whole > last
    {
        return keys(view, class, Some(from), Some(before));
    }
    let mut count = 0;
    if let Some((from, whole)) = start {
        count += keys(view, class, Some(from), Some(whole))?;
    }
    if let Some((last, before)) = end {
        count += keys(view, class, Some(last), Some(before))?;
    }
    let hours = |at: Timestamp| Key::new(MESSAGE_COUNT).bytes(class).time(at).done();
    let mut span = Span::prefix(Key::new(MESSAGE_COUNT).bytes(class).done());
    if let Some((_, whole)) = start {
        span.from = hours(whole);
    }
    if let Some((last, _)) = end {
        span.until = hours(last);
    }
    for (_, value) in if span.is_empty() { Vec::new() } else { all(view, &span)? } {
        count += Reader(&value).number()?;
    }
    Ok(count)
}

fn later(hour: Timestamp) -> Timestamp {
    hour.checked_add(HOUR).unwrap_or(Timestamp::MAX)
}

fn keys(view: &dyn View, class: &Hash, from: Option<Timestamp>, before: Option<Timestamp>) -> Result<u64, StoreError> {
    let (mut merged, mut count) = (Merged::new(view, &[*class], (from, before), None), 0);
    while merged.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Indexes the messages that a program wrote which kept no such index, in bounded steps; begun again, it makes the same.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    [MESSAGE_CLASS, MESSAGE_COUNT, MESSAGE_BY].into_iter().try_for_each(|space| clear(engine, space))?;
    let count = in_steps(engine, Span::prefix(vec![MESSAGE]), CHUNK, &|draft, _, value| {
        let entry = unpack_message(value)?;
        put(draft, &entry, entry.summary.sequence)
    })?;
    if count > 0 {
        tracing::info!(messages = count, "indexed by what people look for");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::Embedded;
    use crate::store::embedded::counters::Counters;
    use crate::store::engine::{Changes, Memory};
    use crate::store::{Disposition, Store, Trace, WriteUnit};

    fn open(memory: &Memory) -> Embedded {
        let memory = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone())))).unwrap()
    }

    fn entry(number: u8) -> MessageEntry {
        let summary = MessageSummary {
            sequence: 0,
            received: Timestamp::from_second(i64::from(number) * 900).unwrap(),
            feed: "lab".to_string(),
            control: format!("C{number}"),
            event: if number.is_multiple_of(3) { "ORU^R01" } else { "ADT^A01" }.to_string(),
            disposition: Disposition::Applied,
            acknowledged: "AA".to_string(),
            patient: None,
            further_patients: 0,
            other_patients: Vec::new(),
            replays: None,
            size: 1,
            incomplete: false,
            problems: 0,
        };
        MessageEntry { summary, content: [number; 32], raw: vec![number], answer: Vec::new(), trace: Trace::default() }
    }

    #[tokio::test]
    async fn a_store_that_kept_no_such_index_is_indexed_when_it_is_opened() {
        let memory = Memory::default();
        let store = open(&memory);
        for number in 0..20 {
            store.commit(WriteUnit { message: Some(entry(number)), ..WriteUnit::default() }).await.unwrap();
        }
        let asked = MessageFilter { event: Some("ORU".into()), ..MessageFilter::default() };
        let told = async |store: &Embedded| {
            (store.count_messages(&asked).await.unwrap(), store.find_messages(&asked, None, 50).await.unwrap())
        };
        let before = told(&store).await;
        assert_eq!((before.0.count, before.1.items.len()), (7, 7));
        drop(store);
        let counters = memory.view().unwrap().get(&Counters::key()).unwrap().unwrap();
        let mut changes = Changes::new();
        for space in [MESSAGE_CLASS, MESSAGE_COUNT, MESSAGE_BY] {
            let known = memory.view().unwrap().scan(&Span::prefix(vec![space]), 5).unwrap();
            changes.extend(known.into_iter().skip(1).map(|(key, _)| (key, None)));
        }
        changes.insert(Counters::key(), Some(counters[..counters.len() - 16].to_vec()));
        memory.write(changes).unwrap();
        assert_eq!(told(&open(&memory)).await, before);
    }
}
