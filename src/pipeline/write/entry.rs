//! One thing that a request asks for: a resource of its own, or an entry of a transaction.

use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::mapping::Event;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Where its resource stands in the body: `Bundle.entry[3].resource`; empty where it is the body.
    pub path: String,
    /// Its place among the entries of a bundle.
    pub place: usize,
    /// Its name among the drafts.
    pub local: String,
    /// What others in the same body may call it.
    pub full_url: Option<String>,
    pub verb: Verb,
    pub kind: String,
    /// What it says; of what is deleted or patched, an empty resource of its type.
    pub resource: Resource,
    /// The versions one of which must be the current one.
    pub if_match: Option<Vec<String>>,
    /// What happened to it, and when, where that is not what happened to the rest.
    pub event: Option<Event>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verb {
    Create,
    /// A message tells of it: it is created where it is not there, and else what is new of it is stated.
    Tell,
    /// A message names a visit as that to which something else belongs: it is created where it is not there, and else left as it is.
    Name,
    Update(ResourceId),
    Patch(ResourceId, Patch),
    Delete(ResourceId),
    /// A condition found it already: nothing is done, and it is answered as what it is.
    Stays(ResourceId),
}

/// http://hl7.org/fhir/R4/http.html#patch
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Patch {
    /// RFC 6902.
    Json(serde_json::Value),
    /// http://hl7.org/fhir/R4/fhirpatch.html
    FhirPath(Resource),
}

impl Entry {
    /// The id of what is there already.
    pub fn id(&self) -> Option<ResourceId> {
        match &self.verb {
            Verb::Create | Verb::Tell | Verb::Name => None,
            Verb::Update(id) | Verb::Patch(id, _) | Verb::Delete(id) | Verb::Stays(id) => Some(*id),
        }
    }

    /// A place in its resource as a place in the body: `Observation.subject`.
    pub fn at(&self, element: &str) -> String {
        let whole = if self.path.is_empty() { self.kind.as_str() } else { self.path.as_str() };
        if element.is_empty() { whole.to_string() } else { format!("{whole}.{element}") }
    }
}
