//! What the engine remembers of work it made (`State.work`), and the work that is owed according to the record.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hands_memory::Snoozed;
use super::model::Protocol;
use super::sources::Sources;
use super::view::Explained;
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::record::{Record, Stored};
use crate::yaml::Mark;

/// The engine's memory of one piece of work. Never leaves the gateway.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Work {
    pub protocol: String,
    pub rule: String,
    /// What tells this work from other work of the same rule: an encounter's or a reading's id, or nothing.
    pub anchor: String,
    /// The status the engine gave last. Another one in the resource was given by a person.
    pub status: String,
    /// The rule's place when it was last looked at.
    #[serde(default)]
    pub place: String,
    /// Alerts: which level, and since when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Timestamp>,
    /// How far up its chain it has climbed.
    #[serde(default)]
    pub step: usize,
    /// Alerts: the readings it tells of, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, String>,
    /// What it told of since it was made: a label that comes to one of these comes to it, owed or not.
    #[serde(default, skip_serializing_if = "Sources::is_empty")]
    pub told: Sources,
    /// Alerts: what a person saw when they took it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_on: Option<TakenOn>,
    /// Prompts: every answer given, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Given>,
    /// Elements on which a person had the last word (`owner`): they stay as that person left them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// The owner that the engine named, where a person handed it on within the practice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_to: Option<Value>,
    /// A person put it aside for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<Snoozed>,
    /// When a person first took it on, and when one ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
}

/// What a person saw of an alert when they took it on: they know of nothing that came later.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TakenOn {
    pub level: Option<String>,
    pub seen: BTreeMap<String, String>,
}

/// One answer to a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Given {
    pub answer: String,
    pub at: Timestamp,
    /// Who answered, as the console or the EHR names them.
    pub by: String,
}

/// Work that the record owes, or did.
#[derive(Debug, Clone)]
pub struct Desired {
    pub work: Work,
    pub outcome: Outcome,
    /// Whose id space it lives in: that of the resource it hangs on, so that a merge before or after gives the same id.
    pub id: ResourceId,
    /// Without id, meta and the final status.
    pub resource: Resource,
    /// `Encounter/…` that it comes from.
    pub trigger: Option<String>,
    /// Why, with the values compared.
    pub words: String,
    /// There is more than what a person took on: it is asked of somebody anew.
    pub insists: bool,
    /// What it tells of.
    pub sources: Sources,
    /// A hash of all that it was made from, where that is known.
    pub inputs: Option<u64>,
    /// It was asked for in the same words before and nothing changed since; so this is told of it again, and no more done.
    pub rests: Option<Box<Explained>>,
}

impl Desired {
    /// The same where it was asked for before: what there is to see of it from outside.
    pub fn resting(self, line: Explained) -> Self {
        let mut resource = Resource::new(self.resource.resource_type());
        if let Some(code) = self.resource.get("code") {
            resource.set("code", code.clone());
        }
        let Work { protocol, rule, anchor, .. } = self.work;
        let work = Work { protocol, rule, anchor, ..Work::default() };
        Self { work, resource, words: String::new(), sources: Sources::new(), rests: Some(Box::new(line)), ..self }
    }
}

/// How owed work stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    Open,
    /// Evidence says it was done. Made as done even when it was never open, for whatever order it became known in.
    Done(String),
    /// Its time has passed by itself; what was never open is not made.
    Over(String),
    /// Nobody owes it; what was never open is not made.
    Pointless(String),
}

impl Outcome {
    /// Why it ended; nothing while it is open.
    pub fn words(&self) -> &str {
        match self {
            Self::Open => "",
            Self::Done(words) | Self::Over(words) | Self::Pointless(words) => words,
        }
    }
}

/// The key by which work is found again.
pub fn key(protocol: &str, rule: &str, anchor: &str) -> String {
    format!("{protocol}/{rule}/{anchor}")
}

impl Work {
    pub fn of(protocol: &Protocol, rule: &str, anchor: impl Into<String>, mark: &Mark) -> Self {
        Self {
            protocol: protocol.name.clone(),
            rule: rule.to_string(),
            anchor: anchor.into(),
            place: place_of(mark),
            ..Self::default()
        }
    }

    /// The same, to be shared.
    pub fn shared(stored: &Stored) -> Option<Arc<Self>> {
        Self::read(stored).map(Arc::new)
    }

    pub fn read(stored: &Stored) -> Option<Self> {
        // Nothing lost: what is no memory of ours is no work of ours.
        Self::deserialize(stored.state.work.as_ref()?).ok()
    }

    pub fn key(&self) -> String {
        key(&self.protocol, &self.rule, &self.anchor)
    }

    /// What there is to see of it.
    pub fn shown(&self) -> TakenOn {
        TakenOn { level: self.level.clone(), seen: self.seen.clone() }
    }
}

/// `protocols/x.yaml:12`
pub fn place_of(mark: &Mark) -> String {
    format!("{}:{}", mark.file, mark.line)
}

/// One piece of work that is already in the record.
#[derive(Debug, Clone)]
pub struct Existing<'a> {
    pub stored: &'a Stored,
    pub work: Arc<Work>,
    /// Somebody took it on in a practice that the patient has left: nobody has it any more.
    pub is_left: bool,
}

impl Existing<'_> {
    /// All of it that an answer may be made from.
    pub fn hash(&self, hasher: &mut DefaultHasher) {
        let work = &self.work;
        (self.stored.id, self.stored.version, self.is_left, &work.status, work.step).hash(hasher);
        (work.acknowledged, work.closed, &work.level, work.raised, &work.seen, work.answers.len()).hash(hasher);
        work.taken_on.as_ref().map(|taken| (&taken.level, &taken.seen)).hash(hasher);
    }

    pub fn status(&self) -> &str {
        self.stored.resource.text("status").unwrap_or_default()
    }

    /// A person gave it the status it has.
    pub fn is_touched(&self) -> bool {
        self.status() != self.work.status
    }

    pub fn is_ended(&self) -> bool {
        is_final(self.status())
    }

    /// A person has taken it on, in a practice that the patient still is with.
    pub fn is_acknowledged(&self) -> bool {
        !self.is_left
            && self.is_touched()
            && matches!(self.status(), "accepted" | "in-progress" | "on-hold" | "completed")
    }

    /// What the person who has it saw when they took it on; a partner's system does not tell, so it is what was there to see.
    pub fn taken_on(&self) -> Option<TakenOn> {
        let is_taken = self.is_acknowledged() && !self.is_ended();
        is_taken.then(|| self.work.taken_on.clone().unwrap_or_else(|| self.work.shown()))
    }

    /// When a person last did something to it, as far as it is told.
    pub fn touched_at(&self) -> Timestamp {
        self.work.acknowledged.unwrap_or(self.stored.updated)
    }
}

/// A status after which nothing is owed any more.
pub fn is_final(status: &str) -> bool {
    matches!(status, "completed" | "cancelled" | "rejected" | "failed" | "entered-in-error" | "inactive" | "revoked")
}

/// All work in a record that the engine made, by key; of each key in order of id. `read` reads the engine's own memory.
pub fn existing_work<'a>(
    record: &'a Record,
    read: &mut dyn FnMut(&Stored) -> Option<Arc<Work>>,
) -> BTreeMap<String, Vec<Existing<'a>>> {
    let mut found: BTreeMap<String, Vec<Existing<'_>>> = BTreeMap::new();
    let is_any_superseded = record.resources.superseded().next().is_some();
    for resource_type in ["CarePlan", "Flag", "Task"] {
        for stored in record.of_type(resource_type) {
            // Nothing lost: a resource that no rule made is nobody's work here.
            let Some(mut work) = read(stored) else { continue };
            if is_any_superseded {
                let anchor = follow(record, &work.anchor);
                if anchor != work.anchor {
                    Arc::make_mut(&mut work).anchor = anchor;
                }
            }
            found.entry(work.key()).or_default().push(Existing { stored, work, is_left: false });
        }
    }
    found
}

/// The encounter that took over, where the one an anchor names turned out to be the same as another.
pub fn follow(record: &Record, anchor: &str) -> String {
    let mut current = anchor.to_string();
    // A chain is as long as there were corrections of one visit; the bound is against a loop.
    for _ in 0..8 {
        // Nothing lost: an anchor that is no id is no encounter.
        let stored = current.parse().ok().and_then(|id| record.get("Encounter", id));
        let Some(next) = stored.and_then(|stored| stored.state.superseded) else { break };
        current = next.to_string();
    }
    current
}
