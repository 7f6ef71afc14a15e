//! What a record says of a pregnancy, and a pregnancy that goes on.

use jiff::civil::Date;

use super::calendar::days_between;
use crate::identity::ResourceId;
use crate::record::Stored;

/// From the first day of the last period to the expected date of delivery.
pub const TO_DELIVERY: i64 = 280;

/// What one resource says.
pub struct Statement {
    pub on: Date,
    pub says: Says,
    /// The expected date of delivery, and how well it is known: the greatest counts.
    pub dated: Option<(u8, Date)>,
    /// The resource's type and id.
    pub by: (&'static str, ResourceId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// How far on, and not whether: a newborn's weeks stand in its own record.
    Week,
    Pregnant,
    /// On the same day this counts.
    Over,
}

/// A pregnancy that goes on.
pub struct Pregnancy<'a> {
    /// The expected date of delivery.
    pub delivery: Option<Date>,
    /// The last day on which it is believed.
    pub until: Date,
    pub by: Vec<&'a Stored>,
}

impl Pregnancy<'_> {
    /// Completed weeks on a day.
    pub fn week(&self, on: Date) -> Option<u32> {
        let days = TO_DELIVERY - days_between(on, self.delivery?);
        // Nothing lost: before the first week there is none.
        u32::try_from(days / 7).ok().filter(|_| days >= 0)
    }
}
