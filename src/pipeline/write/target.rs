//! What a reference in a body leads to (http://hl7.org/fhir/R4/references.html#literal, http://hl7.org/fhir/R4/bundle.html#references).

use std::collections::{BTreeMap, HashMap};

use super::entry::Entry;
use super::kept::Condition;
use crate::identity::ResourceId;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// Something that its own resource contains.
    Contained,
    /// A resource of this gateway, as far as the form of the id tells.
    Ours(String, ResourceId),
    /// Another entry of the same body, by its place.
    Entry(usize),
    /// Another server's; it is kept as it is.
    Elsewhere,
    /// A condition that does not match one thing and no more.
    Ambiguous,
    Nothing,
}

/// What references in one body can mean.
pub(super) struct Targets<'a> {
    base: String,
    by_url: HashMap<&'a str, usize>,
    /// By the last two parts of their full URLs: `Patient/1`.
    by_path: HashMap<&'a str, usize>,
    matched: &'a BTreeMap<String, Condition>,
}

impl<'a> Targets<'a> {
    pub fn of(entries: &'a [Entry], base_url: &str, matched: &'a BTreeMap<String, Condition>) -> Self {
        let (mut by_url, mut by_path) = (HashMap::new(), HashMap::new());
        for (place, entry) in entries.iter().enumerate() {
            // Nothing lost: an entry without a full URL is referred to by none.
            let Some(url) = entry.full_url.as_deref() else { continue };
            by_url.insert(url, place);
            let path = url.rmatch_indices('/').nth(1).and_then(|(at, _)| url.get(at + 1..));
            by_path.extend(path.map(|path| (path, place)));
        }
        Self { base: format!("{base_url}/fhir/"), by_url, by_path, matched }
    }

    /// The entry that an address which is no reference leads to.
    pub fn of_link(&self, link: &str) -> Option<usize> {
        self.by_url.get(link).copied()
    }

    pub fn of_reference(&self, reference: &str) -> Target {
        if reference.starts_with('#') {
            return Target::Contained;
        }
        if let Some(place) = self.by_url.get(reference).or_else(|| self.by_path.get(reference)) {
            return Target::Entry(*place);
        }
        let own = reference.strip_prefix(&self.base);
        if own.is_none() && reference.contains(':') && !reference.contains('?') {
            let is_of_bundle = reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:");
            return if is_of_bundle { Target::Nothing } else { Target::Elsewhere };
        }
        let relative = own.unwrap_or(reference);
        if let Some((kind, _)) = relative.split_once('?') {
            return match self.matched.get(relative) {
                Some(Condition::One(id)) => Target::Ours(kind.to_string(), *id),
                _ => Target::Ambiguous,
            };
        }
        let mut parts = relative.split('/');
        let (kind, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        id.parse().map_or(Target::Nothing, |id| Target::Ours(kind.to_string(), id))
    }
}

/// Where `Entry` drafts are referred to before they have ids; no contained resource can be called so.
pub(super) fn local(place: usize) -> String {
    format!("entry/{place}")
}
