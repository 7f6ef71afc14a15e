//! What a new roster changes, told before it does: who joins, who leaves, who changes, and which open work ends because its
//! patient leaves. A roster that takes many away, or urgent work, is taken over only when somebody says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use super::Gateway;
use crate::fhir::{Identifier, concept_title};
use crate::problem::{Category, Place, Problem};
use crate::record::{Membership, Stored};
use crate::site::Practice;
use crate::store::{Query, StoreError, Term, Urgency, WorkCounts, WorkPlace, due_of, work_owner};

/// Of a hundred members, so many may leave without being asked about.
const LEAVING_PERCENT: usize = 5;
/// Read from the store at once.
const CHUNK: usize = 1000;

/// What a roster does to a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterChange {
    pub panel: String,
    pub members_before: usize,
    pub members: usize,
    /// By the first identifier of each, `system|value`.
    pub joining: Vec<String>,
    pub leaving: Vec<String>,
    pub changing: Vec<String>,
    /// Open Tasks of the practice for patients who leave, the most urgent first.
    pub ending: Vec<EndingWork>,
    /// Why it needs somebody's word; empty when it does not.
    pub asks: Vec<String>,
}

/// A Task that ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EndingWork {
    #[serde(skip)]
    place: (Urgency, bool, Option<jiff::Timestamp>),
    pub task: String,
    pub title: String,
    pub priority: &'static str,
    pub due: Option<String>,
}

impl RosterChange {
    /// Of a panel that has no members yet.
    pub fn first(panel: &str, members: &[Membership]) -> Self {
        Self {
            panel: panel.to_string(),
            members_before: 0,
            members: members.len(),
            joining: members.iter().map(name).collect(),
            leaving: Vec::new(),
            changing: Vec::new(),
            ending: Vec::new(),
            asks: Vec::new(),
        }
    }
}

impl Gateway {
    /// Compares a roster with the panel as it is. Changes nothing.
    pub async fn roster_change(&self, panel: &str, members: &[Membership]) -> Result<RosterChange, StoreError> {
        let before = self.members_of(panel).await?;
        let (joining, leaving, changing) = compare(panel, &before, members);
        let mut ending = self.work_of(panel, &leaving).await?;
        ending.sort_unstable();
        let names = |members: &[&Membership]| members.iter().map(|member| name(member)).collect();
        Ok(RosterChange {
            panel: panel.to_string(),
            members_before: before.len(),
            members: members.len(),
            joining: names(&joining),
            leaving: names(&leaving),
            changing: names(&changing),
            asks: asks(before.len(), leaving.len(), &ending),
            ending,
        })
    }

    async fn members_of(&self, panel: &str) -> Result<Vec<Membership>, StoreError> {
        let (mut members, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.panel(panel, after.as_ref(), CHUNK).await?;
            members.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(members);
            }
        }
    }

    /// The practice's open work for these members, as far as they are known here.
    async fn work_of(&self, panel: &str, members: &[&Membership]) -> Result<Vec<EndingWork>, StoreError> {
        let site = self.site.load();
        let practice = site.panels.get(panel).map(|panel| owner(&panel.practice));
        let identifiers: Vec<Identifier> = members.iter().flat_map(|member| member.identifiers.clone()).collect();
        let mut persons = BTreeSet::new();
        for chunk in identifiers.chunks(CHUNK) {
            persons.extend(self.store.persons_of(chunk).await?.into_iter().flatten());
        }
        let mut found = Vec::new();
        for person in persons {
            let query = Query { resource_type: "Task".to_string(), terms: vec![Term::Patient(vec![person])] };
            let mut after = None;
            loop {
                let page = self.store.search(&query, after.as_ref(), CHUNK).await?;
                let open = page.items.iter().filter_map(|task| Some((task, WorkPlace::of(task)?)));
                let own = open.filter(|(_, place)| practice.as_ref().is_none_or(|practice| *practice == place.owner));
                let own: Vec<_> = own.map(|(task, place)| ending(task, &place)).collect();
                // Nothing lost: what changed meanwhile comes again, as it is now.
                found.retain(|known: &EndingWork| own.iter().all(|one| one.task != known.task));
                found.extend(own);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// How a practice's work is found in the store's order of work.
pub fn owner(practice: &Practice) -> String {
    let identifier = practice.identifier.as_ref().map(Identifier::to_json);
    work_owner(&json!({ "identifier": identifier, "display": practice.name }))
}

/// The rule's own words, without those of the patient's.
fn title(task: &crate::fhir::Resource) -> String {
    concept_title(task.get("code")).unwrap_or("a task").to_string()
}

fn name(member: &Membership) -> String {
    member.identifiers.first().map(|first| format!("{}|{}", first.system, first.value)).unwrap_or_default()
}

/// Members are the same when they share an identifier, whichever stands first.
fn compare<'m>(
    panel: &str,
    before: &'m [Membership],
    after: &'m [Membership],
) -> (Vec<&'m Membership>, Vec<&'m Membership>, Vec<&'m Membership>) {
    let index = |members: &'m [Membership]| -> BTreeMap<&'m Identifier, &'m Membership> {
        members.iter().flat_map(|member| member.identifiers.iter().map(move |one| (one, member))).collect()
    };
    let (known, new) = (index(before), index(after));
    let other = |index: &BTreeMap<&Identifier, &'m Membership>, member: &Membership| {
        member.identifiers.iter().find_map(|one| index.get(one).copied())
    };
    let joining = after.iter().filter(|member| other(&known, member).is_none()).collect();
    let leaving = before.iter().filter(|member| other(&new, member).is_none()).collect();
    let differs = |member: &&Membership| {
        let same = |old: &Membership| Membership { panel: panel.to_string(), ..(*member).clone() } == *old;
        other(&known, member).is_some_and(|old| !same(old))
    };
    (joining, leaving, after.iter().filter(differs).collect())
}

fn asks(before: usize, leaving: usize, ending: &[EndingWork]) -> Vec<String> {
    let mut asks = Vec::new();
    if leaving * 100 > before * LEAVING_PERCENT {
        let percent = leaving * 100 / before.max(1);
        asks.push(format!("{leaving} of {before} members leave ({percent} %, more than {LEAVING_PERCENT} %)"));
    }
    let mut counts = WorkCounts::default();
    for (sum, urgency) in counts.open.iter_mut().zip(Urgency::ALL) {
        *sum = ending.iter().filter(|work| work.place.0 == urgency).count() as u64;
    }
    let urgent: Vec<String> = Urgency::ALL
        .into_iter()
        .filter(|urgency| *urgency != Urgency::Routine && counts.of(*urgency) > 0)
        .map(|urgency| format!("{} {}", counts.of(urgency), urgency.code()))
        .collect();
    if !urgent.is_empty() {
        asks.push(format!("urgent work of those who leave is open and ends ({})", urgent.join(", ")));
    }
    asks
}

impl RosterChange {
    /// A refusal in words; none where nobody needs to be asked. Names no patient.
    pub fn refusal(&self) -> Option<Problem> {
        let why = self.asks.join("; ");
        let text = format!(
            "the roster of panel {} was not taken over: {why}. Look at it with `handover panel import FILE --panel {} --check`; \
             if it is right, import it with --accept",
            self.panel, self.panel
        );
        (!self.asks.is_empty()).then(|| Problem::error(Category::Conflict, Place::Whole, text))
    }
}

/// How the gateway's condition names a panel that does not follow its roster.
pub fn part(panel: &str) -> String {
    format!("panel {panel}")
}

fn ending(task: &Stored, place: &WorkPlace) -> EndingWork {
    EndingWork {
        place: (place.urgency, place.due.is_none(), place.due),
        task: format!("Task/{}", task.id),
        title: title(&task.resource),
        priority: place.urgency.code(),
        due: due_of(&task.resource).map(|due| due.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(numbers: &[&str], phone: &str) -> Membership {
        let identifiers = numbers.iter().map(|number| Identifier::new("urn:s", *number)).collect();
        Membership { phone: Some(phone.into()), ..Membership::new("hillside", identifiers) }
    }

    fn numbers(members: &[&Membership]) -> Vec<String> {
        members.iter().map(|member| name(member)).collect()
    }

    #[test]
    fn whoever_is_known_by_any_number_neither_joins_nor_leaves() {
        let before = [member(&["1", "M1"], "a"), member(&["2"], "a"), member(&["3"], "a"), member(&["4"], "a")];
        // 1 is named by another number first, 2 stays, 3 has another phone, 4 is gone and 5 is new.
        let after = [member(&["M1", "1"], "a"), member(&["2"], "a"), member(&["3"], "b"), member(&["5"], "a")];
        let (joining, leaving, changing) = compare("hillside", &before, &after);
        assert_eq!(numbers(&joining), ["urn:s|5"]);
        assert_eq!(numbers(&leaving), ["urn:s|4"]);
        assert_eq!(numbers(&changing), ["urn:s|M1", "urn:s|3"]);
    }

    #[test]
    fn more_than_one_in_twenty_or_any_urgent_work_needs_a_word() {
        let work = |urgency: Urgency| EndingWork {
            place: (urgency, true, None),
            task: "Task/1".into(),
            title: "Call".into(),
            priority: urgency.code(),
            due: None,
        };
        assert!(asks(100, 5, &[work(Urgency::Routine)]).is_empty());
        assert_eq!(asks(100, 6, &[]), ["6 of 100 members leave (6 %, more than 5 %)"]);
        assert!(asks(0, 0, &[]).is_empty(), "the first roster of a panel");
        let urgent = asks(1000, 1, &[work(Urgency::Stat), work(Urgency::Urgent), work(Urgency::Stat)]);
        assert_eq!(urgent, ["urgent work of those who leave is open and ends (2 stat, 1 urgent)"]);
    }
}
