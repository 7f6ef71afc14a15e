//! What an agreement says once its file has been read: each part with the line it came from.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::carries::Carries;
use super::condition::Condition;
use crate::yaml::Mark;

/// `agreements/*.yaml`: what may flow between us and one partner.
#[derive(Debug)]
pub struct Agreement {
    pub name: String,
    pub partner: String,
    /// Both days included, in UTC.
    pub from: Option<(Date, Mark)>,
    pub to: Option<(Date, Mark)>,
    /// `status: suspended`, and where that stands.
    pub suspended: Option<Mark>,
    /// v3 PurposeOfUse codes.
    pub purpose: Vec<String>,
    pub patients: Patients,
    pub patients_at: Mark,
    pub receives: Vec<Line>,
    pub receives_at: Mark,
    /// What the partner may send: `Observation`, `Task.status`.
    pub sends: Vec<(String, Mark)>,
    /// Whether a PUT of an id of the partner's own creates what is not there.
    pub update_create: bool,
    pub never: Vec<Label>,
    /// How what is sent says which version it is.
    pub version: Carries,
    /// All that is due about one patient goes as one transaction.
    pub transaction: bool,
    /// Of several versions that wait only the newest is sent.
    pub coalesce: bool,
    /// Where the agreement begins.
    pub at: Mark,
}

/// Whose data an agreement covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patients {
    /// Members of any of these panels (or Groups imported as panels).
    Panels(Vec<String>),
    All,
}

/// One line of `receives`.
#[derive(Debug)]
pub struct Line {
    pub resource: String,
    pub condition: Option<Condition>,
    /// Value sets, one of which must hold a code of the resource.
    pub codes: Vec<String>,
    pub push: Push,
    pub pull: bool,
    /// Elements that are left out: `participant.individual`.
    pub without: Vec<String>,
    /// What a Task says instead of what it is and why, where `never` keeps its reason back.
    pub without_reason: Option<String>,
    pub at: Mark,
}

/// Whether and when a line sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// Every version, at once.
    Immediate,
    /// A version whose content, as the partner may see it, differs from what was last to be sent.
    OnChange,
    /// Each admission, transfer and discharge, as a FHIR message of its own.
    Message,
    Never,
}

/// A security label that an agreement keeps back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub code: String,
    pub at: Mark,
}

/// Whether an agreement is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Active,
    Suspended,
    NotYet(Date),
    Ended(Date),
}

impl Agreement {
    /// Whether it is in force now, and the line that says so when it is not.
    pub fn standing(&self, now: Timestamp) -> (Standing, Option<&Mark>) {
        let today = now.to_zoned(TimeZone::UTC).date();
        if let Some(at) = &self.suspended {
            return (Standing::Suspended, Some(at));
        }
        match (&self.from, &self.to) {
            (Some((from, at)), _) if today < *from => (Standing::NotYet(*from), Some(at)),
            (_, Some((to, at))) if today > *to => (Standing::Ended(*to), Some(at)),
            _ => (Standing::Active, None),
        }
    }
}

impl Standing {
    /// In words that go on after "the agreement".
    pub fn words(&self) -> String {
        match self {
            Self::Active => "is in force".to_string(),
            Self::Suspended => "is suspended".to_string(),
            Self::NotYet(from) => format!("begins on {from}"),
            Self::Ended(to) => format!("ended on {to}"),
        }
    }
}
