//! Data faults as values: what is wrong, where, and what to change. Never holds patient data.
//! Categories follow FHIR R4 `issue-type` (http://hl7.org/fhir/R4/valueset-issue-type.html).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::unused::{Duty, Kind, Unused};
use crate::yaml::Mark;

/// One fault of an input or of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub category: Category,
    pub place: Place,
    /// What is wrong and what to change, in a sentence for the person who can change it.
    pub text: String,
    /// What the sender of the message is told where `text` is for our own operator.
    pub to_sender: Option<Box<str>>,
    /// Said where something stated was not used, or not as it was stated. Boxed, as few say it, and a Problem is the error of
    /// most functions that read.
    pub unused: Option<Box<Unused>>,
}

/// FHIR `issue-severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Information,
    Warning,
    Error,
    Fatal,
}

/// FHIR `issue-type`: the codes that Handover uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    Invalid,
    Structure,
    Required,
    Value,
    Invariant,
    Security,
    Login,
    Expired,
    Forbidden,
    Suppressed,
    Processing,
    NotSupported,
    Duplicate,
    MultipleMatches,
    NotFound,
    Deleted,
    TooLong,
    CodeInvalid,
    Extension,
    TooCostly,
    BusinessRule,
    Conflict,
    Transient,
    LockError,
    NoStore,
    Exception,
    Timeout,
    Incomplete,
    Throttled,
    Informational,
}

impl Category {
    /// The FHIR code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invariant => "invariant",
            Self::Security => "security",
            Self::Login => "login",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Suppressed => "suppressed",
            Self::Processing => "processing",
            Self::NotSupported => "not-supported",
            Self::Duplicate => "duplicate",
            Self::MultipleMatches => "multiple-matches",
            Self::NotFound => "not-found",
            Self::Deleted => "deleted",
            Self::TooLong => "too-long",
            Self::CodeInvalid => "code-invalid",
            Self::Extension => "extension",
            Self::TooCostly => "too-costly",
            Self::BusinessRule => "business-rule",
            Self::Conflict => "conflict",
            Self::Transient => "transient",
            Self::LockError => "lock-error",
            Self::NoStore => "no-store",
            Self::Exception => "exception",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::Throttled => "throttled",
            Self::Informational => "informational",
        }
    }
}

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The input as a whole.
    Whole,
    /// A place in an HL7 v2 message.
    Field(FieldPlace),
    /// A FHIRPath location in a resource, such as `Patient.name[0].family`.
    Element(String),
    /// A place in a data file.
    File(Mark),
}

/// A place in an HL7 v2 message, in the parts that ERL (HL7 v2.5.1, 2.A.28) carries. All counts start at 1;
/// 0 means "not said" for field, repetition, component and subcomponent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct FieldPlace {
    pub segment: String,
    /// Which occurrence of this segment name in the message.
    pub occurrence: u16,
    pub field: u16,
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

impl FieldPlace {
    pub fn segment(segment: &str, occurrence: u16) -> Self {
        Self { segment: segment.to_string(), occurrence, ..Self::default() }
    }

    pub fn field(segment: &str, occurrence: u16, field: u16) -> Self {
        Self { field, ..Self::segment(segment, occurrence) }
    }
}

impl fmt::Display for FieldPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segment)?;
        if self.occurrence > 1 {
            write!(f, "[{}]", self.occurrence)?;
        }
        if self.field > 0 {
            write!(f, "-{}", self.field)?;
        }
        if self.repetition > 1 {
            write!(f, "[{}]", self.repetition)?;
        }
        if self.component > 0 {
            write!(f, ".{}", self.component)?;
        }
        if self.subcomponent > 0 {
            write!(f, ".{}", self.subcomponent)?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("message"),
            Self::Field(place) => place.fmt(f),
            Self::Element(path) => f.write_str(path),
            Self::File(mark) => write!(f, "{}:{}:{}", mark.file, mark.line, mark.column),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

impl Mark {
    /// A fault at this place; the text says what to change.
    pub fn problem(&self, category: Category, text: impl Into<String>) -> Problem {
        Problem::error(category, Place::File(self.clone()), text)
    }
}

impl Problem {
    pub fn error(category: Category, place: Place, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, category, place, text: text.into(), to_sender: None, unused: None }
    }

    pub fn warning(category: Category, place: Place, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, category, place, text: text.into(), to_sender: None, unused: None }
    }

    /// Something to know, and nothing to change: what was read otherwise than it was written.
    pub fn information(category: Category, place: Place, text: impl Into<String>) -> Self {
        Self { severity: Severity::Information, category, place, text: text.into(), to_sender: None, unused: None }
    }

    pub fn fatal(category: Category, place: Place, text: impl Into<String>) -> Self {
        Self { severity: Severity::Fatal, category, place, text: text.into(), to_sender: None, unused: None }
    }

    /// Says the same to whoever sent the message, who cannot change our site.
    #[must_use]
    pub fn to_sender(mut self, text: impl Into<String>) -> Self {
        self.to_sender = Some(text.into().into_boxed_str());
        self
    }

    /// Says that something stated was not used, or not as it was stated; `about` as in `Unused`.
    #[must_use]
    pub fn unused(mut self, kind: Kind, about: &str) -> Self {
        self.unused = Some(Box::new(Unused::new(kind, about)));
        self
    }

    /// Says that care depends on it: somebody has work of it, once per cause.
    #[must_use]
    pub fn owed_by(mut self, duty: Duty) -> Self {
        if let Some(unused) = &mut self.unused {
            unused.duty = Some(duty);
        }
        self
    }

    /// Says in which version of which resource (`Observation/id/_history/2`) a rule sees it: what stands in the record is
    /// said once, not at every look. A rule that speaks only of what the input at hand brought need not.
    #[must_use]
    pub fn seen_in(mut self, version: impl Into<String>) -> Self {
        if let Some(unused) = &mut self.unused {
            unused.seen_in = Some(version.into());
        }
        self
    }

    /// What a rule sees in the record, told apart from everything else that it sees there, as 64 bits; none for what is not
    /// seen in any version of a resource.
    pub fn fingerprint(&self) -> Option<u64> {
        let unused = self.unused.as_ref()?;
        let mut hash = Sha256::new();
        for part in [unused.kind.word(), &unused.about, unused.seen_in.as_deref()?] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().first_chunk().map(|first| u64::from_be_bytes(*first))
    }

    /// Whether this fault forbids going on (error or fatal).
    pub fn is_error(&self) -> bool {
        self.severity >= Severity::Error
    }
}
