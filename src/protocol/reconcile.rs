//! Compares what is owed with what is there: makes what is missing, updates what changed, takes back what nobody owes,
//! and leaves alone what a person has ended.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::context::Findings;
use super::facts::Facts;
use super::names;
use super::provenance::provenance;
use super::sources;
use super::view::{Explained, View};
use super::work::{Desired, Existing, Outcome, Work};
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::record::{Change, State, Stored};

/// Elements that belong to whoever works on it.
const KEPT: &[&str] =
    &["created", "note", "output", "businessStatus", "partOf", "location", "extension", "contained", "careTeam"];

pub fn reconcile(
    view: &View<'_>,
    facts: &Facts<'_>,
    findings: &mut Findings,
    mut existing: BTreeMap<String, Vec<Existing<'_>>>,
    reason: &str,
) -> Vec<Change> {
    let mut writing = Writing { view, facts, changes: Vec::new() };
    for desired in std::mem::take(&mut findings.desired) {
        let mut there = existing.remove(&desired.work.key()).unwrap_or_default().into_iter();
        if let Some(line) = desired.rests {
            findings.decisions.push(*line);
            // Nothing lost: it is as it was left when it was asked for.
            continue;
        }
        let first = there.next();
        let work = writing.settle(first.as_ref(), &desired);
        let line = explain(&desired, work);
        if desired.inputs.is_some() && there.len() == 0 {
            findings.memory.ask(desired, &line);
        }
        findings.decisions.push(line);
        // After a merge both records may have made the same work: one is enough.
        for double in there {
            writing.take_back(
                &double,
                &Outcome::Pointless("the same work is owed once; two records were merged".to_string()),
            );
        }
    }
    // Nothing lost: work that cannot be judged now stays as it is.
    existing.retain(|key, _| !findings.kept.contains(key));
    for left in existing.into_values().flatten() {
        let ending = findings.endings.remove(&left.work.key());
        let ending = ending.unwrap_or_else(|| Outcome::Pointless(reason.to_string()));
        if writing.take_back(&left, &ending) {
            findings.decisions.push(taken_back(&left, &ending));
        }
    }
    writing.changes
}

fn explain(desired: &Desired, work: Option<ResourceId>) -> Explained {
    let (applied, tail) = match &desired.outcome {
        Outcome::Open => (true, String::new()),
        Outcome::Done(words) => (true, format!(" Done: {words}.")),
        Outcome::Over(words) => (work.is_some(), format!(" Over: {words}.")),
        Outcome::Pointless(words) => (false, format!(" Not owed: {words}.")),
    };
    Explained {
        protocol: desired.work.protocol.clone(),
        rule: desired.work.rule.clone(),
        place: desired.work.place.clone(),
        words: format!("{}.{tail}", desired.words),
        // Nothing lost: a trigger is an id of ours, or there is none.
        about: desired.trigger.as_deref().and_then(|text| text.split_once('/')?.1.parse().ok()),
        work,
        applied,
    }
}

fn taken_back(left: &Existing<'_>, ending: &Outcome) -> Explained {
    Explained {
        protocol: left.work.protocol.clone(),
        rule: left.work.rule.clone(),
        place: left.work.place.clone(),
        words: format!("Taken back: {}.", ending.words()),
        about: None,
        work: Some(left.stored.id),
        applied: false,
    }
}

struct Writing<'w, 'a> {
    view: &'w View<'a>,
    facts: &'w Facts<'a>,
    changes: Vec<Change>,
}

/// The status words of a resource type: open, done, taken back.
fn words_of(resource_type: &str) -> (&'static str, &'static str, &'static str) {
    match resource_type {
        "Flag" => ("active", "inactive", "inactive"),
        "CarePlan" => ("active", "completed", "revoked"),
        _ => ("requested", "completed", "cancelled"),
    }
}

impl Writing<'_, '_> {
    /// Brings one piece of work to what is owed; the id of the work when there is some now.
    fn settle(&mut self, existing: Option<&Existing<'_>>, desired: &Desired) -> Option<ResourceId> {
        let Some(existing) = existing else {
            return match desired.outcome {
                Outcome::Open | Outcome::Done(_) => {
                    self.create(desired);
                    Some(desired.id)
                }
                Outcome::Over(_) | Outcome::Pointless(_) => None,
            };
        };
        if existing.is_left && desired.outcome == Outcome::Open {
            self.update(existing, &Desired { insists: true, ..desired.clone() });
        } else if !(existing.is_touched() && existing.is_ended()) {
            self.update(existing, desired);
        }
        Some(existing.stored.id)
    }

    fn create(&mut self, desired: &Desired) {
        let (open, done, _) = words_of(desired.resource.resource_type());
        let mut resource = desired.resource.clone();
        let mut work = desired.work.clone();
        work.status = if desired.outcome == Outcome::Open { open } else { done }.to_string();
        work.told = desired.sources.clone();
        resource.set("status", json!(work.status));
        self.end(&mut resource, &desired.outcome, &work.status);
        set_identifier(&mut resource, desired.id);
        let activity = ("CREATE", "create");
        self.write(desired.id, None, resource, work);
        self.tell(desired.id, desired, activity);
    }

    fn update(&mut self, existing: &Existing<'_>, desired: &Desired) {
        let (open, done, back) = words_of(desired.resource.resource_type());
        let mut work = desired.work.clone();
        let status = match desired.outcome {
            // What a person took on stays as they left it, unless there is more than they saw.
            Outcome::Open if existing.is_touched() && !desired.insists => existing.status(),
            Outcome::Open => open,
            Outcome::Done(_) | Outcome::Over(_) => done,
            Outcome::Pointless(_) => back,
        };
        // Only a status that the engine itself gives counts as given by it.
        let engine_speaks = status != existing.status() || !existing.is_touched();
        work.status = if engine_speaks { status.to_string() } else { existing.work.status.clone() };
        let taken =
            existing.work.acknowledged.or_else(|| existing.is_acknowledged().then_some(existing.stored.updated));
        work.acknowledged = taken.filter(|_| !desired.insists);
        work.closed = existing.work.closed;
        work.told = sources::remembered(&desired.sources, &existing.work.told);
        if !desired.insists {
            work.said.clone_from(&existing.work.said);
            work.given_to.clone_from(&existing.work.given_to);
            if status == existing.status() {
                work.snoozed.clone_from(&existing.work.snoozed);
            }
        }
        let mut resource = desired.resource.clone();
        resource.set("status", json!(status));
        let former = &existing.stored.resource;
        for element in KEPT {
            resource.set(element, former.get(element).cloned().unwrap_or(Value::Null));
        }
        if desired.insists {
            self.note_return(&mut resource, existing, desired);
        }
        if existing.is_touched() && !desired.insists && desired.outcome == Outcome::Open {
            for element in ["owner", "priority", "performerType"] {
                resource.set(element, former.get(element).cloned().unwrap_or(Value::Null));
            }
        }
        for element in work.said.iter().filter(|element| *element != "statusReason" || status == existing.status()) {
            resource.set(element, former.get(element).cloned().unwrap_or(Value::Null));
        }
        // A task begins with what triggered it, as it is known now: a discharge that was taken back and told again begins
        // it later. Alerts and programmes begin when they were first raised.
        if desired.work.level.is_some() || resource.resource_type() != "Task" {
            resource.set("authoredOn", former.get("authoredOn").cloned().unwrap_or(Value::Null));
            keep_start(&mut resource, former, existing.is_ended() && status == open);
        }
        if super::work::is_final(status) {
            self.end(&mut resource, &desired.outcome, status);
            keep_end(&mut resource, former, existing.status() == status);
        }
        set_identifier(&mut resource, existing.stored.id);
        if same(&resource, former) && self.remember(existing.stored, &work) {
            return;
        }
        let changed_status = status != existing.status();
        self.write(existing.stored.id, Some(existing.stored), resource, work);
        if changed_status {
            self.tell(existing.stored.id, desired, ("UPDATE", status));
        }
    }

    /// True where only what it tells of is new, or nothing is: that is remembered, and there is nothing to tell anybody.
    fn remember(&mut self, stored: &Stored, work: &Work) -> bool {
        // Nothing lost: what has no memory is written anew.
        let Some(known) = Work::read(stored) else { return false };
        let is_same = *work == Work { told: work.told.clone(), ..known.clone() };
        if is_same && known.told != work.told {
            let mut stored = stored.clone();
            // Nothing lost: the engine's memory always is JSON.
            stored.state.work = serde_json::to_value(work).ok();
            let replaces = stored.version;
            self.changes.push(Change { stored, replaces });
        }
        is_same
    }

    /// Who had it, since when, and why it is asked anew.
    fn note_return(&self, resource: &mut Resource, existing: &Existing<'_>, desired: &Desired) {
        let why = if existing.is_left { "the patient is with another practice now" } else { &desired.words };
        let since = self.facts.say(existing.touched_at());
        let text = format!("It was {} on {since}, and is asked for again: {why}.", existing.status());
        let note = json!({ "authorString": "Handover", "time": self.facts.date_time(self.view.now), "text": text });
        let mut notes = resource.get("note").and_then(Value::as_array).cloned().unwrap_or_default();
        notes.push(note);
        resource.set("note", Value::Array(notes));
    }

    /// Ends work that nobody owes; false when it had ended already.
    fn take_back(&mut self, left: &Existing<'_>, ending: &Outcome) -> bool {
        if left.is_ended() {
            return false;
        }
        let mut resource = left.stored.resource.clone();
        let (_, done, back) = words_of(resource.resource_type());
        let status = if matches!(ending, Outcome::Pointless(_)) { back } else { done };
        let mut work = (*left.work).clone();
        work.status = status.to_string();
        resource.set("status", json!(status));
        self.end(&mut resource, ending, status);
        self.write(left.stored.id, Some(left.stored), resource, work);
        true
    }

    /// Says how and when it ended.
    fn end(&self, resource: &mut Resource, outcome: &Outcome, status: &str) {
        if !super::work::is_final(status) {
            return;
        }
        let now = self.facts.date_time(self.view.now);
        let element = if resource.resource_type() == "Task" { "executionPeriod" } else { "period" };
        if let Some(period) = resource.as_map_mut().get_mut(element).and_then(Value::as_object_mut) {
            period.insert("end".to_string(), json!(now));
        }
        if resource.resource_type() == "Task" && *outcome != Outcome::Open {
            resource.set("statusReason", json!({ "text": outcome.words() }));
        }
    }

    fn write(&mut self, id: ResourceId, former: Option<&Stored>, mut resource: Resource, work: Work) {
        if resource.resource_type() == "Task" {
            resource.set("lastModified", json!(self.facts.date_time(self.view.now)));
        }
        // Nothing lost: the engine's memory always is JSON.
        let change = stamped(id, former, resource, self.view.now, serde_json::to_value(&work).ok());
        self.changes.push(change);
    }

    /// A Provenance for what was just written.
    fn tell(&mut self, id: ResourceId, desired: &Desired, activity: (&str, &str)) {
        let resource = provenance(self.facts, id, desired, activity, self.view.now);
        let mut key = format!("{}/{}/{}", desired.resource.resource_type(), desired.work.key(), activity.1);
        // It may be asked anew more than once, and each time is part of its history.
        if desired.insists {
            key.push_str(&format!("/{}", self.view.now));
        }
        let own = ResourceId::of(id.person, "Provenance", &key);
        let former = self.view.record.get("Provenance", own).cloned();
        self.changes.push(stamped(own, former.as_ref(), resource, self.view.now, None));
    }
}

/// A version of a resource, ready to be written.
pub fn stamped(
    id: ResourceId,
    former: Option<&Stored>,
    mut resource: Resource,
    now: jiff::Timestamp,
    work: Option<Value>,
) -> Change {
    let replaces = former.map_or(0, |former| former.version);
    let version = replaces + 1;
    let mut meta = resource.get("meta").cloned().unwrap_or_else(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("versionId".to_string(), json!(version.to_string()));
        meta.insert("lastUpdated".to_string(), json!(now.to_string()));
    }
    resource.set("id", json!(id.to_string()));
    resource.set("meta", meta);
    let mut state = former.map_or_else(State::default, |former| former.state.clone());
    state.work = work;
    Change { stored: Stored { id, version, updated: now, resource, state }, replaces }
}

fn set_identifier(resource: &mut Resource, id: ResourceId) {
    let system = match resource.resource_type() {
        "Flag" => names::FLAG_IDENTIFIER,
        "CarePlan" => names::PLAN_IDENTIFIER,
        _ => names::TASK_IDENTIFIER,
    };
    resource.set("identifier", json!([{ "system": system, "value": id.to_string() }]));
}

/// When it began stays, but where a question is asked anew.
fn keep_start(resource: &mut Resource, former: &Resource, begins_anew: bool) {
    let element = if resource.resource_type() == "Task" { "executionPeriod" } else { "period" };
    let start = former.get(element).and_then(|period| period.get("start")).cloned();
    let is_flag = resource.resource_type() == "Flag";
    if let (Some(start), Some(period)) = (start, resource.as_map_mut().get_mut(element).and_then(Value::as_object_mut))
        && !(is_flag && begins_anew)
    {
        period.insert("start".to_string(), start);
    }
}

/// When it ended stays while it is ended.
fn keep_end(resource: &mut Resource, former: &Resource, was_ended: bool) {
    let element = if resource.resource_type() == "Task" { "executionPeriod" } else { "period" };
    let end = former.get(element).and_then(|period| period.get("end")).cloned();
    if let (Some(end), Some(period)) = (end, resource.as_map_mut().get_mut(element).and_then(Value::as_object_mut))
        && was_ended
    {
        period.insert("end".to_string(), end);
    }
}

/// The same but for what every write changes.
fn same(left: &Resource, right: &Resource) -> bool {
    left.is_same_without(right, &["id", "meta", "lastModified"])
}
