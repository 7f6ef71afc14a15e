//! How far a referral can have come (Gravity SDOH Clinical Care statuses, and what appointments and reports add).

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Requested,
    Rejected,
    Accepted,
    Scheduled,
    Missed,
    Seen,
    Reported,
}

impl Stage {
    pub const WORDS: [(&'static str, Self); 7] = [
        ("requested", Self::Requested),
        ("rejected", Self::Rejected),
        ("accepted", Self::Accepted),
        ("scheduled", Self::Scheduled),
        ("missed", Self::Missed),
        ("seen", Self::Seen),
        ("reported", Self::Reported),
    ];

    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, stage)| *stage == self).map_or("", |(word, _)| word)
    }
}
