//! Open work in the order in which people do it: the most urgent first (http://hl7.org/fhir/R4/valueset-request-priority.html),
//! of those the one that is due first (Task.restriction.period.end). Both stores keep an index of just that, written in the
//! same commit as the Task, so that a page costs what it shows and a count never stops early. Pure; every store asks here.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::query::PlaceKey;
use crate::fhir::Resource;
use crate::fhir::time::PartialDateTime;
use crate::protocol::PERSON;
use crate::record::Stored;

/// How soon work is wanted, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    Stat,
    Asap,
    Urgent,
    /// And whatever else a Task says or leaves out.
    Routine,
}

impl Urgency {
    pub const ALL: [Self; 4] = [Self::Stat, Self::Asap, Self::Urgent, Self::Routine];

    /// FHIR's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Asap => "asap",
            Self::Urgent => "urgent",
            Self::Routine => "routine",
        }
    }

    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|urgency| urgency.code() == code)
    }

    /// What a Task says of itself.
    pub fn of(task: &Resource) -> Self {
        task.text("priority").and_then(Self::of_code).unwrap_or(Self::Routine)
    }

    /// Whether it cannot wait.
    pub fn is_pressing(self) -> bool {
        self <= Self::Asap
    }

    /// Its place in the order, 0 first.
    pub(super) fn rank(self) -> u8 {
        self as u8
    }
}

/// Which open work is asked for; all of it by default, but what is snoozed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkFilter {
    /// That of one list: an owner's, named as `work_owner` names it, or one of `WorkPlace::nobodys` and `WorkPlace::snoozed`.
    pub owner: Option<String>,
    pub urgency: Option<Urgency>,
    /// What cannot wait (stat and asap), or all else.
    pub pressing: Option<bool>,
    /// What is due before this time.
    pub due_before: Option<Timestamp>,
    /// What is due at this time or later, or has no due date.
    pub due_from: Option<Timestamp>,
}

impl WorkFilter {
    /// Whether work of this urgency is asked for.
    pub(super) fn asks(&self, urgency: Urgency) -> bool {
        self.urgency.is_none_or(|wanted| wanted == urgency)
            && self.pressing.is_none_or(|pressing| pressing == urgency.is_pressing())
    }

    /// What the place of a Task depends on; none where it is not in the list.
    pub(super) fn place_of(&self, stored: &Stored) -> Option<PlaceKey> {
        let place = WorkPlace::of(stored)?;
        let is_asked = place.lists.contains(&self.owner)
            && self.asks(place.urgency)
            && self.due_before.is_none_or(|until| place.due.is_some_and(|due| due < until))
            && self.due_from.is_none_or(|from| place.due.is_none_or(|due| due >= from));
        is_asked.then(|| vec![Some(place.urgency.code().to_string()), place.due.map(|due| due.to_string())])
    }
}

/// Exactly how much open work there is, by urgency (in the order of `Urgency::ALL`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCounts {
    pub open: [u64; 4],
    /// Of those, what was due before the time asked.
    pub late: [u64; 4],
}

impl WorkCounts {
    pub fn total(&self) -> u64 {
        self.open.iter().sum()
    }

    pub fn total_late(&self) -> u64 {
        self.late.iter().sum()
    }

    pub fn of(&self, urgency: Urgency) -> u64 {
        self.open.get(usize::from(urgency.rank())).copied().unwrap_or_default()
    }

    /// Those of one urgency that were due before the time asked.
    pub fn late_of(&self, urgency: Urgency) -> u64 {
        self.late.get(usize::from(urgency.rank())).copied().unwrap_or_default()
    }

    /// Adds so many open ones of one urgency, all of them late or none.
    pub(super) fn add(&mut self, rank: u8, is_late: bool, count: u64) {
        if let Some(open) = self.open.get_mut(usize::from(rank)) {
            *open += count;
        }
        if is_late {
            self.turned_late(rank, count);
        }
    }

    /// So many that were added as open are late too.
    pub(super) fn turned_late(&mut self, rank: u8, count: u64) {
        if let Some(late) = self.late.get_mut(usize::from(rank)) {
            *late += count;
        }
    }
}

/// Where a piece of open work stands in the order, and in which lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkPlace {
    /// Whose it is: of the practice that was given it, also where a person there has taken it.
    pub owner: String,
    /// The names of its lists; none is everybody's.
    pub lists: Vec<Option<String>>,
    pub urgency: Urgency,
    pub due: Option<Timestamp>,
}

impl WorkPlace {
    /// None for what is no open work. A status that nobody knows counts as open: what cannot be told is shown.
    pub fn of(stored: &Stored) -> Option<Self> {
        let task = &stored.resource;
        let is_over = matches!(
            task.text("status").unwrap_or_default(),
            "draft" | "completed" | "cancelled" | "rejected" | "failed" | "entered-in-error"
        );
        if task.resource_type() != "Task" || is_over || stored.state.superseded.is_some() {
            return None;
        }
        let holder = work_owner(task.get("owner").unwrap_or(&Value::Null));
        let memory = stored.state.work.as_ref();
        let given_to = memory.and_then(|work| work.get("given_to")).filter(|owner| owner.is_object());
        let owner = given_to.map_or_else(|| holder.clone(), work_owner);
        let is_snoozed = memory.and_then(|work| work.get("snoozed")).is_some_and(Value::is_object);
        let is_taken = is_person(task.get("owner").unwrap_or(&Value::Null));
        let lists = if is_snoozed {
            let of = [None, Some(owner.as_str()), is_taken.then_some(holder.as_str())];
            let named = of.into_iter().enumerate().filter(|(place, of)| *place == 0 || of.is_some());
            named.map(|(_, of)| Some(Self::snoozed(of))).collect()
        } else if is_taken {
            vec![None, Some(owner.clone()), Some(holder)]
        } else {
            vec![None, Some(owner.clone()), Some(Self::nobodys(None)), Some(Self::nobodys(Some(&owner)))]
        };
        Some(Self { owner, lists, urgency: Urgency::of(task), due: due_of(task) })
    }

    /// The list of what no person has taken: of an owner, or of all.
    pub fn nobodys(owner: Option<&str>) -> String {
        format!("nobody's {}", owner.unwrap_or_default())
    }

    /// The list of what is snoozed and in no other list: of an owner, or of all.
    pub fn snoozed(owner: Option<&str>) -> String {
        format!("snoozed {}", owner.unwrap_or_default())
    }
}

/// Whether Task.owner names a person of this site.
fn is_person(owner: &Value) -> bool {
    owner.pointer("/identifier/system").and_then(Value::as_str) == Some(PERSON)
}

/// The last moment of the due date; a date without a time ends with its day in UTC.
pub fn due_of(task: &Resource) -> Option<Timestamp> {
    let end = task.get("restriction")?.get("period")?.get("end")?.as_str()?;
    Some(PartialDateTime::parse(end)?.range(&TimeZone::UTC)?.1)
}

/// Whose work it is by Task.owner: `system|value` of its identifier. Without one the beginning of its display, which names
/// the practice before the people in it ("Lakeside Family Practice: coach Sam Ortiz"), or else its reference.
pub fn work_owner(owner: &Value) -> String {
    let text = |pointer: &str| owner.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(value) = text("/identifier/value") {
        return format!("{}|{value}", text("/identifier/system").unwrap_or_default());
    }
    match text("/display") {
        Some(display) => display.split(": ").next().unwrap_or(display).to_string(),
        None => text("/reference").unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::{PersonId, ResourceId};

    fn task(content: Value) -> Stored {
        let mut resource = Resource::new("Task");
        for (element, value) in content.as_object().unwrap() {
            resource.set(element, value.clone());
        }
        Stored {
            id: ResourceId::of(PersonId::SHARED, "Task", "1"),
            version: 1,
            updated: Timestamp::UNIX_EPOCH,
            resource,
            state: Default::default(),
        }
    }

    #[test]
    fn only_work_that_is_over_or_not_begun_has_no_place() {
        for (status, open) in [
            ("requested", true),
            ("on-hold", true),
            ("waiting-for-a-bed", true),
            ("draft", false),
            ("failed", false),
            ("completed", false),
        ] {
            assert_eq!(WorkPlace::of(&task(json!({ "status": status }))).is_some(), open, "{status}");
        }
        let mut replaced = task(json!({ "status": "ready" }));
        replaced.state.superseded = Some(replaced.id);
        assert_eq!(WorkPlace::of(&replaced), None, "another stands for it");
    }

    #[test]
    fn a_due_date_ends_with_what_it_names() {
        let due = |end: &str| due_of(&task(json!({ "restriction": { "period": { "end": end } } })).resource);
        assert_eq!(due("2026-04-30").unwrap().to_string(), "2026-05-01T00:00:00Z");
        assert_eq!(due("2026-04-30T17:00:00-05:00").unwrap().to_string(), "2026-04-30T22:00:01Z");
        assert_eq!(due("soon"), None);
    }

    #[test]
    fn an_owner_without_identifier_is_the_practice_its_display_begins_with() {
        let known = json!({ "identifier": { "system": "urn:npi", "value": "77" }, "display": "Hillside: coach Bo" });
        assert_eq!(work_owner(&known), "urn:npi|77");
        assert_eq!(work_owner(&json!({ "display": "Hillside: coach Bo" })), "Hillside");
        assert_eq!(work_owner(&json!({ "display": "Hillside" })), "Hillside");
        assert_eq!(work_owner(&json!({ "reference": "Organization/9" })), "Organization/9");
    }
}
