//! Who has work, how urgent it is, and whom it climbs to.

use super::deadline::Deadline;

/// Who does the work. The practice answers for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Practice,
    CareManager,
    Coach,
    Clinician,
}

/// Task.priority (http://hl7.org/fhir/R4/valueset-request-priority.html), least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Routine,
    Urgent,
    Asap,
    Stat,
}

/// One step of a chain: who has it, and how loudly, from some time after it was raised.
#[derive(Debug, Clone)]
pub struct Step {
    pub after: Deadline,
    pub owner: Vec<Role>,
    pub priority: Option<Priority>,
}

impl Role {
    pub const WORDS: [(&'static str, Self); 4] = [
        ("practice", Self::Practice),
        ("care-manager", Self::CareManager),
        ("coach", Self::Coach),
        ("clinician", Self::Clinician),
    ];

    pub fn code(self) -> &'static str {
        Self::WORDS.iter().find(|(_, role)| *role == self).map_or("practice", |(word, _)| word)
    }
}

impl Priority {
    pub const WORDS: [(&'static str, Self); 4] =
        [("routine", Self::Routine), ("urgent", Self::Urgent), ("asap", Self::Asap), ("stat", Self::Stat)];

    pub fn code(self) -> &'static str {
        Self::WORDS.iter().find(|(_, priority)| *priority == self).map_or("routine", |(word, _)| word)
    }
}
