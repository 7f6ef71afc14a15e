//! Search parameters (http://hl7.org/fhir/R4/searchparameter.html), by the type they search and the name they have in a URL.

use std::collections::HashMap;

/// What R4's own search parameters are found under.
const OF_R4: &str = "http://hl7.org/fhir/SearchParameter/";

/// A search parameter as its package defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchParameter {
    /// Its canonical URL.
    pub url: String,
    /// `token`, `date`, `reference`, … (http://hl7.org/fhir/R4/valueset-search-param-type.html).
    pub kind: String,
    /// The FHIRPath of what it searches; empty where there is none.
    pub expression: String,
}

/// Search parameters by type and name.
pub(super) type SearchIndex = HashMap<(String, String), SearchParameter>;

/// Adds what the first line of a block defines (profiles/README.md).
pub(super) fn add(head: &str, index: &mut SearchIndex) -> Option<()> {
    let (head, expression) = head.split_once(" : ").unwrap_or((head, ""));
    let mut words = head.split(' ').skip(1);
    let (id, name, kind, bases) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let url = if id.contains(':') { id.to_string() } else { format!("{OF_R4}{id}") };
    let parameter = SearchParameter { url, kind: kind.to_string(), expression: expression.to_string() };
    for base in bases.split(',') {
        index.insert((base.to_string(), name.to_string()), parameter.clone());
    }
    Some(())
}
