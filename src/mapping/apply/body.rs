//! What one way of filling an element gives.

use serde_json::{Value, json};

use crate::mapping::Role;
use crate::mapping::language::{Body, Conversion, Entry, Expression, SourcePath, Unmatched};
use crate::problem::Category;
use crate::unused::Kind;

use super::code::says_silence;
use super::convert::convert;
use super::run::{Frame, Run};
use super::template::Filled;
use super::time::is_moment;

impl<'a> Run<'a> {
    /// The value of one way at one frame.
    pub fn body(&mut self, way: &'a Expression, entry: &'a Entry, frame: Frame<'a>) -> Option<Filled> {
        let read = |value: Value| Some(Filled { value, is_read: true });
        match &way.body {
            Body::Fixed(value) => Some(Filled { value: value.clone(), is_read: false }),
            Body::Convert { path, to } => {
                let value = self.value(path, frame)?;
                let text = self.text(value, *to == Conversion::Text && is_free(path), &way.mark);
                if text.trim().is_empty() {
                    return None;
                }
                if is_moment(to) {
                    return self.moment(value, &text, to, entry).and_then(read);
                }
                match convert(&text, to, &self.clock) {
                    Ok(value) => read(value),
                    Err(said) => {
                        let text = format!("this {said}; `{}` is left out", entry.element.path);
                        self.lose(Kind::Field, Category::Value, value.leaf(), text);
                        None
                    }
                }
            }
            Body::Table { path, table, to, asked } => {
                let Some(value) = self.value(path, frame) else { return self.assumed_code(path, *table, *to) };
                self.table_code(value, *table, (*to, *asked), entry, &way.mark).and_then(read)
            }
            Body::Datatype { path, map, otherwise } => {
                let value = self.value(path, frame)?;
                let map = self.set.map(*map)?;
                let mut filled = self.structure_of(&map.template, Frame { this: Some(value), ..frame })?;
                if let (Some(Value::Object(constants)), Value::Object(object)) = (otherwise, &mut filled.value) {
                    for (name, constant) in constants {
                        object.entry(name.clone()).or_insert_with(|| constant.clone());
                    }
                }
                Some(filled)
            }
            Body::Resource { path, map: index } => {
                let value = self.value(path, frame)?;
                let map = self.set.map(*index)?;
                let made = self.make(*index, map, Frame { this: Some(value), ..frame })?;
                self.note_for(value, Role::Parts, &way.mark);
                read(self.reference_to(made)?)
            }
            Body::Nested(template) => self.structure_of(template, frame),
            Body::First(ways) => self.first_of(ways, entry, frame),
            Body::Join { paths, with, parts, once, to } => {
                let text = self.joined(paths, (with, parts.as_deref(), *once), frame, way)?;
                match convert(&text, to, &self.clock) {
                    Ok(value) => read(value),
                    Err(said) => {
                        let told = format!("this {said}; `{}` is left out", entry.element.path);
                        if let Some(value) = paths.iter().find_map(|path| self.first_at(path, frame)) {
                            self.lose(Kind::Field, Category::Value, value, told);
                        }
                        None
                    }
                }
            }
            Body::Authority { paths, default } => self.authority(paths, default.as_deref(), frame, &way.mark),
            Body::CodeSystem { path } => {
                let value = self.value(path, frame)?;
                self.code_system(value.leaf(), &way.mark)
                    .map(|url| Filled { value: Value::String(url), is_read: false })
            }
            Body::Assumed { path } => {
                let value = self.locate(path, frame).into_iter().next()?;
                let url = self.context.habits.system_at(value)?.to_string();
                Some(Filled { value: Value::String(url), is_read: false })
            }
            Body::Data { path, encoding } => self.data(path, encoding, frame, &way.mark).and_then(read),
            Body::Quantity(quantity) => self.quantity(quantity, frame, &way.mark).and_then(read),
            Body::Reference { map } => {
                let made = self.near(*map, frame.segment).first().copied()?;
                read(self.reference_to(made)?)
            }
        }
    }

    /// What a way gives at a frame within the one where its condition held, with notes of all that it hangs on; nothing
    /// is noted when it gives nothing.
    pub fn taken(
        &mut self,
        way: &'a Expression,
        entry: &'a Entry,
        outer: Frame<'a>,
        frame: Frame<'a>,
    ) -> Option<Filled> {
        let notes = self.lineage.len();
        let around = self.way.replace(&way.mark);
        let filled = self.body(way, entry, frame);
        if filled.is_some() {
            self.touch(&way.mark);
        }
        match (&filled, &way.when) {
            (Some(_), Some(condition)) => self.note_reasons(condition, outer, &way.mark),
            (Some(_), None) => {}
            (None, _) => self.forget(notes),
        }
        if let Some(meant) = way.instead_of.as_ref().filter(|_| filled.is_some()) {
            self.meant.get_or_insert_with(|| meant.clone());
        }
        self.way = around;
        filled
    }

    fn first_of(&mut self, ways: &'a [Expression], entry: &'a Entry, frame: Frame<'a>) -> Option<Filled> {
        for way in ways {
            if !way.when.as_ref().is_none_or(|condition| self.holds(condition, frame)) {
                // Nothing lost: the next way may read it, and what no way reads stands in the unread list.
                continue;
            }
            let inner = match way.each.as_ref().or(way.at.as_ref()) {
                Some(path) => self.frames(path, frame).into_iter().next(),
                None => Some(frame),
            };
            // Nothing lost: this way's place is empty.
            let Some(inner) = inner else { continue };
            if let Some(filled) = self.taken(way, entry, frame, inner) {
                return Some(filled);
            }
            if self.is_silent(way, inner) {
                return None;
            }
        }
        None
    }

    /// Whether a way passes on what its table names under `none`: it says nothing here, whatever the next way makes of it.
    fn is_silent(&self, way: &Expression, frame: Frame<'a>) -> bool {
        let Body::Table { path, table, asked, .. } = &way.body else { return false };
        let table = self.set.tables.get(*table).filter(|_| asked.unmapped == Unmatched::Pass);
        let value = table.and_then(|table| Some((table, self.first_at(path, frame)?)));
        value.is_some_and(|(table, value)| says_silence(value, table))
    }

    /// The texts of all places in one. `once`: what stands there already is not said again.
    fn joined(
        &mut self,
        paths: &[SourcePath],
        (with, parts, once): (&str, Option<&str>, bool),
        frame: Frame<'a>,
        way: &Expression,
    ) -> Option<String> {
        let mut texts = Vec::new();
        for path in paths {
            self.value(path, frame);
            for value in self.locate(path, frame) {
                match parts {
                    _ if value.leaf().is_null() => {}
                    None => texts.push(self.text(value, is_free(path), &way.mark)),
                    Some(between) => {
                        let leaves = value.components().flat_map(|part| part.subcomponents()).filter(|l| !l.is_empty());
                        let words: Vec<String> = leaves.map(|leaf| self.text(leaf, false, &way.mark)).collect();
                        texts.push(words.join(between));
                    }
                }
            }
        }
        let mut kept: Vec<&str> = Vec::new();
        for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            if !once || !kept.iter().any(|known| has_words(known, text)) {
                kept.push(text);
            }
        }
        (!kept.is_empty()).then(|| kept.join(with))
    }

    /// A reference to a draft of this message.
    pub fn reference_to(&self, made: usize) -> Option<Value> {
        let local = &self.made.get(made)?.draft.local;
        Some(json!({ "reference": format!("#{local}") }))
    }
}

/// A field or component that is read whole as text is free text: delimiters in it were meant.
fn is_free(path: &SourcePath) -> bool {
    path.subcomponent == 0
}

/// Whether a text has these words, one after the other.
fn has_words(text: &str, words: &str) -> bool {
    let plain = |text: &str| {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        format!(" {} ", words.join(" "))
    };
    plain(text).contains(&plain(words))
}
