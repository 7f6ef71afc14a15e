//! What became of a message, for a person at a terminal: the message itself, decisions in words, where each element came
//! from, and what was not read. Shows patient data, to the one who asked for it.

use std::collections::BTreeMap;

use anyhow::Result;

use super::place::place_at;
use super::screen::Screen;
use super::table::{Table, clipped};
use crate::hl7::{Message, ReadOptions};
use crate::store::{Notice, Trace, TraceLine};
use crate::unused::{Duty, Kind};

/// The message, a segment a line.
pub fn message(raw: &str, screen: &mut Screen) -> Result<()> {
    screen.heading("Message")?;
    for line in raw.split(['\r', '\n']).filter(|line| !line.is_empty()) {
        screen.say(format!("  {line}"))?;
    }
    Ok(())
}

/// A heading and a line for each; nothing when there is none.
pub fn list(title: &str, lines: &[String], screen: &mut Screen) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    screen.heading(title)?;
    lines.iter().try_for_each(|line| screen.say(format!("  {line}")))
}

/// Problems, decisions, lineage and unread fields. `raw` is the message that byte ranges belong to.
pub fn trace(trace: &Trace, raw: &[u8], screen: &mut Screen) -> Result<()> {
    decisions("Problems", &gathered(&trace.problems), screen)?;
    let (unused, width) = (unused(trace), screen.width.saturating_sub(2));
    if !unused.is_empty() {
        screen.heading("Not used, or not as stated")?;
    }
    for line in unused.iter().flat_map(|line| wrapped(line, width)) {
        screen.say(format!("  {line}"))?;
    }
    decisions("Protocols", &trace.decisions, screen)?;
    decisions("Agreements", &trace.agreements, screen)?;
    let reading = Message::parse(raw, &ReadOptions::default());
    if let Some(message) = &reading.message {
        lineage(trace, message, screen)?;
    }
    if !trace.unread.is_empty() {
        screen.heading("Not read by any mapping")?;
        let places: Vec<String> = trace.unread.iter().map(ToString::to_string).collect();
        for line in wrapped(&places.join(", "), screen.width.saturating_sub(2)) {
            screen.say(format!("  {line}"))?;
        }
    }
    Ok(())
}

/// The causes by kind; the fields that nothing reads have a list of their own.
fn unused(trace: &Trace) -> Vec<String> {
    let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for Notice { cause, duty, .. } in trace.notices("", jiff::Timestamp::UNIX_EPOCH) {
        if cause.kind == Kind::Field && cause.about == cause.place {
            continue;
        }
        let owed = match duty {
            Some(Duty::Feed) => ", work for the feed",
            Some(Duty::Practice) => ", work for the practice",
            None => "",
        };
        let about = if cause.about.is_empty() { "–" } else { &cause.about };
        let place = if cause.place.is_empty() { "message" } else { &cause.place };
        kinds.entry(cause.kind).or_default().push(format!("{about} ({place}{owed})"));
    }
    kinds.into_iter().map(|(kind, causes)| format!("{}: {}", kind.word(), causes.join("; "))).collect()
}

/// What is said of several places once, the worst first.
fn gathered(problems: &[TraceLine]) -> Vec<TraceLine> {
    let mut gathered: Vec<TraceLine> = Vec::new();
    for line in problems {
        match gathered.iter_mut().find(|known| known.subject == line.subject && known.text == line.text) {
            Some(known) => known.place = format!("{}, {}", known.place, line.place),
            None => gathered.push(line.clone()),
        }
    }
    let weight = |line: &TraceLine| ["fatal", "error", "warning"].iter().position(|name| *name == line.subject);
    gathered.sort_by_key(|line| weight(line).unwrap_or(usize::MAX));
    gathered
}

fn decisions(title: &str, lines: &[TraceLine], screen: &mut Screen) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    screen.heading(title)?;
    for line in lines {
        for (index, part) in wrapped(&line.text, screen.width.saturating_sub(4)).into_iter().enumerate() {
            screen.say(if index == 0 { format!("  {part}") } else { format!("    {part}") })?;
        }
        let place = [&line.subject, &line.place].into_iter().filter(|text| !text.is_empty());
        let place = place.map(String::as_str).collect::<Vec<_>>().join(", ");
        for part in wrapped(&place, screen.width.saturating_sub(4)) {
            let shown = screen.dim(&format!("    {part}"));
            screen.say(shown)?;
        }
    }
    Ok(())
}

fn lineage(trace: &Trace, message: &Message, screen: &mut Screen) -> Result<()> {
    if trace.lineage.is_empty() {
        return Ok(());
    }
    screen.heading("Where each element came from")?;
    let mut table = Table::new(&["field", "value", "element", "mapping"]);
    for mark in &trace.lineage {
        let span = crate::hl7::Span { start: mark.start, end: mark.end };
        // In a narrow window the element says more than the end of a long value.
        let value = clipped(&message.text_at(span), if screen.width < 100 { 14 } else { 24 });
        let map = mark.map.rsplit('/').next().unwrap_or_default().replace(".yaml", "");
        table.row([place_at(message, span), value, mark.element.clone(), map]);
    }
    table.lines(screen.width.saturating_sub(2)).into_iter().try_for_each(|line| screen.say(format!("  {line}")))
}

/// The text in lines of at most `width`, broken between words.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_about_several_places_are_said_once_and_the_worst_first() {
        let line = TraceLine::new;
        let told = gathered(&[
            line("warning", "PV1-7", "unknown"),
            line("information", "message", "LF"),
            line("warning", "PV1-8", "unknown"),
            line("error", "PID-3", "nobody"),
        ]);
        let expected = [
            line("error", "PID-3", "nobody"),
            line("warning", "PV1-7, PV1-8", "unknown"),
            line("information", "message", "LF"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn text_is_broken_between_words_and_a_long_word_stays_whole() {
        assert_eq!(wrapped("call within two business days", 11), ["call within", "two", "business", "days"]);
        assert_eq!(wrapped("unbreakableword", 4), ["unbreakableword"]);
        assert!(wrapped("", 10).is_empty());
    }
}
