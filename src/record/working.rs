//! A record while it is being changed: what is stored underneath, what this input writes on top.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fragment::Fragment;
use super::{Change, Record, State, Stored};
use crate::fhir::{Resource, without};
use crate::identity::{PersonId, ResourceId};

pub(super) use super::resources::Key;

const VISIT: &str = "Encounter";

pub(super) struct Working<'a> {
    records: Vec<&'a Record>,
    written: BTreeMap<Key, (Resource, State)>,
}

impl<'a> Working<'a> {
    pub fn over(records: Vec<&'a Record>) -> Self {
        Self { records, written: BTreeMap::new() }
    }

    fn stored(&self, key: &Key) -> Option<&'a Stored> {
        self.records.iter().find_map(|record| record.resources.get(key))
    }

    pub fn current(&self, key: &Key) -> Option<(&Resource, &State)> {
        match self.written.get(key) {
            Some((resource, state)) => Some((resource, state)),
            None => self.stored(key).map(|stored| (&stored.resource, &stored.state)),
        }
    }

    /// Every key of these persons, stored or written, in order.
    pub fn keys_of(&self, persons: &BTreeSet<PersonId>) -> BTreeSet<Key> {
        let stored = self.records.iter().flat_map(|record| record.resources.keys());
        stored.chain(self.written.keys()).filter(|(_, id)| persons.contains(&id.person)).cloned().collect()
    }

    /// The visits that nothing superseded and that have an identifier of one of these values, as they stand; all that are
    /// written are among them.
    pub fn visits<'s>(
        &'s self,
        values: impl Iterator<Item = &'s str> + Clone,
    ) -> impl Iterator<Item = (ResourceId, &'s Resource, &'s State)> {
        let numbered = self.records.iter().flat_map(move |record| {
            let found = values.clone().flat_map(|value| record.resources.visits_numbered(value));
            found.map(|stored| (stored.id, stored)).collect::<BTreeMap<_, _>>().into_values()
        });
        let is_written = |stored: &&Stored| self.written.contains_key(&(VISIT.to_string(), stored.id));
        let unwritten = numbered.filter(move |stored| !is_written(stored));
        let unwritten = unwritten.map(|stored| (stored.id, &stored.resource, &stored.state));
        let written = self.written.iter().filter(|((kind, _), _)| kind == VISIT);
        let written = written.map(|((_, id), (resource, state))| (*id, resource, state));
        unwritten.chain(written).filter(|(_, _, state)| state.superseded.is_none())
    }

    pub fn fragment(&self, key: &Key) -> Option<Fragment> {
        self.current(key).map(|(resource, state)| Fragment::stored(resource, state, key.1.person))
    }

    pub fn put(&mut self, key: Key, resource: Resource, state: State) {
        self.written.insert(key, (resource, state));
    }

    /// Joins a fragment to what is known of the thing.
    pub fn join(&mut self, key: Key, fragment: Fragment) {
        match self.fragment(&key) {
            Some(known) => self.settle(key, &known.join(fragment)),
            None => self.settle(key, &fragment),
        }
    }

    /// Puts what a fragment comes to in the place of what is known of the thing.
    pub fn settle(&mut self, key: Key, fragment: &Fragment) {
        let (resource, state) = fragment.settle(key.1.person);
        self.put(key, resource, state);
    }

    /// What must be written. Content that did not change makes no new version; of shared resources it is not written at
    /// all, because every message names the same practitioners and would wait for all others.
    pub fn changes(self, received: Timestamp) -> Vec<Change> {
        let Self { records, written } = self;
        let stored = |key: &Key| records.iter().find_map(|record| record.resources.get(key));
        let mut changes = Vec::new();
        for (key, (resource, mut state)) in written {
            let old = stored(&key);
            // What partners were sent of it does not follow from what is said of it, and stays true.
            state.sent = old.map(|old| old.state.sent.clone()).unwrap_or_default();
            let same = old.is_some_and(|old| says_the_same(&old.resource, &resource));
            if same && (key.1.person == PersonId::SHARED || old.is_some_and(|old| old.state == state)) {
                // Nothing lost: what is the same is not written again.
                continue;
            }
            let replaces = old.map_or(0, |old| old.version);
            let change = match old {
                Some(old) if same => Stored { state, ..old.clone() },
                _ => version(key.1, resource, state, replaces + 1, received),
            };
            changes.push(Change { stored: change, replaces });
        }
        changes
    }
}

/// The resource with its id and the `meta` of a version.
pub(super) fn version(id: ResourceId, mut bare: Resource, state: State, version: u64, received: Timestamp) -> Stored {
    let mut meta = match bare.remove("meta") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    meta.insert("versionId".to_string(), json!(version.to_string()));
    meta.insert("lastUpdated".to_string(), json!(received.to_string()));
    let mut resource = Resource::new(bare.resource_type());
    resource.set("id", json!(id.to_string()));
    resource.set("meta", Value::Object(meta));
    bare.remove("id");
    bare.remove("resourceType");
    resource.as_map_mut().extend(bare.into_map());
    Stored { id, version, updated: received, resource, state }
}

/// A new version of a stored resource that differs by what the gateway says of it (a label), and states nothing.
pub fn restated(stored: &Stored, resource: Resource, received: Timestamp) -> Change {
    let next = version(stored.id, resource, stored.state.clone(), stored.version + 1, received);
    Change { stored: next, replaces: stored.version }
}

/// Whether two say the same, without what the gateway adds to them.
fn says_the_same(one: &Resource, other: &Resource) -> bool {
    one.is_same_without(other, &["id", "meta"]) && own_meta(one) == own_meta(other)
}

fn own_meta(resource: &Resource) -> BTreeMap<&str, &Value> {
    let meta = resource.get("meta").and_then(Value::as_object);
    meta.map(|meta| without(meta, &["versionId", "lastUpdated"])).unwrap_or_default()
}

/// What a resource says, without what the gateway adds to it.
pub(super) fn content(resource: &Resource) -> Resource {
    let mut bare = resource.clone();
    bare.remove("id");
    if let Some(Value::Object(mut meta)) = bare.remove("meta") {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        bare.set("meta", if meta.is_empty() { Value::Null } else { Value::Object(meta) });
    }
    bare
}
