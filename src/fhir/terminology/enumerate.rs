//! All codes of a value set (http://hl7.org/fhir/R4/valueset-operation-expand.html), where every one of them is at hand.

use std::sync::Arc;

use super::code_group::CodeGroup;
use super::walk::Unexpandable;
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
        let compose = self.value_set(value_set)?;
        let mut groups: Vec<CodeGroup> = Vec::new();
        let mut count = 0;
        let walked = self.walk(&compose, &mut |found| {
            count += 1;
            let code = found.concept.code.clone();
            match groups.iter_mut().find(|group| group.system == found.system) {
                Some(group) => group.codes.push(code),
                None => groups.push(CodeGroup { system: found.system.to_string(), codes: vec![code] }),
            }
            if count > MAX_CODES { Err(Unexpandable::Stopped) } else { Ok(()) }
        });
        walked.ok()?;
        Some(groups).filter(|groups| !groups.is_empty())
    }
}
