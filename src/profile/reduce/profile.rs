//! Profiles and extensions (StructureDefinition with derivation `constraint`) as blocks: what the differential says beyond
//! the base. One that comes with a snapshot only is taken as a differential of all its elements.

use serde_json::Value;

use super::element::{constraint_lines, unchecked_constraints, words};
use super::id::element_ids;
use super::words::{collapsed, is_true, list, text, texts, type_url, with_version, word};

/// A reduced profile or extension.
pub struct Profile {
    pub block: String,
    /// The keys of invariants that have no FHIRPath, and so are never checked.
    pub unchecked: Vec<String>,
}

/// Reduces a profile or extension. The error says what its definition lacks.
pub fn reduce_profile(definition: &Value) -> Result<Profile, String> {
    let url = text(definition, "url").ok_or("it has no url")?;
    let base =
        text(definition, "baseDefinition").ok_or("it has no baseDefinition, so nobody can tell what it constrains")?;
    let kind = text(definition, "type").ok_or("it does not say which type it constrains")?;
    let elements = elements(definition).ok_or("it has neither a differential nor a snapshot")?;
    let named = with_version(type_url(url), text(definition, "version"));
    let mut lines = match kind {
        "Extension" => vec![format!("extension {named} : {}", type_url(base))],
        _ => vec![format!("profile {} {named} : {}", type_url(kind), type_url(base))],
    };
    if kind == "Extension" {
        lines.extend(circumstances(definition, elements));
    }
    let mut unchecked = Vec::new();
    for (id, element) in element_ids(elements).iter().zip(elements) {
        unchecked.extend(unchecked_constraints(element, url));
        lines.extend(element_lines(id, element, url, kind));
    }
    lines.push(String::new());
    Ok(Profile { block: lines.join("\n"), unchecked })
}

/// An element's line and its invariants. The root's invariants come first, below the head.
fn element_lines(id: &str, element: &Value, url: &str, kind: &str) -> Vec<String> {
    let is_root = id == ".";
    let mut words = words(element, is_root);
    if is_root && kind == "Extension" {
        words.retain(|word| word != "modifier");
    }
    let constraints = constraint_lines(element, url);
    let says_more = !words.is_empty();
    words.insert(0, id.to_string());
    let line = words.join(" ");
    if is_root {
        return constraints.into_iter().chain(says_more.then_some(line)).collect();
    }
    let is_line = says_more || !constraints.is_empty() || text(element, "sliceName").is_some();
    is_line.then_some(line).into_iter().chain(constraints).collect()
}

fn elements(definition: &Value) -> Option<&[Value]> {
    let of = |key| definition.get(key).map(|part| list(part, "element")).filter(|elements| !elements.is_empty());
    of("differential").or_else(|| of("snapshot"))
}

/// Whether an extension changes the meaning of what holds it, and where it may stand.
fn circumstances(definition: &Value, elements: &[Value]) -> Vec<String> {
    let is_modifier = elements.first().is_some_and(|root| is_true(root, "isModifier"));
    let mut lines = Vec::new();
    if is_modifier {
        lines.push("  modifier".to_string());
    }
    for context in list(definition, "context") {
        let (Some(kind), Some(expression)) = (text(context, "type"), text(context, "expression")) else { continue };
        let expression = if kind == "extension" { type_url(expression) } else { collapsed(expression) };
        lines.push(format!("  context {} {expression}", word(kind)));
    }
    let invariants = texts(definition, "contextInvariant");
    lines.extend(invariants.map(|expression| format!("  context-invariant {}", collapsed(expression))));
    lines
}
