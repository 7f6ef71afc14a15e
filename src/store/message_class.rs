//! What people look for messages by, and what many of them have in common: each message is of one class, and of each class the
//! stores keep how many there are in every hour, so that a list of one in a million costs what it shows and its count is exact.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cursor, Disposition, MessageEntry, MessageSummary, Trace};
use crate::unused::Kind;

/// Classes of one feed. A sender that makes up events has no more of them; what comes then is of the rest.
pub const MOST_CLASSES: usize = 1_000;
/// Messages looked at to count what no class tells: of one patient, under one control id.
pub const MOST_COUNTED: u64 = 10_000;
/// Messages whose text is looked through in one call, and how much of it.
pub const MOST_READ: usize = 2_000;
pub const MOST_READ_BYTES: usize = 32 * 1024 * 1024;
/// What partners write comes by feeds whose names begin so.
const WRITES: &str = "fhir:";

/// What many messages have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageClass {
    pub feed: String,
    pub event: String,
    pub outcome: String,
    pub acknowledged: String,
    /// Which kinds of what could not be used they have (`kinds_of`).
    pub kinds: u16,
    /// All of a feed that are of none of its other classes: only each message tells its event and its kinds.
    pub is_rest: bool,
}

/// Which messages to list; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub feed: Option<String>,
    /// Only those answered AE or AR.
    pub faulty: bool,
    /// Those about any of these, whether first or among others; none where it is empty.
    pub patients: Option<Vec<String>>,
    pub control: Option<String>,
    /// `ADT^A03`; `ADT` and `A03` are all that have it as a part, `FHIR` is all that partners wrote.
    pub event: Option<String>,
    pub kind: Option<Kind>,
    pub outcome: Option<Disposition>,
    /// Received from this time on, and before that one.
    pub from: Option<Timestamp>,
    pub before: Option<Timestamp>,
    /// Somewhere in its bytes, whatever the case of its letters.
    pub text: Option<String>,
}

/// A part of a list of messages.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagesFound {
    pub items: Vec<MessageSummary>,
    pub next: Option<Cursor>,
    /// How many were looked at, and when the last of them was received.
    pub looked: u64,
    pub reached: Option<Timestamp>,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MessageCount {
    pub count: u64,
    /// False where there are more than were looked at (`MOST_COUNTED`).
    pub is_exact: bool,
}

impl MessageClass {
    pub fn of(entry: &MessageEntry) -> Self {
        let summary = &entry.summary;
        Self {
            feed: summary.feed.clone(),
            event: summary.event.clone(),
            outcome: summary.disposition.word().to_string(),
            acknowledged: summary.acknowledged.clone(),
            kinds: kinds_of(&entry.trace),
            is_rest: false,
        }
    }

    /// The class that stands for it where its feed has too many.
    pub fn rest(&self) -> Self {
        Self { event: String::new(), kinds: 0, is_rest: true, ..self.clone() }
    }
}

/// A bit for each kind of what could not be used.
pub fn kinds_of(trace: &Trace) -> u16 {
    let lines = trace.problems.iter().chain(&trace.unmapped).filter_map(|line| line.unused.as_ref());
    let unread = (!trace.unread.is_empty()).then_some(Kind::Field);
    lines.map(|unused| unused.kind).chain(unread).fold(0, |kinds, kind| kinds | bit(kind))
}

fn bit(kind: Kind) -> u16 {
    Kind::ALL.iter().position(|one| *one == kind).map_or(0, |place| 1 << place)
}

impl MessageFilter {
    /// Whether nothing is asked.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all that is asked is told by the class and the time.
    pub fn is_of_classes(&self) -> bool {
        self.patients.is_none() && self.control.is_none() && self.text.is_none()
    }

    /// Whether messages of a class may be among those asked for.
    pub fn takes_class(&self, class: &MessageClass) -> bool {
        self.takes_feed(&class.feed)
            && self.takes_answer(&class.acknowledged)
            && self.outcome.is_none_or(|wanted| wanted.word() == class.outcome)
            && (class.is_rest || (self.takes_event(&class.feed, &class.event) && self.takes_kinds(class.kinds)))
    }

    /// Whether each message of a class that may be taken has to be looked at.
    pub fn is_unsure_of(&self, class: &MessageClass) -> bool {
        class.is_rest && (self.event.is_some() || self.kind.is_some())
    }

    /// Whether a message belongs into the list, by all but its kinds and its text.
    pub fn takes(&self, summary: &MessageSummary) -> bool {
        self.takes_feed(&summary.feed)
            && self.takes_answer(&summary.acknowledged)
            && self.takes_event(&summary.feed, &summary.event)
            && self.control.as_ref().is_none_or(|wanted| *wanted == summary.control)
            && self.outcome.is_none_or(|wanted| wanted == summary.disposition)
            && self.from.is_none_or(|from| summary.received >= from)
            && self.before.is_none_or(|before| summary.received < before)
            && self.patients.as_ref().is_none_or(|wanted| summary.patients().any(|one| wanted.contains(one)))
    }

    pub fn takes_kinds(&self, kinds: u16) -> bool {
        self.kind.is_none_or(|kind| kinds & bit(kind) != 0)
    }

    fn takes_feed(&self, feed: &str) -> bool {
        self.feed.as_ref().is_none_or(|wanted| wanted == feed)
    }

    fn takes_answer(&self, acknowledged: &str) -> bool {
        !self.faulty || matches!(acknowledged, "AE" | "AR")
    }

    fn takes_event(&self, feed: &str, event: &str) -> bool {
        let Some(wanted) = &self.event else { return true };
        if wanted.eq_ignore_ascii_case("FHIR") {
            return feed.starts_with(WRITES);
        }
        wanted.eq_ignore_ascii_case(event) || event.split('^').any(|part| wanted.eq_ignore_ascii_case(part))
    }

    /// Whether the text that is asked for stands in these bytes.
    pub fn takes_text(&self, raw: &[u8]) -> bool {
        self.text.as_ref().is_none_or(|text| contains(raw, text))
    }
}

/// As the text is written in UTF-8 or, as most older senders do, in Latin-1.
fn contains(raw: &[u8], text: &str) -> bool {
    let latin = text.chars().map(|sign| u8::try_from(u32::from(sign)).ok()).collect::<Option<Vec<u8>>>();
    let utf8 = Some(text.as_bytes().to_vec());
    let raw = raw.to_ascii_lowercase();
    let wanted = [utf8, latin].into_iter().flatten().map(|bytes| bytes.to_ascii_lowercase());
    wanted.filter(|bytes| !bytes.is_empty()).any(|bytes| raw.windows(bytes.len()).any(|part| part == bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(feed: &str, event: &str) -> MessageClass {
        let (feed, event) = (feed.to_string(), event.to_string());
        MessageClass { feed, event, outcome: "applied".into(), acknowledged: "AA".into(), kinds: 0, is_rest: false }
    }

    #[test]
    fn an_event_is_found_whole_by_either_part_and_whatever_its_case() {
        let asked = |event: &str| MessageFilter { event: Some(event.to_string()), ..MessageFilter::default() };
        for (event, found) in [("ADT^A03", true), ("adt", true), ("a03", true), ("A0", false), ("FHIR", false)] {
            assert_eq!(asked(event).takes_class(&class("clinic", "ADT^A03")), found, "{event}");
        }
        assert!(asked("fhir").takes_class(&class("fhir:payer", "PUT Task")));
        assert!(asked("ORU").takes_class(&class("clinic", "").rest()), "each message of the rest is looked at");
        assert!(asked("ORU").is_unsure_of(&class("clinic", "").rest()));
    }

    #[test]
    fn text_is_found_in_both_ways_in_which_senders_write_it() {
        assert!(contains(b"PID|1||7^^^X||NU\xd1EZ^Ana", "nuÑez") && contains("PID|NUÑEZ".as_bytes(), "Ñez"));
        assert!(!contains(b"PID|1", "PID|2") && !contains(b"", "x"));
    }
}
