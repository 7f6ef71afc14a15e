//! What bundles of a kind demand beyond R4's invariants (http://hl7.org/fhir/R4/bundle.html, http.html#search, documents.html): one
//! address of its own, ids in what a search found, references that can be resolved, and a document without strangers.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::bundle::{Bundle, restful};
use super::place::{Findings, Path};
use super::steps::step;
use crate::problem::Category;

type Object = Map<String, Value>;

/// Checks a bundle as a whole.
pub(super) fn check(map: &Object, bundle: &Bundle<'_>, is_thorough: bool, path: &Path<'_>, findings: &mut Findings) {
    check_self_links(map, path, findings);
    match map.get("type").and_then(Value::as_str) {
        Some("searchset") => check_found(map, path, findings),
        Some("document") => check_reached(bundle, path, findings),
        _ => {}
    }
    let is_request = matches!(map.get("type").and_then(Value::as_str), Some("transaction" | "batch"));
    if is_thorough && !is_request {
        check_relative(bundle, path, findings);
    }
}

fn list<'v>(object: &'v Object, name: &str) -> impl Iterator<Item = (usize, &'v Object)> {
    let items = object.get(name).and_then(Value::as_array).into_iter().flatten();
    items.enumerate().filter_map(|(index, item)| Some((index, item.as_object()?)))
}

/// A bundle was asked for in one way.
fn check_self_links(map: &Object, path: &Path<'_>, findings: &mut Findings) {
    let own = list(map, "link").filter(|(_, link)| link.get("relation").and_then(Value::as_str) == Some("self"));
    for (index, _) in own.skip(1) {
        let text = "a bundle has one link `self`: how it was asked for";
        findings.error(Category::Duplicate, &path.child("link").at(Some(index)), text);
    }
}

/// What a search found can be read, so it has an id; what it says of itself (`outcome`) cannot.
fn check_found(map: &Object, path: &Path<'_>, findings: &mut Findings) {
    for (index, entry) in list(map, "entry") {
        let mode = entry.get("search").and_then(|search| search.get("mode")).and_then(Value::as_str);
        let Some(resource) = entry.get("resource").and_then(Value::as_object).filter(|_| mode != Some("outcome"))
        else {
            continue;
        };
        let is_outcome = resource.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome");
        if !is_outcome && !resource.contains_key("id") {
            let entry = path.child("entry").at(Some(index));
            findings.error(Category::Required, &entry.child("resource").child("id"), "what a search found has an id");
        }
    }
}

/// A relative reference goes on from the full URL of its entry; from `urn:uuid:…` there is no way.
fn check_relative(bundle: &Bundle<'_>, path: &Path<'_>, findings: &mut Findings) {
    for (index, (full_url, resource)) in bundle.entries().enumerate() {
        let (Some(full_url), Some(resource)) = (full_url, resource) else { continue };
        if restful(full_url).is_some() {
            continue;
        }
        let mut references = Vec::new();
        collect(resource, &mut references);
        let lost =
            |reference: &&&str| !reference.contains(':') && !reference.starts_with('#') && reference.contains('/');
        if let Some(reference) = references.iter().find(lost) {
            let text = format!(
                "`{reference}` leads nowhere from here, because this entry goes by {full_url}; refer to entries by their fullUrl"
            );
            findings.warning(Category::NotFound, &path.child("entry").at(Some(index)), text);
        }
    }
}

/// What is in a document is reached from its Composition, or says where something of it comes from.
fn check_reached(bundle: &Bundle<'_>, path: &Path<'_>, findings: &mut Findings) {
    let address = |resource: &Object| std::ptr::from_ref(resource).addr();
    // Where each entry leads, and which Provenances tell of it.
    let mut leads: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut origins: HashMap<usize, Vec<usize>> = HashMap::new();
    for (full_url, resource) in bundle.entries() {
        let Some(resource) = resource else { continue };
        let mut references = Vec::new();
        collect(resource, &mut references);
        for found in references.iter().filter_map(|reference| bundle.resolve(reference, full_url)) {
            leads.entry(address(resource)).or_default().push(address(found));
            if resource.get("resourceType").and_then(Value::as_str) == Some("Provenance") {
                origins.entry(address(found)).or_default().push(address(resource));
            }
        }
    }
    let first = bundle.entries().find_map(|(_, resource)| resource).map(address);
    let mut reached: HashSet<usize> = first.into_iter().collect();
    let mut open: Vec<usize> = first.into_iter().collect();
    while let Some(at) = open.pop() {
        step();
        let next = [leads.get(&at), origins.get(&at)].into_iter().flatten().flatten().inspect(|_| step());
        open.extend(next.filter(|next| reached.insert(**next)));
    }
    for (index, (_, resource)) in bundle.entries().enumerate() {
        let Some(resource) = resource.filter(|resource| !reached.contains(&address(resource))) else { continue };
        // A style sheet is referred to by nobody.
        if resource.get("resourceType").and_then(Value::as_str) != Some("Binary") {
            let text = "nothing in this document leads from its Composition to this entry";
            findings.error(Category::Structure, &path.child("entry").at(Some(index)), text);
        }
    }
}

/// All literal references of a resource.
fn collect<'v>(object: &'v Object, found: &mut Vec<&'v str>) {
    for (name, value) in object {
        match value {
            Value::String(text) if name == "reference" => found.push(text),
            Value::Object(inner) => collect(inner, found),
            Value::Array(items) => items.iter().filter_map(Value::as_object).for_each(|inner| collect(inner, found)),
            _ => {}
        }
    }
}
