//! A message as an index of offsets over its bytes: segments and fields are found while reading, everything below on demand.

use std::sync::Arc;

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::span::Span;

/// One HL7 v2 message. Cheap to share (put it in an `Arc`), never changed after reading.
#[derive(Debug, Clone)]
pub struct Message {
    pub(super) raw: Arc<[u8]>,
    /// A copy with multi-byte characters blanked, where the character set needs one to be parted safely.
    pub(super) mask: Option<Vec<u8>>,
    pub(super) delimiters: Delimiters,
    pub(super) charset: Charset,
    pub(super) segments: Vec<SegmentEntry>,
    /// Where each field after a separator begins, for all segments in order.
    pub(super) field_starts: Vec<u32>,
}

/// Where one segment lies.
#[derive(Debug, Clone)]
pub(super) struct SegmentEntry {
    /// Three upper-case ASCII letters or digits.
    pub name: [u8; 3],
    pub occurrence: u16,
    pub span: Span,
    pub first_field: u32,
    pub field_count: u16,
}

impl Message {
    /// The bytes as they came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub fn shared_raw(&self) -> Arc<[u8]> {
        Arc::clone(&self.raw)
    }

    pub fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The text of any range of the message, decoded but not unescaped: for showing it to a person.
    pub fn text_at(&self, span: Span) -> std::borrow::Cow<'_, str> {
        self.charset.decode(span.of(&self.raw))
    }

    pub fn segments(&self) -> Segments<'_> {
        Segments { message: self, next: 0 }
    }

    /// The segment at a place in the message, counted from 0.
    pub fn segment_at(&self, index: usize) -> Option<Segment<'_>> {
        Some(Segment { message: self, index: u32::try_from(index).ok()?, entry: self.segments.get(index)? })
    }

    /// The first segment of this name.
    pub fn segment(&self, name: &str) -> Option<Segment<'_>> {
        self.segments().find(|segment| segment.name() == name)
    }

    /// The bytes in which delimiters are sought.
    pub(super) fn structure(&self) -> &[u8] {
        self.mask.as_deref().unwrap_or(&self.raw)
    }
}

/// The segments of a message in order.
#[derive(Debug, Clone)]
pub struct Segments<'m> {
    message: &'m Message,
    next: usize,
}

impl<'m> Iterator for Segments<'m> {
    type Item = Segment<'m>;

    fn next(&mut self) -> Option<Segment<'m>> {
        let segment = self.message.segment_at(self.next)?;
        self.next += 1;
        Some(segment)
    }
}

/// One segment of a message.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'m> {
    message: &'m Message,
    index: u32,
    entry: &'m SegmentEntry,
}

impl<'m> Segment<'m> {
    pub fn message(self) -> &'m Message {
        self.message
    }

    /// Its name in upper case, even where the sender wrote it otherwise.
    pub fn name(self) -> &'m str {
        std::str::from_utf8(&self.entry.name).unwrap_or_default()
    }

    /// Which one of its name this is, from 1.
    pub fn occurrence(self) -> u16 {
        self.entry.occurrence
    }

    /// Its place in the message, from 0.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// Its bytes without the segment end.
    pub fn span(self) -> Span {
        self.entry.span
    }

    /// How many fields it has, counting as HL7 does (MSH-1 is the separator itself).
    pub fn field_count(self) -> u16 {
        self.entry.field_count.saturating_add(u16::from(self.is_header()))
    }

    /// MSH, FHS, BHS: their first field is the separator, their second the other delimiters.
    pub(super) fn is_header(self) -> bool {
        matches!(&self.entry.name, b"MSH" | b"FHS" | b"BHS")
    }

    pub(super) fn field_span(self, number: u16) -> Span {
        let Span { start, end } = self.entry.span;
        let shift = u16::from(self.is_header());
        if number == shift {
            // MSH-1; for other segments, their name as field 0.
            return Span { start: start + 3 * u32::from(shift), end: (start + 3 + u32::from(shift)).min(end) };
        }
        let place = number - shift;
        if number < shift || place == 0 || place > self.entry.field_count {
            return Span::at(end);
        }
        let at = self.entry.first_field as usize + usize::from(place) - 1;
        let starts = &self.message.field_starts;
        let start = starts.get(at).copied().unwrap_or(end);
        let next = (place < self.entry.field_count).then(|| starts.get(at + 1)).flatten();
        Span { start, end: next.map_or(end, |next| next - 1) }
    }
}
