//! A patient's record as it is loaded and worked on.

use super::resources::Resources;
use super::{Change, Head, Stored};
use crate::identity::{PersonId, ResourceId};

/// A patient's record as loaded: all resources but old observations (the newest are there), and the shared resources
/// that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub head: Head,
    pub resources: Resources,
    /// Older observations exist that were not loaded.
    pub truncated: bool,
}

impl Record {
    pub fn new(person: PersonId) -> Self {
        Self { head: Head::new(person), resources: Resources::default(), truncated: false }
    }

    /// All resources of a type, in order of id, without those that another one superseded.
    pub fn of_type<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a Stored> {
        self.all_of_type(resource_type).filter(|stored| stored.state.superseded.is_none())
    }

    /// Those that another one superseded among them.
    pub fn all_of_type<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a Stored> {
        let of_type = self.resources.range((resource_type.to_string(), ResourceId::FIRST)..);
        of_type.take_while(move |((kind, _), _)| kind == resource_type).map(|(_, stored)| stored)
    }

    pub fn get(&self, resource_type: &str, id: ResourceId) -> Option<&Stored> {
        self.resources.get(&(resource_type.to_string(), id))
    }

    /// Puts a change into this copy of the record, so that what comes next sees it.
    pub fn apply(&mut self, change: &Change) {
        self.resources.put(change.stored.clone());
    }
}
