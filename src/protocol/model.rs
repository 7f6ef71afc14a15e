//! What a protocol says once its file has been read: types that cannot be wrong, built by `read`.
//! docs/protocol-language.md explains every key.

use super::alert::{AlertRule, Repeat};
use super::chain::{Priority, Role, Step};
use super::codes::Codes;
use super::deadline::Deadline;
use super::filter::Filter;
use super::quiet_hours::QuietHours;
use super::reason::{Certainty, Reason};
use super::stage::Stage;
use super::template::Template;
use super::who::{Enrolment, Who};
use crate::yaml::{Mark, Node};

/// One protocol file.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub name: String,
    pub title: String,
    /// Where the care it asks for is written down.
    pub source: Option<String>,
    pub mark: Mark,
    /// Whom all of it is about.
    pub who: Who,
    /// When nothing routine is raised.
    pub quiet_hours: Option<QuietHours>,
    pub plan: Option<PlanRule>,
    pub prompts: Vec<Prompt>,
    pub tasks: Vec<TaskRule>,
    pub alerts: Vec<AlertRule>,
    /// What readings are that cannot be right.
    pub repeat: Repeat,
    pub examples: Vec<Example>,
}

/// The CarePlan of a programme.
#[derive(Debug, Clone)]
pub struct PlanRule {
    pub title: String,
    pub mark: Mark,
}

/// A question that comes up at every visit until it is answered, and again when the answer has aged.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub id: String,
    pub mark: Mark,
    pub ask: String,
    /// Why it is asked and what to do, for the card's back.
    pub detail: String,
    pub who: Who,
    pub answers: Vec<Answer>,
    /// What answers it by itself for a time.
    pub silenced_by: Vec<Silencer>,
    /// Of many questions the heavier come first.
    pub weight: u8,
}

/// A resource with such a code, so recent that nobody need ask.
#[derive(Debug, Clone)]
pub struct Silencer {
    pub resource_type: &'static str,
    pub codes: Codes,
    pub lasts: Deadline,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub id: String,
    pub label: String,
    /// Asked again after this; none: never again.
    pub again: Option<Deadline>,
    /// A reason not to do what is asked, rather than doing it.
    pub is_override: bool,
}

/// Work that is owed when something happened.
#[derive(Debug, Clone)]
pub struct TaskRule {
    pub id: String,
    pub mark: Mark,
    /// Task.code in our code system.
    pub code: String,
    pub title: String,
    pub text: Template,
    pub when: Trigger,
    pub who: Who,
    pub owner: Vec<Role>,
    pub priority: Priority,
    pub due: Option<Deadline>,
    /// What ends it as done.
    pub done_by: Vec<Evidence>,
    /// What makes it pointless.
    pub unless: Vec<Evidence>,
    /// Another rule of this file that asks for the same and more; where it applies to the same event, this one does not.
    pub covered_by: Vec<String>,
    pub climb: Vec<Step>,
    /// So many documented attempts to reach the patient are what is owed by then: it climbs no more.
    pub attempts: Option<usize>,
    /// Owed only when so much time has passed since the trigger and it still holds.
    pub wait: Option<Deadline>,
    /// Several triggers at once are one piece of work that names them all.
    pub together: bool,
    /// Taken back when nobody did it until then, counted from the trigger.
    pub lapses: Option<Deadline>,
    /// Older triggers make no new work: histories are imported, late feeds are not.
    pub max_age: Deadline,
    /// Comes up in the visit while it is open.
    pub card: bool,
    /// Of visits, those at the practice itself alone.
    pub at_practice: bool,
    /// None is made within this time after a person ended such work.
    pub once_in: Option<Deadline>,
    /// What it holds together for whoever does it.
    pub gathers: Option<Gathering>,
}

/// Parts of the record, and how far back from the trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathering {
    pub parts: Vec<Part>,
    pub over: Deadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Goals,
    Questions,
    Readings,
    Events,
}

#[derive(Debug, Clone)]
pub enum Trigger {
    /// An encounter began and is still going on. The work ends with it.
    Arrival(EncounterTest),
    /// An encounter ended.
    Discharge(EncounterTest),
    /// The encounter by which there were so many within the window, where there were fewer before (rising edge); with `each`
    /// also every one after it while there are so many.
    Count { test: EncounterTest, at_least: usize, within: Deadline, each: bool },
    /// A prompt of this file was answered so.
    Answer { prompt: String, is: Vec<String> },
    /// No reading of these codes came for so long after the last one.
    Silence { codes: Codes, lasts: Deadline },
    /// The patient is enrolled in a programme; once, or each time so much time has passed since.
    Enrolled { enrolment: Enrolment, every: Option<Deadline> },
    /// A referral came to a stage.
    Referral { stage: Stage, codes: Option<Codes> },
    /// The patient has a diagnosis of these, or none of them any more.
    Condition(ConditionTest),
    /// The patient was moved within an encounter that is going on.
    Transfer(EncounterTest),
    /// An encounter was cancelled.
    Cancelled(EncounterTest),
    /// The patient agreed to something, refused it, or took it back.
    Consent { codes: Option<Codes>, becomes: Agreed },
    /// A medicine of these is taken that was not before, is taken otherwise than before, or is taken no more.
    Medication { codes: Codes, becomes: Taken },
    /// A day of each year.
    Date(Yearly),
}

/// Which diagnoses, and what becomes of them.
#[derive(Debug, Clone)]
pub struct ConditionTest {
    pub codes: Codes,
    pub certainty: Vec<Certainty>,
    pub becomes: Becomes,
    /// Each of them by itself, while it lasts, and not the first of them once in a life.
    pub each: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Becomes {
    #[default]
    Active,
    Resolved,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    Given,
    Refused,
    Withdrawn,
}

/// What becomes of a medicine that somebody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Started,
    Changed,
    Stopped,
}

impl Taken {
    pub const WORDS: [(&'static str, Self); 3] =
        [("started", Self::Started), ("changed", Self::Changed), ("stopped", Self::Stopped)];

    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Changed => "changed",
            Self::Stopped => "stopped",
        }
    }
}

/// A day that every year has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yearly {
    Day { month: i8, day: i8 },
    Birthday,
}

impl Becomes {
    pub const WORDS: [(&'static str, Self); 2] = [("active", Self::Active), ("resolved", Self::Resolved)];
}

impl Agreed {
    pub const WORDS: [(&'static str, Self); 3] =
        [("given", Self::Given), ("refused", Self::Refused), ("withdrawn", Self::Withdrawn)];

    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, one)| *one == self).map_or("given", |(word, _)| word)
    }
}

/// Which encounters.
#[derive(Debug, Clone, Default)]
pub struct EncounterTest {
    /// v3 ActCode classes; empty: all.
    pub classes: Vec<String>,
    /// What it was for; one of them is enough, and none asks for nothing.
    pub reasons: Vec<Reason>,
    /// How it ended.
    pub disposition: Option<Codes>,
    /// How it did not end.
    pub disposition_not: Option<Codes>,
    /// Somebody saw the patient: an attending clinician is named, or it was elsewhere than the visit that triggered. A hospital's
    /// imaging and laboratory are visits, too, and nobody there asks how it is going.
    pub seen: bool,
    /// It began after such a visit had ended.
    pub after: Option<Box<Before>>,
    /// On the Encounter.
    pub filter: Option<Filter>,
}

/// An earlier visit that had ended at most so long before; days are dates.
#[derive(Debug, Clone)]
pub struct Before {
    pub test: EncounterTest,
    pub within: Deadline,
}

/// Something in the record that ends work.
#[allow(clippy::large_enum_variant, reason = "there are a handful in a protocol, made once when its file is read")]
#[derive(Debug, Clone)]
pub enum Evidence {
    /// An encounter that began in the window after the trigger.
    Encounter { test: EncounterTest, window: Window },
    /// A resource with such a code, dated in the window after the trigger.
    Resource { resource_type: String, codes: Codes, window: Window },
}

/// From when and until when evidence counts, both from the trigger; everything after it when nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    pub from: Option<Deadline>,
    pub within: Option<Deadline>,
    /// What was so long before the trigger counts; what came after it, where `within` is said as well.
    pub before: Option<Deadline>,
}

/// A story in the file and what must come of it.
#[derive(Debug, Clone)]
pub struct Example {
    pub why: String,
    pub mark: Mark,
    pub story: Vec<Node>,
    pub expect: Node,
}

impl Evidence {
    pub fn window(&self) -> &Window {
        match self {
            Self::Encounter { window, .. } | Self::Resource { window, .. } => window,
        }
    }
}

impl Prompt {
    pub fn detail_or_question(&self) -> &str {
        if self.detail.is_empty() { &self.ask } else { &self.detail }
    }
}
