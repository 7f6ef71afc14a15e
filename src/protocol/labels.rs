//! Labels flow: work keeps the union of the security labels of what it tells of, and of what its rule implies, from when it is
//! made and whenever these change (http://hl7.org/fhir/R4/security-labels.html). A label that work once had it keeps: its notes
//! and its history may tell of what is no longer so. But the hold goes when everything it told of has been looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::reconcile::stamped;
use super::set::ProtocolSet;
use super::sources::Sources;
use super::view::View;
use super::work::Work;
use crate::fhir::{Resource, add_labels, is_hold, is_restricted, labels_of, retain_labels};
use crate::identity::ResourceId;
use crate::record::{Change, Record, Stored};

/// Types of work, each after those it may tell of.
const DERIVED: [&str; 5] = ["Task", "Flag", "Communication", "CarePlan", "Provenance"];

/// Labels the work in a record and among its changes; what gets or loses a label without another change becomes one.
pub fn flow(set: &ProtocolSet, view: &View<'_>, changes: &mut Vec<Change>) {
    let mut known = Known::of(view.record);
    for kind in DERIVED {
        let of_kind = |stored: &Stored| stored.resource.resource_type() == kind;
        let changed: BTreeSet<ResourceId> = changes
            .iter()
            .map(|change| &change.stored)
            .filter(|stored| of_kind(stored))
            .map(|stored| stored.id)
            .collect();
        for change in changes.iter_mut().filter(|change| of_kind(&change.stored)) {
            let wanted = known.wanted(set, &change.stored);
            if relabel(&mut change.stored.resource, &wanted) && !change.is_visible() {
                *change = anew(&change.stored, change.stored.resource.clone(), view);
            }
            known.learn(&change.stored);
        }
        for stored in view.record.of_type(kind).filter(|stored| !changed.contains(&stored.id)) {
            let wanted = known.wanted(set, stored);
            if has_exactly(&stored.resource, &wanted) {
                // Nothing lost: it has the labels that it should have.
                continue;
            }
            let mut resource = stored.resource.clone();
            relabel(&mut resource, &wanted);
            let change = anew(stored, resource, view);
            known.learn(&change.stored);
            changes.push(change);
        }
    }
}

fn anew(stored: &Stored, resource: Resource, view: &View<'_>) -> Change {
    stamped(stored.id, Some(stored), resource, view.now, stored.state.work.clone())
}

/// Gives a resource these labels and no others; true when it had not.
fn relabel(resource: &mut Resource, wanted: &[Value]) -> bool {
    let is_wanted = |label: &Value| wanted.iter().any(|other| is_same(label, other));
    let has_lost = retain_labels(resource, is_wanted);
    add_labels(resource, wanted) || has_lost
}

fn has_exactly(resource: &Resource, wanted: &[Value]) -> bool {
    let has = |label: &Value| labels_of(resource).any(|own| is_same(own, label));
    wanted.iter().all(has) && labels_of(resource).all(|own| wanted.iter().any(|label| is_same(own, label)))
}

fn is_same(one: &Value, other: &Value) -> bool {
    ["system", "code"].iter().all(|key| one.get(key) == other.get(key))
}

/// The labels of everything in a record that has some, by `Type/id`.
struct Known {
    labels: BTreeMap<String, Vec<Value>>,
    /// What turned out to be the same as another thing, and that.
    superseded: BTreeMap<String, String>,
}

impl Known {
    fn of(record: &Record) -> Self {
        let mut known = Self { labels: BTreeMap::new(), superseded: BTreeMap::new() };
        record.resources.labelled().for_each(|stored| known.learn(stored));
        for stored in record.resources.superseded() {
            let by = stored.state.superseded.map(|by| format!("{}/{by}", stored.resource.resource_type()));
            known.superseded.extend(by.map(|by| (name(stored), by)));
        }
        known
    }

    fn learn(&mut self, stored: &Stored) {
        let labels: Vec<Value> = labels_of(&stored.resource).cloned().collect();
        if labels.is_empty() {
            self.labels.remove(&name(stored));
        } else {
            self.labels.insert(name(stored), labels);
        }
    }

    /// The labels that a resource had, that its rule implies, and of what it refers to and tells of.
    fn wanted(&self, set: &ProtocolSet, stored: &Stored) -> Vec<Value> {
        let work = || stored.state.work.as_ref();
        let text = |name: &str| work().and_then(|work| work.get(name)?.as_str());
        let rule = text("protocol").zip(text("rule"));
        let mut labels = rule.map(|(protocol, rule)| set.implied(protocol, rule)).unwrap_or_default().to_vec();
        // Where nobody in the record has a label there is none to take over.
        if self.labels.is_empty() {
            return labels;
        }
        let work = Work::read(stored);
        // Of work that an earlier version made nobody knows what it told of.
        let is_exact = work.as_ref().is_none_or(|work| !work.told.is_empty());
        let mut sources: Sources = stored.resource.references().into_iter().map(str::to_string).collect();
        if let Some(work) = work {
            let ids = work.seen.keys().chain([&work.anchor]);
            sources.extend(ids.flat_map(|id| ["Observation", "Encounter"].map(|kind| format!("{kind}/{id}"))));
            sources.extend(work.told);
        }
        let of_sources = sources.iter().filter_map(|source| self.labels.get(self.follow(source)));
        let told: Vec<Value> = of_sources.flatten().cloned().collect();
        let own = self.labels.get(&name(stored)).cloned().unwrap_or_default();
        labels.extend(if is_exact { without_hold(own, &told) } else { own });
        labels.extend(told);
        labels
    }

    /// What took over from a thing, where something did.
    fn follow<'n>(&'n self, name: &'n str) -> &'n str {
        let mut current = name;
        // A chain is as long as there were corrections of one thing; the bound is against a loop.
        for _ in 0..8 {
            let Some(next) = self.superseded.get(current) else { break };
            current = next;
        }
        current
    }
}

/// The labels of work without the hold once nothing that it tells of waits for a look any more, and without the R that came
/// with it: beside any other label it has other reasons.
fn without_hold(mut own: Vec<Value>, told: &[Value]) -> Vec<Value> {
    if !own.iter().any(is_hold) || told.iter().any(is_hold) {
        return own;
    }
    // Nothing lost: somebody looked, and what they found is among the labels of what it tells of.
    own.retain(|label| !is_hold(label));
    if own.iter().all(is_restricted) && !told.iter().any(is_restricted) {
        own.clear();
    }
    own
}

fn name(stored: &Stored) -> String {
    format!("{}/{}", stored.resource.resource_type(), stored.id)
}
