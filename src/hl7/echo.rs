//! What an answer repeats of a header: read properly from a message, or as best can be from bytes that were not readable as one.

use std::borrow::Cow;

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::message::Message;

/// A field longer than this is not repeated.
const MAX_FIELD_BYTES: usize = 250;
/// MSH is sought in this much of an unreadable message.
const SEARCHED_BYTES: usize = 4096;
/// The last header field that matters for an answer.
const LAST_FIELD: u16 = 18;

/// The raw fields of an MSH, FHS or BHS, with what is needed to write beside them.
#[derive(Debug, Clone)]
pub struct HeaderEcho {
    delimiters: Delimiters,
    charset: Charset,
    /// By field number from 1.
    fields: Vec<Vec<u8>>,
}

impl HeaderEcho {
    /// From a message that was read.
    pub fn of(message: &Message) -> Self {
        let header = message.header().segment();
        let raw = |number| header.map(|segment| segment.field(number).raw()).unwrap_or_default();
        let fields = (1..=LAST_FIELD).map(|number| bound(raw(number))).collect();
        Self { delimiters: *message.delimiters(), charset: message.charset(), fields }
    }

    /// From bytes that were not readable as a message, or from an envelope's header line: whatever looks like a header.
    pub fn guess(raw: &[u8]) -> Self {
        let searched = raw.get(..raw.len().min(SEARCHED_BYTES)).unwrap_or_default();
        let is_header = |window: &[u8]| [&b"MSH"[..], b"BHS", b"FHS"].contains(&window);
        let start = searched.windows(3).position(is_header);
        let line = start.and_then(|start| searched.get(start..)).unwrap_or_default();
        let length = line.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0x1C)).unwrap_or(line.len());
        let line = line.get(..length).unwrap_or_default();
        match Delimiters::read(line) {
            Ok(delimiters) => Self::split(line, delimiters),
            // With no usable delimiters nothing can be repeated safely: an answer in the usual ones is better than none.
            // Nothing lost: it is only what an answer repeats; the message itself is refused with its reason.
            Err(_) => Self { delimiters: Delimiters::default(), charset: Charset::default(), fields: Vec::new() },
        }
    }

    fn split(line: &[u8], delimiters: Delimiters) -> Self {
        // Nothing lost: an answer repeats no field after it.
        let separated = line.split(|&byte| byte == delimiters.field).skip(1).take(usize::from(LAST_FIELD) - 1);
        let mut fields = vec![vec![delimiters.field]];
        fields.extend(separated.map(bound));
        let named = |field: &Vec<u8>| Charset::named(&String::from_utf8_lossy(field));
        let charset = fields.get(17).and_then(named).unwrap_or_default();
        Self { delimiters, charset, fields }
    }

    pub(super) fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    pub(super) fn charset(&self) -> Charset {
        self.charset
    }

    /// A field as it came, delimiters and all; empty where there is none.
    pub(super) fn raw(&self, number: u16) -> &[u8] {
        let place = usize::from(number).checked_sub(1);
        place.and_then(|place| self.fields.get(place)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn component(&self, number: u16, component: usize) -> &[u8] {
        let mut parts = self.raw(number).split(|&byte| byte == self.delimiters.component);
        parts.nth(component.saturating_sub(1)).unwrap_or_default()
    }

    /// The text of a field's first component, trimmed.
    pub(super) fn text(&self, number: u16) -> String {
        let text: Cow<'_, str> = self.charset.decode(self.component(number, 1));
        text.trim().to_string()
    }

    /// MSH-10 of the message, to name it in logs and answers.
    pub fn control_id(&self) -> String {
        self.text(10)
    }

    /// The version to answer in: the sender's, or 2.5.1 where it names none.
    pub(super) fn version(&self) -> String {
        let version = self.text(12);
        let is_version = version.starts_with("2.") && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_version { version } else { "2.5.1".to_string() }
    }

    pub(super) fn is_at_least(&self, major: u8, minor: u8) -> bool {
        let version = self.version();
        let mut numbers = version.split('.').map(|number| number.parse::<u8>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
    }
}

fn bound(field: &[u8]) -> Vec<u8> {
    // Nothing lost: an answer does not repeat it; the message keeps it.
    if field.len() > MAX_FIELD_BYTES { Vec::new() } else { field.to_vec() }
}
