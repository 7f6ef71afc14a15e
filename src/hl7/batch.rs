//! The batch protocol (HL7 v2.5.1, 2.10.3): FHS, BHS, BTS and FTS around messages, and several messages sent as one.
//! Finds where each message lies; does not read them.

use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::{Duty, Kind};

use super::delimiters::Delimiters;
use super::span::Span;

/// What arrived as one, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Where each message lies, in order. One that is the whole where there was no MSH at all, so that reading it says so.
    pub messages: Vec<Span>,
    /// The first FHS, where there is one.
    pub file_header: Option<Span>,
    /// The first BHS, where there is one.
    pub batch_header: Option<Span>,
    pub problems: Vec<Problem>,
}

impl Batch {
    /// Whether it came in an envelope, and so is to be answered in one.
    pub fn is_enveloped(&self) -> bool {
        self.file_header.is_some() || self.batch_header.is_some()
    }

    /// Takes bytes apart into messages.
    pub fn split(raw: &[u8]) -> Self {
        let mut splitting = Splitting { raw, ..Splitting::default() };
        for line in lines(raw) {
            splitting.take(line);
        }
        splitting.close_message(raw.len());
        let mut batch = splitting.batch;
        if !batch.is_enveloped() && batch.messages.len() <= 1 {
            batch.messages = vec![Span::new(0, raw.len())];
        }
        batch
    }
}

/// Lines without their ends. What frames are made of ends a line too: files are often frames strung together.
fn lines(raw: &[u8]) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0x0B | 0x1C)).unwrap_or(rest.len());
        let line = Span::new(at, at + length);
        at += length + 1;
        Some(line)
    })
}

#[derive(Debug, Default)]
struct Splitting<'r> {
    raw: &'r [u8],
    batch: Batch,
    /// Where the message being passed begins.
    open: Option<u32>,
    /// Messages since the last BHS, and batches since the last FHS.
    messages: usize,
    batches: usize,
    field: u8,
}

impl Splitting<'_> {
    fn take(&mut self, line: Span) {
        let bytes = line.of(self.raw);
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let is_named = !bytes.get(3).is_some_and(u8::is_ascii_alphanumeric);
        let name: [u8; 3] = match bytes.get(..3) {
            Some([a, b, c]) if is_named => [*a, *b, *c].map(|byte| byte.to_ascii_uppercase()),
            _ => return,
        };
        if !matches!(&name, b"MSH" | b"FHS" | b"BHS" | b"BTS" | b"FTS") {
            return;
        }
        self.close_message(line.start as usize);
        if matches!(&name, b"MSH" | b"FHS" | b"BHS") {
            self.field = Delimiters::read(bytes).map_or(b'|', |delimiters| delimiters.field);
        }
        match &name {
            b"MSH" => {
                self.open = Some(line.start);
                self.messages += 1;
            }
            b"FHS" => {
                self.batches = 0;
                self.batch.file_header.get_or_insert(line);
            }
            b"BHS" => {
                self.messages = 0;
                self.batches += 1;
                self.batch.batch_header.get_or_insert(line);
            }
            b"BTS" => {
                self.check_count("BTS", bytes, self.messages, "messages");
                self.messages = 0;
            }
            _ => self.check_count("FTS", bytes, self.batches, "batches"),
        }
    }

    fn close_message(&mut self, end: usize) {
        if let Some(start) = self.open.take() {
            self.batch.messages.push(Span { end: Span::new(0, end).end, start });
        }
    }

    /// BTS-1 and FTS-1 say how many there should have been: fewer means that some were lost on the way.
    fn check_count(&mut self, trailer: &str, line: &[u8], found: usize, what: &str) {
        let stated = line.split(|&byte| byte == self.field).nth(1).unwrap_or_default();
        let stated = std::str::from_utf8(stated).unwrap_or_default().trim();
        let place = Place::Field(FieldPlace::field(trailer, 1, 1));
        match stated.parse::<usize>() {
            Ok(count) if count != found => {
                let text = format!("the trailer counts {count} {what}, but {found} came");
                let problem = Problem::warning(Category::Incomplete, place, text);
                self.batch.problems.push(problem.unused(Kind::Event, &format!("{trailer}-1")).owed_by(Duty::Feed));
            }
            Err(_) if !stated.is_empty() => {
                let text = format!("the trailer's count of {what} is not a number");
                let problem = Problem::warning(Category::Value, place, text);
                self.batch.problems.push(problem.unused(Kind::Event, &format!("{trailer}-1")));
            }
            // Nothing lost: a count that is not stated, or that fits.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(raw: &[u8]) -> (Vec<String>, Vec<String>) {
        let batch = Batch::split(raw);
        let messages = batch.messages.iter().map(|span| String::from_utf8_lossy(span.of(raw)).into_owned()).collect();
        (messages, batch.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_envelope_is_taken_off() {
        let raw = b"FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|1\rPID|1\rMSH|^~\\&|2\rBTS|2\rFTS|1\r";
        let (messages, problems) = texts(raw);
        assert_eq!(messages, ["MSH|^~\\&|1\rPID|1\r", "MSH|^~\\&|2\r"]);
        assert!(problems.is_empty());
        assert!(Batch::split(raw).is_enveloped());
    }

    #[test]
    fn a_wrong_count_is_told_and_no_message_is_lost() {
        let (messages, problems) = texts(b"BHS*^~\\&\nMSH|^~\\&|1\nMSH*^~\\&*2\nBTS*3\n");
        assert_eq!(messages.len(), 2);
        assert_eq!(problems, ["BTS-1: the trailer counts 3 messages, but 2 came"]);
    }

    #[test]
    fn messages_strung_together_are_parted_and_a_single_one_stays_whole() {
        assert_eq!(texts(b"MSH|^~\\&|1\r\x1C\r\x0BMSH|^~\\&|2\r").0.len(), 2);
        assert_eq!(texts(b"\xEF\xBB\xBFMSH|^~\\&|1\rMSHX|\r").0, ["\u{feff}MSH|^~\\&|1\rMSHX|\r"]);
        assert_eq!(texts(b"PID|1\r").0, ["PID|1\r"]);
    }
}
