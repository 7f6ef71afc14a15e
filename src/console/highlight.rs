//! A raw message as a person reads it: one line a segment, every part that a mapping read marked with what it became. A part of
//! the message at a time: its work and its page grow with the part, not with the message times its marks.

use std::collections::BTreeSet;

use crate::hl7::{Message, ReadOptions, Span};
use crate::store::LineageMark;

/// Bytes of a message on one page, and how many readings of one place are named there.
const PART_BYTES: usize = 32 * 1024;
const MOST_NAMES: usize = 6;

/// Part of a message.
pub(super) struct Shown {
    pub lines: Vec<Line>,
    /// Which of its bytes these are.
    pub from: usize,
    pub until: usize,
    pub total: usize,
}

impl Shown {
    pub(super) fn is_whole(&self) -> bool {
        self.until - self.from == self.total
    }

    pub(super) fn before(&self) -> Option<usize> {
        (self.from > 0).then(|| self.from.saturating_sub(PART_BYTES))
    }

    pub(super) fn next(&self) -> Option<usize> {
        (self.until < self.total).then_some(self.until)
    }
}

/// One segment on its line, or the part of it that falls into the part shown.
pub(super) struct Line {
    pub pieces: Vec<Piece>,
}

/// A run of text; marked when somebody read it.
pub(super) struct Piece {
    pub text: String,
    /// "Patient.birthDate, by mappings/segments/PID-Patient.yaml:12"; several readings are joined.
    pub became: Option<String>,
}

/// The part of the message from a byte on, as lines and pieces. Bytes that cannot be read as HL7 are unmarked lines.
pub(super) fn part(raw: &[u8], marks: &[LineageMark], from: usize) -> Shown {
    let from = character_start(raw, from);
    let until = part_end(raw, from);
    let shown = |lines| Shown { lines, from, until, total: raw.len() };
    let Some(message) = Message::parse(raw, &ReadOptions::default()).message else {
        let text = String::from_utf8_lossy(raw.get(from..until).unwrap_or_default()).replace('\r', "\n");
        return shown(text.lines().map(|line| Line { pieces: vec![plain(line.to_string())] }).collect());
    };
    let mut marks: Vec<&LineageMark> = marks
        .iter()
        .filter(|mark| mark.start < mark.end && usize_of(mark.start) < until && usize_of(mark.end) > from)
        .collect();
    marks.sort_by_key(|mark| mark.start);
    let mut lines = Vec::new();
    for segment in message.segments() {
        let (start, end) = (usize_of(segment.span().start), usize_of(segment.span().end));
        if end > from && start < until {
            let first = marks.partition_point(|mark| usize_of(mark.start) < start);
            let last = marks.partition_point(|mark| usize_of(mark.start) < end);
            let own = marks.get(first..last).unwrap_or_default();
            lines.push(Line { pieces: pieces(&message, start.max(from), end.min(until), own) });
        }
    }
    shown(lines)
}

/// Bytes of UTF-8 that go on with a character do not begin a part.
fn character_start(raw: &[u8], at: usize) -> usize {
    let goes_on = |at: &usize| raw.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (at.saturating_sub(3)..=at).rev().find(|at| !goes_on(at)).unwrap_or(at).min(raw.len())
}

/// After the last whole segment that fits, or in the middle of one that is longer than a part.
fn part_end(raw: &[u8], from: usize) -> usize {
    let limit = from.saturating_add(PART_BYTES);
    if limit >= raw.len() {
        return raw.len();
    }
    let window = raw.get(from..limit).unwrap_or_default();
    match window.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')) {
        Some(end) => from + end + 1,
        None => character_start(raw, limit),
    }
}

fn usize_of(offset: impl TryInto<usize>) -> usize {
    offset.try_into().unwrap_or(usize::MAX)
}

/// Goes through the marks (in order of their beginning) once, keeping those that are open.
fn pieces(message: &Message, start: usize, end: usize, marks: &[&LineageMark]) -> Vec<Piece> {
    let inside = |at: u32| usize_of(at).clamp(start, end);
    let mut edges: BTreeSet<usize> = marks.iter().flat_map(|mark| [inside(mark.start), inside(mark.end)]).collect();
    edges.extend([start, end]);
    let edges: Vec<usize> = edges.into_iter().collect();
    let mut open: BTreeSet<(u32, usize)> = BTreeSet::new();
    let mut coming = marks.iter().enumerate().peekable();
    let mut pieces = Vec::with_capacity(edges.len());
    for edge in edges.windows(2) {
        let [from, to] = edge else { continue };
        while let Some((place, mark)) = coming.next_if(|(_, mark)| usize_of(mark.start) <= *from) {
            open.insert((mark.end, place));
        }
        while let Some(over) = open.first().copied().filter(|(end, _)| usize_of(*end) <= *from) {
            open.remove(&over);
        }
        pieces.push(Piece { text: text(message, *from, *to), became: became(&open, marks) });
    }
    pieces
}

fn text(message: &Message, from: usize, to: usize) -> String {
    match (from.try_into(), to.try_into()) {
        (Ok(start), Ok(end)) => message.text_at(Span { start, end }).into_owned(),
        _ => String::new(),
    }
}

/// The narrowest readings first; how many more there are is said.
fn became(open: &BTreeSet<(u32, usize)>, marks: &[&LineageMark]) -> Option<String> {
    let named = open.iter().take(MOST_NAMES).filter_map(|(_, place)| marks.get(*place));
    let mut names: Vec<String> = named.map(|mark| format!("{}, by {}", mark.element, mark.map)).collect();
    names.dedup();
    if open.len() > MOST_NAMES {
        names.push(format!("and {} more", open.len() - MOST_NAMES));
    }
    (!names.is_empty()).then(|| names.join("\n"))
}

fn plain(text: String) -> Piece {
    Piece { text, became: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: usize, end: usize, element: &str) -> LineageMark {
        let offset = |at: usize| u32::try_from(at).unwrap();
        LineageMark { start: offset(start), end: offset(end), element: element.into(), map: "m:1".into() }
    }

    fn place(raw: &[u8], text: &str) -> usize {
        raw.windows(text.len()).position(|found| found == text.as_bytes()).unwrap()
    }

    fn texts(shown: &Shown) -> String {
        let line = |line: &Line| line.pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
        shown.lines.iter().map(line).collect::<Vec<_>>().join("\r")
    }

    #[test]
    fn marked_parts_name_what_they_became_and_nothing_is_lost() {
        let raw = b"MSH|^~\\&|A|B|||20260301||ADT^A04|1|P|2.5.1\rPID|1||4711\r";
        let start = place(raw, "4711");
        let shown = part(raw, &[mark(start, start + 4, "Patient.identifier[0].value")], 0);
        let texts: Vec<&str> = shown.lines[1].pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["PID|1||", "4711"]);
        assert_eq!(shown.lines[1].pieces[1].became.as_deref(), Some("Patient.identifier[0].value, by m:1"));
        assert!(shown.is_whole());
    }

    #[test]
    fn what_is_not_hl7_is_shown_as_it_is() {
        let shown = part(b"hello\rworld", &[], 0);
        assert_eq!(shown.lines.len(), 2);
        assert_eq!(shown.lines[0].pieces[0].text, "hello");
    }

    #[test]
    fn readings_inside_each_other_are_all_told_the_narrowest_first_and_many_are_counted() {
        let raw = b"MSH|^~\\&|A|B|||20260301||ADT^A04|1|P|2.5.1\rPID|1||4711^^^RIVER\r";
        let at = place(raw, "4711");
        let mut marks = vec![mark(at, at + 12, "whole"), mark(at, at + 4, "value"), mark(at + 7, at + 12, "system")];
        let shown = part(raw, &marks, 0);
        let became: Vec<_> =
            shown.lines[1].pieces.iter().map(|piece| piece.became.clone().unwrap_or_default()).collect();
        assert_eq!(became, ["", "value, by m:1\nwhole, by m:1", "whole, by m:1", "whole, by m:1\nsystem, by m:1"]);
        marks.extend((0..20).map(|number| mark(at, at + 12, &format!("e{number}"))));
        let shown = part(raw, &marks, 0);
        assert!(shown.lines[1].pieces[1].became.as_ref().unwrap().ends_with("and 16 more"));
    }

    /// The message that held a worker: thousands of segments, each read in many places.
    #[test]
    fn the_parts_of_a_large_message_are_all_of_it_and_each_is_bounded() {
        let mut raw = b"MSH|^~\\&|A|B|||20260301||ORU^R01|1|P|2.5.1|||||||UNICODE UTF-8\r".to_vec();
        let mut marks = Vec::new();
        for number in 0..9_000 {
            let start = raw.len();
            raw.extend_from_slice(
                format!("OBX|{number}|NM|8867-4^Pulse é^LN||{}|/min|||||F\r", number % 90).as_bytes(),
            );
            marks.extend((0..8).map(|place| mark(start + place * 2, start + 11 + place, "Observation.value")));
        }
        // One segment longer than a part, of characters of two bytes.
        raw.extend_from_slice(b"NTE|1||");
        raw.extend(std::iter::repeat_n("ö".as_bytes(), 40_000).flatten());
        raw.push(b'\r');
        let (mut whole, mut from, mut parts) = (String::new(), Some(0), 0);
        while let Some(start) = from {
            let shown = part(&raw, &marks, start);
            assert!(shown.until - shown.from <= PART_BYTES + 3 && !shown.is_whole());
            assert!(shown.lines.iter().map(|line| line.pieces.len()).sum::<usize>() <= PART_BYTES);
            if !whole.is_empty() && raw[start - 1] == b'\r' {
                whole.push('\r');
            }
            whole.push_str(&texts(&shown));
            from = shown.next();
            parts += 1;
        }
        assert_eq!(whole + "\r", String::from_utf8(raw.clone()).unwrap());
        assert!(parts > raw.len() / PART_BYTES);
    }
}
