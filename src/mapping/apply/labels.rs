//! Security labels of a message and of what it tells: they add up over fields and segments, and none of them is ever dropped. Of
//! more than a bound the message is refused.

use serde_json::Value;

use crate::fhir::{Draft, Resource, Scope};
use crate::mapping::language::{Entry, MessageMap, SourcePath};
use crate::problem::{Category, Place, Problem};

use super::run::{Frame, Run};
use super::template::{as_list, as_map};

/// More labels than this, on one resource or on the message as a whole, are nobody's policy: and all of the message's stand on
/// everything that it tells.
const MOST_LABELS: usize = 32;

impl<'a> Run<'a> {
    /// What the message is labelled as a whole holds for all it tells of a patient, but not for who that is: a label of the
    /// person holds for everything that anybody tells of them.
    pub fn label_all(&mut self, map: &'a MessageMap) {
        // Nothing lost: most messages have no labels of their own.
        let Some(template) = &map.labels else { return };
        self.local = "Patient".into();
        self.steps = vec![("meta", None)];
        let labels = self.structure_of(template, Frame { segment: 0, this: None });
        self.steps.clear();
        // Nothing lost: the message says nothing of labels.
        let Some(mut labels) = labels.and_then(|filled| as_map(filled.value)) else { return };
        let security = labels.shift_remove("security").map(as_list).unwrap_or_default();
        let security = without_duplicates(security);
        if !self.takes_labels(security.len()) {
            return;
        }
        let told = |draft: &Draft| draft.scope == Scope::Patient && draft.resource.resource_type() != "Patient";
        for made in self.made.iter_mut().filter(|made| told(&made.draft)) {
            made.draft.resource.add_to_meta("security", security.clone());
        }
    }

    /// Whether the repetitions of a field are more labels than are read; that is said.
    pub fn has_too_many_labels(&mut self, path: &SourcePath, entry: &Entry, frame: Frame<'a>) -> bool {
        let is_labels = matches!(entry.name.as_str(), "security" | "securityLabel");
        // Nothing lost: they are only counted here, and with too many of them the message is refused.
        is_labels && !self.takes_labels(self.all_at(path, frame).take(MOST_LABELS + 1).count())
    }

    /// Whether that many labels are within the bound; beyond it the message is refused.
    pub fn takes_labels(&mut self, count: usize) -> bool {
        let is_bounded = count <= MOST_LABELS;
        if !is_bounded {
            let text = format!(
                "more than {MOST_LABELS} security labels on one thing; nothing of the message is used without them"
            );
            let problem = Problem::error(Category::TooCostly, Place::Whole, text);
            // Beyond the faults that are listed, too: without it the message would be taken.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        is_bounded
    }
}

fn without_duplicates(labels: Vec<Value>) -> Vec<Value> {
    let mut once = Resource::new("Basic");
    once.add_to_meta("security", labels);
    let listed = once.get("meta").and_then(|meta| meta.get("security")).cloned();
    listed.map(as_list).unwrap_or_default()
}
