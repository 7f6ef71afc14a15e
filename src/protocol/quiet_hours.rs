//! Hours in which nothing routine is raised or made louder: it is owed when the practice opens. What is urgent is never held back.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::calendar::add_days;
use super::chain::Priority;

/// From when until when, on the practice's wall; over midnight where it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: Time,
    pub to: Time,
}

impl QuietHours {
    /// When routine work that would come at this moment comes instead; none where it comes at once.
    pub fn opening(self, at: Timestamp, priority: Priority, zone: &TimeZone) -> Option<Timestamp> {
        if priority > Priority::Routine {
            return None;
        }
        let here = at.to_zoned(zone.clone());
        let (date, time) = (here.date(), here.time());
        let is_over_midnight = self.to <= self.from;
        let day = match is_over_midnight {
            true if time >= self.from => add_days(date, 1),
            true if time < self.to => date,
            false if time >= self.from && time < self.to => date,
            _ => return None,
        };
        // Nothing lost: beyond the calendar's end nothing opens, and it comes at once.
        zone.to_timestamp(day.to_datetime(self.to)).ok().filter(|opening| *opening > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routine_work_waits_for_the_morning_and_nothing_else_does() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let time = |text: &str| text.parse::<Time>().unwrap();
        let night = QuietHours { from: time("21:30"), to: time("06:45") };
        let noon = QuietHours { from: time("12:00"), to: time("14:00") };
        let opening = |quiet: QuietHours, at: &str, priority| {
            let opening = quiet.opening(at.parse().unwrap(), priority, &zone);
            opening.map(|at| at.to_zoned(zone.clone()).strftime("%d %H:%M").to_string()).unwrap_or_default()
        };
        for (quiet, at, expected) in [
            (night, "2026-10-24T21:29:59+02:00", ""),
            (night, "2026-10-24T21:30:00+02:00", "25 06:45"),
            // The clocks go back in that night.
            (night, "2026-10-25T02:30:00+01:00", "25 06:45"),
            (night, "2026-10-25T06:44:59+01:00", "25 06:45"),
            (night, "2026-10-25T06:45:00+01:00", ""),
            (noon, "2026-07-01T12:00:00+02:00", "01 14:00"),
            (noon, "2026-07-01T14:00:00+02:00", ""),
            (noon, "2026-07-01T03:00:00+02:00", ""),
        ] {
            assert_eq!(opening(quiet, at, Priority::Routine), expected, "{at}");
            assert_eq!(opening(quiet, at, Priority::Urgent), "", "{at}");
        }
    }
}
