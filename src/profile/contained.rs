//! What a resource contains (http://hl7.org/fhir/R4/references.html#contained), by the ids by which it is referred to.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::place::{Findings, Path};
use crate::problem::Category;

/// The contained resources of an outermost resource by id.
pub(super) struct Contained<'a>(HashMap<&'a str, &'a Map<String, Value>>);

impl<'a> Contained<'a> {
    pub fn of(root: &'a Map<String, Value>) -> Self {
        Self(listed(root).filter_map(|(_, resource)| Some((id_of(resource)?, resource))).collect())
    }

    pub fn get(&self, id: &str) -> Option<&'a Map<String, Value>> {
        self.0.get(id).copied()
    }
}

fn listed(root: &Map<String, Value>) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
    let contained = root.get("contained").and_then(Value::as_array).into_iter().flatten();
    contained.enumerate().filter_map(|(index, resource)| Some((index, resource.as_object()?)))
}

fn id_of(resource: &Map<String, Value>) -> Option<&str> {
    resource.get("id").and_then(Value::as_str)
}

/// An id stands for one contained resource only.
pub(super) fn check_ids(map: &Map<String, Value>, path: &Path<'_>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for (index, resource) in listed(map) {
        if id_of(resource).is_some_and(|id| !seen.insert(id)) {
            let text = "another contained resource has this id already";
            findings.error(Category::Duplicate, &path.child("contained").at(Some(index)).child("id"), text);
        }
    }
}
