//! Changes that no message brings: a clock that came due, a person's action on a task, a message taken again. They enter
//! the same path at the record.

use jiff::Timestamp;

use super::find::{Known, Taken};
use super::join::Somebody;
use super::locks::MOST_TRIES;
use super::settle::{Settled, settle};
use super::signed::signed;
use super::working::Working;
use super::write::{Submission, Submitted};
use super::{Acknowledged, Arrival, Code, Deed, DeedKind, Event, Gateway, notices};
use crate::identity::{PersonId, ResourceId};
use crate::problem::{Category, Place, Problem};
use crate::protocol::{Action, Contact};
use crate::record::Change;
use crate::site::{CLIENT, Site};
use crate::store::{AuditEntry, MessageEntry, StoreError, WriteUnit};
use serde::{Deserialize, Serialize};

/// What a person does with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskAction {
    Accept,
    Start,
    Complete,
    Cancel,
    /// Only the note is added.
    Note,
}

impl Gateway {
    /// Lets the protocols look at a record whose clock came due.
    pub async fn wake(&self, person: PersonId) -> Result<(), StoreError> {
        // An import of a roster wakes everybody it names.
        let head = self.living(person).await?;
        self.join_by_roster(&Somebody { person: head.person, own: &head.identifiers, birth: None }).await?;
        self.change(person, |_, _| Ok((Vec::new(), Vec::new()))).await.map_err(|fault| match fault {
            Fault::Store(error) => error,
            Fault::Refused(problem) => StoreError::Refused(problem.text),
        })
    }

    /// Does what a person decided about a task; what follows is evaluated at once. `who` is named in the audit.
    pub async fn act(&self, task: ResourceId, action: TaskAction, note: &str, who: &str) -> Result<(), Problem> {
        self.act_after(task, None, action, note, who).await
    }

    /// The same after an attempt to reach the patient, which is written down first. The note is kept whatever the action.
    pub async fn act_after(
        &self,
        task: ResourceId,
        attempt: Option<Contact>,
        action: TaskAction,
        note: &str,
        who: &str,
    ) -> Result<(), Problem> {
        let because = "a person decided it in the console";
        let taken = Acted { target: task, subject: format!("Task/{task}"), who, because, once: None };
        self.take_actions(&actions(attempt, action, note), taken).await.map(|_| ())
    }

    /// Takes an answer to the prompt that a Flag asks; what follows is evaluated at once. `who` is named in the audit. Returns what may be
    /// taken back: nothing where it stood so already.
    pub async fn answer(&self, flag: ResourceId, answer: &str, who: &str) -> Result<Option<Deed>, Problem> {
        let because = match who.starts_with("console:") || who.starts_with("person:") {
            true => "the question was answered on the patient's page",
            false => "the card was answered in the practice",
        };
        let taken = Acted { target: flag, subject: format!("Flag/{flag}"), who, because, once: None };
        let answer = Action::Answer { answer: answer.to_string() };
        let written = self.take_actions(&[("prompt-answer", answer)], taken).await?;
        Ok(Deed::among(&written, DeedKind::Prompt, "Flag", flag))
    }

    /// All of them or none, as one change.
    async fn take_actions(&self, actions: &[Named], taken: Acted<'_>) -> Result<Vec<String>, Problem> {
        let decide = |site: &Site, known: &Known| acted(site, known, actions, &taken, self.clock.now());
        self.change_with(taken.target.person, None, decide).await.map_err(Fault::told)
    }

    /// Takes the bytes of a stored message again, under the site as it is now. None when there is no such message.
    pub async fn replay(&self, sequence: u64, who: &str) -> Result<Option<Acknowledged>, StoreError> {
        let Some(entry) = self.store.message(sequence).await? else { return Ok(None) };
        if let Some(partner) = entry.summary.feed.strip_prefix(CLIENT) {
            let said = self.first_said(&entry).await?;
            return Ok(Some(self.replay_write(partner, (sequence, said), &entry).await));
        }
        Ok(Some(self.accept(Arrival::again(&entry, who)).await))
    }

    /// When it came, also of what is a replay itself.
    async fn first_said(&self, entry: &MessageEntry) -> Result<Timestamp, StoreError> {
        let (mut said, mut before) = (entry.summary.received, entry.summary.replays);
        while let Some(first) = before {
            let first = self.store.message(first).await?;
            before = first.as_ref().and_then(|first| first.summary.replays);
            said = first.map_or(said, |first| first.summary.received);
        }
        Ok(said)
    }

    /// A FHIR write taken again says what it said when it came.
    async fn replay_write(&self, partner: &str, replays: (u64, Timestamp), entry: &MessageEntry) -> Acknowledged {
        let submitted = match Submission::read(partner, &entry.raw, replays) {
            Some(submission) => self.submit(submission).await,
            None => Submitted::unavailable(),
        };
        let unavailable = submitted.sequence.is_none();
        let code = match &submitted.result {
            Ok(_) => Code::AA,
            Err(refusal) if refusal.is_rejection() => Code::AR,
            Err(_refused) => Code::AE,
        };
        Acknowledged { code, bytes: Vec::new(), sequence: submitted.sequence, duplicate: false, unavailable }
    }

    /// Loads a record, changes it, settles and commits; again when somebody else was faster.
    pub(super) async fn change(
        &self,
        person: PersonId,
        decide: impl Fn(&Site, &Known) -> Result<(Vec<Change>, Vec<AuditEntry>), Problem>,
    ) -> Result<(), Fault> {
        self.change_with(person, None, decide).await.map(|_| ())
    }

    /// The same with this of the record in it, even if it is older than what is read of one. Returns what was written
    /// (`Task/id/_history/version`).
    pub(super) async fn change_with(
        &self,
        person: PersonId,
        wanted: Option<(&str, ResourceId)>,
        decide: impl Fn(&Site, &Known) -> Result<(Vec<Change>, Vec<AuditEntry>), Problem>,
    ) -> Result<Vec<String>, Fault> {
        // Nothing lost: after so many tries the timer stays due, or the person is told.
        for _ in 0..MOST_TRIES {
            let site = self.site.load_full();
            let person = self.living(person).await?.person;
            let _locks = self.locks.hold(&[person]).await;
            let Taken { mut known, weight, memory } = self.take_up(person).await?;
            if known.record.head.person != person {
                // Nothing lost: it was merged meanwhile, and is found again where it is now.
                continue;
            }
            if let Some((kind, id)) = wanted
                && known.record.get(kind, id).is_none()
                && known.record.head.family().any(|own| own == id.person)
                && let Some(stored) = self.store.resource(kind, id).await?
            {
                known.record.resources.put(stored);
            }
            let (changes, entries) = match decide(&site, &known) {
                Ok(decided) => decided,
                Err(problem) => {
                    self.hot.put_back(known.record, memory, weight, 0);
                    return Err(Fault::Refused(problem));
                }
            };
            let mut working = Working::new(known.record, known.memberships);
            working.memory = memory;
            working.take(changes);
            let now = self.clock.now();
            let Settled { mut unit, trace, unused, record, memory } = settle(&site, working, now);
            unit.audit.extend(entries);
            unit.unused = notices::without_message(&unused, now);
            let written = unit.changes.iter().map(|change| crate::record::weight(&change.stored)).sum();
            match self.commit_change(unit, trace.resources.clone()).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.hot.put_back(record, memory, weight, written);
                    return Ok(trace.resources);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    pub(super) async fn commit_change(&self, unit: WriteUnit, written: Vec<String>) -> Result<(), StoreError> {
        let delivers = !unit.deliveries.is_empty();
        let unused = unit.unused.clone();
        let committed = self.store.commit(unit).await?;
        self.count_unused(&unused);
        if !written.is_empty() {
            // Nothing lost: nobody listening is fine; what happened is in the store.
            let _ = self.events.send(Event::Resources { sequence: committed.sequence, written });
        }
        if delivers {
            self.delivery_bell.notify_one();
        }
        self.timer_bell.notify_one();
        Ok(())
    }
}

/// What a person acts on, and what the audit says of it.
pub(super) struct Acted<'a> {
    pub target: ResourceId,
    pub subject: String,
    pub who: &'a str,
    pub because: &'a str,
    /// By which it is known when the same is said again; none where nobody asks.
    pub once: Option<&'a str>,
}

/// What actions come to: the changes, and an entry for each.
pub(super) fn acted(
    site: &Site,
    known: &Known,
    actions: &[Named],
    by: &Acted<'_>,
    now: Timestamp,
) -> Result<(Vec<Change>, Vec<AuditEntry>), Problem> {
    let (names, taken): (Vec<_>, Vec<_>) = actions.iter().cloned().unzip();
    let author = signed(site, by.who);
    let changes = site.protocols.act_all(&known.record, by.target, &taken, (author, by.once), now)?;
    let entry = |action: &str| AuditEntry {
        at: now,
        agent: by.who.to_string(),
        action: action.to_string(),
        person: Some(known.record.head.person),
        subject: by.subject.clone(),
        allowed: true,
        because: by.because.to_string(),
    };
    Ok((changes, names.into_iter().map(entry).collect()))
}

pub(super) enum Fault {
    Store(StoreError),
    Refused(Problem),
}

impl Fault {
    pub fn told(self) -> Problem {
        match self {
            Self::Refused(problem) => problem,
            Self::Store(error) => Problem::error(Category::Transient, Place::Whole, error.to_string()),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// An action with its name in the audit.
pub type Named = (&'static str, Action);

/// What is done, in order. An attempt carries the note, and a completion or a refusal needs it as well.
fn actions(attempt: Option<Contact>, action: TaskAction, note: &str) -> Vec<Named> {
    let text = note.trim().to_string();
    let mut actions: Vec<Named> = Vec::new();
    if let Some(contact) = attempt {
        actions.push(("task-attempt", Action::Attempt { contact, text: text.clone() }));
    } else if !text.is_empty() && matches!(action, TaskAction::Accept | TaskAction::Start) {
        actions.push(("task-note", Action::Note { text: text.clone() }));
    }
    let told = || attempt.map(|contact| contact.words().to_string()).filter(|_| text.is_empty());
    match action {
        TaskAction::Accept => actions.push(("task-accept", Action::Accept)),
        TaskAction::Start => actions.push(("task-start", Action::Start)),
        TaskAction::Complete => {
            let outcome = told().or_else(|| (!text.is_empty()).then(|| text.clone()));
            actions.push(("task-complete", Action::Complete { outcome }));
        }
        TaskAction::Cancel => {
            actions.push(("task-cancel", Action::Cancel { reason: told().unwrap_or_else(|| text.clone()) }));
        }
        // The attempt says all there is to say.
        TaskAction::Note if attempt.is_some() => {}
        TaskAction::Note => actions.push(("task-note", Action::Note { text })),
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_note_is_lost_whatever_it_comes_with() {
        let note = " left word with the neighbour ";
        let all = [TaskAction::Accept, TaskAction::Start, TaskAction::Complete, TaskAction::Cancel, TaskAction::Note];
        for attempt in [None, Some(Contact::NoAnswer)] {
            for action in all {
                let said = actions(attempt, action, note);
                let keeps = |(_, action): &Named| match action {
                    Action::Note { text } | Action::Attempt { text, .. } | Action::Cancel { reason: text } => {
                        Some(text.clone())
                    }
                    Action::Complete { outcome } => outcome.clone(),
                    _ => None,
                };
                assert!(said.iter().filter_map(keeps).any(|text| text == note.trim()), "{attempt:?} {action:?}");
                assert_eq!(said.iter().any(|(name, _)| *name == "task-attempt"), attempt.is_some());
            }
        }
    }
}
