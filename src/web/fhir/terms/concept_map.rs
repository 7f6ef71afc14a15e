//! A held map as a resource (http://hl7.org/fhir/R4/conceptmap.html).

use serde_json::{Value, json};

use super::maps::{HeldMap, Line};
use crate::fhir::Library;

/// What a v2 code becomes is near to it and not said to be the same: the tables do not say how near.
pub const MAPPED: &str = "relatedto";
pub const UNMATCHED: &str = "unmatched";

pub fn written(map: &HeldMap<'_>, library: &Library, base: &str) -> Value {
    let feeds: Vec<&str> = map.feeds.iter().copied().collect();
    let mut groups: Vec<(Option<&str>, Vec<Value>)> = Vec::new();
    for line in map.lines(library) {
        let target = line.target.map(|(system, _)| system);
        let element = element(&line);
        match groups.iter_mut().find(|(known, _)| *known == target) {
            Some((_, elements)) => elements.push(element),
            None => groups.push((target, vec![element])),
        }
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|(target, elements)| match target {
            Some(target) => json!({ "source": map.source, "target": target, "element": elements }),
            None => json!({ "source": map.source, "element": elements }),
        })
        .collect();
    json!({
        "resourceType": "ConceptMap",
        "id": map.id,
        "url": map.url(base),
        "name": map.name(),
        "title": format!("{} of the feeds {}", map.name(), feeds.join(", ")),
        "status": "active",
        "group": groups,
    })
}

fn element(line: &Line<'_>) -> Value {
    match line.target {
        None => json!({ "code": line.code, "target": [{ "equivalence": UNMATCHED }] }),
        Some((_, row)) => {
            let mut target = json!({ "code": row.code, "equivalence": MAPPED });
            if let (Some(display), Some(members)) = (&row.display, target.as_object_mut()) {
                members.insert("display".to_string(), display.as_str().into());
            }
            json!({ "code": line.code, "target": [target] })
        }
    }
}
