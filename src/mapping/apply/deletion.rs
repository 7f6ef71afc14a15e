//! What a sender asks to delete (HL7 v2.5.1, 2.5.3: `""` deletes, nothing says nothing): just what the field states that
//! says so. Fields that share an element keep apart where they came from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fhir::{BY_MEMBER, KEYED, Resource};
use crate::hl7::Value as Field;
use crate::mapping::language::{Body, Entry, Expression, Root, SourcePath, Template};

use super::run::{Frame, Run};

/// A resource while it is filled, with what is noted of it on the way.
pub struct Told {
    pub resource: Resource,
    pub deleted: Vec<String>,
    pub sources: BTreeMap<String, Vec<String>>,
}

impl Told {
    pub fn new(type_name: &str) -> Self {
        Self { resource: Resource::new(type_name), deleted: Vec::new(), sources: BTreeMap::new() }
    }

    fn delete(&mut self, part: String) {
        if !self.deleted.contains(&part) {
            self.deleted.push(part);
        }
    }
}

/// What the places behind an element say, taken together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Said {
    value: bool,
    null: bool,
}

impl Said {
    fn and(self, other: Self) -> Self {
        Self { value: self.value || other.value, null: self.null || other.null }
    }

    fn deletes(self) -> bool {
        self.null && !self.value
    }
}

impl<'a> Run<'a> {
    /// Notes which parts of an element its fields ask to delete.
    pub fn note_deleted(&mut self, entry: &'a Entry, frame: Frame<'a>, told: &mut Told) {
        if !self.deletes || entry.name.starts_with('_') {
            return;
        }
        if entry.is_list {
            self.note_deleted_items(entry, frame, told);
            return;
        }
        for way in &entry.ways {
            if let (Body::Nested(template), true) = (&way.body, BY_MEMBER.contains(&entry.name.as_str())) {
                for member in &template.entries {
                    if member.ways.iter().fold(Said::default(), |said, way| said.and(self.said(way, frame))).deletes() {
                        told.delete(format!("{}.{}", entry.name, member.name));
                    }
                }
            }
        }
        let is_filled = told.resource.get(&entry.name).is_some();
        let said = entry.ways.iter().fold(Said::default(), |said, way| said.and(self.said(way, frame)));
        if said.deletes() && !is_filled && !BY_MEMBER.contains(&entry.name.as_str()) {
            told.delete(entry.name.clone());
        }
    }

    fn note_deleted_items(&mut self, entry: &'a Entry, frame: Frame<'a>, told: &mut Told) {
        let mut by_source: BTreeMap<String, Said> = BTreeMap::new();
        for way in &entry.ways {
            let part = match fixed_url(way) {
                Some(url) if KEYED.contains(&entry.name.as_str()) => format!("{}:{url}", entry.name),
                _ => format!("{}@{}", entry.name, source_of(way)),
            };
            let said = self.said(way, frame);
            let known = by_source.entry(part).or_default();
            *known = known.and(said);
        }
        let has_items = |part: &str, told: &Told| {
            let source = part.split_once('@').map(|(_, source)| source);
            let sources = told.sources.get(&entry.name);
            source.is_some_and(|source| sources.is_some_and(|all| all.iter().any(|known| known == source)))
        };
        for (part, said) in by_source {
            if said.deletes() && !has_items(&part, told) {
                told.delete(part);
            }
        }
    }

    /// What all places of one way say. Whether its condition holds does not matter: `""` is said all the same.
    fn said(&mut self, way: &'a Expression, frame: Frame<'a>) -> Said {
        if let Some(path) = way.each.as_ref().or(way.at.as_ref()) {
            return self.said_at(path, frame);
        }
        match &way.body {
            Body::Nested(template) => self.said_inside(template, frame),
            Body::First(ways) => ways.iter().fold(Said::default(), |said, way| said.and(self.said(way, frame))),
            body => paths_of(body).fold(Said::default(), |said, path| said.and(self.said_at(path, frame))),
        }
    }

    fn said_inside(&mut self, template: &'a Template, frame: Frame<'a>) -> Said {
        let ways = template.entries.iter().flat_map(|entry| &entry.ways);
        ways.fold(Said::default(), |said, way| said.and(self.said(way, frame)))
    }

    /// A component says "delete" itself, or the whole field says it.
    fn said_at(&mut self, path: &SourcePath, frame: Frame<'a>) -> Said {
        if path.field == 0 && path.root != Root::This {
            return Said { value: !self.structure.segments(path, frame.segment).is_empty(), null: false };
        }
        let mut values = self.locate(path, frame);
        if values.is_empty() && path.component > 0 {
            let whole = SourcePath { component: 0, subcomponent: 0, ..path.clone() };
            values = self.locate(&whole, frame).into_iter().filter(|value| is_null(*value)).collect();
        }
        let mut said = Said::default();
        for value in values {
            if is_null(value) {
                self.read.mark(value.span());
                said.null = true;
            } else {
                said.value = true;
            }
        }
        said
    }
}

/// `""` and nothing else: `""^^MR` states something.
fn is_null(value: Field<'_>) -> bool {
    let is_alone = |mut parts: crate::hl7::Values<'_>| parts.next().is_some() && parts.all(Field::is_empty);
    value.is_null() || (value.leaf().is_null() && is_alone(value.components()) && is_alone(value.subcomponents()))
}

/// The field that a way reads: what it repeats over, else the first place in it. Empty for constants and values at hand.
pub fn source_of(way: &Expression) -> String {
    first_path(way).map(named).unwrap_or_default()
}

fn first_path(way: &Expression) -> Option<&SourcePath> {
    if let Some(path) = way.each.as_ref().or(way.at.as_ref()) {
        return Some(path);
    }
    match &way.body {
        Body::Nested(template) => template.entries.iter().flat_map(|entry| &entry.ways).find_map(first_path),
        Body::First(ways) => ways.iter().find_map(first_path),
        body => paths_of(body).find(|path| path.root != Root::This),
    }
}

fn named(path: &SourcePath) -> String {
    match (path.segment(), path.field) {
        (None, _) => String::new(),
        (Some(segment), 0) => segment.to_string(),
        (Some(segment), field) => format!("{segment}-{field}"),
    }
}

fn paths_of(body: &Body) -> impl Iterator<Item = &SourcePath> {
    let (one, many): (Vec<&SourcePath>, &[SourcePath]) = match body {
        Body::Convert { path, .. }
        | Body::Table { path, .. }
        | Body::Datatype { path, .. }
        | Body::Resource { path, .. }
        | Body::Data { path, .. }
        | Body::CodeSystem { path } => (vec![path], &[]),
        // Unit and comparator are about the number: without it they say nothing, and it is the number that `""` deletes.
        Body::Quantity(quantity) => (vec![&quantity.value], &[]),
        Body::Join { paths, .. } | Body::Authority { paths, .. } => (Vec::new(), paths),
        // What the feed assumes is nothing that the message says.
        Body::Fixed(_) | Body::Assumed { .. } | Body::Nested(_) | Body::First(_) | Body::Reference { .. } => {
            (Vec::new(), &[])
        }
    };
    one.into_iter().chain(many)
}

/// The constant `url` of an extension written in place.
fn fixed_url(way: &Expression) -> Option<&str> {
    let Body::Nested(template) = &way.body else { return None };
    let entry = template.entries.iter().find(|entry| entry.name == "url")?;
    entry.ways.iter().find_map(|way| match &way.body {
        Body::Fixed(Value::String(url)) => Some(url.as_str()),
        _ => None,
    })
}
