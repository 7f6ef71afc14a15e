//! Element ids (http://hl7.org/fhir/R4/elementdefinition.html#id): as a definition has them, or made from path and slice
//! name where it has none. Without the type in front; the root is `.`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::text;

/// The ids of a definition's elements, in their order.
pub fn element_ids(elements: &[Value]) -> Vec<String> {
    let mut latest = BTreeMap::new();
    elements.iter().map(|element| element_id(element, &mut latest)).collect()
}

/// `latest` has, for each path, the id that was last given to it: what follows below that path belongs to it.
fn element_id(element: &Value, latest: &mut BTreeMap<String, String>) -> String {
    let path = below_root(text(element, "path").unwrap_or_default());
    let id = text(element, "id").filter(|id| path_of(below_root(id)).split('.').count() == path.split('.').count());
    let id = id.map_or_else(|| made_id(path, text(element, "sliceName"), latest), |id| one_word(below_root(id)));
    let below = format!("{path}.");
    latest.retain(|known, _| !known.starts_with(&below));
    latest.insert(path.to_string(), id.clone());
    if id.is_empty() { ".".to_string() } else { id }
}

fn made_id(path: &str, slice: Option<&str>, latest: &BTreeMap<String, String>) -> String {
    let id = known_id(path, latest);
    match slice {
        Some(slice) if !is_shorthand(path, slice) => format!("{id}:{}", one_word(slice).replace('.', "_")),
        _ => id,
    }
}

/// Whether the path itself names the slice, as `Observation.valueQuantity` does.
fn is_shorthand(path: &str, slice: &str) -> bool {
    path.rsplit('.').next() == Some(slice) && slice.contains(|c: char| c.is_ascii_uppercase())
}

/// The parent's latest id with the last part of the path.
fn known_id(path: &str, latest: &BTreeMap<String, String>) -> String {
    match path.rsplit_once('.') {
        Some((parent, last)) => {
            let parent = latest.get(parent).cloned().unwrap_or_else(|| known_id(parent, latest));
            format!("{parent}.{last}")
        }
        None => path.to_string(),
    }
}

fn below_root(id: &str) -> &str {
    id.split_once('.').map_or("", |(_, below)| below)
}

/// An id without its slice names.
fn path_of(id: &str) -> String {
    id.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect::<Vec<_>>().join(".")
}

fn one_word(id: &str) -> String {
    id.split_whitespace().collect::<Vec<_>>().join("_")
}
