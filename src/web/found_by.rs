//! What a search asks that is decided when a resource leaves: by which elements it was found, which its client may not see, and which
//! profiles it claims then.

use serde_json::Value;

use crate::fhir::Resource;
use crate::fhir::search::{Asked, Held};
use crate::record::Stored;
use crate::store::{Query, matches};

/// By what resources are found.
#[derive(Debug, Clone, Default)]
pub struct FoundBy {
    /// The elements whose content decides: who may not see one must not find by it.
    pub elements: Vec<String>,
    /// Each of these is met by what a resource claims as it leaves.
    pub profiles: Vec<Claim>,
    /// Of what some readers see a part of: the conditions, to be met by that part as well.
    pub again: Option<Query>,
}

/// A condition on `meta.profile` (http://hl7.org/fhir/R4/search.html#profile).
#[derive(Debug, Clone)]
pub enum Claim {
    /// One of these is claimed, with or without a version.
    Any(Vec<Asked>),
    /// None is claimed, or some is.
    Missing(bool),
}

impl FoundBy {
    /// Whether a resource is found by what is left of it, too.
    pub fn still_find(&self, reduced: &Stored) -> bool {
        self.again.as_ref().is_none_or(|query| matches(reduced, query))
    }

    pub fn are_claimed_by(&self, resource: &Resource) -> bool {
        let claimed = resource.get("meta").and_then(|meta| meta.get("profile")?.as_array()).into_iter().flatten();
        let claimed: Vec<&str> = claimed.filter_map(Value::as_str).collect();
        let bare = |url: &&str| url.split('|').next().unwrap_or_default().to_string();
        self.profiles.iter().all(|claim| match claim {
            Claim::Missing(missing) => claimed.is_empty() == *missing,
            Claim::Any(asked) => claimed.iter().any(|url| {
                let (whole, bare) = (Held::Uri(url), bare(url));
                asked.iter().any(|asked| asked.is_answered_by(&whole) || asked.is_answered_by(&Held::Uri(&bare)))
            }),
        })
    }
}
