//! Bundles (http://hl7.org/fhir/R4/bundle.html#references): entries by the URL they go by, and whether those are what they
//! say. That a document begins with a Composition and the like are invariants of R4's own.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::place::{Findings, Path};
use super::questions::Questions;
use crate::fhir::definition::Definitions;
use crate::problem::Category;

/// The entries of a bundle.
pub(super) struct Bundle<'a> {
    kind: Option<&'a str>,
    entries: Vec<Entry<'a>>,
    /// By full URL, without version.
    by_url: HashMap<&'a str, &'a Map<String, Value>>,
    /// By `Patient/1`: what a relative reference finds where the entries' own URLs do not tell.
    by_id: HashMap<String, &'a Map<String, Value>>,
    /// The full URL of an entry by the address of its resource in memory.
    by_address: HashMap<usize, &'a str>,
    /// The questions of each Questionnaire by its canonical URL.
    questions: HashMap<&'a str, Questions<'a>>,
}

/// What an entry goes by, and what it holds.
pub(super) type Entry<'a> = (Option<&'a str>, Option<&'a Map<String, Value>>);

impl<'a> Bundle<'a> {
    pub fn new(map: &'a Map<String, Value>) -> Self {
        let listed = map.get("entry").and_then(Value::as_array).into_iter().flatten();
        let mut bundle = Self {
            kind: map.get("type").and_then(Value::as_str),
            entries: Vec::new(),
            by_url: HashMap::new(),
            by_id: HashMap::new(),
            by_address: HashMap::new(),
            questions: HashMap::new(),
        };
        for entry in listed {
            let full_url = entry.get("fullUrl").and_then(Value::as_str);
            let resource = entry.get("resource").and_then(Value::as_object);
            if let (Some(full_url), Some(resource)) = (full_url, resource) {
                bundle.by_url.insert(full_url, resource);
                bundle.by_address.insert(std::ptr::from_ref(resource).addr(), full_url);
            }
            if let Some((key, resource)) = resource.and_then(|resource| Some((type_and_id(resource)?, resource))) {
                bundle.by_id.insert(key, resource);
            }
            if let Some((url, resource)) = resource.and_then(|resource| Some((questionnaire_url(resource)?, resource)))
            {
                bundle.questions.entry(url).or_insert_with(|| Questions::of(resource));
            }
            bundle.entries.push((full_url, resource));
        }
        bundle
    }

    /// The full URL of the entry that holds this very resource.
    pub fn full_url(&self, resource: &Map<String, Value>) -> Option<&'a str> {
        self.by_address.get(&std::ptr::from_ref(resource).addr()).copied()
    }

    /// What a reference in the entry with that URL points at, when it is in the bundle.
    pub fn resolve(&self, reference: &str, from: Option<&str>) -> Option<&'a Map<String, Value>> {
        let plain = reference.split("/_history/").next()?.split('#').next()?;
        if plain.contains(':') {
            return self.by_url.get(plain).copied();
        }
        let base = from.and_then(|from| restful(from)).map(|(base, _)| format!("{base}/{plain}"));
        base.and_then(|url| self.by_url.get(url.as_str())).or_else(|| self.by_id.get(plain)).copied()
    }

    /// Whether what is referred to inside the bundle must be in it.
    pub fn must_hold(&self, reference: &str) -> bool {
        reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:")
    }

    /// What each entry goes by, and what it holds.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.entries.iter().copied()
    }

    /// The questions of the Questionnaire with that canonical URL, when it is in the bundle.
    pub fn questions(&self, url: &str) -> Option<&Questions<'a>> {
        self.questions.get(url)
    }

    pub fn check(&self, path: &Path<'_>, findings: &mut Findings) {
        let is_request = matches!(self.kind, Some("transaction" | "batch"));
        for (index, (full_url, resource)) in self.entries.iter().enumerate() {
            if full_url.is_some_and(|url| !url.contains(':')) {
                let text = "a full URL is absolute, such as urn:uuid:… or https://…";
                findings.error(Category::Value, &path.child("entry").at(Some(index)).child("fullUrl"), text);
            }
            let (Some(full_url), Some(resource)) = (full_url, resource) else { continue };
            let Some((_, own)) = restful(full_url).filter(|_| !is_request) else { continue };
            if type_and_id(resource).is_some_and(|named| named != own) {
                let entry = path.child("entry").at(Some(index));
                findings.error(
                    Category::Value,
                    &entry.child("fullUrl"),
                    "this URL ends with another type or id than the resource has",
                );
            }
        }
    }
}

fn questionnaire_url(resource: &Map<String, Value>) -> Option<&str> {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    text("url").filter(|_| text("resourceType") == Some("Questionnaire"))
}

fn type_and_id(resource: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    Some(format!("{}/{}", text("resourceType")?, text("id")?))
}

/// `http://a.example/fhir/Patient/1` as its base and `Patient/1`; none for what is not of that form.
pub(super) fn restful(url: &str) -> Option<(&str, &str)> {
    let (rest, _id) = url.rsplit_once('/').filter(|_| url.starts_with("http"))?;
    let (base, kind) = rest.rsplit_once('/')?;
    Definitions::r4().is_resource(kind).then(|| (base, url.get(base.len() + 1..).unwrap_or_default()))
}
