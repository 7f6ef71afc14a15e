//! What search parameters are read with, and which of those that the definitions have are answered here.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::negotiate::Handling;
use crate::fhir::search::{Parameter, SearchKind, find_parameter};
use crate::identity::ResourceId;
use crate::profile::Profiles;

/// Parameters of the specification that are no search parameters here, and why.
pub const NOT_HERE: [(&str, &str); 2] = [
    ("_query", "there are no named queries here"),
    ("_contained", "contained resources are not found on their own; false is what everybody gets"),
];

/// Parameters of every type that are rules of their own, and what they take.
pub const SPECIAL: [(&str, &str); 4] = [
    ("_content", "words of the whole resource"),
    ("_filter", "conditions with and, or, not and parentheses"),
    ("_list", "what a List names, or a list that everybody has ($current-problems)"),
    ("_text", "words of the narrative"),
];

/// Whether a parameter asks for what a resource claims when it leaves, for whoever asks.
pub fn is_claimed(name: &str) -> bool {
    name.split(':').next() == Some("_profile")
}

/// What ids of the client's own mean here, by type and id.
pub type Called = HashMap<(&'static str, String), ResourceId>;

/// What the parameters are read with.
pub struct Reading<'a> {
    pub resource_type: &'static str,
    pub profiles: &'a Profiles,
    /// The FHIR base, which references may begin with.
    pub base: &'a str,
    pub handling: Handling,
    pub now: Timestamp,
    /// None where nothing was looked up.
    pub called: Option<&'a Called>,
}

impl Reading<'_> {
    pub fn parameters(&self) -> &[Arc<Parameter>] {
        self.profiles.searches(self.resource_type)
    }

    /// A parameter by name, unless it is none that is searched by here.
    pub fn find(&self, name: &str) -> Option<&Arc<Parameter>> {
        find_parameter(self.parameters(), name).filter(|_| is_offered(name))
    }
}

/// Whether a parameter that the definitions have is searched by here.
pub fn is_offered(name: &str) -> bool {
    !NOT_HERE.iter().any(|(known, _)| *known == name)
}

/// Whether resources can be put in order by a parameter.
pub fn is_sortable(parameter: &Parameter) -> bool {
    // An order by members, whom not everybody may know, would tell of them.
    parameter.kind != SearchKind::Composite && !is_claimed(&parameter.name) && parameter.elements != ["member"]
}
