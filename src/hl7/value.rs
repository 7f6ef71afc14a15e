//! A field, a repetition, a component or a subcomponent: one view of a span, parted and read only when asked.
//! HL7 v2.5.1, 2.5.3 and 2.6: a simple value read as a complex one is its first part, and the other way round.

use std::borrow::Cow;

use crate::problem::FieldPlace;

use super::escape::unescape_masked;
use super::message::{Message, Segment};
use super::span::Span;

/// How deep a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Field,
    Repetition,
    Component,
    Subcomponent,
}

/// Counts from 1; 0 is "the whole of the level above".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub field: u16,
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

/// A part of a segment. Absent parts are empty values that still know their place.
#[derive(Debug, Clone, Copy)]
pub struct Value<'m> {
    segment: Segment<'m>,
    position: Position,
    span: Span,
    /// MSH-1 and MSH-2 hold the delimiters themselves: neither parted nor unescaped.
    is_literal: bool,
}

impl<'m> Segment<'m> {
    /// A field by its number; an absent one is an empty value at the segment's end, which still knows its place.
    pub fn field(self, number: u16) -> Value<'m> {
        let span = self.field_span(number);
        let is_literal = self.is_header() && number <= 2;
        Value::new(self, Position { field: number, ..Position::default() }, span, is_literal)
    }

    /// All fields in order, empty ones too.
    pub fn fields(self) -> impl Iterator<Item = Value<'m>> {
        (1..=self.field_count()).map(move |number| self.field(number))
    }
}

impl<'m> Value<'m> {
    pub(super) fn new(segment: Segment<'m>, position: Position, span: Span, is_literal: bool) -> Self {
        Self { segment, position, span, is_literal }
    }

    pub fn segment(self) -> Segment<'m> {
        self.segment
    }

    pub fn message(self) -> &'m Message {
        self.segment.message()
    }

    pub fn level(self) -> Level {
        match self.position {
            Position { subcomponent: 1.., .. } => Level::Subcomponent,
            Position { component: 1.., .. } => Level::Component,
            Position { repetition: 1.., .. } => Level::Repetition,
            _ => Level::Field,
        }
    }

    /// Which one at its own level, from 1: the field's number for a field, the repetition's for a repetition.
    pub fn number(self) -> u16 {
        let Position { field, repetition, component, subcomponent } = self.position;
        match self.level() {
            Level::Field => field,
            Level::Repetition => repetition,
            Level::Component => component,
            Level::Subcomponent => subcomponent,
        }
    }

    /// Its bytes in the message as it came.
    pub fn span(self) -> Span {
        self.span
    }

    /// Its place in HL7's terms.
    pub fn place(self) -> FieldPlace {
        let Position { field, repetition, component, subcomponent } = self.position;
        let segment = FieldPlace::segment(self.segment.name(), self.segment.occurrence());
        FieldPlace { field, repetition, component, subcomponent, ..segment }
    }

    pub fn raw(self) -> &'m [u8] {
        self.span.of(self.message().raw())
    }

    fn structure(self) -> &'m [u8] {
        self.span.of(self.message().structure())
    }

    /// The text, decoded and unescaped. Of a value that has parts: the text of the whole, delimiters and all, which is
    /// what free text with a forgotten escape needs; ask [`Value::leaf`] first where a simple value is wanted.
    /// Control characters that were escaped (`\X00\`) are in it; whitespace is kept.
    pub fn text(self) -> Cow<'m, str> {
        let charset = self.message().charset();
        if self.is_literal {
            return charset.decode(self.raw());
        }
        match unescape_masked(self.raw(), self.structure(), self.message().delimiters()) {
            Cow::Borrowed(bytes) => charset.decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(charset.decode(&bytes).into_owned()),
        }
    }

    /// Says nothing: no bytes but delimiters.
    pub fn is_empty(self) -> bool {
        let delimiters = self.message().delimiters();
        !self.is_literal && self.structure().iter().all(|&byte| delimiters.parts_fields(byte))
    }

    /// Says "delete this": exactly `""`.
    pub fn is_null(self) -> bool {
        self.raw() == b"\"\""
    }

    /// The sender cut it and said so: it ends with the truncation character of MSH-2 (v2.7).
    pub fn is_truncated(self) -> bool {
        let mark = self.message().delimiters().truncation;
        !self.is_literal && mark.is_some() && self.structure().last().copied() == mark
    }

    /// The repetitions of a field; none where it is empty. Any other value is its own only repetition.
    pub fn repetitions(self) -> Values<'m> {
        Values::over(self, Level::Repetition)
    }

    pub fn repetition(self, number: u16) -> Value<'m> {
        self.descend(Level::Repetition, number)
    }

    /// The components of a field's first repetition, or of a repetition.
    pub fn components(self) -> Values<'m> {
        Values::over(self, Level::Component)
    }

    pub fn component(self, number: u16) -> Value<'m> {
        self.descend(Level::Component, number)
    }

    pub fn subcomponents(self) -> Values<'m> {
        Values::over(self, Level::Subcomponent)
    }

    pub fn subcomponent(self, number: u16) -> Value<'m> {
        self.descend(Level::Subcomponent, number)
    }

    /// The n-th part of a complex datatype, wherever that datatype stands: components of a field or repetition,
    /// subcomponents of a component. So an HD reads the same in MSH-4 and in PID-3.4.
    pub fn part(self, number: u16) -> Value<'m> {
        self.descend(self.level_of_parts(), number)
    }

    pub fn parts(self) -> Values<'m> {
        Values::over(self, self.level_of_parts())
    }

    /// The first simple value in it: first repetition, first component, first subcomponent.
    pub fn leaf(self) -> Value<'m> {
        self.descend(Level::Subcomponent, 1)
    }

    fn level_of_parts(self) -> Level {
        if self.level() <= Level::Repetition { Level::Component } else { Level::Subcomponent }
    }

    /// Goes down one level at a time, by first parts, until the wanted level. A value at or below it is its own first.
    fn descend(self, level: Level, number: u16) -> Value<'m> {
        let mut value = self;
        while let Some(next) = value.level_below().filter(|&next| next < level) {
            value = value.child(next, 1);
        }
        match value.level_below() {
            Some(next) if next == level => value.child(level, number),
            _ if number == 1 => value,
            _ => Value { span: Span::at(value.span.end), ..value.at(level, number) },
        }
    }

    fn level_below(self) -> Option<Level> {
        match self.level() {
            Level::Field => Some(Level::Repetition),
            Level::Repetition => Some(Level::Component),
            Level::Component => Some(Level::Subcomponent),
            Level::Subcomponent => None,
        }
    }

    fn child(self, level: Level, number: u16) -> Value<'m> {
        let span = self.piece(self.delimiter_of(level), number);
        Value { span, ..self.at(level, number) }
    }

    fn at(self, level: Level, number: u16) -> Value<'m> {
        let mut position = self.position;
        match level {
            Level::Field => position.field = number,
            Level::Repetition => position.repetition = number,
            Level::Component => position.component = number,
            Level::Subcomponent => position.subcomponent = number,
        }
        Value { position, ..self }
    }

    fn delimiter_of(self, level: Level) -> Option<u8> {
        let delimiters = self.message().delimiters();
        match level {
            _ if self.is_literal => None,
            Level::Field => Some(delimiters.field),
            Level::Repetition => delimiters.repetition,
            Level::Component => Some(delimiters.component),
            Level::Subcomponent => delimiters.subcomponent,
        }
    }

    fn piece(self, delimiter: Option<u8>, number: u16) -> Span {
        let end = self.span.end;
        let Some(delimiter) = delimiter else {
            return if number == 1 { self.span } else { Span::at(end) };
        };
        let Some(mut ahead) = number.checked_sub(1) else { return Span::at(end) };
        let bytes = self.structure();
        let mut start = 0;
        while ahead > 0 {
            match bytes.iter().skip(start).position(|&byte| byte == delimiter) {
                Some(at) => start += at + 1,
                None => return Span::at(end),
            }
            ahead -= 1;
        }
        let length = bytes.iter().skip(start).position(|&byte| byte == delimiter).unwrap_or(bytes.len() - start);
        let start = self.span.start as usize + start;
        Span::new(start, start + length)
    }
}

/// The parts of a value at one level, in order, empty ones between others too.
#[derive(Debug, Clone)]
pub struct Values<'m> {
    /// The value being parted, or nothing when done.
    whole: Option<Value<'m>>,
    level: Level,
    next: u16,
    start: usize,
}

impl<'m> Values<'m> {
    fn over(value: Value<'m>, level: Level) -> Self {
        let mut whole = value;
        while let Some(next) = whole.level_below().filter(|&next| next < level) {
            whole = whole.child(next, 1);
        }
        Self { whole: (!whole.span.is_empty()).then_some(whole), level, next: 1, start: 0 }
    }
}

impl<'m> Iterator for Values<'m> {
    type Item = Value<'m>;

    fn next(&mut self) -> Option<Value<'m>> {
        let whole = self.whole?;
        if whole.level() >= self.level {
            self.whole = None;
            return Some(whole);
        }
        let rest = whole.structure().get(self.start..).unwrap_or_default();
        let delimiter = whole.delimiter_of(self.level);
        let length = rest.iter().position(|&byte| Some(byte) == delimiter);
        let start = whole.span.start as usize + self.start;
        let span = Span::new(start, start + length.unwrap_or(rest.len()));
        let value = Value { span, ..whole.at(self.level, self.next) };
        match length {
            Some(length) if self.next < u16::MAX => self.start += length + 1,
            _ => self.whole = None,
        }
        self.next = self.next.saturating_add(1);
        Some(value)
    }
}
