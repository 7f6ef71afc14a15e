//! The types that a package defines (StructureDefinition with derivation `specialization`): all elements of their own,
//! from the snapshot, with what an implementation of the type needs.

use serde_json::Value;

use super::element::{constraint_lines, content_reference, limit, type_text};
use super::words::{is_true, last_part, list, text, value_set_url};

/// Types whose elements stand in the file of the type itself only.
const INHERITED: [&str; 6] =
    ["Element", "BackboneElement", "Resource", "DomainResource", "MetadataResource", "Quantity"];

/// A type in its file, such as `resources/Patient.txt`. The error says what its definition lacks.
pub fn reduce_type(definition: &Value) -> Result<(String, String), String> {
    let name = text(definition, "name").ok_or("it has no name")?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err("its name is not that of a type: letters and digits".to_string());
    }
    let (kind, folder) = match text(definition, "kind") {
        Some("primitive-type") => ("primitive", "primitives"),
        Some("complex-type") => ("datatype", "datatypes"),
        Some("resource") => ("resource", "resources"),
        _ => return Err("its kind is neither primitive-type, complex-type nor resource".to_string()),
    };
    let url = text(definition, "url").unwrap_or_default();
    let elements = definition.get("snapshot").map(|snapshot| list(snapshot, "element")).unwrap_or_default();
    let (root, elements) = elements.split_first().ok_or("it defines a type and has no snapshot")?;
    let abstractness = if is_true(definition, "abstract") { "abstract " } else { "" };
    let base = text(definition, "baseDefinition").map(|base| format!(" : {}", last_part(base))).unwrap_or_default();
    let mut lines = vec![format!("{abstractness}{kind} {name}{base}")];
    lines.extend(constraint_lines(root, url));
    for element in elements.iter().filter(|element| kind != "primitive" && is_own(element, name)) {
        lines.push(element_line(element, name));
        lines.extend(constraint_lines(element, url));
    }
    lines.push(String::new());
    Ok((format!("{folder}/{name}.txt"), lines.join("\n")))
}

/// Whether the element is the type's own, or comes from a base that has no file to take it from.
fn is_own(element: &Value, name: &str) -> bool {
    let first = |path: &str| path.split('.').next().unwrap_or_default().to_string();
    let path = text(element, "path").unwrap_or_default();
    let origin = first(element.get("base").and_then(|base| text(base, "path")).unwrap_or(path));
    origin == name || (!INHERITED.contains(&origin.as_str()) && first(path) == name)
}

fn element_line(element: &Value, root: &str) -> String {
    let path = text(element, "path").unwrap_or_default();
    let below = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('.')).unwrap_or(path);
    let types = match (path, content_reference(element)) {
        // The package says string here, the specification's own page says id.
        ("Resource.id", _) => "id".to_string(),
        (_, Some(reference)) => reference,
        _ => list(element, "type").iter().map(type_text).collect::<Vec<_>>().join("|"),
    };
    let min = element.get("min").map(Value::to_string).unwrap_or_default();
    let mut parts = vec![below.to_string(), format!("{min}..{}", text(element, "max").unwrap_or_default()), types];
    for (word, key) in [("summary", "isSummary"), ("modifier", "isModifier")] {
        if is_true(element, key) {
            parts.push(word.to_string());
        }
    }
    let binding = element.get("binding");
    if let Some((strength, url)) = binding.and_then(|b| Some((text(b, "strength")?, text(b, "valueSet")?))) {
        let unversioned = url.split('|').next().unwrap_or(url);
        parts.push(format!("{strength}:{}", value_set_url(unversioned)));
    }
    parts.extend(binding.and_then(limit));
    parts.join(" ")
}
