//! The words in which people say which messages they mean, in a page's address and in a command. A word that cannot be read is told
//! and never passed over.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::problem::{Category, Place, Problem};
use crate::store::{Disposition, MessageFilter};
use crate::unused::Kind;

/// The longest text that is looked for, and the shortest.
const LONGEST_TEXT: usize = 200;
const SHORTEST_TEXT: usize = 3;

/// What a person says of the messages they look for; what is not said is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageWords {
    pub feed: Option<String>,
    /// A number of the patient, `system|number`, or our id.
    pub patient: Option<String>,
    pub control: Option<String>,
    /// `ADT^A03`, `ADT`, `A03`, `FHIR`
    pub event: Option<String>,
    pub kind: Option<String>,
    pub outcome: Option<String>,
    /// A day, a time, or how long ago: `2026-11-25`, `2026-11-25T14:00`, `30d`.
    pub since: Option<String>,
    /// A day, to its end, or a time.
    pub until: Option<String>,
    pub text: Option<String>,
    #[serde(deserialize_with = "ticked")]
    pub faulty: bool,
}

/// As JSON has it, or as a form sends a box that was ticked.
fn ticked<'d, D: Deserializer<'d>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ticked {
        Is(bool),
        Sent(String),
    }
    Ok(match Ticked::deserialize(from)? {
        Ticked::Is(is) => is,
        Ticked::Sent(sent) => !sent.is_empty(),
    })
}

impl MessageWords {
    /// As one line, for the audit and for whoever looks at it.
    pub fn in_words(&self) -> String {
        let Self { feed, patient, control, event, kind, outcome, since, until, text, faulty } = self.given();
        let parts = [
            ("feed", feed),
            ("patient", patient),
            ("control id", control),
            ("event", event),
            ("kind", kind),
            ("outcome", outcome),
            ("since", since),
            ("until", until),
            ("text", text),
            ("refused", faulty.then(|| "only".to_string())),
        ];
        let said = parts.into_iter().filter_map(|(name, text)| Some(format!("{name} {}", text?)));
        said.collect::<Vec<_>>().join(", ")
    }

    /// Without what was left empty.
    pub(super) fn given(&self) -> Self {
        let given = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_string)
        };
        Self {
            feed: given(&self.feed),
            patient: given(&self.patient),
            control: given(&self.control),
            event: given(&self.event),
            kind: given(&self.kind),
            outcome: given(&self.outcome),
            since: given(&self.since),
            until: given(&self.until),
            text: given(&self.text),
            faulty: self.faulty,
        }
    }

    /// What the words mean, but for whom.
    pub(super) fn read(&self, zone: &TimeZone, now: Timestamp) -> Result<MessageFilter, Problem> {
        let words = |all: Vec<&str>| all.join(", ");
        let kind = self.kind.as_deref().map(|word| {
            let kinds = || words(Kind::ALL.map(Kind::word).to_vec());
            Kind::named(word).ok_or_else(|| refused(format!("`{word}` is no kind; kinds are {}", kinds())))
        });
        let outcome = self.outcome.as_deref().map(|word| {
            let outcomes = || words(Disposition::ALL.map(Disposition::word).to_vec());
            Disposition::named(word).ok_or_else(|| refused(format!("`{word}` is no outcome; they are {}", outcomes())))
        });
        // Nothing lost: whoever asks is told.
        let fits = |text: &String| (SHORTEST_TEXT..=LONGEST_TEXT).contains(&text.chars().count());
        if self.text.as_ref().is_some_and(|text| !fits(text)) {
            // Nothing lost: whoever asks is told.
            return Err(refused(format!("look for text of {SHORTEST_TEXT} to {LONGEST_TEXT} characters")));
        }
        let filter = MessageFilter {
            feed: self.feed.clone(),
            faulty: self.faulty,
            patients: None,
            control: self.control.clone(),
            event: self.event.clone(),
            kind: kind.transpose()?,
            outcome: outcome.transpose()?,
            from: self.since.as_deref().map(|text| time(text, zone, now, false)).transpose()?,
            before: self.until.as_deref().map(|text| time(text, zone, now, true)).transpose()?,
            text: self.text.clone(),
        };
        if let (Some(from), Some(before)) = (filter.from, filter.before)
            && from >= before
        {
            return Err(refused("it ends before it begins; say an earlier `since` or a later `until`".to_string()));
        }
        Ok(filter)
    }
}

/// A time as people write it; of a day its beginning, or its end.
fn time(text: &str, zone: &TimeZone, now: Timestamp, is_end: bool) -> Result<Timestamp, Problem> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong =
        || refused(format!("`{text}` is no time; write 2026-11-25, 2026-11-25T14:00, or how long ago: 30d, 12h, 45m"));
    if let Some((number, unit)) = text.split_at_checked(text.len().saturating_sub(1))
        && let Ok(number) = number.parse::<u32>()
    {
        let unit = match unit {
            "d" => 24 * 60,
            "h" => 60,
            "m" => 1,
            _ => return Err(wrong()),
        };
        let ago = SignedDuration::from_mins(i64::from(number) * unit);
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    let local = match (text.parse::<Date>(), text.contains(['T', ' '])) {
        (Ok(day), false) if is_end => day.tomorrow().map_err(|_| wrong())?.to_datetime(jiff::civil::Time::midnight()),
        (Ok(day), false) => day.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse::<DateTime>().map_err(|_| wrong())?,
    };
    local.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

pub(super) fn refused(text: String) -> Problem {
    Problem::error(Category::BusinessRule, Place::Whole, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: MessageWords) -> Result<MessageFilter, String> {
        let zone = TimeZone::get("America/Chicago").unwrap();
        words.given().read(&zone, "2026-11-26T18:00:00Z".parse().unwrap()).map_err(|problem| problem.text)
    }

    #[test]
    fn days_are_of_the_zone_and_whole_and_other_times_are_as_they_say() {
        let times = |since: &str, until: &str| {
            let words =
                MessageWords { since: Some(since.into()), until: Some(until.into()), ..MessageWords::default() };
            read(words).map(|filter| (filter.from.unwrap().to_string(), filter.before.unwrap().to_string()))
        };
        let told = |from: &str, before: &str| Ok((from.to_string(), before.to_string()));
        // The day on which the clocks go back has 25 hours.
        assert_eq!(times("2026-11-01", "2026-11-01"), told("2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"));
        assert_eq!(
            times("2026-11-03T08:30", "2026-11-03T09:00:30Z"),
            Err("it ends before it begins; say an earlier `since` or a later `until`".into())
        );
        assert_eq!(times("2d", "2026-11-25T01:02:03-06:00"), told("2026-11-24T18:00:00Z", "2026-11-25T07:02:03Z"));
        for wrong in ["yesterday", "3w", "2026-13-01", "-2d", "d", "é"] {
            assert!(times(wrong, "2026-11-26").unwrap_err().contains(&format!("`{wrong}` is no time")), "{wrong}");
        }
    }

    #[test]
    fn a_word_that_is_none_is_refused_with_those_there_are() {
        let kind = read(MessageWords { kind: Some("typo".into()), ..MessageWords::default() }).unwrap_err();
        assert!(kind.contains("reading, code"), "{kind}");
        let outcome = read(MessageWords { outcome: Some("lost".into()), ..MessageWords::default() }).unwrap_err();
        assert!(outcome.contains("applied, ignored, error, rejected"), "{outcome}");
        assert!(read(MessageWords { text: Some("ab".into()), ..MessageWords::default() }).is_err());
        let empty = MessageWords { feed: Some(" ".into()), since: Some(String::new()), ..MessageWords::default() };
        assert!(read(empty).unwrap().is_all(), "what a form leaves empty is any");
    }
}
