//! What could not be used: one entry per cause, counted by the committer in the same write as the message that had it.
//! Entries are as many as causes are kept, so that whoever lists or sums reads them all.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{Hash, Key, Reader, UNUSED, UNUSED_COUNT, hash, time_bytes, time_of};
use super::pack::{damaged, json};
use super::walk::all;
use crate::store::engine::{Span, View};
use crate::store::{
    Cause, Cursor, MOST_CAUSES, Notice, Page, StoreError, UnusedAnswer, UnusedEntry, UnusedFilter, UnusedWork,
    page_of_unused,
};
use crate::unused::Duty;

/// The first half of the key is the feed's, so that its causes can be counted and found together.
fn key(feed: &str, id: &str) -> Vec<u8> {
    Key::new(UNUSED).bytes(&feed_hash(feed)).bytes(id.as_bytes()).done()
}

fn feed_hash(feed: &str) -> Hash {
    hash(&[feed])
}

fn count_key(feed: &str) -> Vec<u8> {
    Key::new(UNUSED_COUNT).bytes(&feed_hash(feed)).done()
}

/// Each notice counts one more for its cause. `message` is the one that they came with.
pub fn put(draft: &mut Draft<'_>, notices: Vec<Notice>, message: Option<u64>) -> Result<(), StoreError> {
    let mut beyond: BTreeMap<Vec<u8>, Notice> = BTreeMap::new();
    for notice in notices {
        let at = key(&notice.cause.feed, &notice.cause.id());
        match draft.get(&at)? {
            Some(known) => draft.put(at, again(&known, notice, message)?),
            None if causes_of(draft, &notice.cause.feed)? < MOST_CAUSES => begin(draft, at, notice, message)?,
            // Several that are beyond the bound are one cause, and one input has it once.
            None => {
                let notice = notice.beyond();
                beyond.insert(key(&notice.cause.feed, &notice.cause.id()), notice);
            }
        }
    }
    for (at, notice) in beyond {
        match draft.get(&at)? {
            Some(known) => draft.put(at, again(&known, notice, message)?),
            None => begin(draft, at, notice, message)?,
        }
    }
    Ok(())
}

/// Most causes are nobody's work, and nothing changes but their numbers: what stands behind those is copied as it is.
fn again(known: &[u8], notice: Notice, message: Option<u64>) -> Result<Vec<u8>, StoreError> {
    if notice.duty.is_some() {
        let mut entry = unpack(known)?;
        entry.again(notice, message);
        return pack(&entry);
    }
    let mut reader = Reader(known);
    let numbers = Numbers::read(&mut reader)?;
    let numbers = Numbers {
        count: numbers.count + 1,
        first: numbers.first.min(notice.at),
        newest: numbers.newest.max(notice.at),
        message: message.or(numbers.message),
    };
    let length = u32::from_be_bytes(reader.take()?) as usize;
    reader.slice(length)?;
    Ok(numbers.pack(&notice.text, reader.0))
}

fn begin(draft: &mut Draft<'_>, at: Vec<u8>, notice: Notice, message: Option<u64>) -> Result<(), StoreError> {
    let causes = causes_of(draft, &notice.cause.feed)? + 1;
    draft.put(count_key(&notice.cause.feed), (causes as u64).to_be_bytes().to_vec());
    draft.put(at, pack(&UnusedEntry::new(notice, message))?);
    Ok(())
}

fn causes_of(view: &dyn View, feed: &str) -> Result<usize, StoreError> {
    let Some(value) = view.get(&count_key(feed))? else { return Ok(0) };
    Ok(usize::try_from(Reader(&value).number()?).unwrap_or(usize::MAX))
}

/// What changes with every notice, in front of everything else.
struct Numbers {
    count: u64,
    first: Timestamp,
    newest: Timestamp,
    message: Option<u64>,
}

impl Numbers {
    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        let count = reader.number()?;
        let (first, newest) = (time_of(reader.take()?)?, time_of(reader.take()?)?);
        // No message has the number 0.
        let message = Some(reader.number()?).filter(|message| *message > 0);
        Ok(Self { count, first, newest, message })
    }

    fn pack(&self, text: &str, rest: &[u8]) -> Vec<u8> {
        let mut packed = Vec::with_capacity(44 + text.len() + rest.len());
        packed.extend_from_slice(&self.count.to_be_bytes());
        packed.extend_from_slice(&time_bytes(self.first));
        packed.extend_from_slice(&time_bytes(self.newest));
        packed.extend_from_slice(&self.message.unwrap_or_default().to_be_bytes());
        packed.extend_from_slice(&(text.len() as u32).to_be_bytes());
        packed.extend_from_slice(text.as_bytes());
        packed.extend_from_slice(rest);
        packed
    }
}

type Rest = (Cause, Option<Duty>, Option<UnusedWork>);

fn pack(entry: &UnusedEntry) -> Result<Vec<u8>, StoreError> {
    let UnusedEntry { count, first, newest, message, .. } = *entry;
    Ok(Numbers { count, first, newest, message }.pack(&entry.text, &json(&(&entry.cause, entry.duty, &entry.work))?))
}

fn unpack(value: &[u8]) -> Result<UnusedEntry, StoreError> {
    let mut reader = Reader(value);
    let Numbers { count, first, newest, message } = Numbers::read(&mut reader)?;
    let length = u32::from_be_bytes(reader.take()?) as usize;
    let text = Reader(reader.slice(length)?).text()?.to_string();
    let (cause, duty, work): Rest =
        serde_json::from_slice(reader.0).map_err(|_| damaged("a cause of what could not be used"))?;
    Ok(UnusedEntry { id: cause.id(), cause, count, first, newest, message, text, duty, work })
}

pub fn page(
    view: &dyn View,
    filter: &UnusedFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<UnusedEntry>, StoreError> {
    page_of_unused(entries(view, filter.feed.as_deref())?, filter, cursor, count)
}

/// All there are, of one feed or of all.
pub fn entries(view: &dyn View, feed: Option<&str>) -> Result<Vec<UnusedEntry>, StoreError> {
    let span = match feed {
        Some(feed) => Span::prefix(Key::new(UNUSED).bytes(&feed_hash(feed)).done()),
        None => Span::prefix(vec![UNUSED]),
    };
    all(view, &span)?.iter().map(|(_, value)| unpack(value)).collect()
}

pub fn get(view: &dyn View, id: &str) -> Result<Option<UnusedEntry>, StoreError> {
    Ok(entries(view, None)?.into_iter().find(|entry| entry.id == id))
}

pub fn answer(draft: &mut Draft<'_>, answer: UnusedAnswer) -> Result<(), StoreError> {
    let refused = || StoreError::Refused("there is no such cause".to_string());
    let mut entry = get(draft, &answer.id)?.ok_or_else(refused)?;
    entry.answer(answer);
    draft.put(key(&entry.cause.feed, &entry.id), pack(&entry)?);
    Ok(())
}

/// At most `budget` entries that are old enough to go: feed and id.
pub fn aged(view: &dyn View, before: Timestamp, budget: usize) -> Result<Vec<(String, String)>, StoreError> {
    let aged = entries(view, None)?.into_iter().filter(|entry| entry.is_aged(before));
    Ok(aged.take(budget).map(|entry| (entry.cause.feed, entry.id)).collect())
}

/// Takes one away if it is still old enough.
pub fn remove(draft: &mut Draft<'_>, feed: &str, id: &str, before: Timestamp) -> Result<bool, StoreError> {
    let key = key(feed, id);
    let Some(value) = draft.get(&key)? else { return Ok(false) };
    if !unpack(&value)?.is_aged(before) {
        return Ok(false);
    }
    let left = causes_of(draft, feed)?.saturating_sub(1) as u64;
    draft.delete(key);
    draft.put(count_key(feed), left.to_be_bytes().to_vec());
    Ok(true)
}
