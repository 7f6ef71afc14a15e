//! Which bytes of the message some mapping read, and what is left: nothing a sender says goes nowhere unseen.

use crate::hl7::{Message, Span, Value};
use crate::mapping::Unread;

/// One mark per byte of the message.
#[derive(Debug)]
pub struct ReadBytes(Vec<bool>);

impl ReadBytes {
    pub fn new(length: usize) -> Self {
        Self(vec![false; length])
    }

    pub fn mark(&mut self, span: Span) {
        if let Some(bytes) = self.0.get_mut(span.range()) {
            bytes.fill(true);
        }
    }

    fn is_read(&self, span: Span) -> bool {
        self.0.get(span.range()).is_some_and(|bytes| bytes.iter().any(|read| *read))
    }

    /// Everything that says something and was not read: whole fields where nothing of them was, else their parts.
    pub fn missing(&self, message: &Message) -> Vec<Unread> {
        let mut missing = Vec::new();
        for segment in message.segments() {
            for field in segment.fields() {
                self.collect(field, &mut missing);
            }
        }
        missing
    }

    fn collect<'m>(&self, value: Value<'m>, missing: &mut Vec<Unread>) {
        if value.is_empty() {
            return;
        }
        if !self.is_read(value.span()) {
            missing.push(Unread { place: value.place(), span: value.span() });
            return;
        }
        let parts: Vec<Value<'m>> = match value.level() {
            crate::hl7::Level::Field => value.repetitions().collect(),
            crate::hl7::Level::Repetition => value.components().collect(),
            crate::hl7::Level::Component => value.subcomponents().collect(),
            crate::hl7::Level::Subcomponent => return,
        };
        for part in parts {
            self.collect(part, missing);
        }
    }
}
