//! A whole package: sorts its definitions into files of blocks, counts them, and tells what could not be reduced.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::codesystem::{is_supplement, reduce_code_system};
use super::counts::Counts;
use super::profile::reduce_profile;
use super::release::{Manifest, ReduceError};
use super::search::reduce_search_parameter;
use super::types::reduce_type;
use super::valueset::reduce_value_set;
use super::words::{last_part, text};
use crate::problem::{Category, Place, Problem};
use crate::yaml::Mark;

/// A package in its reduced form.
#[derive(Debug, Clone)]
pub struct Reduced {
    pub name: String,
    pub version: String,
    /// Name and version of each package it depends on.
    pub dependencies: BTreeMap<String, String>,
    /// Path within the package's folder (`profiles/us-core-patient.txt`) and text.
    pub files: BTreeMap<String, String>,
    pub counts: Counts,
    /// What is in the package and has no place in the form, by what it is (`OperationDefinition`, `logical model`).
    pub left_out: BTreeMap<String, usize>,
    /// Definitions that could not be reduced, in whole (errors) or in part (warnings).
    pub problems: Vec<Problem>,
}

/// Takes a package's files one after the other, so that only the reduced form is ever held as a whole.
#[derive(Debug, Default)]
pub struct Reducer {
    manifest: Option<Manifest>,
    files: BTreeMap<String, String>,
    extensions: BTreeMap<String, String>,
    value_sets: BTreeMap<String, String>,
    code_systems: BTreeMap<String, String>,
    search_parameters: BTreeMap<String, String>,
    left_out: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

/// Reduces a package, given its files: each one's name (`StructureDefinition-us-core-patient.json`) and parsed JSON.
pub fn reduce(files: impl IntoIterator<Item = (String, Value)>) -> Result<Reduced, ReduceError> {
    let mut reducer = Reducer::default();
    for (name, json) in files {
        reducer.add(&name, &json);
    }
    reducer.finish()
}

impl Reducer {
    /// Takes one file. What is no definition is counted and left out; what is no resource at all is passed over.
    pub fn add(&mut self, file: &str, json: &Value) {
        if file == "package.json" {
            self.manifest = Some(Manifest::of(json));
            return;
        }
        let Some(kind) = text(json, "resourceType") else { return };
        let reduced = match kind {
            "StructureDefinition" => self.add_structure(file, json),
            "ValueSet" => reduce_value_set(json).and_then(|block| keep(&mut self.value_sets, json, block)),
            "CodeSystem" if is_supplement(json) => return self.leave_out("code system supplement"),
            "CodeSystem" => reduce_code_system(json).and_then(|block| keep(&mut self.code_systems, json, block)),
            "SearchParameter" => {
                reduce_search_parameter(json).and_then(|block| keep(&mut self.search_parameters, json, block))
            }
            other => return self.leave_out(other),
        };
        if let Err(reason) = reduced {
            let url = text(json, "url").unwrap_or("a definition without url");
            let text = format!("{url} is left out: {reason}");
            self.problems.push(Problem::error(Category::Structure, place(file), text));
        }
    }

    /// The package as a whole, or why it is none that can be used.
    pub fn finish(mut self) -> Result<Reduced, ReduceError> {
        let manifest = self.manifest.take().ok_or(ReduceError::NoManifest)?;
        manifest.check()?;
        let mut files = self.files;
        files.insert("package.txt".to_string(), manifest.reduced());
        let blocks = [
            ("extensions.txt", self.extensions),
            ("valuesets.txt", self.value_sets),
            ("codesystems.txt", self.code_systems),
            ("searchparameters.txt", self.search_parameters),
        ];
        for (file, blocks) in blocks.into_iter().filter(|(_, blocks)| !blocks.is_empty()) {
            files.insert(file.to_string(), blocks.into_values().collect::<Vec<_>>().join("\n"));
        }
        let counts = Counts::of(files.values().map(String::as_str));
        if counts.total() == 0 {
            return Err(ReduceError::Empty { package: format!("{} {}", manifest.name, manifest.version) });
        }
        let Manifest { name, version, dependencies, .. } = manifest;
        let (left_out, problems) = (self.left_out, self.problems);
        Ok(Reduced { name, version, dependencies, files, counts, left_out, problems })
    }

    fn add_structure(&mut self, file: &str, json: &Value) -> Result<(), String> {
        if text(json, "kind") == Some("logical") {
            self.leave_out("logical model");
            return Ok(());
        }
        if text(json, "derivation") != Some("constraint") {
            let (path, text) = reduce_type(json)?;
            return keep_file(&mut self.files, path, text);
        }
        let profile = reduce_profile(json)?;
        if text(json, "type") == Some("Extension") {
            keep(&mut self.extensions, json, profile.block)?;
        } else {
            let name = file_name(json).ok_or("it has no id")?;
            keep_file(&mut self.files, format!("profiles/{name}.txt"), profile.block)?;
        }
        let url = text(json, "url").unwrap_or_default();
        for key in profile.unchecked {
            let text = format!("{url}: the invariant {key} has no FHIRPath expression and is not checked");
            self.problems.push(Problem::warning(Category::Incomplete, place(file), text));
        }
        Ok(())
    }

    fn leave_out(&mut self, what: &str) {
        *self.left_out.entry(what.to_string()).or_default() += 1;
    }
}

/// Blocks are sorted by URL. A URL that comes twice is kept as it came first.
fn keep(blocks: &mut BTreeMap<String, String>, json: &Value, block: String) -> Result<(), String> {
    let url = text(json, "url").unwrap_or_default();
    if blocks.contains_key(url) {
        return Err("another definition of this package has the same url".to_string());
    }
    blocks.insert(url.to_string(), block);
    Ok(())
}

fn keep_file(files: &mut BTreeMap<String, String>, path: String, text: String) -> Result<(), String> {
    if files.contains_key(&path) {
        return Err(format!("another definition of this package has its place, {path}"));
    }
    files.insert(path, text);
    Ok(())
}

/// The definition's id; it is the name of a file, so nothing but what FHIR allows in an id is kept.
fn file_name(json: &Value) -> Option<String> {
    let id = text(json, "id").or_else(|| text(json, "url").map(last_part))?;
    let kept: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).take(64).collect();
    Some(kept.trim_start_matches('.').to_string()).filter(|name| !name.is_empty())
}

fn place(file: &str) -> Place {
    let file: Arc<str> = Arc::from(file);
    Place::File(Mark::start(&file))
}
