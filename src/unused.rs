//! What an input, a rule or a limit left unused, as a value that a `Problem` carries: its kind, what it is about, and
//! whether somebody has work of it. Every place that drops, defaults, truncates or limits something a sender stated says so
//! by `Problem::unused`, and by nothing else. Never holds patient data.

use serde::{Deserialize, Serialize};

/// The kinds that pages, metrics and `handover unused` group by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A measurement or result that no rule can use.
    Reading,
    /// A code, or the system of one, that no table knows.
    Code,
    /// A unit that no table knows.
    Unit,
    /// An assigning authority that the feed does not know.
    Authority,
    /// A time that could not be read, or that another one stands in for.
    Time,
    /// A character set, or characters that were lost.
    Text,
    /// A field that no mapping reads, or a value that its element cannot hold.
    Field,
    /// A diagnosis whose code, system or certainty cannot be told.
    Diagnosis,
    /// A visit: its class, its number, how it ended.
    Visit,
    /// Who a patient is: statements that contradict what is known.
    Identity,
    /// A whole message that was kept without effect.
    Event,
    /// A rule that could not judge.
    Rule,
    /// A list that was cut, work that was not done because there was too much of it.
    Limit,
}

/// Who has work of something unused, when care depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// Whoever looks after the feed: a row in a table, a word with the sender.
    Feed,
    /// Whoever is responsible for the patient.
    Practice,
}

/// What a `Problem` says of a thing that was not used, or not as it was stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unused {
    pub kind: Kind,
    /// What all of one cause have in common, and what a person would search for: a code with its system or table
    /// (`LN 59408-5`), a unit, a field (`OBX-5`), a limit. At most 64 characters; no patient data.
    pub about: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
    /// Where a rule sees again at each look what stands in the record: the resource and version that it is seen in
    /// (`Observation/id/_history/2`), so that it is said once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
    /// The feed that brought it, where that is not the feed of the message that it is said with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
}

/// The longest `about`; longer ones are text that slipped into a coded field, and perhaps a patient's.
const LONGEST_ABOUT: usize = 64;

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::Reading,
        Self::Code,
        Self::Unit,
        Self::Authority,
        Self::Time,
        Self::Text,
        Self::Field,
        Self::Diagnosis,
        Self::Visit,
        Self::Identity,
        Self::Event,
        Self::Rule,
        Self::Limit,
    ];

    /// The word in metrics, addresses and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Code => "code",
            Self::Unit => "unit",
            Self::Authority => "authority",
            Self::Time => "time",
            Self::Text => "text",
            Self::Field => "field",
            Self::Diagnosis => "diagnosis",
            Self::Visit => "visit",
            Self::Identity => "identity",
            Self::Event => "event",
            Self::Rule => "rule",
            Self::Limit => "limit",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Duty {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Practice => "practice",
        }
    }
}

impl Unused {
    pub fn new(kind: Kind, about: &str) -> Self {
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        let about = if about.chars().count() > LONGEST_ABOUT { String::new() } else { about };
        Self { kind, about, duty: None, seen_in: None, feed: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_to_be_a_code_is_not_repeated() {
        assert_eq!(Unused::new(Kind::Code, " LN \t 59408-5 ").about, "LN 59408-5");
        assert_eq!(Unused::new(Kind::Code, &"x".repeat(65)).about, "");
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
            assert_eq!(Kind::named(kind.word()), Some(kind));
        }
    }
}
