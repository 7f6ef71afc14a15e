//! Finds segments and fields in one pass over the bytes. Segments end with CR, LF or both; a line that does not begin with a
//! segment name is a break inside the field before it.

use std::ops::Range;

use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::{Duty, Kind};

use super::delimiters::Delimiters;
use super::message::SegmentEntry;
use super::options::ReadOptions;
use super::span::Span;

/// What a pass finds.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub segments: Vec<SegmentEntry>,
    pub field_starts: Vec<u32>,
}

/// Oddities of line ends, said once each however often they occur.
#[derive(Debug, Default)]
struct LineEnds {
    carriage_returns: usize,
    line_feeds: usize,
    pairs: usize,
    empty_lines: usize,
    is_unfinished: bool,
}

pub(super) fn index_segments(
    structure: &[u8],
    bounds: Range<usize>,
    delimiters: &Delimiters,
    options: &ReadOptions,
    problems: &mut Vec<Problem>,
) -> Result<Index, Problem> {
    let mut index = Index { segments: Vec::with_capacity(16), field_starts: Vec::with_capacity(structure.len() / 6) };
    let mut occurrences: Vec<([u8; 3], u16)> = Vec::with_capacity(16);
    let mut ends = LineEnds::default();
    let mut at = bounds.start;
    while at < bounds.end {
        let line = structure.get(at..bounds.end).unwrap_or_default();
        let fields_before = index.field_starts.len();
        let length = find_fields(line, at, delimiters.field, &mut index.field_starts);
        let found = index.field_starts.len() - fields_before;
        let next = ends.step(line, at, length);
        if length == 0 {
            at = next;
            // Nothing lost: an empty line states nothing.
            continue;
        }
        match begins_segment(line.get(..length).unwrap_or_default(), delimiters.field) {
            Some(name) => {
                if !index.segments.is_empty() && ends_message(&name, problems) {
                    // Nothing lost: what ends the message is told by `ends_message`.
                    index.field_starts.truncate(fields_before);
                    break;
                }
                let entry = SegmentEntry {
                    name,
                    occurrence: count_occurrence(&mut occurrences, name),
                    span: Span::new(at, at + length),
                    first_field: u32::try_from(fields_before).unwrap_or(u32::MAX),
                    field_count: u16::try_from(found).unwrap_or(u16::MAX),
                };
                if line.get(..3).is_some_and(|written| written != name) {
                    problems.push(odd(place_of(&entry), "the segment's name is not in capitals"));
                }
                index.segments.push(entry);
            }
            None => join_to_last(&mut index.segments, at + length, found, problems),
        }
        check_bounds(&index, options)?;
        at = next;
    }
    ends.report(problems);
    Ok(index)
}

/// Notes where fields begin up to the end of the line, whose length it gives.
fn find_fields(line: &[u8], at: usize, field: u8, starts: &mut Vec<u32>) -> usize {
    for (offset, &byte) in line.iter().enumerate() {
        if byte == field {
            starts.push(u32::try_from(at + offset + 1).unwrap_or(u32::MAX));
        } else if byte == b'\r' || byte == b'\n' {
            return offset;
        }
    }
    line.len()
}

/// The segment's name in capitals, where the line begins with one. Without fields only capitals count, because
/// a word of three letters may stand alone in a broken text.
fn begins_segment(line: &[u8], field: u8) -> Option<[u8; 3]> {
    // Nothing lost: a line that begins no segment is told of by the caller.
    let [first, second, third, rest @ ..] = line else { return None };
    let name = [*first, *second, *third];
    let is_name = first.is_ascii_alphabetic() && second.is_ascii_alphanumeric() && third.is_ascii_alphanumeric();
    let is_alone = rest.is_empty() && !name.iter().any(u8::is_ascii_lowercase);
    (is_name && (is_alone || rest.first() == Some(&field))).then(|| name.map(|byte| byte.to_ascii_uppercase()))
}

/// A second header or an envelope's trailer: what follows is another message's.
fn ends_message(name: &[u8; 3], problems: &mut Vec<Problem>) -> bool {
    match name {
        b"MSH" => {
            let place = Place::Field(FieldPlace::segment("MSH", 2));
            let text = "a second MSH begins another message, which was not read as part of this one";
            let problem = Problem::warning(Category::Structure, place, text);
            problems.push(problem.unused(Kind::Event, "second MSH").owed_by(Duty::Feed));
            true
        }
        b"FHS" | b"BHS" | b"BTS" | b"FTS" => true,
        _ => false,
    }
}

fn join_to_last(segments: &mut [SegmentEntry], end: usize, found: usize, problems: &mut Vec<Problem>) {
    if let Some(last) = segments.last_mut() {
        let text = "a line does not begin with a segment name; it was read as going on with the field before it";
        let place = FieldPlace { field: last.field_count, ..field_place(last) };
        if !problems.iter().any(|problem| problem.place == Place::Field(place.clone()) && problem.text == text) {
            let problem = Problem::warning(Category::Structure, Place::Field(place), text);
            problems.push(problem.unused(Kind::Text, "line without a segment's name"));
        }
        last.span.end = u32::try_from(end).unwrap_or(u32::MAX);
        last.field_count = last.field_count.saturating_add(u16::try_from(found).unwrap_or(u16::MAX));
    }
}

fn check_bounds(index: &Index, options: &ReadOptions) -> Result<(), Problem> {
    if index.segments.len() > options.max_segments {
        let text = format!("the message has more than the {} segments allowed", options.max_segments);
        return Err(Problem::fatal(Category::TooLong, Place::Whole, text));
    }
    match index.segments.last() {
        Some(last) if usize::from(last.field_count) > options.max_fields => {
            let text = format!("the segment has more than the {} fields allowed", options.max_fields);
            Err(Problem::fatal(Category::TooLong, place_of(last), text))
        }
        _ => Ok(()),
    }
}

fn count_occurrence(occurrences: &mut Vec<([u8; 3], u16)>, name: [u8; 3]) -> u16 {
    if let Some((_, count)) = occurrences.iter_mut().find(|(known, _)| *known == name) {
        *count = count.saturating_add(1);
        return *count;
    }
    occurrences.push((name, 1));
    1
}

fn field_place(entry: &SegmentEntry) -> FieldPlace {
    FieldPlace::segment(std::str::from_utf8(&entry.name).unwrap_or_default(), entry.occurrence)
}

fn place_of(entry: &SegmentEntry) -> Place {
    Place::Field(field_place(entry))
}

impl LineEnds {
    /// Takes the end of the line of this length and gives where the next begins.
    fn step(&mut self, line: &[u8], at: usize, length: usize) -> usize {
        self.empty_lines += usize::from(length == 0);
        let width = match (line.get(length), line.get(length + 1)) {
            (Some(b'\r'), Some(b'\n')) => {
                self.pairs += 1;
                2
            }
            (Some(b'\r'), _) => {
                self.carriage_returns += 1;
                1
            }
            (Some(_), _) => {
                self.line_feeds += 1;
                1
            }
            (None, _) => {
                self.is_unfinished = true;
                0
            }
        };
        at + length + width
    }

    fn report(&self, problems: &mut Vec<Problem>) {
        let kinds = [self.carriage_returns, self.line_feeds, self.pairs].iter().filter(|&&count| count > 0).count();
        let mut say = |is_so: bool, text: &str| {
            if is_so {
                problems.push(odd(Place::Whole, text));
            }
        };
        say(kinds > 1, "segments end in different ways; HL7 ends each with CR");
        say(kinds == 1 && self.line_feeds > 0, "segments end with LF; HL7 ends each with CR");
        say(kinds == 1 && self.pairs > 0, "segments end with CR LF; HL7 ends each with CR");
        say(self.empty_lines > 0, "there are empty lines between segments");
        say(self.is_unfinished, "the last segment does not end with CR; the message may have been cut short");
    }
}

pub(super) fn odd(place: Place, text: &str) -> Problem {
    // Nothing lost: what is written oddly was read all the same.
    Problem::information(Category::Structure, place, text)
}
