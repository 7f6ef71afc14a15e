//! Filling the elements of one FHIR type. Constants alone never make an element: what nobody said is not invented.

use serde_json::{Map, Value, json};
use smallvec::SmallVec;

use crate::fhir::{BY_MEMBER, Resource};
use crate::mapping::language::{Body, Entry, Expression, Template};
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

use super::deletion::{Told, source_of};
use super::run::{Frame, Run};

/// A value, and whether anything was read for it (and not only written down in the map).
pub struct Filled {
    pub value: Value,
    pub is_read: bool,
}

impl<'a> Run<'a> {
    /// Fills elements into an object. True when anything was read.
    pub fn fill(&mut self, template: &'a Template, frame: Frame<'a>, object: &mut Map<String, Value>) -> bool {
        let mut is_read = false;
        for entry in &template.entries {
            is_read |= self.fill_entry(template, entry, frame, object, None);
        }
        is_read
    }

    /// As [`Run::fill`] for a whole resource; notes which field each item of a list came from, and what the sender asked to
    /// delete.
    pub fn fill_resource(&mut self, template: &'a Template, frame: Frame<'a>, told: &mut Told) -> bool {
        let mut is_read = false;
        for entry in &template.entries {
            if entry.name == "meta" {
                // It adds up over segments, and of a label alone nothing is made.
                self.fill_meta(entry, frame, &mut told.resource);
                // Nothing lost: its labels are added.
                continue;
            }
            let mut sources = told.sources.remove(&entry.name).unwrap_or_default();
            is_read |= self.fill_entry(template, entry, frame, told.resource.as_map_mut(), Some(&mut sources));
            if !sources.is_empty() || (!entry.is_list && BY_MEMBER.contains(&entry.name.as_str())) {
                told.sources.insert(entry.name.clone(), sources);
            }
            self.note_deleted(entry, frame, told);
        }
        is_read
    }

    fn fill_entry(
        &mut self,
        template: &'a Template,
        entry: &'a Entry,
        frame: Frame<'a>,
        object: &mut Map<String, Value>,
        mut sources: Option<&mut Vec<String>>,
    ) -> bool {
        if !entry.is_list && (object.contains_key(&entry.name) || is_choice_taken(template, entry, object)) {
            return false;
        }
        let mut values = match object.shift_remove(&entry.name) {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        let mut is_read = false;
        self.original = None;
        let (outer, notes) = (self.meant.take(), self.lineage.len());
        for way in &entry.ways {
            is_read |= self.fill_way(way, entry, frame, &mut values);
            if let Some(sources) =
                sources.as_deref_mut().filter(|sources| entry.is_list && sources.len() != values.len())
            {
                sources.resize(values.len(), source_of(way));
            }
        }
        let original = self.original.take();
        if entry.is_list {
            if !values.is_empty() {
                object.insert(entry.name.clone(), Value::Array(values));
            }
        } else if let Some(value) = values.into_iter().next() {
            object.insert(entry.name.clone(), value);
            self.say_stand_in(entry, object, notes);
        } else if let Some(coding) = original {
            object.insert(format!("_{}", entry.name), alternate(coding));
        }
        self.meant = outer;
        is_read
    }

    fn fill_way(&mut self, way: &'a Expression, entry: &'a Entry, frame: Frame<'a>, values: &mut Vec<Value>) -> bool {
        if !way.when.as_ref().is_none_or(|condition| self.holds(condition, frame)) {
            return false;
        }
        if let (Body::Reference { map }, true) = (&way.body, entry.is_list) {
            let found = self.near(*map, frame.segment);
            values.extend(found.into_iter().filter_map(|index| self.reference_to(index)));
            return false;
        }
        let frames: SmallVec<[Frame<'a>; 2]> = match (&way.each, &way.at) {
            (Some(path), _) if self.has_too_many_labels(path, entry, frame) => return false,
            (Some(path), _) => {
                // A `""` among repetitions is no item; whether it deletes is seen by all that the field says.
                let frames = self.frames(path, frame);
                frames.into_iter().filter(|frame| frame.this.is_none_or(|value| !value.is_null())).collect()
            }
            // Nothing lost: repetitions after the first stand in the unread list.
            (None, Some(path)) => self.frames(path, frame).into_iter().take(1).collect(),
            (None, None) => SmallVec::from_slice(&[frame]),
        };
        let mut is_read = false;
        for inner in frames {
            let index = entry.is_list.then_some(values.len());
            self.steps.push((&entry.name, index));
            let notes = self.lineage.len();
            if let Some(filled) = self.taken(way, entry, frame, inner) {
                is_read |= filled.is_read;
                // One practitioner told twice is one reference, and one category of two races is one extension.
                let is_one = matches!(way.body, Body::Resource { .. }) || entry.name == "extension";
                match values.iter().position(|known| is_one && *known == filled.value) {
                    Some(known) => self.rename_notes(notes, known),
                    None => values.push(filled.value),
                }
            }
            self.steps.pop();
        }
        is_read
    }

    /// What segments say of a resource as such: its security labels.
    fn fill_meta(&mut self, entry: &'a Entry, frame: Frame<'a>, resource: &mut Resource) {
        let mut stated = Vec::new();
        for way in &entry.ways {
            self.fill_way(way, entry, frame, &mut stated);
        }
        for (list, items) in stated.into_iter().filter_map(as_map).flatten() {
            if list != "security" || self.takes_labels(labels_of(resource)) {
                resource.add_to_meta(&list, as_list(items));
            }
        }
        self.takes_labels(labels_of(resource));
    }

    /// A structure of a type, when anything was read for it and it has what R4 demands.
    pub fn structure_of(&mut self, template: &'a Template, frame: Frame<'a>) -> Option<Filled> {
        let mut object = Map::new();
        let notes = self.lineage.len();
        let is_read = self.fill(template, frame, &mut object);
        if template.type_name == "Period" {
            self.put_in_order(&mut object, notes);
        }
        if !is_read || object.is_empty() {
            return None;
        }
        if let Some(missing) = missing(template, &object) {
            let path = format!("{}: {}", self.local, self.element());
            let text = format!("left out: {} needs `{missing}`, which the message does not say", template.type_name);
            let about = format!("{}.{missing}", template.type_name);
            let problem = Problem::information(Category::Incomplete, Place::Element(path), text);
            self.report(problem.unused(Kind::Field, &about));
            return None;
        }
        Some(Filled { value: Value::Object(object), is_read })
    }
}

/// How many labels a resource has.
fn labels_of(resource: &Resource) -> usize {
    let listed = resource.get("meta").and_then(|meta| meta.get("security")?.as_array());
    listed.map_or(0, Vec::len)
}

pub fn as_map(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        // Nothing lost: `meta` is never anything else.
        _ => None,
    }
}

pub fn as_list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => vec![other],
    }
}

/// What an object of this template lacks, in words.
pub fn missing(template: &Template, object: &Map<String, Value>) -> Option<String> {
    let lacking = template.required.iter().find(|names| !names.iter().any(|name| object.contains_key(name)));
    lacking.map(|names| names.join("` or `"))
}

/// A choice has one value: the first way that gave any.
fn is_choice_taken(template: &Template, entry: &Entry, object: &Map<String, Value>) -> bool {
    let Some(choice) = &entry.element.choice else { return false };
    template
        .entries
        .iter()
        .any(|other| other.element.choice.as_ref() == Some(choice) && object.contains_key(&other.name))
}

/// What the sender said where FHIR has no code for it.
fn alternate(coding: Value) -> Value {
    json!({
        "extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/alternate-codes",
            "valueCodeableConcept": { "coding": [coding] }
        }]
    })
}
