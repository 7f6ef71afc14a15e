//! The resources of a record, with what is asked of them at every input kept beside them: a look at each of them would cost
//! more with every year of a life.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;

use jiff::Timestamp;
use serde_json::Value;

use super::Stored;
use crate::fhir::{codings_of, labels_of, observed_at};
use crate::identity::{PersonId, ResourceId};

/// A resource by type and id.
pub type Key = (String, ResourceId);

/// Resources by type and id. What is only read is read as of a map.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    all: BTreeMap<Key, Stored>,
    /// Those that have security labels.
    labelled: BTreeSet<Key>,
    /// Those that turned out to be the same as another one.
    superseded: BTreeSet<Key>,
    /// Those that belong to no patient.
    shared: BTreeSet<Key>,
    /// Observations, the newest first: by when they were true, or else when they were written; superseded ones among them.
    observed: BTreeSet<(Reverse<Timestamp>, ResourceId)>,
    /// Observations by each code that they or their components state, with its system, empty where none is.
    coded: BTreeMap<(String, String), BTreeSet<ResourceId>>,
    /// Encounters by the values of their identifiers.
    numbered: BTreeMap<String, BTreeSet<ResourceId>>,
    /// The visits that Observations name, by reference, and how many do.
    observed_in: BTreeMap<String, usize>,
    /// By type, a hash of which versions there are.
    digests: BTreeMap<String, u64>,
}

impl Resources {
    /// Puts a resource in the place of the one with its id.
    pub fn put(&mut self, stored: Stored) {
        self.insert((stored.resource.resource_type().to_string(), stored.id), stored);
    }

    pub fn insert(&mut self, key: Key, stored: Stored) {
        if let Some(former) = self.all.remove(&key) {
            self.forget(&key, &former);
        }
        self.note(&key, &stored);
        self.all.insert(key, stored);
    }

    pub fn remove(&mut self, key: &Key) -> Option<Stored> {
        let gone = self.all.remove(key)?;
        self.forget(key, &gone);
        Some(gone)
    }

    pub fn labelled(&self) -> impl Iterator<Item = &Stored> {
        self.labelled.iter().filter_map(|key| self.all.get(key))
    }

    pub fn superseded(&self) -> impl Iterator<Item = &Stored> {
        self.superseded.iter().filter_map(|key| self.all.get(key))
    }

    /// When the oldest Observation was true.
    pub fn observed_first(&self) -> Option<Timestamp> {
        self.observed.last().map(|(Reverse(at), _)| *at)
    }

    /// The Observations that state such a code, themselves or in a component, in the order of their ids. Costs what it gives, and a
    /// question for each code that there is.
    pub fn observed_as(&self, is_such: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = &Stored> {
        let such = self.coded.iter().filter(|((system, code), _)| is_such(system, code));
        let ids: BTreeSet<ResourceId> = such.flat_map(|(_, ids)| ids).copied().collect();
        let mut key = ("Observation".to_string(), ResourceId::FIRST);
        ids.into_iter().filter_map(move |id| {
            key.1 = id;
            self.all.get(&key)
        })
    }

    /// The visits that have an identifier of this value, whoever gave it.
    pub fn visits_numbered(&self, value: &str) -> impl Iterator<Item = &Stored> {
        let ids = self.numbered.get(value).into_iter().flatten();
        ids.filter_map(|id| self.all.get(&("Encounter".to_string(), *id)))
    }

    /// The visits in which something was observed, by reference.
    pub fn observed_in(&self) -> impl Iterator<Item = &str> {
        self.observed_in.keys().map(String::as_str)
    }

    /// A hash of which versions there are of a type.
    pub fn digest(&self, kind: &str) -> u64 {
        self.digests.get(kind).copied().unwrap_or_default()
    }

    /// Takes what belongs to no patient away.
    pub fn remove_shared(&mut self) {
        for key in self.shared.clone() {
            self.remove(&key);
        }
    }

    /// Takes all but the newest Observations away; true when there were more.
    pub fn keep_newest_observations(&mut self, most: usize) -> bool {
        let is_more = self.observed.len() > most;
        while self.observed.len() > most
            && let Some((_, id)) = self.observed.last().copied()
        {
            self.remove(&("Observation".to_string(), id));
        }
        is_more
    }

    fn note(&mut self, key: &Key, stored: &Stored) {
        if labels_of(&stored.resource).next().is_some() {
            self.labelled.insert(key.clone());
        }
        if stored.state.superseded.is_some() {
            self.superseded.insert(key.clone());
        }
        if key.1.person == PersonId::SHARED {
            self.shared.insert(key.clone());
        }
        self.observed.extend(observed(key, stored));
        if let Some(visit) = observed_in(key, stored) {
            *self.observed_in.entry(visit.to_string()).or_default() += 1;
        }
        for (system, code) in observed_codes(key, stored) {
            self.coded.entry((system.to_string(), code.to_string())).or_default().insert(key.1);
        }
        self.turn(key, stored);
        for value in numbers(key, stored) {
            self.numbered.entry(value.to_string()).or_default().insert(key.1);
        }
    }

    fn forget(&mut self, key: &Key, former: &Stored) {
        self.labelled.remove(key);
        self.superseded.remove(key);
        self.shared.remove(key);
        if let Some(place) = observed(key, former) {
            self.observed.remove(&place);
        }
        if let Some(visit) = observed_in(key, former)
            && let Some(count) = self.observed_in.get_mut(visit)
        {
            *count -= 1;
            if *count == 0 {
                self.observed_in.remove(visit);
            }
        }
        for (system, code) in observed_codes(key, former) {
            let place = (system.to_string(), code.to_string());
            if let Some(ids) = self.coded.get_mut(&place) {
                ids.remove(&key.1);
                if ids.is_empty() {
                    self.coded.remove(&place);
                }
            }
        }
        self.turn(key, former);
        for value in numbers(key, former) {
            if let Some(ids) = self.numbered.get_mut(value) {
                ids.remove(&key.1);
                if ids.is_empty() {
                    self.numbered.remove(value);
                }
            }
        }
    }
}

impl Resources {
    /// Puts a version into its type's hash, or takes it out of it.
    fn turn(&mut self, (kind, id): &Key, stored: &Stored) {
        let mut hasher = DefaultHasher::new();
        (id, stored.version, stored.state.superseded).hash(&mut hasher);
        match self.digests.get_mut(kind) {
            Some(digest) => *digest ^= hasher.finish(),
            None => _ = self.digests.insert(kind.clone(), hasher.finish()),
        }
    }
}

/// Where an Observation stands among them.
fn observed((kind, id): &Key, stored: &Stored) -> Option<(Reverse<Timestamp>, ResourceId)> {
    let at = || observed_at(&stored.resource).unwrap_or(stored.updated);
    (kind == "Observation").then(|| (Reverse(at()), *id))
}

/// The codes of an Observation and of its components.
fn observed_codes<'s>((kind, _): &Key, stored: &'s Stored) -> Vec<(&'s str, &'s str)> {
    if kind != "Observation" {
        return Vec::new();
    }
    let mut codes = stored.resource.codings("code");
    let components = stored.resource.get("component").and_then(Value::as_array).into_iter().flatten();
    codes.extend(components.filter_map(|component| component.get("code")).flat_map(codings_of));
    codes
}

fn observed_in<'s>((kind, _): &Key, stored: &'s Stored) -> Option<&'s str> {
    (kind == "Observation").then(|| stored.resource.reference("encounter"))?
}

/// The values of a visit's identifiers.
fn numbers<'s>((kind, _): &Key, stored: &'s Stored) -> impl Iterator<Item = &'s str> {
    let stated = stored.resource.get("identifier").filter(|_| kind == "Encounter");
    let items = stated.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get("value")?.as_str())
}

impl Deref for Resources {
    type Target = BTreeMap<Key, Stored>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Extend<(Key, Stored)> for Resources {
    fn extend<I: IntoIterator<Item = (Key, Stored)>>(&mut self, more: I) {
        more.into_iter().for_each(|(key, stored)| self.insert(key, stored));
    }
}

impl FromIterator<(Key, Stored)> for Resources {
    fn from_iter<I: IntoIterator<Item = (Key, Stored)>>(all: I) -> Self {
        let mut resources = Self::default();
        resources.extend(all);
        resources
    }
}

impl IntoIterator for Resources {
    type Item = (Key, Stored);
    type IntoIter = std::collections::btree_map::IntoIter<Key, Stored>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}
