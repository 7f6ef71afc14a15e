//! Times as people of a practice read them: the month is a word, today is "Today", a due date says how late it is.
//! Engineers' pages keep seconds (`page::second`); here nobody has to count.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// "1 day", "2 days".
pub(super) fn days(count: i64) -> String {
    if count == 1 { "1 day".to_string() } else { format!("{count} days") }
}

/// "7:31 AM".
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-I:%M %p").to_string()
}

/// "Wednesday, November 25, 2026, 8:12 AM": the line that says when a page was made.
pub(super) fn dateline(now: Timestamp, zone: &TimeZone) -> String {
    now.to_zoned(zone.clone()).strftime("%A, %B %-d, %Y, %-I:%M %p").to_string()
}

/// "Wednesday, November 25, 2026".
pub(super) fn long_day(day: Date) -> String {
    day.strftime("%A, %B %-d, %Y").to_string()
}

/// A moment that was or comes: "Today 7:31 AM", "Tue 4:10 PM" within a week, then "Nov 2", and the year where it is another.
pub(super) fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (then, today) = (date_in(at, zone), date_in(now, zone));
    match distance(then, today) {
        0 => format!("Today {}", clock(at, zone)),
        1 => format!("Tomorrow {}", clock(at, zone)),
        -1 => format!("Yesterday {}", clock(at, zone)),
        -6..=6 => format!("{} {}", then.strftime("%a"), clock(at, zone)),
        _ => day(then, today),
    }
}

/// A day: "today", "tomorrow", "Fri, Nov 27" within two weeks, then "Nov 2", and the year where it is another.
pub(super) fn day(then: Date, today: Date) -> String {
    match distance(then, today) {
        0 => "today".to_string(),
        1 => "tomorrow".to_string(),
        -1 => "yesterday".to_string(),
        -14..=14 => then.strftime("%a, %b %-d").to_string(),
        _ if then.year() == today.year() => then.strftime("%b %-d").to_string(),
        _ => then.strftime("%b %-d, %Y").to_string(),
    }
}

/// Years lived; none where the birth lies ahead.
pub(super) fn age(birth: Date, today: Date) -> Option<i16> {
    let had = (today.month(), today.day()) >= (birth.month(), birth.day());
    (birth <= today).then(|| today.year() - birth.year() - i16::from(!had))
}

/// The day a moment lies on in a zone.
pub(super) fn date_in(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

/// How a due date stands: how much it presses, in a word for the eye (`late`, `today`, `later`), and in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub class: &'static str,
    pub words: String,
    /// The date itself, where the words count days: "was due Mon, Nov 23".
    pub detail: String,
}

/// A due date is the first moment that is late, so the day it names is the one before where it falls on midnight.
pub(super) fn due(due: Timestamp, now: Timestamp, zone: &TimeZone) -> Due {
    let last = due.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(due);
    let (due_day, today) = (date_in(last, zone), date_in(now, zone));
    let ends_a_day = due.to_zoned(zone.clone()).time() == jiff::civil::Time::midnight();
    let at = || if ends_a_day { String::new() } else { format!("by {}", clock(due, zone)) };
    let apart = distance(due_day, today);
    if due <= now {
        let minutes = now.duration_since(due).as_mins();
        let words = match (apart, minutes) {
            (..=-1, _) => format!("{} late", days(-apart)),
            (_, ..=0) => "late now".to_string(),
            (_, 1..=89) => format!("{minutes} min late"),
            _ => format!("{} h late", minutes / 60),
        };
        return Due {
            class: "late",
            words,
            detail: format!("was due {} {}", day(due_day, today), at()).trim().to_string(),
        };
    }
    if apart == 0 {
        let minutes = due.duration_since(now).as_mins();
        let soon = if !ends_a_day && minutes < 90 { format!(", in {minutes} min") } else { String::new() };
        return Due { class: "today", words: "Due today".to_string(), detail: format!("{}{soon}", at()) };
    }
    Due { class: "later", words: format!("Due {}", day(due_day, today)), detail: at() }
}

/// Days from `from` to `to`.
fn distance(to: Date, from: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        format!("{text}-05:00").parse().unwrap()
    }

    /// A Wednesday morning.
    const NOW: &str = "2026-11-25T08:12:00";

    #[test]
    fn a_moment_is_told_as_people_tell_it() {
        for (then, words) in [
            ("2026-11-25T07:31:00", "Today 7:31 AM"),
            ("2026-11-24T16:10:00", "Yesterday 4:10 PM"),
            ("2026-11-22T00:05:00", "Sun 12:05 AM"),
            ("2026-11-26T12:00:00", "Tomorrow 12:00 PM"),
            ("2026-11-16T12:00:00", "Mon, Nov 16"),
            ("2026-11-02T12:00:00", "Nov 2"),
            ("2025-11-02T12:00:00", "Nov 2, 2025"),
        ] {
            assert_eq!(moment(at(then), at(NOW), &zone()), words, "{then}");
        }
        assert_eq!(dateline(at(NOW), &zone()), "Wednesday, November 25, 2026, 8:12 AM");
    }

    #[test]
    fn a_due_date_says_how_it_presses() {
        let told = |then: &str| {
            let told = due(at(then), at(NOW), &zone());
            (told.class, told.words, told.detail)
        };
        let of = |class, words: &str, detail: &str| (class, words.to_string(), detail.to_string());
        // The end of Monday is Monday, not Tuesday.
        assert_eq!(told("2026-11-24T00:00:00"), of("late", "2 days late", "was due Mon, Nov 23"));
        assert_eq!(told("2026-11-25T08:00:00"), of("late", "12 min late", "was due today by 8:00 AM"));
        assert_eq!(told("2026-11-25T05:10:00"), of("late", "3 h late", "was due today by 5:10 AM"));
        assert_eq!(told("2026-11-25T08:30:00"), of("today", "Due today", "by 8:30 AM, in 18 min"));
        assert_eq!(told("2026-11-26T00:00:00"), of("today", "Due today", ""));
        assert_eq!(told("2026-11-28T00:00:00"), of("later", "Due Fri, Nov 27", ""));
        assert_eq!(told("2026-11-27T00:00:00"), of("later", "Due tomorrow", ""));
        assert_eq!(told("2026-12-24T17:00:00"), of("later", "Due Dec 24", "by 5:00 PM"));
    }

    #[test]
    fn an_age_counts_birthdays_that_were() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(age(date("1958-11-26"), date("2026-11-25")), Some(67));
        assert_eq!(age(date("1958-11-25"), date("2026-11-25")), Some(68));
        assert_eq!(age(date("2026-11-26"), date("2026-11-25")), None);
        assert_eq!(days(1) + ", " + &days(2), "1 day, 2 days");
    }
}
