//! What a partner's system says of a Task that we gave it (http://hl7.org/fhir/R4/task.html#statemachine): how it stands, who has it,
//! what was noted and what came of it. Steps may be skipped, because systems do not tell each of theirs, and are never turned back.

use jiff::Timestamp;
use serde_json::Value;

use super::work::{Work, is_final};
use crate::fhir::Resource;
use crate::problem::{Category, Place, Problem};

/// What somebody says of a Task. What is none they said nothing about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskWord {
    pub status: Option<String>,
    /// `owner`, `businessStatus` and `statusReason` as they say them.
    pub elements: Vec<(String, Value)>,
    /// Notes and outputs that are new.
    pub notes: Vec<Value>,
    pub outputs: Vec<Value>,
    /// When they last changed it, where they tell.
    pub modified: Option<Timestamp>,
}

/// Elements of a Task that whoever works on it has a word on, beside those that only grow.
pub const SAID: [&str; 3] = ["owner", "businessStatus", "statusReason"];

/// Where each status may lead: R4's typical machine with what it lets be skipped, where any Task that is not over may be
/// cancelled. What is over stays over.
const LEADS: [(&str, &[&str]); 7] = [
    ("draft", &["requested", "received", "accepted", "rejected", "cancelled"]),
    ("requested", &["received", "accepted", "rejected", "cancelled", "in-progress", "on-hold", "completed", "failed"]),
    ("received", &["accepted", "rejected", "cancelled", "in-progress", "on-hold", "completed", "failed"]),
    ("accepted", &["in-progress", "on-hold", "completed", "failed", "cancelled"]),
    ("ready", &["accepted", "in-progress", "on-hold", "completed", "failed", "cancelled"]),
    ("in-progress", &["ready", "on-hold", "completed", "failed", "cancelled"]),
    ("on-hold", &["in-progress", "completed", "failed", "cancelled"]),
];

/// Bounds what one update can add.
const MOST_ADDED: usize = 50;

impl TaskWord {
    /// What a copy of the Task says otherwise than the Task as its holder was shown it, with the elements that differ and are not
    /// theirs to say.
    pub fn of(copy: &Resource, shown: &Resource) -> (Self, Vec<String>) {
        let differs = |element: &str| copy.get(element).filter(|value| Some(*value) != shown.get(element));
        let added = |element: &str| -> Vec<Value> {
            let list =
                |resource: &Resource| resource.get(element).and_then(Value::as_array).cloned().unwrap_or_default();
            let known = list(shown);
            list(copy).into_iter().filter(|item| !known.contains(item)).collect()
        };
        let said = SAID.iter().filter_map(|element| Some(((*element).to_string(), differs(element)?.clone())));
        let saying = Self {
            status: differs("status").and_then(Value::as_str).map(String::from),
            elements: said.collect(),
            notes: added("note"),
            outputs: added("output"),
            // Nothing lost: without a time that can be read, it is said now.
            modified: copy.text("lastModified").and_then(|text| text.parse().ok()),
        };
        let own = ["resourceType", "id", "meta", "text", "identifier", "status", "note", "output", "lastModified"];
        let is_ours = |name: &&String| {
            let name = name.trim_start_matches('_');
            !own.contains(&name) && !SAID.contains(&name) && differs(name).is_some()
        };
        (saying, copy.as_map().keys().filter(is_ours).cloned().collect())
    }

    /// The elements that it writes, for whoever may say what: `status`, `note`.
    pub fn writes(&self) -> Vec<&str> {
        let lists =
            [("status", self.status.is_some()), ("note", !self.notes.is_empty()), ("output", !self.outputs.is_empty())];
        let listed = lists.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name);
        listed.chain(self.elements.iter().map(|(name, _)| name.as_str())).collect()
    }

    pub fn is_silent(&self) -> bool {
        self.writes().is_empty()
    }
}

/// Writes it into the Task and the engine's memory of it.
pub(super) fn say(
    resource: &mut Resource,
    work: Option<&mut Work>,
    saying: &TaskWord,
    now: Timestamp,
) -> Result<(), Problem> {
    // Nothing lost: the client is told, and nothing is taken.
    if saying.notes.len() + saying.outputs.len() > MOST_ADDED {
        // Nothing lost: the client is told, and nothing is taken.
        let text = format!("At most {MOST_ADDED} notes and outputs are taken at once.");
        return Err(refuse(Category::TooCostly, "Task.note", text));
    }
    let before = resource.text("status").unwrap_or_default().to_string();
    let owner = resource.get("owner").cloned();
    if let Some(status) = &saying.status {
        check_order(saying, work.as_deref())?;
        check_step(&before, status)?;
        resource.set("status", Value::String(status.clone()));
    }
    for (element, value) in &saying.elements {
        resource.set(element, value.clone());
    }
    if saying.status.is_some() {
        // A reason belongs to the status that it was given for.
        for stale in ["statusReason", "businessStatus"] {
            if !saying.elements.iter().any(|(element, _)| element == stale) {
                resource.set(stale, Value::Null);
            }
        }
    }
    for (element, items) in [("note", &saying.notes), ("output", &saying.outputs)] {
        if !items.is_empty() {
            let mut list = resource.get(element).and_then(Value::as_array).cloned().unwrap_or_default();
            list.extend(items.iter().cloned());
            resource.set(element, Value::Array(list));
        }
    }
    if let Some(work) = work {
        remember(work, saying, owner, now);
    }
    Ok(())
}

/// The later of two people's words stands: one from before somebody here acted is no answer to that.
fn check_order(saying: &TaskWord, work: Option<&Work>) -> Result<(), Problem> {
    let last = work.and_then(|work| work.acknowledged.max(work.closed));
    match (saying.modified, last) {
        (Some(modified), Some(last)) if modified < last => {
            let text = "Somebody acted on this task after the copy was changed (its lastModified): read it again, and say it anew if \
                        it still holds.";
            Err(refuse(Category::Conflict, "Task.lastModified", text.to_string()))
        }
        _ => Ok(()),
    }
}

fn check_step(before: &str, next: &str) -> Result<(), Problem> {
    let leads = LEADS.iter().find(|(from, _)| *from == before).map(|(_, to)| *to).unwrap_or_default();
    if leads.contains(&next) {
        return Ok(());
    }
    let text = if leads.is_empty() {
        format!("This task is {before}, and what is over stays over: ask for a new one.")
    } else {
        format!("This task is {before}; from there it can become {}.", leads.join(", "))
    };
    Err(refuse(Category::BusinessRule, "Task.status", text))
}

/// That a system received it says nothing of a person; all else a person is behind.
fn remember(work: &mut Work, saying: &TaskWord, owner: Option<Value>, now: Timestamp) {
    let at = saying.modified.filter(|at| *at <= now).unwrap_or(now);
    if work.given_to.is_none() && saying.elements.iter().any(|(element, _)| element == "owner") {
        work.given_to = owner;
    }
    for (element, _) in &saying.elements {
        if !work.said.contains(element) {
            work.said.push(element.clone());
        }
    }
    if let Some(status) = saying.status.as_deref().filter(|status| *status != "received") {
        (work.snoozed, work.acknowledged) = (None, Some(at));
        work.taken_on = work.level.is_some().then(|| work.shown());
        work.closed = is_final(status).then_some(at);
        // Nothing lost: a reason belongs to the status that it was given for.
        work.said.retain(|element| saying.elements.iter().any(|(said, _)| said == element) || element == "owner");
    }
}

fn refuse(category: Category, element: &str, text: String) -> Problem {
    Problem::error(category, Place::Element(element.to_string()), text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(status: &str) -> Resource {
        Resource::try_from(json!({ "resourceType": "Task", "status": status, "note": [{ "text": "a" }] })).unwrap()
    }

    #[test]
    fn every_status_of_r4_leads_on_or_is_over() {
        let over = ["completed", "cancelled", "rejected", "failed", "entered-in-error"];
        for (from, to) in LEADS {
            assert!(!is_final(from) && !to.is_empty() && !to.contains(&from), "{from}");
            assert!(to.iter().all(|to| over.contains(to) || LEADS.iter().any(|(known, _)| known == to)), "{from}");
        }
        for from in over {
            let refused = check_step(from, "in-progress").unwrap_err();
            assert!(refused.text.contains("stays over"), "{refused}");
        }
        let refused = check_step("accepted", "requested").unwrap_err();
        assert!(refused.text.contains("in-progress, on-hold, completed, failed, cancelled"), "{refused}");
    }

    #[test]
    fn what_a_copy_says_is_what_differs_and_what_is_ours_is_named() {
        let mut copy = task("accepted");
        copy.set("note", json!([{ "text": "a" }, { "text": "b" }]));
        copy.set("priority", json!("stat"));
        copy.set("owner", json!({ "display": "Ann" }));
        let (saying, ours) = TaskWord::of(&copy, &task("requested"));
        assert_eq!(saying.writes(), ["status", "note", "owner"]);
        assert_eq!((saying.notes, ours), (vec![json!({ "text": "b" })], vec!["priority".to_string()]));
        assert!(TaskWord::of(&task("requested"), &task("requested")).0.is_silent());
    }

    #[test]
    fn the_later_of_two_peoples_words_stands_and_a_receipt_is_nobodys() {
        let at = |hour: i8| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hour.into());
        let said = |status: &str, hour| TaskWord {
            status: Some(status.into()),
            modified: Some(at(hour)),
            ..TaskWord::default()
        };
        let mut work = Work { acknowledged: Some(at(5)), ..Work::default() };
        let refused = say(&mut task("accepted"), Some(&mut work), &said("completed", 4), at(9)).unwrap_err();
        assert_eq!(refused.category, Category::Conflict);
        let mut changed = task("accepted");
        say(&mut changed, Some(&mut work), &said("completed", 6), at(9)).unwrap();
        assert_eq!((changed.text("status"), work.closed), (Some("completed"), Some(at(6))));
        let mut fresh = Work::default();
        say(&mut task("requested"), Some(&mut fresh), &said("received", 6), at(9)).unwrap();
        assert_eq!(fresh.acknowledged, None);
    }

    #[test]
    fn a_new_status_takes_the_reason_of_the_old_one_with_it() {
        let mut held = task("on-hold").with("statusReason", json!({ "text": "away" }));
        let on = TaskWord { status: Some("in-progress".into()), ..TaskWord::default() };
        say(&mut held, None, &on, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(held.get("statusReason"), None);
    }
}
