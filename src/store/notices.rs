//! What of one input could not be used, by cause: read from the trace that its message is kept with, so that counting and
//! explaining can never disagree. No patient data.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Cause, MessageEntry, Notice, Trace, TraceLine};
use crate::problem::FieldPlace;
use crate::unused::{Kind, Unused};

/// Different causes that one input can have; the rest of them is one more, of kind `limit`.
const MOST_OF_ONE: usize = 200;

impl Trace {
    /// What of a message could not be used, each cause once: problems that say so, codes without a row, fields that nobody
    /// read.
    pub fn notices(&self, feed: &str, at: Timestamp) -> Vec<Notice> {
        let mut found = Gathered::default();
        for line in &self.problems {
            if let Some(unused) = &line.unused {
                found.add(Notice::new(feed, at, &line.place, &line.text, unused));
            }
        }
        for line in &self.unmapped {
            found.add_code(feed, at, line);
        }
        for place in &self.unread {
            let (text, field) = ("something stands here that no mapping reads", field_of(place));
            found.add(Notice::new(feed, at, &field, text, &Unused::new(Kind::Field, &field)));
        }
        found.notices
    }
}

impl MessageEntry {
    /// The causes that were counted for this input, by this message and by those it replays.
    pub fn counted(&self) -> Vec<String> {
        let own = self.notices().into_iter().map(|notice| notice.cause.id());
        let all: BTreeSet<String> = self.trace.counted.iter().cloned().chain(own).collect();
        all.into_iter().collect()
    }

    /// What is to be counted for this message when so much was counted for its input before, which it remembers.
    pub fn count_after(&mut self, counted: Vec<String>) -> Vec<Notice> {
        let notices = self.notices().into_iter().filter(|notice| !counted.contains(&notice.cause.id())).collect();
        self.trace.counted = counted;
        notices
    }

    fn notices(&self) -> Vec<Notice> {
        self.trace.notices(&self.summary.feed, self.summary.received)
    }
}

/// Notices, each cause once, and no more than are kept of one input.
#[derive(Default)]
pub struct Gathered {
    pub notices: Vec<Notice>,
    causes: BTreeSet<Cause>,
    codes: BTreeSet<(Kind, String)>,
}

impl Gathered {
    pub fn add(&mut self, notice: Notice) {
        let notice = if self.notices.len() < MOST_OF_ONE || self.causes.contains(&notice.cause) {
            notice
        } else {
            let cause = Cause::new(&notice.cause.feed, Kind::Limit, "causes of one message", "");
            let text = format!("one message had more than {MOST_OF_ONE} different causes; its trace shows the rest");
            Notice { cause, text, duty: notice.duty, at: notice.at }
        };
        if self.causes.insert(notice.cause.clone()) {
            self.codes.insert((notice.cause.kind, notice.cause.about.clone()));
            self.notices.push(notice);
        }
    }

    /// A code that a problem told of already is not another cause.
    fn add_code(&mut self, feed: &str, at: Timestamp, line: &TraceLine) {
        if let Some(unused) = &line.unused
            && !self.codes.contains(&(unused.kind, unused.about.clone()))
        {
            self.add(Notice::new(feed, at, &line.place, &line.text, unused));
        }
    }
}

/// A field without its numbers of occurrence and repetition, and without its parts: `PV1-44`.
fn field_of(place: &FieldPlace) -> String {
    FieldPlace::field(&place.segment, 1, place.field).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(place: &str, kind: Kind, about: &str) -> TraceLine {
        TraceLine { unused: Some(Unused::new(kind, about)), ..TraceLine::new("warning", place, "say what to change") }
    }

    #[test]
    fn a_message_has_each_cause_once_whatever_the_numbers_of_its_places() {
        let trace = Trace {
            problems: vec![
                line("OBX[2]-6", Kind::Unit, "furlong"),
                line("OBX[3]-6", Kind::Unit, "furlong"),
                TraceLine::new("warning", "PID-5", "only a remark"),
            ],
            unmapped: vec![line("OBX[2]-6", Kind::Unit, "furlong"), line("PV1-4", Kind::Code, "Q")],
            unread: vec![FieldPlace::field("ZPV", 2, 4), FieldPlace { component: 2, ..FieldPlace::field("ZPV", 3, 4) }],
            ..Trace::default()
        };
        let causes: Vec<String> = trace
            .notices("clinic", Timestamp::UNIX_EPOCH)
            .iter()
            .map(|notice| format!("{} {} {}", notice.cause.kind.word(), notice.cause.about, notice.cause.place))
            .collect();
        assert_eq!(causes, ["unit furlong OBX-6", "code Q PV1-4", "field ZPV-4 ZPV-4"]);
    }

    #[test]
    fn a_message_with_very_many_causes_says_that_there_are_more() {
        let problems = (0..500).map(|number| line("OBX-3", Kind::Code, &format!("C{number}"))).collect();
        let notices = Trace { problems, ..Trace::default() }.notices("clinic", Timestamp::UNIX_EPOCH);
        assert_eq!(notices.len(), MOST_OF_ONE + 1);
        assert_eq!(notices.last().unwrap().cause.about, "causes of one message");
    }
}
