//! Search parameters (http://hl7.org/fhir/R4/searchparameter.html), by the type they search and the name they have in a URL.

use std::collections::BTreeMap;

/// What R4's own search parameters are found under.
const OF_R4: &str = "http://hl7.org/fhir/SearchParameter/";
const OF_US_CORE: &str = "http://hl7.org/fhir/us/core/SearchParameter/";

/// A search parameter as its package defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchParameter {
    /// Its canonical URL.
    pub url: String,
    /// `token`, `date`, `reference`, … (http://hl7.org/fhir/R4/valueset-search-param-type.html).
    pub kind: String,
    /// The FHIRPath of what it searches; empty where there is none.
    pub expression: String,
    /// The types that it leads to, where it is a reference.
    pub targets: Vec<String>,
    /// What a composite is made of: the parameter that says of which kind, by its id or URL, and the FHIRPath from each place.
    pub components: Vec<(String, String)>,
}

/// Search parameters by type and name.
pub(super) type SearchIndex = BTreeMap<(String, String), SearchParameter>;

/// Adds what a block defines (profiles/README.md). What was there before stays: packages build on those below.
pub(super) fn add(block: &str, index: &mut SearchIndex) -> Option<()> {
    let mut lines = block.lines();
    let head = lines.next()?;
    let (head, expression) = head.split_once(" : ").unwrap_or((head, ""));
    let mut words = head.split(' ').skip(1);
    let (id, name, kind, bases) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let folder = if id.starts_with("us-core-") { OF_US_CORE } else { OF_R4 };
    let url = if id.contains(':') { id.to_string() } else { format!("{folder}{id}") };
    let (kind, expression) = (kind.to_string(), expression.to_string());
    let mut parameter = SearchParameter { url, kind, expression, targets: Vec::new(), components: Vec::new() };
    for line in lines.map(str::trim) {
        if let Some(targets) = line.strip_prefix("target ") {
            parameter.targets = targets.split(',').map(str::to_string).collect();
        } else if let Some((other, path)) = line.strip_prefix("component ").and_then(|rest| rest.split_once(' ')) {
            parameter.components.push((other.to_string(), path.to_string()));
        }
    }
    for base in bases.split(',') {
        index.entry((base.to_string(), name.to_string())).or_insert_with(|| parameter.clone());
    }
    Some(())
}
