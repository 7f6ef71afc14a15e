//! Makes schemas of what readers asked of files: a mapping that a reader went through key by key is an object of those keys and no
//! others; one that nobody went through so has names of its writer's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::FileKind;
use crate::yaml::{As, Kind, Mark, Node, Seen};

/// Where a mapping is read, which tells it from others that are called alike.
type Reader = (String, u32);

/// A mapping as all files together have it.
#[derive(Default)]
struct Shape {
    what: BTreeSet<String>,
    /// How often it was read.
    times: usize,
    keys: BTreeMap<&'static str, Key>,
}

#[derive(Default)]
struct Key {
    read_as: Vec<As>,
    required: usize,
    values: Values,
}

/// What stands under a key: mappings that a reader knows, and others, whose values are inside.
#[derive(Default)]
struct Values {
    known: BTreeSet<Reader>,
    is_open: bool,
    inside: BTreeSet<Reader>,
    is_nested: bool,
    /// Names of mappings that no reader knows.
    names: BTreeSet<String>,
}

pub struct Shapes {
    shapes: BTreeMap<Reader, Shape>,
    roots: BTreeMap<&'static str, BTreeSet<Reader>>,
}

type Place = (Arc<str>, u32, u32);

fn place(mark: &Mark) -> Place {
    (Arc::clone(&mark.file), mark.line, mark.column)
}

impl Shapes {
    pub fn of(seen: &Seen) -> Self {
        let (mut shapes, mut readers) = (BTreeMap::<Reader, Shape>::new(), BTreeMap::<Place, Reader>::new());
        for mapping in &seen.mappings {
            let reader = (mapping.reader.file().to_string(), mapping.reader.line());
            readers.insert(place(&mapping.mark), reader.clone());
            let shape = shapes.entry(reader).or_default();
            shape.what.insert(mapping.what.clone());
            shape.times += 1;
            for known in &mapping.keys {
                let key = shape.keys.entry(known.key).or_default();
                if !key.read_as.contains(&known.read_as) {
                    key.read_as.push(known.read_as.clone());
                }
                key.required += usize::from(known.is_required);
            }
        }
        let mut all = Self { shapes, roots: BTreeMap::new() };
        for (name, tree) in &seen.trees {
            let path = name.rsplit(':').next().unwrap_or_default();
            let Some(kind) = FileKind::of(path) else { continue };
            if let Some(root) = readers.get(&place(&tree.mark)) {
                all.roots.entry(kind.word).or_default().insert(root.clone());
            }
            all.learn(tree, &readers);
        }
        all
    }

    /// Learns from a node what stands under the keys of the mappings in it.
    fn learn(&mut self, node: &Node, readers: &BTreeMap<Place, Reader>) {
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| self.learn(item, readers)),
            Kind::Map(entries) => {
                let reader = readers.get(&place(&node.mark));
                for (key, value) in entries {
                    let name = key.as_text().unwrap_or_default();
                    let shape = reader.and_then(|reader| self.shapes.get_mut(reader));
                    if let Some(key) = shape.and_then(|shape| shape.keys.get_mut(name.as_str())) {
                        stands(&mut key.values, value, readers, false);
                    }
                    self.learn(value, readers);
                }
            }
            _ => {}
        }
    }

    /// The schema of a kind of file.
    pub fn schema(&self, kind: FileKind) -> Value {
        let mut waiting: Vec<Reader> = self.roots.get(kind.word).into_iter().flatten().cloned().collect();
        let roots: Vec<Value> = waiting.iter().map(|reader| self.reference(reader)).collect();
        let is_root = |reader: &Reader| self.roots.get(kind.word).is_some_and(|roots| roots.contains(reader));
        let (mut definitions, mut done) = (BTreeMap::new(), BTreeSet::new());
        while let Some(reader) = waiting.pop() {
            if !done.insert(reader.clone()) {
                continue;
            }
            let Some(shape) = self.shapes.get(&reader) else { continue };
            let name = self.name(&reader);
            let mut properties = Map::new();
            for (key, value) in &shape.keys {
                properties.insert((*key).to_string(), self.value(&format!("{name}.{key}"), value, &mut definitions));
                waiting.extend(value.values.known.iter().chain(&value.values.inside).cloned());
            }
            let required: Vec<&str> =
                shape.keys.iter().filter(|(_, key)| key.required == shape.times).map(|(key, _)| *key).collect();
            let title = shape.what.iter().filter(|what| !what.contains('`')).cloned().collect::<Vec<_>>().join(", ");
            let mut object = json!({ "type": "object" });
            if !title.is_empty() {
                object["title"] = json!(title);
            }
            object["properties"] = Value::Object(properties);
            // A file that is laid over a built-in one names only what it changes.
            let is_laid = kind.place.starts_with("mappings/") && is_root(&reader);
            if !required.is_empty() && !is_laid {
                object["required"] = json!(required);
            }
            object["additionalProperties"] = json!(false);
            definitions.insert(name, object);
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("Handover: {}", kind.pattern()),
            "anyOf": roots,
            "$defs": definitions,
        })
    }

    /// A name for a mapping that stays when lines move: what it is called, and a number where others are called alike.
    fn name(&self, reader: &Reader) -> String {
        let plain = |reader: &Reader| {
            let what = self.shapes.get(reader).and_then(|shape| shape.what.iter().next().cloned()).unwrap_or_default();
            let what = if what.starts_with('`') { "value".to_string() } else { what };
            let file = reader.0.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs").to_string();
            format!("{file}: {}", what.trim_start_matches("a ").trim_start_matches("an "))
        };
        let own = plain(reader);
        let alike = self.shapes.keys().filter(|other| plain(other) == own);
        match alike.into_iter().position(|other| other == reader) {
            Some(0) | None => own,
            Some(number) => format!("{own} {}", number + 1),
        }
    }

    fn reference(&self, reader: &Reader) -> Value {
        json!({ "$ref": pointer(&self.name(reader)) })
    }

    fn value(&self, name: &str, key: &Key, definitions: &mut BTreeMap<String, Value>) -> Value {
        let scalar = json!({ "type": ["string", "number", "boolean"] });
        match key.read_as.as_slice() {
            [As::Text] => return scalar,
            [As::Bool] => return json!({ "type": "boolean" }),
            [As::Integer(least, most)] => return json!({ "type": "integer", "minimum": least, "maximum": most }),
            [As::Choice(words)] => return json!({ "enum": words }),
            [As::Texts] => return json!({ "anyOf": [scalar, { "type": "array", "items": scalar }] }),
            _ => {}
        }
        let values = &key.values;
        if values.known.is_empty() && !values.is_open {
            return json!({});
        }
        let of = |readers: &BTreeSet<Reader>| readers.iter().map(|reader| self.reference(reader)).collect::<Vec<_>>();
        let inside = format!("{name} inside");
        let mut all = of(&values.known);
        if values.is_open {
            all.push(self.open(values, &values.known, &inside));
            let mut any = of(&values.inside);
            if values.is_nested || any.is_empty() {
                any.push(self.open(values, &values.inside, &inside));
            }
            definitions.insert(inside.clone(), any_of(any, &inside));
        }
        definitions.insert(name.to_string(), any_of(all, name));
        json!({ "$ref": pointer(name) })
    }

    /// A mapping whose names are its writer's: one with a word of those that a reader knows is none of these.
    fn open(&self, values: &Values, readers: &BTreeSet<Reader>, inside: &str) -> Value {
        let words = readers.iter().filter_map(|reader| self.shapes.get(reader)).flat_map(|shape| shape.keys.keys());
        let words: BTreeSet<&&str> = words.filter(|word| !values.names.contains(**word)).collect();
        let mut open = json!({ "type": "object", "additionalProperties": { "$ref": pointer(inside) } });
        if !words.is_empty() {
            let having: Vec<Value> = words.iter().map(|word| json!({ "required": [word] })).collect();
            open["not"] = json!({ "anyOf": having });
        }
        open
    }
}

/// One of these, a list of such, or a value without parts.
fn any_of(mut all: Vec<Value>, name: &str) -> Value {
    all.push(json!({ "type": "array", "items": { "$ref": pointer(name) } }));
    all.push(json!({ "type": ["string", "number", "boolean", "null"] }));
    json!({ "anyOf": all })
}

fn pointer(name: &str) -> String {
    format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1").replace(' ', "%20").replace('`', "%60"))
}

/// Notes what stands under a key.
fn stands(values: &mut Values, node: &Node, readers: &BTreeMap<Place, Reader>, is_inside: bool) {
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| stands(values, item, readers, is_inside)),
        Kind::Map(entries) => match readers.get(&place(&node.mark)) {
            Some(reader) if is_inside => {
                values.inside.insert(reader.clone());
            }
            Some(reader) => {
                values.known.insert(reader.clone());
            }
            None => {
                values.is_open = true;
                values.is_nested |= is_inside;
                for (key, value) in entries {
                    values.names.extend(key.as_text());
                    stands(values, value, readers, true);
                }
            }
        },
        _ => {}
    }
}
