//! Labels flow: work keeps the union of the security labels of what it tells of, and of what its rule implies, from when it is
//! made and whenever these change (http://hl7.org/fhir/R4/security-labels.html). A label that work once had it keeps: its notes
//! and its history may tell of what is no longer so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::model::{Codes, ConditionCount, Protocol, TaskRule, Trigger, Who};
use super::reconcile::stamped;
use super::set::ProtocolSet;
use super::sources::Sources;
use super::view::View;
use super::work::{Desired, Existing, Work, key};
use crate::fhir::{Resource, add_labels, labels_of};
use crate::identity::ResourceId;
use crate::record::{Change, Record, Stored};

/// Types of work, each after those it may tell of.
const DERIVED: [&str; 5] = ["Task", "Flag", "Communication", "CarePlan", "Provenance"];

/// What each piece of work that is owed tells of, by the id that it has or will have.
pub fn told(desired: &[Desired], existing: &BTreeMap<String, Vec<Existing<'_>>>) -> BTreeMap<ResourceId, Sources> {
    let id_of = |one: &Desired| {
        let there = existing.get(&one.work.key()).and_then(|there| there.first());
        there.map_or(one.id, |there| there.stored.id)
    };
    desired.iter().map(|one| (id_of(one), one.sources.clone())).collect()
}

/// Labels the work in a record and among its changes; what gets a new label without another change becomes one.
pub fn flow(set: &ProtocolSet, view: &View<'_>, told: &BTreeMap<ResourceId, Sources>, changes: &mut Vec<Change>) {
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
            let wanted = known.wanted(set, &change.stored, told);
            add_labels(&mut change.stored.resource, &wanted);
            known.learn(&change.stored);
        }
        for stored in view.record.of_type(kind).filter(|stored| !changed.contains(&stored.id)) {
            let wanted = known.wanted(set, stored, told);
            let mut resource = stored.resource.clone();
            if add_labels(&mut resource, &wanted) {
                let change = stamped(stored.id, Some(stored), resource, view.now, stored.state.work.clone());
                known.learn(&change.stored);
                changes.push(change);
            }
        }
    }
}

/// The labels of everything in a record that has some, by `Type/id`.
struct Known(BTreeMap<String, Vec<Value>>);

impl Known {
    fn of(record: &Record) -> Self {
        let mut known = Self(BTreeMap::new());
        record.resources.values().for_each(|stored| known.learn(stored));
        known
    }

    fn learn(&mut self, stored: &Stored) {
        let labels: Vec<Value> = labels_of(&stored.resource).cloned().collect();
        if !labels.is_empty() {
            self.0.insert(name(stored), labels);
        }
    }

    /// The labels of what a resource was, refers to, and tells of.
    fn wanted(&self, set: &ProtocolSet, stored: &Stored, told: &BTreeMap<ResourceId, Sources>) -> Vec<Value> {
        let work = Work::read(stored);
        let mut labels = work.as_ref().map(|work| set.implied(&work.protocol, &work.rule)).unwrap_or_default().to_vec();
        // Where nobody in the record has a label there is none to take over.
        if self.0.is_empty() {
            return labels;
        }
        let mut sources = Sources::from([name(stored)]);
        sources.extend(told.get(&stored.id).into_iter().flatten().cloned());
        sources.extend(references(&stored.resource));
        if let Some(work) = work {
            let ids = work.seen.keys().chain([&work.anchor]);
            sources.extend(ids.flat_map(|id| ["Observation", "Encounter"].map(|kind| format!("{kind}/{id}"))));
        }
        labels.extend(sources.iter().filter_map(|source| self.0.get(source)).flatten().cloned());
        labels
    }
}

fn name(stored: &Stored) -> String {
    format!("{}/{}", stored.resource.resource_type(), stored.id)
}

/// Every literal reference anywhere in a resource.
fn references(resource: &Resource) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), resource.as_map().values().collect::<Vec<_>>());
    while let Some(value) = next.pop() {
        match value {
            Value::Object(map) => {
                found.extend(map.get("reference").and_then(Value::as_str).map(str::to_string));
                next.extend(map.values());
            }
            Value::Array(items) => next.extend(items),
            // Nothing lost: a text or number refers to nothing.
            _ => {}
        }
    }
    found
}

/// The labels that a site gives to what asks for some value sets and listed codes.
pub type LabelsOf<'l> = &'l dyn Fn(&[String], &[(String, String)]) -> Vec<Value>;

/// What each rule of a protocol implies, by protocol and rule.
pub fn implied_by(protocol: &Protocol, labels_of: LabelsOf<'_>) -> BTreeMap<String, Vec<Value>> {
    let mut implied = BTreeMap::new();
    let mut add = |rule: &str, own: &Who, reasons: Vec<&Codes>| {
        let groups = [own, &protocol.who].into_iter().filter_map(|who| who.conditions.as_ref()).flat_map(groups);
        let sets = reasons.iter().flat_map(|codes| codes.value_sets.clone()).chain(groups);
        let listed = reasons.iter().flat_map(|codes| codes.listed.clone());
        let labels = labels_of(&sets.collect::<Vec<_>>(), &listed.collect::<Vec<_>>());
        if !labels.is_empty() {
            implied.insert(key(&protocol.name, rule, ""), labels);
        }
    };
    protocol.tasks.iter().for_each(|rule| add(&rule.id, &rule.who, reasons_of(rule)));
    for rule in &protocol.alerts {
        add(&rule.id, &rule.who, rule.series.iter().map(|series| &series.codes).collect());
    }
    protocol.prompts.iter().for_each(|prompt| add(&prompt.id, &prompt.who, Vec::new()));
    protocol.plan.iter().for_each(|_| add("plan", &Who::default(), Vec::new()));
    implied
}

fn reasons_of(rule: &TaskRule) -> Vec<&Codes> {
    match &rule.when {
        Trigger::Arrival(test) | Trigger::Discharge(test) | Trigger::Count { test, .. } => {
            test.reasons.iter().map(|reason| &reason.codes).collect()
        }
        Trigger::Answer { .. } => Vec::new(),
    }
}

/// Where several diagnoses are asked for, none of them is implied.
fn groups(count: &ConditionCount) -> Vec<String> {
    if count.at_least > 1 { Vec::new() } else { count.groups.clone() }
}
