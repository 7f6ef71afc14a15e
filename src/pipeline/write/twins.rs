//! Entries of one request that mean the same thing: the first of them has the draft, and the others became part of it.

use super::super::find::Found;
use super::entry::{Entry, Verb};
use super::refusal::Refusal;
use super::statement::bare;
use super::weigh::Weighing;
use crate::identity::{Identified, PersonId, ResourceId};
use crate::problem::Category;

/// Elements by which two entries may name the same patient differently.
const NAMING: [&str; 2] = ["subject", "patient"];

impl Weighing<'_> {
    /// The resource that an entry without a draft of its own became part of. Of a patient's record, two creations under one identifier
    /// say the same: as with one that is there already, another content is another thing, and would be lost.
    pub fn twin(&self, entry: &Entry, found: &Found) -> Result<Option<ResourceId>, Refusal> {
        let resource = bare(entry.resource.clone());
        let same = |one: &&Identified| {
            let draft = &one.draft.resource;
            draft.resource_type() == entry.kind
                && (resource.identifiers().first().is_some_and(|first| draft.identifiers().first() == Some(first))
                    || resource.is_same_without(draft, &NAMING))
        };
        let Some(twin) = found.identified.iter().find(same) else { return Ok(None) };
        let is_created = |entry: &Entry| entry.verb == Verb::Create && entry.kind != "Patient";
        if is_created(entry) && twin.id.person != PersonId::SHARED {
            let is_first = |one: &&Entry| one.local == twin.draft.local && is_created(one);
            let first = self.entries.iter().find(is_first);
            if let Some(first) = first.filter(|one| !resource.is_same_without(&bare(one.resource.clone()), &NAMING)) {
                let text = format!(
                    "{} says something else under the same identifier; give each an identifier of its own",
                    first.at("")
                );
                return Err(Refusal::at(409, Category::Duplicate, entry.at("identifier"), text));
            }
        }
        Ok(Some(twin.id))
    }
}
