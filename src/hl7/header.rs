//! MSH, the message header (HL7 v2.5.1, 2.15.9): who sent what to whom, and how it is to be answered.

use std::borrow::Cow;

use super::event::{is_structure_of, only_event, structure_of};
use super::message::{Message, Segment};
use super::value::Value;

/// The header of a message.
#[derive(Debug, Clone, Copy)]
pub struct Header<'m> {
    message: &'m Message,
    segment: Option<Segment<'m>>,
}

impl Message {
    /// MSH, which every message has.
    pub fn header(&self) -> Header<'_> {
        Header::of(self)
    }
}

impl<'m> Header<'m> {
    pub(super) fn of(message: &'m Message) -> Self {
        Self { message, segment: message.segment_at(0) }
    }

    /// A field of MSH by its number.
    pub(super) fn field(self, number: u16) -> HeaderField<'m> {
        HeaderField(self.segment.map(|segment| segment.field(number)))
    }

    fn text(self, field: u16, component: u16) -> Cow<'m, str> {
        self.field(field).0.map(|value| value.component(component).leaf().text()).unwrap_or_default()
    }

    /// MSH itself; a message that was read always has it.
    pub fn segment(self) -> Option<Segment<'m>> {
        self.segment
    }

    /// MSH-3.1.
    pub fn sending_application(self) -> Cow<'m, str> {
        self.text(3, 1)
    }

    /// MSH-4.1.
    pub fn sending_facility(self) -> Cow<'m, str> {
        self.text(4, 1)
    }

    /// MSH-5.1.
    pub fn receiving_application(self) -> Cow<'m, str> {
        self.text(5, 1)
    }

    /// MSH-6.1.
    pub fn receiving_facility(self) -> Cow<'m, str> {
        self.text(6, 1)
    }

    /// MSH-7 as written; read it with [`super::DateTime`].
    pub fn timestamp(self) -> Cow<'m, str> {
        self.text(7, 1)
    }

    /// MSH-9.1, such as `ADT`.
    pub fn message_code(self) -> Cow<'m, str> {
        match self.text(9, 1) {
            // Some write the whole type in the first component: ADT_A04.
            Cow::Borrowed(code) => Cow::Borrowed(code.split_once('_').map_or(code, |(code, _)| code).trim()),
            Cow::Owned(code) => Cow::Owned(code.split('_').next().unwrap_or_default().trim().to_string()),
        }
    }

    /// MSH-9.2, such as `A04`; where it is silent, the event of EVN-1, as before v2.3, else the one event that the structure
    /// (MSH-9.3) or the message type has.
    pub fn trigger_event(self) -> Cow<'m, str> {
        match self.stated_event() {
            Cow::Borrowed("") => Cow::Borrowed(only_event(&self.message_code(), &self.text(9, 3)).unwrap_or_default()),
            stated => stated,
        }
    }

    /// Whether the message says itself which event it is of.
    pub fn states_event(self) -> bool {
        !self.stated_event().is_empty()
    }

    fn stated_event(self) -> Cow<'m, str> {
        let stated = self.text(9, 2);
        if !stated.trim().is_empty() {
            return match stated {
                Cow::Borrowed(event) => Cow::Borrowed(event.trim()),
                Cow::Owned(event) => Cow::Owned(event.trim().to_string()),
            };
        }
        if let Some((_, event)) = self.text(9, 1).split_once('_').filter(|(_, event)| !event.trim().is_empty()) {
            return Cow::Owned(event.trim().to_string());
        }
        let entered = self.message.segment("EVN").map(|event| event.field(1).leaf().text()).unwrap_or_default();
        if entered.trim().is_empty() { Cow::Borrowed("") } else { entered }
    }

    /// The message structure (table 0354), such as `ADT_A01` for an A04: MSH-9.3 where that is the one the standard names for
    /// the event, the standard's where it is absent or wrong, MSH-9.3 again for events the standard does not know.
    pub fn structure(self) -> Cow<'m, str> {
        let stated = self.text(9, 3);
        let (code, event) = (self.message_code(), self.trigger_event());
        if is_structure_of(&code, &event, &stated) {
            return stated;
        }
        match structure_of(&code, &event) {
            Some(structure) => Cow::Borrowed(structure),
            None if !stated.is_empty() => stated,
            None if event.is_empty() => code,
            None => Cow::Owned(format!("{code}_{event}")),
        }
    }

    /// MSH-10.
    pub fn control_id(self) -> Cow<'m, str> {
        self.text(10, 1)
    }

    /// MSH-11.1: `P` production, `T` training, `D` debugging.
    pub fn processing_id(self) -> Cow<'m, str> {
        self.text(11, 1)
    }

    /// MSH-11.2 (table 0207): `A` archive, `R` restored from archive, `I` initial load; `T` and nothing mean current processing.
    pub fn processing_mode(self) -> Cow<'m, str> {
        self.text(11, 2)
    }

    /// MSH-12.1, such as `2.5.1`.
    pub fn version(self) -> Cow<'m, str> {
        self.text(12, 1)
    }

    /// Whether the message says it is of this version or a later one. An unreadable version is old.
    pub fn is_at_least(self, major: u8, minor: u8) -> bool {
        let version = self.version();
        let mut numbers = version.trim().split('.').map(|number| number.parse::<u8>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
    }

    /// MSH-13.
    pub fn sequence_number(self) -> Option<u64> {
        // Nothing lost: the sequence number protocol (2.10.1) is not used here.
        self.text(13, 1).trim().parse().ok()
    }

    /// MSH-15: when an accept acknowledgement is wanted (table 0155: AL, NE, ER, SU).
    pub fn accept_acknowledgement_type(self) -> Cow<'m, str> {
        self.text(15, 1)
    }

    /// MSH-16: when an application acknowledgement is wanted.
    pub fn application_acknowledgement_type(self) -> Cow<'m, str> {
        self.text(16, 1)
    }
}

/// A header field where there is a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeaderField<'m>(Option<Value<'m>>);

impl<'m> HeaderField<'m> {
    pub fn repetitions(self) -> impl Iterator<Item = Value<'m>> {
        self.0.into_iter().flat_map(Value::repetitions)
    }
}
