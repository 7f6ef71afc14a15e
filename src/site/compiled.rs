//! The languages a site is written in beside settings: value sets, mappings, protocols, agreements. Each is compiled by
//! its own folder; here the files of the built-in set and of the site are put together for them.

use std::sync::Arc;

use super::crosscheck::{Kind, Names};
use super::folder::Folder;
use crate::agreement::{self, AgreementSet};
use crate::fhir::{ValueSets, built_in_value_sets};
use crate::yaml::Source;

/// The built-in value sets with the site's `profiles/valuesets/*.yaml` in their place.
pub fn value_sets(folder: &mut Folder) -> ValueSets {
    let sources = layered(built_in_value_sets(), folder, "profiles/valuesets");
    let (sets, problems) = ValueSets::compile(&sources);
    folder.problems.extend(problems);
    sets
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

/// Built-in files, then the site's; all are kept for showing problems in them.
fn layered(built_in: Vec<Source>, folder: &mut Folder, place: &str) -> Vec<Source> {
    folder.sources.extend(built_in.iter().cloned());
    let mut sources = built_in;
    for file in folder.yaml_in(place) {
        sources.extend(folder.source(&file));
    }
    sources
}
