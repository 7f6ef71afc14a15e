//! From files to a map set: all files of all layers, all faults in one run.

use std::collections::BTreeMap;

use super::names::Names;
use super::{map, message, reading, recursion, table};
use crate::mapping::MapSet;
use crate::mapping::language::Table;
use crate::mapping::layers::{Document, Folder, Layers, merge};
use crate::problem::{Place, Problem};

/// Compiles the files of a feed. The set holds whatever could be compiled; whether to use it when there are problems is
/// the caller's choice (a gateway keeps the set it has).
pub fn compile(layers: &Layers) -> (MapSet, Vec<Problem>) {
    let mut problems = Vec::new();
    let documents = merge(layers, &mut problems);
    let of = |folder: Folder| documents.values().filter(move |document| document.folder == folder);
    let mut names = Names { unread: problems.iter().filter_map(file_of).collect(), ..Names::default() };
    for document in of(Folder::Tables) {
        let compiled: Table = table::compile(&document.name, &document.node, &mut problems);
        names.tables.insert(document.name.clone(), names.compiled_tables.len());
        names.compiled_tables.push(compiled);
    }
    let mut readings = Vec::new();
    for document in of(Folder::Readings) {
        names.readings.insert(document.name.clone(), readings.len());
        readings.push(reading::compile(&document.name, &document.node, &mut problems));
    }
    let files: Vec<&Document> = of(Folder::Datatypes).chain(of(Folder::Segments)).collect();
    for (index, document) in files.iter().enumerate() {
        names.maps.insert(document.name.clone(), map::header(document, index));
    }
    let mut maps = Vec::with_capacity(files.len());
    for document in &files {
        if let Some(header) = names.maps.get(&document.name) {
            maps.push(map::compile(document, header, &names, &mut problems));
        }
    }
    recursion::check(&maps, &mut problems);
    let all: BTreeMap<String, Document> =
        of(Folder::Messages).map(|document| (document.name.clone(), document.clone())).collect();
    let mut messages = Vec::with_capacity(all.len());
    for document in all.values() {
        let node = message::resolve(document, &all, &mut problems);
        let mut own = Vec::new();
        messages.push(message::compile(&document.name, &node, &names, &mut own));
        // What a message takes over from another was reported there.
        own.retain(|problem| !problems.contains(problem));
        problems.append(&mut own);
    }
    problems.sort_by_key(|problem| match &problem.place {
        Place::File(mark) => Some(mark.clone()),
        _ => None,
    });
    (MapSet::new(maps, names.compiled_tables, readings, messages), problems)
}

/// The name of the file that a problem is about.
fn file_of(problem: &Problem) -> Option<String> {
    let Place::File(mark) = &problem.place else { return None };
    let file = mark.file.rsplit('/').next()?;
    file.strip_suffix(".yaml").map(str::to_string)
}
