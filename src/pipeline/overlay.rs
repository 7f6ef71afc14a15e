//! What the earlier portions of a message changed, for those after them: nothing of it is stored before all are decided.

use std::collections::BTreeMap;

use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::record::{Change, Head, Record};
use crate::store::WriteUnit;

/// Changes on top of what the store holds.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    heads: BTreeMap<PersonId, Head>,
    identifiers: BTreeMap<Identifier, PersonId>,
    changes: Vec<Change>,
}

impl Overlay {
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.identifiers.is_empty() && self.changes.is_empty()
    }

    /// Adds what a portion comes to.
    pub fn take(&mut self, unit: &WriteUnit) {
        self.heads.extend(unit.heads.iter().map(|write| (write.head.person, write.head.clone())));
        self.identifiers.extend(unit.identifiers.iter().cloned());
        self.changes.extend(unit.changes.iter().cloned());
    }

    /// The records that identifiers lead to by now, where the store said `known`.
    pub fn persons_of(&self, candidates: &[Identifier], known: Vec<Option<PersonId>>) -> Vec<Option<PersonId>> {
        let lead = |(candidate, known): (&Identifier, Option<PersonId>)| {
            let person = self.identifiers.get(candidate).copied().or(known);
            person.map(|person| self.survivor(person))
        };
        candidates.iter().zip(known).map(lead).collect()
    }

    fn survivor(&self, person: PersonId) -> PersonId {
        let mut person = person;
        // No chain is longer than there are records in it.
        for _ in 0..=self.heads.len() {
            match self.heads.get(&person).and_then(|head| head.merged_into) {
                Some(next) => person = next,
                None => break,
            }
        }
        person
    }

    /// Records that one took over in an earlier portion, and that the store still keeps apart.
    pub fn absorbed(&self, record: &Record) -> Vec<PersonId> {
        // Nothing lost: no earlier portion changed this record.
        let Some(head) = self.heads.get(&record.head.person) else { return Vec::new() };
        head.absorbed.iter().copied().filter(|person| !record.head.absorbed.contains(person)).collect()
    }

    /// Brings a record as the store has it up to what the earlier portions made of it.
    pub fn complete(&self, record: &mut Record) {
        if let Some(head) = self.heads.get(&record.head.person) {
            record.head = head.clone();
        }
        let persons: Vec<PersonId> = record.head.family().chain([PersonId::SHARED]).collect();
        let own = self.changes.iter().filter(|change| persons.contains(&change.stored.id.person));
        own.for_each(|change| record.apply(change));
    }
}
