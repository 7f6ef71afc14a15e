//! Listings: reads spans of keys in order, in bounded steps, and makes the cursor to go on from.

use std::fmt::Write;

use super::pack::damaged;
use crate::record::Stored;
use crate::store::engine::{Pair, Span, View};
use crate::store::{Cursor, Found, Match, Page, StoreError};

/// Entries looked at in one call, and read from the engine at once.
pub const STEPS: usize = 2000;
const CHUNK: usize = 128;
/// No page is larger.
const PAGE: usize = 1000;

/// What a walk found, each item under its key.
pub struct Walked<T> {
    pub items: Vec<(Vec<u8>, T)>,
    /// The key to go on after; none at the end.
    pub next: Option<Vec<u8>>,
    /// How many pairs were looked at.
    pub looked: usize,
}

impl Walked<Stored> {
    /// Each with the cursor to go on after it.
    pub fn into_found(self) -> Found {
        Found {
            items: self.items.into_iter().map(|(key, stored)| Match { stored, place: cursor_of(&key) }).collect(),
            next: self.next.as_deref().map(cursor_of),
            looked: self.looked,
        }
    }
}

/// Visits the pairs of the spans (in their order, which must be that of their keys) after the cursor until `count` items
/// were found or `STEPS` pairs were looked at.
pub fn walk<T>(
    view: &dyn View,
    spans: &[Span],
    cursor: Option<&Cursor>,
    count: usize,
    visit: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let walked = walk_keys(view, spans, cursor, count, visit)?;
    let items = walked.items.into_iter().map(|(_, item)| item).collect();
    Ok(Page { items, next: walked.next.as_deref().map(cursor_of) })
}

/// The same, with the key of each item.
pub fn walk_keys<T>(
    view: &dyn View,
    spans: &[Span],
    cursor: Option<&Cursor>,
    count: usize,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Walked<T>, StoreError> {
    let count = count.clamp(1, PAGE);
    let mut last: Option<Vec<u8>> = cursor.map(key_of).transpose()?;
    let mut walked = Walked { items: Vec::new(), next: None, looked: 0 };
    for span in spans {
        loop {
            let rest = last.as_ref().map_or_else(|| span.clone(), |last| span.after(last));
            if rest.is_empty() {
                break;
            }
            // One more than is looked at tells whether there is more.
            let chunk = CHUNK.min(STEPS - walked.looked);
            let pairs = view.scan(&rest, chunk + 1)?;
            let more = pairs.len() > chunk;
            for (key, value) in pairs.into_iter().take(chunk) {
                if walked.items.len() == count || walked.looked == STEPS {
                    return Ok(Walked { next: last, ..walked });
                }
                walked.looked += 1;
                walked.items.extend(visit(&key, &value)?.map(|item| (key.clone(), item)));
                last = Some(key);
            }
            if !more {
                break;
            }
            if walked.items.len() == count || walked.looked == STEPS {
                return Ok(Walked { next: last, ..walked });
            }
        }
    }
    Ok(walked)
}

/// All pairs of a span, read in chunks; for spans that are bounded by what they hold.
pub fn all(view: &dyn View, span: &Span) -> Result<Vec<Pair>, StoreError> {
    let mut pairs = view.scan(span, CHUNK)?;
    let mut full = pairs.len() == CHUNK;
    while full {
        let Some((last, _)) = pairs.last() else { break };
        let next = view.scan(&span.after(last), CHUNK * 8)?;
        full = next.len() == CHUNK * 8;
        pairs.extend(next);
    }
    Ok(pairs)
}

pub fn cursor_of(key: &[u8]) -> Cursor {
    let mut text = String::with_capacity(key.len() * 2);
    for byte in key {
        let _ = write!(text, "{byte:02x}");
    }
    Cursor(text)
}

pub fn key_of(cursor: &Cursor) -> Result<Vec<u8>, StoreError> {
    let refused = || StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
    let text = cursor.0.as_bytes();
    if text.is_empty() || text.len() > 1024 || text.len() % 2 == 1 {
        return Err(refused());
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    text.chunks(2).map(byte).collect::<Option<_>>().ok_or_else(refused)
}

/// A value that an index points to must be there.
pub fn present(value: Option<Vec<u8>>, what: &str) -> Result<Vec<u8>, StoreError> {
    value.ok_or_else(|| damaged(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::{Changes, Engine, Memory};

    fn filled(count: u16) -> Memory {
        let engine = Memory::default();
        let pair = |number: u16| ([&[1][..], &number.to_be_bytes()].concat(), Some(vec![1]));
        engine.write((0..count).map(pair).collect::<Changes>()).unwrap();
        engine
    }

    fn read_all(engine: &Memory, spans: &[Span], count: usize, keep: impl Fn(u16) -> bool) -> (Vec<u16>, usize) {
        let (mut all, mut cursor, mut calls) = (Vec::new(), None, 0);
        loop {
            let visit = |key: &[u8], _: &[u8]| {
                let number = u16::from_be_bytes([key[1], key[2]]);
                Ok(keep(number).then_some(number))
            };
            let page = walk(&*engine.view().unwrap(), spans, cursor.as_ref(), count, visit).unwrap();
            assert!(page.items.len() <= count);
            all.extend(page.items);
            calls += 1;
            cursor = page.next;
            if cursor.is_none() {
                return (all, calls);
            }
        }
    }

    #[test]
    fn pages_cover_everything_once_in_both_directions() {
        let engine = filled(1000);
        let forwards = read_all(&engine, &[Span::prefix(vec![1])], 7, |_| true).0;
        assert_eq!(forwards, (0..1000).collect::<Vec<_>>());
        let backwards = read_all(&engine, &[Span::prefix(vec![1]).backwards()], 250, |_| true).0;
        assert_eq!(backwards, (0..1000).rev().collect::<Vec<_>>());
    }

    #[test]
    fn the_last_page_says_that_it_is_the_last() {
        assert_eq!(read_all(&filled(20), &[Span::prefix(vec![1])], 10, |_| true).1, 2);
    }

    #[test]
    fn several_spans_are_one_listing() {
        let spans = [Span::prefix(vec![1, 0]), Span::prefix(vec![1, 2])];
        let found = read_all(&filled(1000), &spans, 100, |_| true).0;
        assert_eq!(found, (0..256).chain(512..768).collect::<Vec<_>>());
    }

    #[test]
    fn one_call_looks_at_a_bounded_number_of_entries() {
        let (found, calls) = read_all(&filled(5000), &[Span::prefix(vec![1])], 10, |number| number == 4999);
        assert_eq!((found, calls), (vec![4999], 3));
    }

    #[test]
    fn foreign_cursors_are_refused() {
        for text in ["", "a", "zz", "é"] {
            assert!(matches!(key_of(&Cursor(text.to_string())), Err(StoreError::Refused(_))), "{text}");
        }
        assert_eq!(key_of(&cursor_of(&[1, 255, 0])).unwrap(), vec![1, 255, 0]);
    }
}
