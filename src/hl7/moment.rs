//! The moment that a date and time means by its sender's clock, and its FHIR form.

use jiff::Timestamp;

use super::clock::{Moment, SenderClock};
use super::timestamp::{DateTime, Precision, fhir_date};

impl DateTime {
    /// FHIR `dateTime`. Where no offset was written, the sender's clock gives it. FHIR knows no bare hour and no time without
    /// seconds: what is missing below the hour is written as zero, which FHIR says to ignore for seconds.
    pub fn to_fhir_date_time(&self, clock: &SenderClock) -> String {
        if !self.has_time() {
            return self.to_fhir_date();
        }
        self.print(self.moment(clock))
    }

    /// FHIR `instant`, which wants seconds: they are zero where only the minute was written, nothing where less was.
    pub fn to_fhir_instant(&self, clock: &SenderClock) -> Option<String> {
        (self.precision() >= Precision::Minute).then(|| self.to_fhir_date_time(clock))
    }

    /// The first moment of what was written. In a gap of the zone's clock, the moment as far after the gap as written.
    pub fn to_timestamp(&self, clock: &SenderClock) -> Timestamp {
        self.moment(clock).timestamp
    }

    /// The moment that printing and sorting both go by.
    pub fn moment(&self, clock: &SenderClock) -> Moment {
        clock.moment(self.civil(), self.offset())
    }

    /// The same as FHIR `dateTime` by the first of a repeated hour's moments, where that differs and the sender did not say.
    pub fn to_earlier_date_time(&self, clock: &SenderClock) -> Option<String> {
        if self.has_offset() || !self.has_time() {
            return None;
        }
        let first = clock.earlier(self.civil())?;
        (first.timestamp != self.to_timestamp(clock)).then(|| self.print(first))
    }

    fn print(&self, moment: Moment) -> String {
        let (time, offset) = (moment.civil.time(), moment.offset);
        let sign = if offset.is_negative() { '-' } else { '+' };
        let minutes = offset.seconds().unsigned_abs() / 60;
        let fraction = match self.precision() {
            Precision::Fraction(digits) => {
                let nanoseconds = format!("{:09}", time.subsec_nanosecond());
                format!(".{}", nanoseconds.get(..usize::from(digits)).unwrap_or_default())
            }
            _ => String::new(),
        };
        format!(
            "{}T{:02}:{:02}:{:02}{fraction}{sign}{:02}:{:02}",
            fhir_date(moment.civil.date(), Precision::Day),
            time.hour(),
            time.minute(),
            time.second(),
            minutes / 60,
            minutes % 60
        )
    }
}
