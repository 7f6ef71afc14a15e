//! From bytes to what the sender means, or to why it cannot be taken. Pure.

use jiff::Timestamp;

use super::Arrival;
use crate::hl7::{Message, ReadOptions};
use crate::mapping::{Context, Mapped};
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::site::{Feed, Site};
use crate::store::Disposition;

/// MSH-10 (ST) since HL7 v2.7; earlier versions allow less.
const LONGEST_CONTROL_ID: usize = 199;

/// A message that was read; `refusal` says why it cannot be taken, when it cannot.
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
    let options = ReadOptions { max_bytes: feed.limits.frame_bytes, ..ReadOptions::default() };
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
    let refusal = if arrival.cut_short {
        let text = "the message was broken off before its end; send it again whole";
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

/// Wrong feed, unknown event, or an event without a map.
fn gate(site: &Site, feed: &Feed, message: &Message, event: &str, problems: &mut Vec<Problem>) -> Option<Disposition> {
    let header = message.header();
    let facility = header.sending_facility();
    if !feed.facilities.is_empty() && !feed.facilities.iter().any(|known| *known == facility) {
        let text = "this feed is for other sending facilities; check which port this sender uses";
        problems.push(Problem::error(Category::NotSupported, field(4), text));
        return Some(Disposition::Rejected);
    }
    let (code, trigger) = (header.message_code(), header.trigger_event());
    let accepted = |pattern: &String| {
        pattern
            .split_once('^')
            .map_or(*pattern == code, |(wanted, event)| wanted == code && (event == "*" || event == trigger))
    };
    if !feed.accepts.is_empty() && !feed.accepts.iter().any(accepted) {
        let text = format!("this feed does not take {event}; it takes {}", feed.accepts.join(", "));
        problems.push(Problem::error(Category::NotSupported, field(9), text));
        return Some(Disposition::Rejected);
    }
    let maps = site.mappings.get(&feed.name);
    if !maps.is_some_and(|maps| maps.covers(&code, &trigger)) {
        let text = format!("no mapping reads {event} yet; add a file to mappings/messages and replay this message");
        problems.push(Problem::error(Category::NotSupported, field(9), text));
        return Some(Disposition::Rejected);
    }
    None
}

fn field(number: u16) -> Place {
    Place::Field(FieldPlace::field("MSH", 1, number))
}

/// Maps a message that the feed takes.
pub(super) fn map(site: &Site, feed: &Feed, message: &Message, received: Timestamp) -> Option<Mapped> {
    let maps = site.mappings.get(&feed.name)?;
    let context = Context { zone: &feed.zone, authorities: &feed.authorities, habits: &feed.habits, received };
    Some(maps.apply(message, &context))
}
