//! What people do with work: take it on, start, finish, refuse, note, answer. The console, answered cards and partners'
//! updates come this way; the pipeline evaluates the record again afterwards. Never judges who may do it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::hands::{Hand, hand, wake};
use super::names;
use super::reconcile::stamped;
use super::say::{TaskWord, say};
use super::set::ProtocolSet;
use super::work::{Given, Work, is_final};
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::record::{Change, Record, Stored};

/// One thing a person does to a Task, or to a prompt's Flag (`Answer`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Accept,
    Start,
    Complete {
        outcome: Option<String>,
    },
    Cancel {
        reason: String,
    },
    Note {
        text: String,
    },
    /// Somebody tried to reach the patient; `text` says what there is to say besides.
    Attempt {
        contact: Contact,
        text: String,
    },
    Answer {
        answer: String,
    },
    /// Whose it is, or for how long it is nobody's now.
    Hand(Hand),
    /// What a partner's system says of its copy.
    Say(Box<TaskWord>),
}

/// How an attempt to reach a patient went. Each is written down: programmes count documented attempts, reached or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    ReachedPatient,
    ReachedCaregiver,
    LeftMessage,
    NoAnswer,
}

impl Contact {
    pub const ALL: [Self; 4] = [Self::NoAnswer, Self::LeftMessage, Self::ReachedPatient, Self::ReachedCaregiver];

    pub fn code(self) -> &'static str {
        match self {
            Self::ReachedPatient => "reached-patient",
            Self::ReachedCaregiver => "reached-caregiver",
            Self::LeftMessage => "left-message",
            Self::NoAnswer => "no-answer",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::ReachedPatient => "reached the patient",
            Self::ReachedCaregiver => "reached a caregiver",
            Self::LeftMessage => "left a message",
            Self::NoAnswer => "no answer",
        }
    }
}

/// The longest text a person may leave with a Task, in characters.
pub const LONGEST_TEXT: usize = 4_000;
/// The same answer of the same person so soon is one that was sent twice.
const TWICE: SignedDuration = SignedDuration::from_mins(10);

/// What tells of something that was done once, by whatever it was known.
pub fn told_of(target: ResourceId, once: &str) -> ResourceId {
    ResourceId::of(target.person, "Provenance", &format!("act/{target}/once/{once}"))
}

impl ProtocolSet {
    /// The changes that an action makes. A Problem says why it cannot be done; it holds no patient data.
    pub fn act(
        &self,
        record: &Record,
        target: ResourceId,
        action: &Action,
        who: &str,
        now: Timestamp,
    ) -> Result<Vec<Change>, Problem> {
        self.act_all(record, target, std::slice::from_ref(action), (who, None), now)
    }

    /// The same of several actions that a person takes at once: one change of the resource, told once. `once` is by what it is known
    /// when it is said again (`told_of`); none where nobody asks.
    pub fn act_all(
        &self,
        record: &Record,
        target: ResourceId,
        actions: &[Action],
        (who, once): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<Vec<Change>, Problem> {
        if let [Action::Answer { answer }] = actions {
            return self.answer(record, target, answer, who, now);
        }
        let Some(stored) = record.get("Task", target) else {
            return Err(refusal(Category::NotFound, "There is no such task in this record."));
        };
        let mut resource = stored.resource.clone();
        resource.set("lastModified", json!(now.to_string()));
        let mut work = Work::read(stored);
        for action in actions {
            take(&mut resource, work.as_mut(), action, who, now)?;
        }
        // Nothing lost: our own facts are always JSON.
        let work = work.and_then(|work| serde_json::to_value(work).ok()).or_else(|| stored.state.work.clone());
        let change = stamped(target, Some(stored), resource, now, work);
        let words: Vec<&str> = actions.iter().map(Action::word).collect();
        let mut told = provenance(&change, &words.join(", "), who, now);
        if let Some(once) = once {
            told.stored.id = told_of(target, once);
        }
        Ok(vec![change, told])
    }

    fn answer(
        &self,
        record: &Record,
        target: ResourceId,
        answer: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<Vec<Change>, Problem> {
        let stored = record.get("Flag", target);
        let found = stored.and_then(|stored| Some((stored, Work::read(stored)?)));
        let Some((stored, mut work)) = found else {
            return Err(refusal(Category::NotFound, "There is no such question in this record."));
        };
        let protocol = self.protocol(&work.protocol);
        let prompt = protocol.and_then(|protocol| protocol.prompts.iter().find(|prompt| prompt.id == work.rule));
        let Some(prompt) = prompt else {
            return Err(refusal(Category::NotFound, "The protocol that asked this is not there any more."));
        };
        let Some(known) = prompt.answers.iter().find(|known| known.id == answer) else {
            let names: Vec<&str> = prompt.answers.iter().map(|known| known.id.as_str()).collect();
            return Err(refusal(Category::Value, format!("The answers to this are {}.", names.join(", "))));
        };
        // Sent twice: it stands there as it was said.
        let said = |given: &Given| given.answer == answer && given.by == who && now.duration_since(given.at) < TWICE;
        if work.answers.last().is_some_and(said) {
            return Ok(Vec::new());
        }
        work.answers.push(Given { answer: known.id.clone(), at: now, by: who.to_string() });
        // What the engine will say of it when it looks next; it speaks for the engine, so that it can ask again.
        let is_silent = known.again.is_none_or(|again| again.after(now) > now);
        work.status = if is_silent { "inactive" } else { "active" }.to_string();
        let mut resource = stored.resource.clone();
        resource.set("status", json!(work.status));
        if is_silent && let Some(period) = resource.as_map_mut().get_mut("period").and_then(Value::as_object_mut) {
            period.insert("end".to_string(), json!(now.to_string()));
        }
        // Nothing lost: our own facts are always JSON.
        let change = stamped(target, Some(stored), resource, now, serde_json::to_value(&work).ok());
        let told = provenance(&change, &format!("answer {}", known.id), who, now);
        Ok(vec![change, told])
    }
}

impl Action {
    /// Whether what it did to a Task is so still, and was not taken back.
    pub fn stands(&self, task: &Stored) -> bool {
        let status = task.resource.text("status").unwrap_or_default();
        match self {
            Self::Accept => !matches!(status, "requested" | "received" | "ready"),
            Self::Start => status == "in-progress",
            Self::Hand(hand) => hand.stands(task),
            Self::Complete { .. } => status == "completed",
            Self::Cancel { .. } => status == "cancelled",
            Self::Note { text } => is_noted(task, text),
            Self::Attempt { contact, text } => is_noted(task, &attempted(*contact, text)),
            Self::Answer { .. } | Self::Say(_) => true,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Start => "start",
            Self::Complete { .. } => "complete",
            Self::Cancel { .. } => "cancel",
            Self::Note { .. } => "note",
            Self::Attempt { .. } => "attempt",
            Self::Answer { .. } => "answer",
            Self::Hand(hand) => hand.word(),
            Self::Say(_) => "update by a partner",
        }
    }
}

/// Does one thing to a Task.
fn take(
    resource: &mut Resource,
    work: Option<&mut Work>,
    action: &Action,
    who: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    check_text(action)?;
    let stamp = json!(now.to_string());
    if let Action::Say(saying) = action {
        let before = resource.text("status").map(String::from);
        say(resource, work, saying, now)?;
        let status = resource.text("status").map(String::from);
        if status != before && status.as_deref().is_some_and(is_final) {
            end_period(resource, &stamp);
        }
        return Ok(());
    }
    if let Action::Hand(what) = action {
        return hand(resource, work, what, who, now);
    }
    if let Some(next) = next_status(resource.text("status").unwrap_or_default(), action)? {
        if let Some(work) = work {
            // What is taken up again is not put aside any more.
            wake(resource, work);
            work.acknowledged = Some(now);
            work.taken_on = work.level.is_some().then(|| work.shown());
            work.closed = is_final(next).then_some(now);
        }
        resource.set("status", json!(next));
        if is_final(next) {
            end_period(resource, &stamp);
        }
    }
    write_words(resource, action, who, &stamp);
    Ok(())
}

pub(super) fn refusal(category: Category, text: impl Into<String>) -> Problem {
    Problem::error(category, Place::Whole, text)
}

fn check_text(action: &Action) -> Result<(), Problem> {
    let (text, required) = match action {
        Action::Complete { outcome } => (outcome.as_deref().unwrap_or_default(), false),
        Action::Cancel { reason } => (reason.as_str(), true),
        Action::Note { text } => (text.as_str(), true),
        Action::Attempt { text, .. } => (text.as_str(), false),
        Action::Hand(Hand::Snooze { why, .. }) => (why.as_str(), false),
        Action::Accept | Action::Start | Action::Answer { .. } | Action::Hand(_) | Action::Say(_) => ("", false),
    };
    if required && text.trim().is_empty() {
        return Err(refusal(Category::Required, "Say why in a few words."));
    }
    let length = text.chars().count();
    // Nothing lost: the person is told, and nothing is taken.
    if length > LONGEST_TEXT {
        // Nothing lost: the person is told, and nothing is taken.
        let text = format!("A text has at most {LONGEST_TEXT} characters, and this one has {length}. Say it shorter.");
        return Err(refusal(Category::TooLong, text));
    }
    Ok(())
}

/// The status an action leads to (http://hl7.org/fhir/R4/task.html#statemachine); none for a note or an attempt, which are
/// always allowed.
fn next_status(status: &str, action: &Action) -> Result<Option<&'static str>, Problem> {
    let next = match action {
        Action::Accept => "accepted",
        Action::Start => "in-progress",
        Action::Complete { .. } => "completed",
        Action::Cancel { .. } => "cancelled",
        Action::Note { .. } | Action::Attempt { .. } | Action::Answer { .. } | Action::Hand(_) | Action::Say(_) => {
            return Ok(None);
        }
    };
    let allowed = match action {
        Action::Accept => matches!(status, "requested" | "received" | "ready"),
        Action::Start => matches!(status, "requested" | "received" | "ready" | "accepted" | "on-hold"),
        _ => !is_final(status),
    };
    if allowed {
        return Ok(Some(next));
    }
    let text = format!("This task is {status}; it cannot become {next}.");
    Err(refusal(Category::Conflict, text))
}

fn end_period(resource: &mut Resource, stamp: &Value) {
    let mut period = resource.get("executionPeriod").cloned().unwrap_or_else(|| json!({}));
    if let Some(period) = period.as_object_mut() {
        period.insert("end".to_string(), stamp.clone());
    }
    resource.set("executionPeriod", period);
}

fn write_words(resource: &mut Resource, action: &Action, who: &str, stamp: &Value) {
    match action {
        Action::Complete { outcome: Some(outcome) } if !outcome.trim().is_empty() => {
            append(resource, "output", json!({ "type": { "text": "Outcome" }, "valueString": outcome }));
        }
        Action::Cancel { reason } => resource.set("statusReason", json!({ "text": reason })),
        Action::Note { text } => {
            append(resource, "note", json!({ "authorString": who, "time": stamp, "text": text }));
        }
        Action::Attempt { contact, text } => {
            let said = attempted(*contact, text);
            append(resource, "note", json!({ "authorString": who, "time": stamp, "text": said }));
            let coding = json!({ "system": names::CONTACT, "code": contact.code(), "display": contact.words() });
            let kind = json!({ "coding": [coding], "text": "Contact attempt" });
            append(resource, "output", json!({ "type": kind, "valueDateTime": stamp }));
        }
        // Nothing lost: other actions bring no words.
        _ => {}
    }
}

/// An attempt as a note tells it.
fn attempted(contact: Contact, text: &str) -> String {
    format!("Contact attempt: {}. {text}", contact.words()).trim_end().to_string()
}

fn is_noted(task: &Stored, text: &str) -> bool {
    let notes = task.resource.get("note").and_then(Value::as_array).into_iter().flatten();
    notes.into_iter().any(|note| note.get("text").and_then(Value::as_str) == Some(text))
}

fn append(resource: &mut Resource, element: &str, item: Value) {
    let mut list = resource.get(element).and_then(Value::as_array).cloned().unwrap_or_default();
    list.push(item);
    resource.set(element, Value::Array(list));
}

/// Who did what, beside the resource.
pub fn provenance(change: &Change, word: &str, who: &str, now: Timestamp) -> Change {
    let stored: &Stored = &change.stored;
    let target = format!("{}/{}", stored.resource.resource_type(), stored.id);
    let resource = Resource::new("Provenance")
        .with("target", json!([{ "reference": target }]))
        .with("recorded", json!(now.to_string()))
        .with("reason", json!([{ "text": word }]))
        .with(
            "activity",
            json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": "UPDATE" }] }),
        )
        .with("agent", json!([{ "who": { "display": who } }]));
    let id = ResourceId::of(stored.id.person, "Provenance", &format!("act/{target}/{}", stored.version));
    stamped(id, None, resource, now, None)
}
