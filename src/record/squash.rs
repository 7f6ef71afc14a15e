//! Several changes of one resource as the one change that a commit can hold.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Change;
use crate::identity::ResourceId;

/// The last content of each resource, replacing what its first change replaced, in the order of the first changes. Use it
/// where a statement or an action and the evaluation after it go into one commit.
pub fn squash(changes: Vec<Change>) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::with_capacity(changes.len());
    // By place: a message of ten thousand results must not search ten thousand times.
    let mut places: HashMap<(String, ResourceId), usize> = HashMap::new();
    for change in changes {
        let key = (change.stored.resource.resource_type().to_string(), change.stored.id);
        let place = *places.entry(key).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(former) => *former = joined(former, change),
            None => kept.push(change),
        }
    }
    kept
}

fn joined(former: &Change, mut last: Change) -> Change {
    let is_visible = former.is_visible() || last.is_visible();
    last.replaces = former.replaces;
    last.stored.version = former.replaces + u64::from(is_visible);
    if let Some(Value::Object(meta)) = last.stored.resource.as_map_mut().get_mut("meta") {
        meta.insert("versionId".to_string(), json!(last.stored.version.to_string()));
    }
    last
}
