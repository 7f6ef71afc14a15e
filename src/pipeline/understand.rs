//! From bytes to what the sender means, or to why it cannot be taken. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{Arrival, ownership};
use crate::fhir::{Draft, Scope};
use crate::hl7::{Message, ReadOptions};
use crate::mapping::{Context, Line, Mapped};
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::site::{Feed, Processing, Site, names_event};
use crate::store::Disposition;
use crate::unused::Kind;

/// MSH-10 (ST) since HL7 v2.7; earlier versions allow less.
const LONGEST_CONTROL_ID: usize = 199;

/// A message that was read; `refusal` says what becomes of it when it has no effect: refused, or only kept.
pub(super) struct Read {
    /// None when not even a header was found.
    pub message: Option<Message>,
    /// MSH-10; empty when unreadable.
    pub control: String,
    /// `ADT^A04`; empty when unreadable.
    pub event: String,
    pub problems: Vec<Problem>,
    pub refusal: Option<Disposition>,
}

/// Reads the bytes and decides whether this feed takes such a message at all.
pub(super) fn read(site: &Site, feed: &Feed, arrival: &Arrival) -> Read {
    let options = ReadOptions {
        max_bytes: feed.limits.frame_bytes,
        charset: feed.writing.charset,
        is_charset_fixed: feed.writing.is_charset_fixed,
        ..ReadOptions::default()
    };
    let reading = Message::parse(arrival.raw.as_slice(), &options);
    let (mut control, mut event) = (String::new(), String::new());
    if let Some(message) = &reading.message {
        let header = message.header();
        control = header.control_id().into_owned();
        event = format!("{}^{}", header.message_code(), header.trigger_event());
    }
    let mut problems = reading.problems;
    if control.chars().count() > LONGEST_CONTROL_ID {
        let text =
            format!("the control id has more than {LONGEST_CONTROL_ID} characters; an answer could not repeat it");
        problems.push(Problem::error(Category::TooLong, field(10), text));
    }
    let refusal = if arrival.unframed {
        let text = "the message is not framed: MLLP wants the byte 0B before it and the bytes 1C 0D after it; send it again in a frame";
        problems.push(Problem::error(Category::Structure, Place::Whole, text));
        Some(Disposition::Rejected)
    } else if arrival.cut_short {
        let text = "the message was broken off before its end (1C 0D); send it again whole";
        problems.push(Problem::error(Category::Incomplete, Place::Whole, text));
        Some(Disposition::Rejected)
    } else if arrival.oversized {
        let text = format!("the message is longer than the {} bytes this feed takes", feed.limits.frame_bytes);
        problems.push(Problem::error(Category::TooLong, Place::Whole, text));
        Some(Disposition::Rejected)
    } else if reading.message.is_none() || problems.iter().any(Problem::is_error) {
        Some(Disposition::Rejected)
    } else {
        reading.message.as_ref().and_then(|message| gate(site, feed, message, &event, &mut problems))
    };
    Read { message: reading.message, control, event, problems, refusal }
}

/// Wrong feed, no message of production, unknown event, or an event without a map.
fn gate(site: &Site, feed: &Feed, message: &Message, event: &str, problems: &mut Vec<Problem>) -> Option<Disposition> {
    let header = message.header();
    let facility = header.sending_facility();
    if !feed.facilities.is_empty() && !feed.facilities.iter().any(|known| *known == facility) {
        let text = "this feed is for other sending facilities; check which port this sender uses";
        problems.push(Problem::error(Category::NotSupported, field(4), text));
        return Some(Disposition::Rejected);
    }
    let (code, trigger) = (header.message_code(), header.trigger_event());
    let is_named = |patterns: &[String]| patterns.iter().any(|pattern| names_event(pattern, &code, &trigger));
    if code == "ACK" {
        let text =
            "an acknowledgement, which tells nothing about a patient; it was kept without effect and without an answer";
        problems.push(kept(field(9), text.to_string(), "ACK"));
        return Some(Disposition::Ignored);
    }
    if is_named(&feed.handling.ignore) {
        let text = format!("this feed's `ignore` names {event}; the message was kept without effect");
        problems.push(kept(field(9), text, event));
        return Some(Disposition::Ignored);
    }
    if !feed.accepts.is_empty() && !is_named(&feed.accepts) {
        let text = format!("this feed does not take {event}; it takes {}", feed.accepts.join(", "));
        let is_known = feed.accepts.iter().any(|pattern| pattern.starts_with(&*code));
        problems.push(Problem::error(Category::NotSupported, unsupported(is_known), text));
        return Some(Disposition::Rejected);
    }
    if let Some(disposition) = processing(feed, message, problems) {
        return Some(disposition);
    }
    let maps = site.mappings.get(&feed.name);
    if !maps.is_some_and(|maps| maps.covers(&code, &trigger)) {
        let text = format!(
            "no mapping reads {event} yet; add a file to mappings/messages and replay this message, or name {event} in the \
             feed's `ignore`"
        );
        let is_known = maps.is_some_and(|maps| maps.events().iter().any(|(known, _)| *known == code));
        let problem = Problem::error(Category::NotSupported, unsupported(is_known), text);
        problems.push(problem.to_sender(format!("{event} is not supported here; agree with us before sending it")));
        return Some(Disposition::Rejected);
    }
    None
}

/// MSH-9.2 where only the event is not supported, MSH-9.1 where nothing of this type is.
fn unsupported(is_code_known: bool) -> Place {
    let component = if is_code_known { 2 } else { 1 };
    Place::Field(FieldPlace { component, ..FieldPlace::field("MSH", 1, 9) })
}

/// What the feed says about messages of training, debugging and the like.
fn processing(feed: &Feed, message: &Message, problems: &mut Vec<Problem>) -> Option<Disposition> {
    let header = message.header();
    let (id, mode) = (header.processing_id(), header.processing_mode());
    let written = if mode.is_empty() { id.to_string() } else { format!("{id}^{mode}") };
    match feed.handling.processing(&id, &mode) {
        Processing::Apply => {
            if !matches!(&*id, "" | "P" | "T" | "D") {
                let text = "this is no processing id of HL7 (P, T, D); the message was taken as one of production";
                problems.push(Problem::warning(Category::CodeInvalid, field(11), text).unused(Kind::Event, "MSH-11"));
            }
            None
        }
        Processing::Keep => {
            let text = format!(
                "no message of production (MSH-11 says {written}); it was kept without effect, as the feed's `processing` says"
            );
            problems.push(kept(field(11), text, &format!("MSH-11 {written}")));
            Some(Disposition::Ignored)
        }
        Processing::Refuse => {
            let text = format!("this feed does not take messages with {written} in MSH-11");
            problems.push(Problem::error(Category::NotSupported, field(11), text));
            Some(Disposition::Rejected)
        }
    }
}

/// A whole message without effect.
fn kept(place: Place, text: String, about: &str) -> Problem {
    Problem::information(Category::Suppressed, place, text).unused(Kind::Event, about)
}

fn field(number: u16) -> Place {
    Place::Field(FieldPlace::field("MSH", 1, number))
}

/// Maps a message that the feed takes.
pub(super) fn map(site: &Site, feed: &Feed, message: &Message, received: Timestamp) -> Option<Mapped> {
    let maps = site.mappings.get(&feed.name)?;
    let context = context(feed, message, received);
    let mut mapped = maps.apply(message, &context);
    ownership::keep_owned(feed, &mut mapped);
    for rule in &feed.labelling.rules {
        if rule.when.as_ref().is_none_or(|when| when.holds(maps, message, &context)) {
            label(&mut mapped.drafts, &rule.labels);
        }
    }
    Some(mapped)
}

/// Maps a message that the feed takes, and says which lines of maps and tables gave something.
pub(super) fn touch(
    site: &Site,
    feed: &Feed,
    message: &Message,
    received: Timestamp,
) -> Option<(Mapped, BTreeSet<Line>)> {
    Some(site.mappings.get(&feed.name)?.apply_touching(message, &context(feed, message, received)))
}

/// What a feed says of the messages of one sender.
fn context<'f>(feed: &'f Feed, message: &Message, received: Timestamp) -> Context<'f> {
    let zone = feed.zone_of(&message.header().sending_facility());
    Context { zone, authorities: &feed.authorities, habits: &feed.habits, received }
}

/// What a feed says of who treated holds for all it tells of a patient, but not for who that is: others know them, too.
fn label(drafts: &mut [Draft], labels: &[Value]) {
    let told = |draft: &&mut Draft| draft.scope == Scope::Patient && draft.resource.resource_type() != "Patient";
    for draft in drafts.iter_mut().filter(told) {
        draft.resource.add_to_meta("security", labels.to_vec());
    }
}
