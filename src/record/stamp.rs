//! When a statement was true, and what it weighs.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What those who only mention a patient or a visit (results, orders, appointments, hospitals that know the patient by
/// another's number) say of it: it fills gaps.
pub(super) const MENTIONED: i8 = -1;

/// When a statement was true, for deciding which of two statements about one element stands. The weightier wins, then the
/// later; ties go to the message sent later, then to the greater control id, so that every order of arrival gives the same
/// winner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// What outdoes others whatever is newer: a final result a preliminary one, who keeps the demographics those who only
    /// mention them. `merge` sets it; 0 is usual.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub weight: i8,
    /// The event's own time (EVN-6, EVN-2, or MSH-7).
    pub occurred: Timestamp,
    /// When the message was made (MSH-7).
    pub recorded: Timestamp,
    /// What comes later when both times are the same: the rank of an Observation's status or of a trigger event.
    /// `merge` sets it; senders of statements leave it 0.
    #[serde(default)]
    pub rank: u8,
    /// `feed/control id`; shared by all that one statement says.
    #[serde(with = "shared")]
    pub source: Arc<str>,
}

impl Stamp {
    pub fn new(occurred: Timestamp, recorded: Timestamp, source: impl Into<Arc<str>>) -> Self {
        Self { weight: 0, occurred, recorded, rank: 0, source: source.into() }
    }

    /// The same from somebody who knows the patient by numbers of others alone: what it says of the patient fills gaps.
    pub fn mentioning(self) -> Self {
        Self { weight: MENTIONED, ..self }
    }

    /// The feed's name: the part of the source before the control id.
    pub fn feed(&self) -> &str {
        self.source.split('/').next().unwrap_or_default()
    }
}

/// A text that many hold, as JSON's strings are.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

fn is_usual(weight: &i8) -> bool {
    *weight == 0
}
