//! Writes messages: text in, escaped and encoded bytes out. What is written reads back as the same text.

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::escape::escape;
use super::message::{Message, Segment};
use super::value::Value;

/// A message being made, segment by segment. The first is MSH, whose fields begin at 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub delimiters: Delimiters,
    pub segments: Vec<SegmentDraft>,
}

/// A segment being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentDraft {
    name: String,
    /// By field number from 1 (place 0), repetition, component, subcomponent: plain text.
    fields: Vec<Vec<Vec<Vec<String>>>>,
}

impl Draft {
    pub fn new(delimiters: Delimiters) -> Self {
        Self { delimiters, segments: Vec::new() }
    }

    /// Adds a segment at the end.
    pub fn add(&mut self, segment: SegmentDraft) -> &mut Self {
        self.segments.push(segment);
        self
    }

    /// The text of a message, part by part.
    pub fn of(message: &Message) -> Self {
        let segments = message.segments().map(SegmentDraft::of).collect();
        Self { delimiters: *message.delimiters(), segments }
    }

    /// The message's bytes, each segment ended with CR.
    pub fn write(&self, charset: Charset) -> Vec<u8> {
        let mut bytes = Vec::new();
        for segment in &self.segments {
            segment.write(&self.delimiters, charset, &mut bytes);
            bytes.push(b'\r');
        }
        bytes
    }
}

impl SegmentDraft {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_string(), fields: Vec::new() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// With a whole field of one text.
    #[must_use]
    pub fn with(self, field: u16, text: &str) -> Self {
        self.with_part(field, 1, 1, 1, text)
    }

    /// With one component of a field's first repetition.
    #[must_use]
    pub fn with_component(self, field: u16, component: u16, text: &str) -> Self {
        self.with_part(field, 1, component, 1, text)
    }

    /// With one simple value; all counts from 1 (0 is read as 1).
    #[must_use]
    pub fn with_part(mut self, field: u16, repetition: u16, component: u16, subcomponent: u16, text: &str) -> Self {
        let repetitions = grow(&mut self.fields, field);
        let components = repetitions.and_then(|list| grow(list, repetition));
        let subcomponents = components.and_then(|list| grow(list, component));
        if let Some(value) = subcomponents.and_then(|list| grow(list, subcomponent)) {
            *value = text.to_string();
        }
        self
    }

    fn of(segment: Segment<'_>) -> Self {
        let mut draft = Self::new(segment.name());
        for leaf in segment.fields().flat_map(leaves) {
            let place = leaf.place();
            let is_delimiters = place.field <= 2 && matches!(segment.name(), "MSH" | "FHS" | "BHS");
            if !leaf.is_empty() && !is_delimiters {
                draft =
                    draft.with_part(place.field, place.repetition, place.component, place.subcomponent, &leaf.text());
            }
        }
        draft
    }

    fn write(&self, delimiters: &Delimiters, charset: Charset, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.name.as_bytes());
        let mut first = 0;
        if matches!(self.name.as_str(), "MSH" | "FHS" | "BHS") {
            bytes.push(delimiters.field);
            bytes.extend_from_slice(delimiters.encoding_characters().as_bytes());
            first = 2;
        }
        // Parts that cannot be kept apart are better lost at the end than run together.
        let separators = [delimiters.repetition, Some(delimiters.component), delimiters.subcomponent];
        for field in self.fields.iter().skip(first) {
            bytes.push(delimiters.field);
            join(field, separators[0], bytes, |components, bytes| {
                join(components, separators[1], bytes, |subcomponents, bytes| {
                    join(subcomponents, separators[2], bytes, |text, bytes| {
                        bytes.extend_from_slice(&charset.encode(&escape(text, delimiters)));
                    });
                });
            });
        }
    }
}

fn leaves(field: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    field.repetitions().flat_map(Value::components).flat_map(Value::subcomponents)
}

fn grow<T: Default>(list: &mut Vec<T>, number: u16) -> Option<&mut T> {
    let place = usize::from(number.max(1)) - 1;
    while list.len() <= place {
        list.push(T::default());
    }
    list.get_mut(place)
}

fn join<T>(parts: &[T], separator: Option<u8>, bytes: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    for (at, part) in parts.iter().enumerate() {
        match separator {
            Some(separator) if at > 0 => bytes.push(separator),
            None if at > 0 => return,
            _ => {}
        }
        write(part, bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hl7::ReadOptions;

    fn read(bytes: Vec<u8>) -> Message {
        Message::parse(bytes, &ReadOptions::default()).message.unwrap()
    }

    #[test]
    fn a_draft_is_written_with_its_delimiters() {
        let mut draft = Draft::new(Delimiters::default());
        let header =
            SegmentDraft::new("MSH").with(3, "HANDOVER").with_component(9, 1, "ACK").with_component(9, 2, "A04");
        draft.add(header.with(10, "1"));
        draft.add(SegmentDraft::new("PID").with_part(3, 2, 4, 2, "2.16").with(5, "O'Neil & Sons|x"));
        let written = String::from_utf8(draft.write(Charset::default())).unwrap();
        assert_eq!(written, "MSH|^~\\&|HANDOVER||||||ACK^A04|1\rPID|||~^^^&2.16||O'Neil \\T\\ Sons\\F\\x\r");
    }

    fn parts() -> impl Strategy<Value = Vec<(u16, u16, u16, u16, String)>> {
        prop::collection::vec((3_u16..12, 1_u16..4, 1_u16..5, 1_u16..4, "[ -~\n\té漢|^~\\\\&#]{1,12}"), 0..12)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(segments in prop::collection::vec(("[A-Z][A-Z0-9]{2}", parts()), 0..6), with_truncation: bool) {
            let truncation = with_truncation.then_some(b'#');
            let mut draft = Draft::new(Delimiters { truncation, ..Delimiters::default() });
            draft.add(SegmentDraft::new("MSH").with(10, "1"));
            for (name, parts) in segments.iter().filter(|(name, _)| !matches!(name.as_str(), "MSH" | "FHS" | "BHS" | "FTS" | "BTS")) {
                let mut segment = SegmentDraft::new(name);
                for (field, repetition, component, subcomponent, text) in parts {
                    segment = segment.with_part(*field, *repetition, *component, *subcomponent, text);
                }
                draft.add(segment);
            }
            let message = read(draft.write(Charset::default()));
            prop_assert_eq!(Draft::of(&message), draft);
        }
    }
}
