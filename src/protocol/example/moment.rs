//! Times as stories write them.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::scene::zone;

/// A moment in a story, on the practice's wall.
pub fn moment(text: &str) -> Option<Timestamp> {
    let civil: DateTime = match text.parse::<jiff::civil::Date>() {
        Ok(date) if !text.contains('T') => date.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse().ok()?,
    };
    zone().to_timestamp(civil).ok()
}
