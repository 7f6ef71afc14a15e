//! What every message names and nobody changes: who treats, where, for whom. A shared thing that was stated lately in the same words,
//! and changed nothing then, changes nothing now, as long as the store still has the version that it was compared with.

use quick_cache::sync::Cache;

use crate::fhir::{Fingerprint, ValueSets};
use crate::identity::{Identified, PersonId, ResourceId};
use crate::record::{Record, only_repeats};
use crate::store::{Store, StoreError};

/// So many things are remembered, at some 150 bytes each.
const MOST: usize = 1 << 12;

pub(super) struct Repeats(Cache<(String, ResourceId), Compared>);

/// A statement and the version that it repeats.
#[derive(Clone, Copy)]
struct Compared {
    statement: Fingerprint,
    version: u64,
}

impl Repeats {
    pub fn new() -> Self {
        // Nothing lost: what is not remembered is read and compared again.
        Self(Cache::new(MOST))
    }

    /// Leaves out of what a message states what only repeats the store.
    pub async fn leave_out(
        &self,
        store: &dyn Store,
        value_sets: &ValueSets,
        identified: &mut Vec<Identified>,
    ) -> Result<(), StoreError> {
        let known = |one: &Identified| {
            let compared = self.0.get(&key(one)).filter(|_| is_shared(one))?;
            (compared.statement == print(value_sets, one)).then_some((one.id, compared.version))
        };
        let known: Vec<(ResourceId, u64)> = identified.iter().filter_map(known).collect();
        if known.is_empty() {
            return Ok(());
        }
        let is_known = |one: &Identified| known.iter().any(|(id, _)| *id == one.id);
        let keys: Vec<(String, ResourceId)> = identified.iter().filter(|one| is_known(one)).map(key).collect();
        let versions = store.versions(&keys).await?;
        let stands =
            |(place, (id, version)): (usize, &(ResourceId, u64))| (versions.get(place) == Some(version)).then_some(*id);
        let standing: Vec<ResourceId> = known.iter().enumerate().filter_map(stands).collect();
        // Nothing lost: what is left out is stored already, word by word.
        identified.retain(|one| !standing.contains(&one.id));
        Ok(())
    }

    /// Remembers what of a statement only repeats a record. It must be known to hold nothing sensitive, and have no label of its
    /// sender: labels are given after this, and would be more than a repetition.
    pub fn remember(&self, value_sets: &ValueSets, record: &Record, identified: &[Identified]) {
        let is_plain = |one: &&Identified| {
            let resource = &one.draft.resource;
            let looked_at = value_sets.harmless.fingerprint(resource, []);
            is_shared(one) && resource.get("meta").is_none() && value_sets.harmless.knows(&looked_at)
        };
        for one in identified.iter().filter(is_plain) {
            let stored = record.get(one.draft.resource.resource_type(), one.id);
            if let Some(stored) = stored.filter(|stored| only_repeats(stored, one)) {
                let compared = Compared { statement: print(value_sets, one), version: stored.version };
                self.0.insert(key(one), compared);
            }
        }
    }
}

fn is_shared(one: &Identified) -> bool {
    one.id.person == PersonId::SHARED
}

fn key(one: &Identified) -> (String, ResourceId) {
    (one.draft.resource.resource_type().to_string(), one.id)
}

/// What is stated, and by which fields; of another site it is another statement, as that may find other things sensitive.
fn print(value_sets: &ValueSets, one: &Identified) -> Fingerprint {
    let sources = one.draft.sources.iter().flat_map(|(element, fields)| {
        let fields = fields.iter().map(String::as_str);
        std::iter::once(element.as_str()).chain(fields).chain(std::iter::once(""))
    });
    let deleted = one.draft.deleted.iter().map(String::as_str);
    value_sets
        .harmless
        .fingerprint(&one.draft.resource, std::iter::once("repeats").chain(deleted).chain(["\n"]).chain(sources))
}
