//! All codes of a value set (http://hl7.org/fhir/R4/valueset-operation-expand.html), where every one of them is at hand.

use std::sync::Arc;

use super::code_group::CodeGroup;
use super::compose::{Include, MAX_DEPTH};
use super::concepts::Content;
use super::membership::{Membership, passes};
use crate::fhir::Library;

/// More codes than this are not listed: nobody reads them.
const MAX_CODES: usize = 20_000;

impl Library {
    /// The codes of a value set by system, in the order of its definition. None when it is not at hand, or takes codes
    /// from what is not.
    pub fn codes_of(&self, value_set: &str) -> Option<Arc<[CodeGroup]>> {
        if let Some(known) = self.expanded(value_set) {
            return known;
        }
        let found = self.list_codes(value_set).map(Arc::from);
        self.keep_expanded(value_set, found.clone());
        found
    }

    fn list_codes(&self, value_set: &str) -> Option<Vec<CodeGroup>> {
        let mut groups = self.expand(value_set, 0)?;
        let compose = self.value_set(value_set)?;
        if !compose.exclude.is_empty() {
            for group in &mut groups {
                group.codes.retain(|code| self.membership(value_set, Some(&group.system), code) == Membership::In);
            }
        }
        groups.retain(|group| !group.codes.is_empty());
        Some(groups).filter(|groups| !groups.is_empty())
    }

    fn expand(&self, value_set: &str, depth: u32) -> Option<Vec<CodeGroup>> {
        let compose = self.value_set(value_set).filter(|_| depth < MAX_DEPTH)?;
        let mut groups: Vec<CodeGroup> = Vec::new();
        for include in &compose.include {
            for group in self.expand_include(include, depth)? {
                match groups.iter_mut().find(|own| own.system == group.system) {
                    Some(own) => {
                        let new = group.codes.into_iter().filter(|code| !own.codes.contains(code)).collect::<Vec<_>>();
                        own.codes.extend(new);
                    }
                    None => groups.push(group),
                }
            }
        }
        let count: usize = groups.iter().map(|group| group.codes.len()).sum();
        (count <= MAX_CODES).then_some(groups)
    }

    fn expand_include(&self, include: &Include, depth: u32) -> Option<Vec<CodeGroup>> {
        let Some(system) = &include.system else {
            let mut sets = include.value_sets.iter();
            let mut groups = self.expand(sets.next()?, depth + 1)?;
            for set in sets {
                for group in &mut groups {
                    group.codes.retain(|code| self.membership(set, Some(&group.system), code) == Membership::In);
                }
            }
            return Some(groups);
        };
        let mut codes = if include.codes.is_empty() {
            let concepts = self.code_system(system).filter(|concepts| concepts.content == Content::Complete)?;
            let mut codes = Vec::new();
            for code in concepts.codes() {
                let all =
                    include.filters.iter().map(|filter| passes(&concepts, filter, code)).collect::<Option<Vec<_>>>()?;
                if all.iter().all(|passes| *passes) {
                    codes.push(code.clone());
                }
            }
            codes
        } else {
            include.codes.clone()
        };
        for set in &include.value_sets {
            codes.retain(|code| self.membership(set, Some(system), code) == Membership::In);
        }
        Some(vec![CodeGroup { system: system.clone(), codes }])
    }
}
