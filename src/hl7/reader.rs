//! Reads bytes into a message, collecting what was odd (HL7 v2.5.1, 2.5 to 2.7). Refuses only what cannot be read safely:
//! no MSH, unusable delimiters, no control id, or more than the bounds allow. Problems never quote values.

use std::sync::Arc;

use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::Kind;

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::message::Message;
use super::options::ReadOptions;
use super::segments::{Index, index_segments, odd};

/// The outcome of reading: as much of a message as can be shown, and everything that was odd or wrong.
///
/// A message may be present although a problem is an error (no control id): it can be shown and repaired, and must
/// not be processed. Ask [`Reading::is_usable`].
#[derive(Debug, Clone)]
pub struct Reading {
    pub message: Option<Message>,
    pub problems: Vec<Problem>,
}

impl Reading {
    /// Whether the message may be processed: it is there, and nothing found is an error.
    pub fn is_usable(&self) -> bool {
        self.message.is_some() && !self.problems.iter().any(Problem::is_error)
    }
}

impl Message {
    /// Reads one message. Everything odd or wrong is collected; see [`Reading`].
    pub fn parse(raw: impl Into<Arc<[u8]>>, options: &ReadOptions) -> Reading {
        read(raw.into(), options)
    }
}

fn read(raw: Arc<[u8]>, options: &ReadOptions) -> Reading {
    let mut problems = Vec::new();
    let message = match read_message(raw, options, &mut problems) {
        Ok(message) => Some(message),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    Reading { message, problems }
}

fn read_message(raw: Arc<[u8]>, options: &ReadOptions, problems: &mut Vec<Problem>) -> Result<Message, Problem> {
    if raw.len() > options.max_bytes {
        let text = format!("the message is {} bytes long, more than the {} allowed", raw.len(), options.max_bytes);
        return Err(Problem::fatal(Category::TooLong, Place::Whole, text));
    }
    let (start, end) = find_bounds(&raw, problems)?;
    let unusable =
        |text: &str| Problem::fatal(Category::Structure, msh(if raw.len() < start + 5 { 1 } else { 2 }), text);
    let delimiters = Delimiters::read(raw.get(start..end).unwrap_or_default()).map_err(unusable)?;
    if delimiters.subcomponent.is_none() {
        let text = "the encoding characters (MSH-2) are fewer than four; those not named part nothing";
        problems.push(Problem::warning(Category::Structure, msh(2), text));
    }
    let mut found = Vec::new();
    let index = index_segments(&raw, start..end, &delimiters, options, &mut found)?;
    let message = assemble(raw, None, delimiters, options.charset.unwrap_or_default(), index);
    note_event(&message, problems);
    let charset = choose_charset(&message, options, problems);
    let message = match charset.mask(&message.raw) {
        Some(mask) => {
            found.clear();
            let index = index_segments(&mask, start..end, &delimiters, options, &mut found)?;
            assemble(message.raw, Some(mask), delimiters, charset, index)
        }
        None => Message { charset, ..message },
    };
    let mask = delimiters.without_spaced(message.structure()).or(message.mask);
    let message = Message { mask, ..message };
    problems.append(&mut found);
    if message.header().control_id().trim().is_empty() {
        let text =
            "the message has no control id (MSH-10), so it can neither be acknowledged nor recognised when resent";
        problems.push(Problem::error(Category::Required, msh(10), text));
    }
    Ok(message)
}

/// A message without a trigger event is read as the one event that its type has.
fn note_event(message: &Message, problems: &mut Vec<Problem>) {
    let header = message.header();
    if !header.states_event() && !header.trigger_event().is_empty() {
        let place = Place::Field(FieldPlace { component: 2, ..FieldPlace::field("MSH", 1, 9) });
        let text = format!("there is no trigger event; it was read as {}", header.trigger_event());
        let note = Problem::information(Category::Required, place, text);
        problems.push(note.unused(Kind::Event, &header.message_code()));
    }
}

fn assemble(raw: Arc<[u8]>, mask: Option<Vec<u8>>, delimiters: Delimiters, charset: Charset, index: Index) -> Message {
    Message { raw, mask, delimiters, charset, segments: index.segments, field_starts: index.field_starts }
}

pub(super) fn msh(field: u16) -> Place {
    Place::Field(FieldPlace::field("MSH", 1, field))
}

/// Where MSH begins and the message ends, without byte order mark and what is left of the framing.
fn find_bounds(raw: &[u8], problems: &mut Vec<Problem>) -> Result<(usize, usize), Problem> {
    let mut start = 0;
    if raw.starts_with(b"\xEF\xBB\xBF") {
        problems.push(odd(Place::Whole, "the message begins with a byte order mark"));
        start = 3;
    }
    let is_padding = |byte: &u8| matches!(byte, 0 | 0x0B | 0x1A | 0x1C | b'\r' | b'\n' | b' ' | b'\t');
    let body = raw.get(start..).unwrap_or_default();
    start += body.iter().take_while(|byte| is_padding(byte)).count();
    let padding = raw.iter().rev().take_while(|byte| is_padding(byte)).count();
    // Of what follows the last segment only the framing goes: its blanks belong to its last field.
    let kept = raw.len().saturating_sub(padding).max(start);
    let tail = raw.get(kept..).unwrap_or_default();
    let end = kept + tail.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    if is_header(raw, start) {
        return Ok((start, end));
    }
    let line_starts = (start..end).filter(|&at| at > 0 && matches!(raw.get(at - 1), Some(b'\r' | b'\n' | 0x0B)));
    if let Some(found) = line_starts.into_iter().find(|&at| is_header(raw, at)) {
        let text = "there is something before MSH, which was not read";
        problems.push(Problem::warning(Category::Structure, Place::Whole, text));
        return Ok((found, end));
    }
    let text = match raw.get(start..start + 4) {
        Some([0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'M', 0, ..] | [0, b'M', ..]) => {
            "the message is in UTF-16, which cannot be framed safely; send UTF-8 (MSH-18 UNICODE UTF-8)"
        }
        _ => "there is no MSH segment; a message begins with MSH",
    };
    let place = Place::Field(FieldPlace::segment("MSH", 1));
    Err(Problem::fatal(Category::Structure, place, text))
}

fn is_header(raw: &[u8], at: usize) -> bool {
    let name = raw.get(at..at + 3).unwrap_or_default();
    name.eq_ignore_ascii_case(b"MSH") && !raw.get(at + 3).is_some_and(u8::is_ascii_alphanumeric)
}

/// What the feed says, or MSH-18, or UTF-8; and whether the bytes are what was promised.
fn choose_charset(message: &Message, options: &ReadOptions, problems: &mut Vec<Problem>) -> Charset {
    let stated = options.charset.filter(|_| options.is_charset_fixed);
    let charset = stated.unwrap_or_else(|| declared_charset(message, options, problems));
    let is_utf8 = std::str::from_utf8(&message.raw).is_ok();
    if is_utf8 && stated.is_none() && charset != Charset::default() && !message.raw.is_ascii() {
        // In sets of one byte for a character, text that happens to be UTF-8 all through is no text.
        if !charset.is_wide() || charset.loses(&message.raw) {
            let text = format!("the characters are UTF-8 and were read so, although {} is declared", charset.name());
            let note = Problem::information(Category::Value, msh(18), text);
            problems.push(note.unused(Kind::Text, charset.name()));
            return Charset::default();
        }
    }
    if charset == Charset::default() && !is_utf8 {
        let text = "there are bytes that are not UTF-8; values with them were read as Windows-1252: declare the set in MSH-18, or \
                    state it as the feed's `charset`";
        let problem = Problem::warning(Category::Value, msh(18), text);
        problems.push(problem.to_sender("declare the character set in MSH-18").unused(Kind::Text, "MSH-18"));
    } else if charset != Charset::default() && charset.loses(&message.raw) {
        let text = format!("there are bytes that are no characters of {}; what they meant is lost", charset.name());
        problems.push(Problem::warning(Category::Value, msh(18), text).unused(Kind::Text, charset.name()));
    }
    if charset == Charset::default() && is_utf8 && message.raw.windows(3).any(|three| three == REPLACEMENT) {
        let text = "there are characters that were lost before the message came: their place is taken by U+FFFD";
        problems.push(Problem::warning(Category::Value, Place::Whole, text).unused(Kind::Text, "U+FFFD"));
    }
    charset
}

/// U+FFFD in UTF-8: what a program puts where it could not read a character.
const REPLACEMENT: &[u8] = b"\xEF\xBF\xBD";

fn declared_charset(message: &Message, options: &ReadOptions, problems: &mut Vec<Problem>) -> Charset {
    let mut charset = options.charset.unwrap_or_default();
    let declared = message.header().field(18);
    for repetition in declared.repetitions().filter(|repetition| !repetition.is_empty()) {
        match Charset::named(&repetition.leaf().text()) {
            // The first is the default one; Japanese messages name their shifted set second.
            Some(named) if repetition.place().repetition == 1 || named.name() == "ISO-2022-JP" => charset = named,
            Some(_) => {}
            None => {
                let text = "the character set is not known; the message was read as UTF-8 or Windows-1252";
                let problem = Problem::warning(Category::CodeInvalid, Place::Field(repetition.place()), text);
                problems.push(problem.unused(Kind::Text, "MSH-18"));
            }
        }
    }
    charset
}
