//! The languages a site is written in beside settings: value sets, mappings, protocols, agreements. Each is compiled by
//! its own folder; here the files of the built-in set and of the site are put together for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::crosscheck::{Kind, Names};
use super::folder::Folder;
use super::terminology::read_added;
use crate::agreement::{self, AgreementSet};
use crate::fhir::{Library, PackageFile, PackageSource, ValueSets, built_in_value_sets};
use crate::mapping::{self, Layers, MapSet};
use crate::problem::Problem;
use crate::profile::Profiles;
use crate::protocol::{self, ProtocolSet, built_in_protocols};
use crate::yaml::{Source, parse};

/// The built-in value sets with the site's `profiles/valuesets/*.yaml` in their place.
pub fn value_sets(folder: &mut Folder) -> ValueSets {
    let sources = layered(built_in_value_sets(), folder, "profiles/valuesets");
    let (sets, problems) = ValueSets::compile(&sources);
    folder.problems.extend(problems);
    sets
}

/// The built-in packages with those of the site's `profiles/NAME/`, each a folder with a `package.txt`, above them,
/// and the code systems of its `terminology/`.
pub fn profiles(folder: &mut Folder) -> Profiles {
    let packages = folder.packages_in("profiles");
    let mut sources = Vec::new();
    for package in packages {
        let texts: Vec<Source> = package.iter().filter_map(|file| folder.source(file)).collect();
        let files =
            texts.into_iter().map(|source| PackageFile { name: source.name, text: source.text.to_string().into() });
        sources.push(PackageSource { files: files.collect() });
    }
    let (library, problems) = Library::with(&sources);
    folder.problems.extend(problems);
    Profiles::new(library.with_code_systems(read_added(folder)))
}

/// The site's `agreements/*.yaml`.
pub fn agreements(folder: &mut Folder, names: &Names, value_sets: &Arc<ValueSets>) -> AgreementSet {
    let sources = layered(Vec::new(), folder, "agreements");
    let (partners, panels) = (names.of(Kind::Partner), names.of(Kind::Panel));
    let names =
        agreement::Names { partners: Some(&partners), panels: Some(&panels), value_sets: Arc::clone(value_sets) };
    let (set, problems) = agreement::compile(&sources, &names);
    folder.problems.extend(problems);
    set
}

/// The built-in protocols and calendars, with the site's files of the same names in their place.
pub fn protocols(folder: &mut Folder, value_sets: &Arc<ValueSets>) -> ProtocolSet {
    let built_in = built_in_protocols();
    folder.sources.extend(built_in.iter().cloned());
    let mut own = layered(Vec::new(), folder, "protocols");
    own.extend(layered(Vec::new(), folder, "calendars"));
    let (set, problems) = protocol::compile(&built_in, &own, Arc::clone(value_sets));
    folder.problems.extend(problems);
    labelled(set, value_sets)
}

/// What a rule for a sensitive value set makes is sensitive, too.
pub fn labelled(set: ProtocolSet, value_sets: &ValueSets) -> ProtocolSet {
    set.implying(&|sets, listed| agreement::implied_labels(sets, listed, value_sets))
}

/// For each feed the built-in mappings, with the site's `mappings/` and then `feeds/NAME/mappings/` laid over them.
/// Feeds without mappings of their own share one set.
pub fn mappings<'f>(folder: &mut Folder, feeds: impl Iterator<Item = &'f str>) -> BTreeMap<String, Arc<MapSet>> {
    let built_in = Layers::built_in();
    folder.sources.extend(built_in.built_in.iter().cloned());
    let layers = built_in.with_site(below(folder, "mappings"));
    let shared = Arc::new(compiled(&layers, folder));
    let mut sets = BTreeMap::new();
    for feed in feeds {
        let own = below(folder, &format!("feeds/{feed}/mappings"));
        let set = if own.is_empty() {
            Arc::clone(&shared)
        } else {
            Arc::new(compiled(&layers.clone().with_feed(own), folder))
        };
        sets.insert(feed.to_string(), set);
    }
    sets
}

/// The files by which a feed's messages are read, as they lie in a site's folder now, and what is wrong with reading them.
pub fn map_files(root: &Path, feed: &str) -> (Layers, Vec<Problem>) {
    let mut folder = Folder::open(root);
    let layers = Layers::built_in().with_site(below(&mut folder, "mappings"));
    let layers = layers.with_feed(below(&mut folder, &format!("feeds/{feed}/mappings")));
    (layers, folder.problems)
}

fn compiled(layers: &Layers, folder: &mut Folder) -> MapSet {
    let (set, problems) = mapping::compile(layers);
    folder.problems.extend(problems);
    set
}

fn below(folder: &mut Folder, place: &str) -> Vec<Source> {
    folder.yaml_below(place).iter().filter_map(|file| folder.source(file)).collect()
}

/// Built-in files, then the site's; all are kept for showing problems in them.
fn layered(built_in: Vec<Source>, folder: &mut Folder, place: &str) -> Vec<Source> {
    folder.sources.extend(built_in.iter().cloned());
    let mut sources = built_in;
    for file in folder.yaml_in(place) {
        let Some(source) = folder.source(&file) else { continue };
        // What is no YAML is told by the compiler of the folder.
        let is_own = parse(&source).map_or(true, |node| !folder.is_misplaced(&file, &node));
        sources.extend(Some(source).filter(|_| is_own));
    }
    sources
}
