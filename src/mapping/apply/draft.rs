//! Making drafts: a name, a key, and one draft for what a message tells twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::fhir::{Draft, Resource};
use crate::mapping::Role;
use crate::mapping::language::Map;
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::Kind;

use super::deletion::Told;
use super::run::{Frame, Made, Run};
use super::template::missing;

impl<'a> Run<'a> {
    /// Makes a draft by a map at a frame; the index of it, or of the one that is the same thing. None when nothing was read.
    pub fn make(&mut self, index: usize, map: &'a Map, frame: Frame<'a>) -> Option<usize> {
        let steps = std::mem::take(&mut self.steps);
        let original = self.original.take();
        let local = self.free_name(&map.type_name);
        let outer = std::mem::replace(&mut self.local, local.into());
        let notes = self.lineage.len();
        let made = self.make_inside(index, map, frame, notes);
        self.steps = steps;
        self.original = original;
        self.local = outer;
        made
    }

    fn make_inside(&mut self, index: usize, map: &'a Map, frame: Frame<'a>, notes: usize) -> Option<usize> {
        let mut told = Told::new(&map.type_name);
        // Drafts that this one refers to are made while it is filled; its own name must not be theirs.
        let local = self.local.to_string();
        let reserved = self.made.len();
        self.made.push(Made { map: usize::MAX, draft: empty(&local, map) });
        self.fill_resource(&map.template, frame, &mut told);
        let Told { resource, deleted, sources } = told;
        let since = self.lineage.get(notes..).unwrap_or_default();
        let is_read = since.iter().any(|note| *note.draft == *local && matches!(note.role, Role::Value | Role::Parts));
        let missing = missing(&map.template, resource.as_map());
        if !is_read && deleted.is_empty() {
            self.discard(reserved, &local, notes);
            return None;
        }
        if let Some(missing) = missing.filter(|_| is_read) {
            let segment = self.message.segment_at(frame.segment);
            let place = segment.map(|segment| FieldPlace::segment(segment.name(), segment.occurrence()));
            let place = frame.this.map(|value| value.place()).or(place).map_or(Place::Whole, Place::Field);
            let text = format!("no {} is made of this: it needs `{missing}`", map.type_name);
            let about = format!("{}.{missing}", map.type_name);
            self.report(Problem::warning(Category::Incomplete, place, text).unused(Kind::Field, &about));
            self.discard(reserved, &local, notes);
            return None;
        }
        let key = self.key(map, &resource, frame);
        let draft = Draft { local, scope: map.scope, key, resource, deleted, sources };
        if let Some(same) = draft.key.as_ref().and_then(|key| self.same(map, key)).filter(|_| map.is_one_per_key) {
            self.tell_again(reserved, same, draft, frame, notes);
            return Some(same);
        }
        let key = draft.key.clone().map(|key| self.unique(map, key, reserved));
        let draft = Draft { key, ..draft };
        if let Some(place) = self.made.get_mut(reserved) {
            *place = Made { map: index, draft };
        }
        self.made_by.entry(index).or_default().push((frame.segment, reserved));
        Some(reserved)
    }

    /// Adds what another segment says to a draft.
    pub fn add_to(&mut self, made: usize, map: &'a Map, frame: Frame<'a>) {
        // Nothing lost: the place was reserved by this run.
        let Some(target) = self.made.get_mut(made) else { return };
        let draft = &mut target.draft;
        let mut told = Told {
            resource: std::mem::replace(&mut draft.resource, Resource::new(&map.type_name)),
            deleted: std::mem::take(&mut draft.deleted),
            sources: std::mem::take(&mut draft.sources),
        };
        let outer = std::mem::replace(&mut self.local, target.draft.local.as_str().into());
        let steps = std::mem::take(&mut self.steps);
        self.fill_resource(&map.template, frame, &mut told);
        self.steps = steps;
        self.local = outer;
        if let Some(target) = self.made.get_mut(made) {
            let Told { resource, deleted, sources } = told;
            target.draft.deleted = deleted.into_iter().filter(|name| resource.get(name).is_none()).collect();
            target.draft.resource = resource;
            target.draft.sources = sources;
        }
    }

    /// `Patient`, `Observation`, `Observation.2`.
    fn free_name(&mut self, type_name: &str) -> String {
        let taken = self.named.entry(type_name.to_string()).or_insert(0);
        *taken += 1;
        if *taken == 1 { type_name.to_string() } else { format!("{type_name}.{taken}") }
    }

    /// Gives a name back when it was the last of its type.
    fn free(&mut self, local: &str) {
        let (type_name, number) = local.split_once('.').unwrap_or((local, "1"));
        if let Some(taken) = self.named.get_mut(type_name).filter(|taken| taken.to_string() == number) {
            *taken -= 1;
        }
    }

    fn same(&self, map: &Map, key: &str) -> Option<usize> {
        self.keys.get(&(map.type_name.clone(), key.to_string())).copied()
    }

    /// The key, with a count for one that is told again and is not the same.
    fn unique(&mut self, map: &Map, key: String, reserved: usize) -> String {
        let place = (map.type_name.clone(), key.clone());
        let Some(first) = self.keys.get(&place).copied() else {
            self.keys.insert(place, reserved);
            return key;
        };
        let repeats = self.repeats.entry(first).or_insert(1);
        *repeats += 1;
        format!("{key}|{repeats}")
    }

    /// Takes a reserved place back. Drafts made for it after it stay: they were stated too, unless nothing was.
    fn discard(&mut self, reserved: usize, local: &str, notes: usize) {
        let mut kept = self.lineage.split_off(notes);
        // Nothing lost: what the discarded draft read goes back to the unread list.
        kept.retain(|note| *note.draft != *local);
        self.lineage.append(&mut kept);
        self.free(local);
        if reserved + 1 == self.made.len() {
            self.made.pop();
        } else if let Some(place) = self.made.get_mut(reserved) {
            place.map = usize::MAX;
        }
    }

    /// What was told twice counts as it was told last, element by element; that the two differ is said.
    fn tell_again(&mut self, reserved: usize, same: usize, later: Draft, frame: Frame<'a>, notes: usize) {
        let Some(made) = self.made.get_mut(same) else { return };
        let (local, kind) = (later.local.clone(), later.resource.resource_type().to_string());
        let known: Arc<str> = made.draft.local.as_str().into();
        let differing = made.draft.tell_again(later);
        for note in self.lineage.iter_mut().skip(notes).filter(|note| *note.draft == *local) {
            note.draft.clone_from(&known);
        }
        self.discard(reserved, &local, notes);
        if !differing.is_empty() {
            let segment = self.message.segment_at(frame.segment);
            let place = segment.map(|segment| FieldPlace::segment(segment.name(), segment.occurrence()));
            let place = frame.this.map(|value| value.place()).or(place).map_or(Place::Whole, Place::Field);
            let text =
                format!("tells the same {kind} again, with other {}; the last one told stands", differing.join(", "));
            let problem = Problem::information(Category::Duplicate, place, text);
            self.report(problem.unused(Kind::Field, &format!("{kind} told again")));
        }
    }

    /// Drops places that were reserved and not used.
    pub fn sweep(&mut self) {
        // Nothing lost: these places were never filled.
        self.made.retain(|made| made.map != usize::MAX);
    }
}

fn empty(local: &str, map: &Map) -> Draft {
    let resource = Resource::new(&map.type_name).with("id", Value::Null);
    Draft {
        local: local.to_string(),
        scope: map.scope,
        key: None,
        resource,
        deleted: Vec::new(),
        sources: BTreeMap::new(),
    }
}
