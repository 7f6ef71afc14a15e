//! A message as kept: the bytes as they came, what was answered, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::{PersonId, ResourceId};
use crate::problem::FieldPlace;
use crate::unused::Unused;

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Taken into the record.
    Applied,
    /// Understood and kept, but nothing to do (an event without a map is not this: that is `Rejected`).
    Ignored,
    /// Answered AE: this message cannot be taken as it is.
    Error,
    /// Answered AR: this gateway does not take such messages.
    Rejected,
}

impl Disposition {
    pub const ALL: [Self; 4] = [Self::Applied, Self::Ignored, Self::Error, Self::Rejected];

    /// The word in addresses and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Error => "error",
            Self::Rejected => "rejected",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What a message came as and what became of it, without its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageSummary {
    /// Given by the store; 0 before.
    pub sequence: u64,
    pub received: Timestamp,
    pub feed: String,
    /// MSH-10; empty when unreadable.
    pub control: String,
    /// `ADT^A04`; empty when unreadable.
    pub event: String,
    pub disposition: Disposition,
    /// AA, AE or AR.
    pub acknowledged: String,
    /// The id of the Patient it is about, when that was found; of several the first.
    pub patient: Option<String>,
    /// How many more patients it is about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub further_patients: u64,
    /// Their ids; empty in what a program of before wrote, which only counted them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_patients: Vec<String>,
    /// The sequence number of the message that this one replays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<u64>,
    pub size: u64,
    /// Only its beginning came or was kept: it can be looked at, and never be taken again from here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    pub problems: usize,
}

impl MessageSummary {
    /// All whom it is about, as far as they are known.
    pub fn patients(&self) -> impl Iterator<Item = &String> {
        self.patient.iter().chain(&self.other_patients)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One message whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageEntry {
    pub summary: MessageSummary,
    /// SHA-256 of the bytes: with feed and control id the key of idempotency.
    pub content: [u8; 32],
    /// The bytes as they came (cut at the feed's limit when oversized).
    #[serde(skip)]
    pub raw: Vec<u8>,
    /// The acknowledgement as sent, for answering a resend with the same words.
    #[serde(skip)]
    pub answer: Vec<u8>,
    pub trace: Trace,
}

impl MessageEntry {
    /// The patients it is about beside the first. Where they were only counted, those of whom it wrote something.
    pub(super) fn other_patients(&self) -> Vec<String> {
        let summary = &self.summary;
        if summary.further_patients == 0 || !summary.other_patients.is_empty() {
            return summary.other_patients.clone();
        }
        let ids = self.trace.resources.iter().filter_map(|path| path.split('/').nth(1)?.parse::<ResourceId>().ok());
        let own = ids.filter(|id| id.person != PersonId::SHARED);
        let mut patients: Vec<String> = own.map(|id| ResourceId::patient(id.person).to_string()).collect();
        patients.sort();
        patients.dedup();
        // Nothing lost: the first is in the summary.
        patients.retain(|patient| Some(patient) != summary.patient.as_ref());
        patients
    }
}

/// Why the record is as it is after this message: the explanation people and programs get.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Faults in words with places, as `severity`, `category`, `place`, `text`.
    #[serde(default)]
    pub problems: Vec<TraceLine>,
    /// Codes that no row of a table means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmapped: Vec<TraceLine>,
    /// The causes (`Cause::id`) that messages with the same input had before this one, which replays it: they were counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<String>,
    /// Resources written: `Task/id/_history/version`.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Protocol decisions in words.
    #[serde(default)]
    pub decisions: Vec<TraceLine>,
    /// Agreement decisions in words.
    #[serde(default)]
    pub agreements: Vec<TraceLine>,
    /// Deliveries made.
    #[serde(default)]
    pub deliveries: Vec<String>,
    /// Byte ranges that a mapping read: start, end, what they became (`Patient.birthDate`) and the map's file:line.
    #[serde(default)]
    pub lineage: Vec<LineageMark>,
    /// Fields that nobody read.
    #[serde(default)]
    pub unread: Vec<FieldPlace>,
    /// How long each step took, in microseconds.
    #[serde(default)]
    pub timing_micros: Vec<(String, u64)>,
}

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// What it is about: a problem's severity, a protocol's rule, a partner.
    pub subject: String,
    /// Where: a field, a file and line, a resource.
    pub place: String,
    pub text: String,
    /// Said where something stated was not used, or not as it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused: Option<Unused>,
}

impl TraceLine {
    pub fn new(subject: &str, place: &str, text: &str) -> Self {
        Self { subject: subject.to_string(), place: place.to_string(), text: text.to_string(), unused: None }
    }
}

/// One reading of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageMark {
    pub start: u32,
    pub end: u32,
    /// `Patient.birthDate`
    pub element: String,
    /// `mappings/segments/PID-Patient.yaml:12`
    pub map: String,
}

/// Whether an input came before.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    New,
    /// The same bytes under the same control id: this is what was answered.
    Same(Box<MessageEntry>),
    /// The control id was used before with other content, last by the message given.
    ControlReused(u64),
}
