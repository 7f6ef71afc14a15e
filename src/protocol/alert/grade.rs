//! How far out of range.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Warn,
    /// At the level of an escalation, which waits for a second reading.
    Unconfirmed,
    Escalate,
}

impl Grade {
    pub fn word(self) -> &'static str {
        match self {
            Self::Warn => "warning",
            Self::Unconfirmed => "unconfirmed",
            Self::Escalate => "escalation",
        }
    }

    pub fn of(word: &str) -> Option<Self> {
        [Self::Warn, Self::Unconfirmed, Self::Escalate].into_iter().find(|grade| grade.word() == word)
    }
}
