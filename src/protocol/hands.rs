//! In whose hands a Task is: somebody takes it, gives it to somebody else or back to the practice, or puts it aside for a while with a
//! reason (http://hl7.org/fhir/R4/task.html#statemachine, on-hold). What is put aside comes back by itself. Never judges who may.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::hands_memory::Snoozed;
use super::names::PERSON;
use super::reconcile::stamped;
use super::work::{Work, is_final};
use crate::fhir::Resource;
use crate::problem::{Category, Place, Problem};
use crate::record::{Change, Record, Stored};

/// What is put aside for longer should rather not be owed.
const LONGEST_SNOOZE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A person of the site as work names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// By which they are told from others: their login.
    pub id: String,
    pub name: String,
}

/// What becomes of whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// Whoever does it takes it.
    Claim(Holder),
    /// Somebody else is to take it.
    Give(Holder),
    /// Whoever in the practice is next is to take it.
    Back,
    Snooze {
        until: Timestamp,
        why: String,
    },
}

impl Hand {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Claim(_) => "claim",
            Self::Give(_) => "give",
            Self::Back => "give back",
            Self::Snooze { .. } => "snooze",
        }
    }

    /// Whether a Task is so still.
    pub(super) fn stands(&self, task: &Stored) -> bool {
        let status = task.resource.text("status").unwrap_or_default();
        let person = person_of(&task.resource).map(|(id, _)| id);
        match self {
            Self::Claim(holder) => {
                let asks = matches!(status, "requested" | "received" | "ready" | "on-hold");
                person.as_ref() == Some(&holder.id) && !asks
            }
            Self::Give(holder) => person.as_ref() == Some(&holder.id),
            Self::Back => person.is_none(),
            Self::Snooze { until, .. } => {
                let snoozed = Work::read(task).and_then(|work| work.snoozed);
                status == "on-hold" && snoozed.is_some_and(|snoozed| snoozed.until == *until)
            }
        }
    }
}

/// Writes it into the Task and the engine's memory of it.
pub(super) fn hand(
    resource: &mut Resource,
    work: Option<&mut Work>,
    hand: &Hand,
    who: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let status = resource.text("status").unwrap_or_default().to_string();
    if is_final(&status) {
        return Err(refusal(Category::Conflict, format!("This task is {status}; nobody need take it.")));
    }
    let Some(work) = work else {
        let text = "This task was made by another system: say there whose it is. Notes and attempts are kept here.";
        return Err(refusal(Category::BusinessRule, text.to_string()));
    };
    match hand {
        Hand::Claim(holder) => {
            if let Some(other) = person_of(resource).filter(|(id, _)| *id != holder.id) {
                return Err(refusal(Category::Conflict, format!("{} has taken this.", other.1)));
            }
            own(resource, work, holder);
            wake(resource, work);
            if matches!(resource.text("status").unwrap_or_default(), "requested" | "received" | "ready") {
                resource.set("status", json!("accepted"));
            }
            acknowledge(work, now);
        }
        Hand::Give(holder) => {
            wake(resource, work);
            own(resource, work, holder);
            ask_anew(resource, work);
        }
        Hand::Back => {
            wake(resource, work);
            if let Some(owner) = work.given_to.take() {
                resource.set("owner", owner);
            }
            // Nothing lost: the owner is the practice's again, as the rules say.
            work.said.retain(|element| element != "owner");
            ask_anew(resource, work);
        }
        Hand::Snooze { until, why } => snooze(resource, work, (*until, why), who, now)?,
    }
    Ok(())
}

fn refusal(category: Category, text: String) -> Problem {
    Problem::error(category, Place::Whole, text)
}

/// The person who has a Task: their id and their name.
pub fn person_of(resource: &Resource) -> Option<(String, String)> {
    let owner = resource.get("owner")?;
    let identifier = owner.get("identifier")?;
    let is_ours = identifier.get("system").and_then(Value::as_str) == Some(PERSON);
    let id = identifier.get("value").and_then(Value::as_str).filter(|_| is_ours)?;
    let display = owner.get("display").and_then(Value::as_str).unwrap_or(id);
    let name = display.rsplit_once(": ").map_or(display, |(_, name)| name);
    Some((id.to_string(), name.to_string()))
}

/// The practice stays named before the person, as it is before a role; what the rules gave stays known.
fn own(resource: &mut Resource, work: &mut Work, holder: &Holder) {
    let former = resource.get("owner").cloned();
    if work.given_to.is_none() {
        work.given_to = Some(former.unwrap_or_else(|| json!({})));
    }
    if !work.said.iter().any(|element| element == "owner") {
        work.said.push("owner".to_string());
    }
    let practice = work.given_to.as_ref().and_then(|owner| owner.get("display")?.as_str());
    let practice = practice.and_then(|display| display.split(": ").next()).unwrap_or_default();
    let display = if practice.is_empty() { holder.name.clone() } else { format!("{practice}: {}", holder.name) };
    let identifier = json!({ "system": PERSON, "value": holder.id });
    resource.set("owner", json!({ "type": "Practitioner", "identifier": identifier, "display": display }));
}

fn acknowledge(work: &mut Work, now: Timestamp) {
    work.acknowledged = Some(now);
    work.taken_on = work.level.is_some().then(|| work.shown());
}

/// It climbs again until somebody takes it on.
fn ask_anew(resource: &mut Resource, work: &mut Work) {
    resource.set("status", json!("requested"));
    (work.acknowledged, work.taken_on) = (None, None);
}

fn snooze(
    resource: &mut Resource,
    work: &mut Work,
    (until, why): (Timestamp, &str),
    who: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if why.trim().is_empty() {
        return Err(refusal(Category::Required, "Say why it can wait, in a few words.".to_string()));
    }
    // Nothing lost: the person is told, and chooses another day.
    if until <= now || until.duration_since(now) > LONGEST_SNOOZE {
        let text = "Choose a day after today and within 90 days; what is not owed any more is \"Not needed\".";
        return Err(refusal(Category::Value, text.to_string()));
    }
    wake(resource, work);
    let before = resource.text("status").unwrap_or("requested").to_string();
    work.snoozed = Some(Snoozed { until, before, by: who.to_string() });
    resource.set("status", json!("on-hold"));
    resource.set("statusReason", json!({ "text": why.trim() }));
    if !work.said.iter().any(|element| element == "statusReason") {
        work.said.push("statusReason".to_string());
    }
    acknowledge(work, now);
    Ok(())
}

/// As it stood before it was put aside; nothing where it was not.
pub(super) fn wake(resource: &mut Resource, work: &mut Work) {
    // Nothing lost: what is not put aside stands as it is.
    let Some(snoozed) = work.snoozed.take() else { return };
    resource.set("status", json!(snoozed.before));
    resource.set("statusReason", Value::Null);
    // Nothing lost: the reason was for putting it aside.
    work.said.retain(|element| element != "statusReason");
    if matches!(snoozed.before.as_str(), "requested" | "received" | "ready") {
        (work.acknowledged, work.taken_on) = (None, None);
    }
}

/// The changes by which what was put aside comes back now, and when the next one does.
pub fn awake(record: &Record, now: Timestamp) -> (Vec<Change>, Option<Timestamp>) {
    let (mut changes, mut next) = (Vec::new(), None::<Timestamp>);
    for stored in record.of_type("Task") {
        let memory = Work::read(stored).and_then(|work| Some((work.snoozed.clone()?, work)));
        // Nothing lost: what is not put aside does not come back.
        let Some((snoozed, mut work)) = memory else { continue };
        let is_over = is_final(stored.resource.text("status").unwrap_or_default());
        if is_over || snoozed.until > now {
            // What has ended stays as it is.
            next = next.into_iter().chain((!is_over).then_some(snoozed.until)).min();
            // Nothing lost: its time is kept.
            continue;
        }
        let mut resource = stored.resource.clone();
        resource.set("lastModified", json!(now.to_string()));
        wake(&mut resource, &mut work);
        // Nothing lost: our own facts are always JSON.
        let memory = serde_json::to_value(work).ok();
        changes.push(stamped(stored.id, Some(stored), resource, now, memory));
    }
    (changes, next)
}
