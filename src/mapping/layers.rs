//! The files of a map set in their layers: built-in, then the site's, then a feed's. A layer names only what it changes;
//! a file of the same folder and name is laid over the one below, key by key, so that every line keeps its own place.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

use crate::mapping::language::VERBS;
use crate::problem::{Category, Problem};
use crate::yaml::{Kind, Mark, Node, Source, nearest, parse};

/// The mapping files of a feed, lowest layer first.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    pub built_in: Vec<Source>,
    pub site: Vec<Source>,
    pub feed: Vec<Source>,
}

#[derive(RustEmbed)]
#[folder = "mappings"]
struct BuiltIn;

impl Layers {
    /// The mappings that come with Handover, alone.
    pub fn built_in() -> Self {
        let paths = BuiltIn::iter().filter(|path| path.ends_with(".yaml"));
        let sources = paths.filter_map(|path| {
            let file = BuiltIn::get(&path)?;
            let text = std::str::from_utf8(&file.data).ok()?;
            Some(Source::new(format!("built-in:mappings/{path}"), text))
        });
        Self { built_in: sources.collect(), ..Self::default() }
    }

    /// The same with a site's own files laid over.
    pub fn with_site(mut self, files: Vec<Source>) -> Self {
        self.site = files;
        self
    }

    /// The same with one feed's own files laid over.
    pub fn with_feed(mut self, files: Vec<Source>) -> Self {
        self.feed = files;
        self
    }
}

/// The folder of a mapping file says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Folder {
    Tables,
    Readings,
    Datatypes,
    Segments,
    Messages,
}

const FOLDERS: [(&str, Folder); 5] = [
    ("messages", Folder::Messages),
    ("segments", Folder::Segments),
    ("datatypes", Folder::Datatypes),
    ("tables", Folder::Tables),
    ("readings", Folder::Readings),
];

/// One file as all layers together have it.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub folder: Folder,
    pub name: String,
    pub node: Node,
}

/// Reads all files and lays them over each other.
pub(super) fn merge(layers: &Layers, problems: &mut Vec<Problem>) -> BTreeMap<(Folder, String), Document> {
    let mut documents: BTreeMap<(Folder, String), Document> = BTreeMap::new();
    for source in layers.built_in.iter().chain(&layers.site).chain(&layers.feed) {
        let Some((folder, name)) = place_of(source, problems) else { continue };
        let node = match parse(source) {
            Ok(node) => node,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match documents.remove(&(folder, name.clone())) {
            Some(below) => {
                let node = lay_file(below.node, node);
                documents.insert((folder, name.clone()), Document { folder, name, node });
            }
            None => {
                documents.insert((folder, name.clone()), Document { folder, name, node });
            }
        }
    }
    documents
}

fn place_of(source: &Source, problems: &mut Vec<Problem>) -> Option<(Folder, String)> {
    let path = source.name.rsplit(':').next().unwrap_or_default();
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    let name = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml"))?;
    let found = FOLDERS.iter().find(|(known, _)| *known == folder).map(|(_, folder)| *folder);
    if found.is_none() {
        let hint = nearest(folder, FOLDERS.iter().map(|(known, _)| *known))
            .map_or_else(String::new, |near| format!("; did you mean `{near}/`?"));
        problems.push(Mark::start(&source.name).problem(
            Category::Structure,
            format!("a mapping file lies in messages/, segments/, datatypes/, tables/ or readings/, not in `{folder}/`{hint}"),
        ));
    }
    Some((found?, name.to_string()))
}

pub(super) fn lay_file(below: Node, above: Node) -> Node {
    match (below.kind, above.kind) {
        (Kind::Map(below_entries), Kind::Map(above_entries)) => {
            let mut entries = below_entries;
            for (key, value) in above_entries {
                let name = key.as_text().unwrap_or_default();
                let found = entries.iter().position(|(known, _)| known.as_text().as_deref() == Some(name.as_str()));
                let Some(at) = found else {
                    entries.push((key, value));
                    continue;
                };
                let (old_key, old) = entries.remove(at);
                let laid = match name.as_str() {
                    "examples" | "none" | "events" | "bookkeeping" | "notices" | "labels" => append(old, value),
                    "codes" | "groups" | "units" => lay_entries(old, value),
                    "elements" | "resources" => lay_elements(old, value),
                    _ => value,
                };
                entries.insert(at.min(entries.len()), (old_key, laid));
            }
            Node { mark: below.mark, kind: Kind::Map(entries) }
        }
        (_, kind) => Node { mark: above.mark, kind },
    }
}

fn append(below: Node, above: Node) -> Node {
    let mark = below.mark.clone();
    let list = |node: Node| match node.kind {
        Kind::List(items) => items,
        Kind::Null => Vec::new(),
        kind => vec![Node { mark: node.mark, kind }],
    };
    let mut items = list(below);
    items.extend(list(above));
    Node { mark, kind: Kind::List(items) }
}

/// Key by key; `null` takes a key away.
fn lay_entries(below: Node, above: Node) -> Node {
    lay_with(below, above, &|_, above| above)
}

/// As [`lay_entries`], going into elements that are written in place.
fn lay_elements(below: Node, above: Node) -> Node {
    lay_with(below, above, &lay_element)
}

fn lay_element(below: Node, above: Node) -> Node {
    if let Some(also) = above.get("also") {
        return append(below, also.clone());
    }
    if is_whole(&below) || is_whole(&above) { above } else { lay_elements(below, above) }
}

/// One value, by a verb: what lies above replaces it whole rather than mixing into it.
fn is_whole(node: &Node) -> bool {
    node.as_map().is_none() || VERBS.iter().any(|key| node.get(key).is_some())
}

fn lay_with(below: Node, above: Node, both: &dyn Fn(Node, Node) -> Node) -> Node {
    let (Kind::Map(mut entries), Kind::Map(above_entries)) = (below.kind, above.kind.clone()) else {
        return above;
    };
    for (key, value) in above_entries {
        let name = key.as_text().unwrap_or_default();
        let found = entries.iter().position(|(known, _)| known.as_text().as_deref() == Some(name.as_str()));
        match (found, value.kind == Kind::Null) {
            (Some(at), true) => {
                entries.remove(at);
            }
            (Some(at), false) => {
                let (_, old) = entries.remove(at);
                entries.insert(at.min(entries.len()), (key, both(old, value)));
            }
            (None, true) => {}
            (None, false) => entries.push((key, unwrap_also(value))),
        }
    }
    Node { mark: below.mark, kind: Kind::Map(entries) }
}

fn unwrap_also(value: Node) -> Node {
    value.get("also").cloned().unwrap_or(value)
}
