//! Security labels of what a message brings: its own, and those that a protected person or visit hands on to all that is told of
//! them, before the flag came and after. How labels go on from there to work and out is the agreements' and the protocols' room.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::said::Said;
use crate::agreement::{label_arrival, protection};
use crate::fhir::Resource;
use crate::identity::{Identified, PersonId, ResourceId};
use crate::problem::{Category, Place, Problem};
use crate::record::{Change, Record, Stored, restated, squash};
use crate::unused::{Duty, Kind};

/// Labels the drafts of a message.
pub(super) fn label_drafts(said: &Said<'_>, record: &Record, drafts: &mut [Identified], problems: &mut Vec<Problem>) {
    let uncoded = said.feed.labelling.uncoded;
    let mut open = 0;
    for identified in drafts {
        let known = known(record, identified);
        let resource = &mut identified.draft.resource;
        open += usize::from(label_arrival(resource, known, &said.site.value_sets, uncoded));
    }
    if open > 0 {
        let text = "a diagnosis without a code that everybody can look up is kept back until somebody has looked at it: \
                    `handover look`, as the feed's `uncoded_diagnoses` says";
        let problem = Problem::information(Category::Suppressed, Place::Element("Condition.code".to_string()), text);
        problems.push(problem.unused(Kind::Diagnosis, "not looked at").owed_by(Duty::Practice));
    }
}

/// The same thing as the record has it, under whichever of its patient's records.
fn known<'r>(record: &'r Record, identified: &Identified) -> Option<&'r Resource> {
    let (kind, local) = (identified.draft.resource.resource_type(), identified.id.local);
    let persons = std::iter::once(identified.id.person).chain(record.head.family());
    let mut same = persons.filter_map(|person| record.get(kind, ResourceId { person, local }));
    same.find(|stored| stored.state.superseded.is_none()).map(|stored| &stored.resource)
}

/// The changes with those that follow of protection: what belongs to a protected person or visit has its labels.
pub(super) fn spread(records: &[&Record], changes: Vec<Change>, received: Timestamp) -> Vec<Change> {
    let more = {
        let protects = Protects::of(records, &changes);
        if protects.is_empty() {
            return changes;
        }
        let stands = standing(records, &changes);
        let own = stands.values().filter(|stored| stored.state.work.is_none() && stored.state.superseded.is_none());
        own.filter_map(|stored| {
            let mut labelled = stored.resource.clone();
            let labels = protects.labels_for(&labelled);
            if !labels.is_empty() {
                labelled.add_to_meta("security", labels);
            }
            (labelled != stored.resource).then(|| restated(stored, labelled, received))
        })
        .collect::<Vec<Change>>()
    };
    squash(changes.into_iter().chain(more).collect())
}

type Standing<'a> = BTreeMap<(&'a str, ResourceId), &'a Stored>;

/// What the records hold once the changes are made, without what belongs to nobody.
fn standing<'a>(records: &[&'a Record], changes: &'a [Change]) -> Standing<'a> {
    let stored = records.iter().flat_map(|record| record.resources.values());
    let all = stored.chain(changes.iter().map(|change| &change.stored));
    all.filter(|stored| stored.id.person != PersonId::SHARED)
        .map(|stored| ((stored.resource.resource_type(), stored.id), stored))
        .collect()
}

/// Who and what is protected, and by which labels.
struct Protects {
    person: Vec<Value>,
    /// By reference: `Encounter/…`.
    visits: BTreeMap<String, Vec<Value>>,
}

impl Protects {
    /// What the records say of patients and visits once the changes are made. What has no label protects nothing.
    fn of(records: &[&Record], changes: &[Change]) -> Self {
        let labels_of = |kind: &'static str| {
            let stored = records.iter().flat_map(|record| record.resources.labelled());
            let changed = changes.iter().map(|change| &change.stored);
            let of_kind = move |stored: &&Stored| stored.resource.resource_type() == kind;
            let by_id: BTreeMap<ResourceId, Vec<Value>> =
                stored.chain(changed).filter(of_kind).map(|stored| (stored.id, protection(&stored.resource))).collect();
            by_id.into_iter().filter(|(_, labels)| !labels.is_empty())
        };
        Self {
            person: labels_of("Patient").flat_map(|(_, labels)| labels).collect(),
            visits: labels_of("Encounter").map(|(id, labels)| (format!("Encounter/{id}"), labels)).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.person.is_empty() && self.visits.is_empty()
    }

    fn labels_for(&self, resource: &Resource) -> Vec<Value> {
        let mut labels = self.person.clone();
        if !self.visits.is_empty() {
            let references = resource.references();
            labels.extend(references.into_iter().filter_map(|reference| self.visits.get(reference)).flatten().cloned());
        }
        labels
    }
}
