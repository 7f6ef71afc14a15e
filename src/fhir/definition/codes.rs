//! The codes of value sets with a required binding in R4 core, where the value set enumerates them.

use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../profiles/r4/codes.txt");
const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

/// The codes that one code system gives to a value set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeGroup {
    pub system: &'static str,
    pub codes: Vec<&'static str>,
}

struct Set {
    groups: Vec<CodeGroup>,
    codes: Vec<&'static str>,
}

static SETS: LazyLock<HashMap<&'static str, Set>> = LazyLock::new(|| {
    let mut sets: HashMap<&'static str, Set> = HashMap::new();
    for line in TEXT.lines() {
        let mut words = line.split(' ');
        if let (Some(name), Some(system)) = (words.next(), words.next()) {
            let set = sets.entry(name).or_insert_with(|| Set { groups: Vec::new(), codes: Vec::new() });
            let codes: Vec<&'static str> = words.collect();
            set.codes.extend(&codes);
            set.groups.push(CodeGroup { system, codes });
        }
    }
    sets
});

fn set(value_set: &str) -> Option<&'static Set> {
    let url = value_set.split_once('|').map_or(value_set, |(url, _)| url);
    SETS.get(url.strip_prefix(VALUE_SETS).unwrap_or(url))
}

/// All codes of a value set by its canonical URL; none when it is not enumerated here (or not bound as required).
pub fn codes_of(value_set: &str) -> Option<&'static [&'static str]> {
    set(value_set).map(|set| set.codes.as_slice())
}

/// The same, with the code system that each code comes from.
pub fn codes_in(value_set: &str) -> Option<&'static [CodeGroup]> {
    set(value_set).map(|set| set.groups.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_codes_are_listed_with_and_without_version() {
        let gender = codes_of("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1").unwrap();
        assert_eq!(gender, ["male", "female", "other", "unknown"]);
        let status = codes_of("http://hl7.org/fhir/ValueSet/encounter-status").unwrap();
        assert!(status.contains(&"in-progress") && !status.contains(&"ongoing"));
        assert!(codes_of("http://hl7.org/fhir/ValueSet/task-status").unwrap().contains(&"on-hold"));
        assert_eq!(codes_of("http://hl7.org/fhir/ValueSet/mimetypes"), None);
    }

    #[test]
    fn codes_know_their_system() {
        let groups = codes_in("http://hl7.org/fhir/ValueSet/observation-status").unwrap();
        assert_eq!(groups[0].system, "http://hl7.org/fhir/observation-status");
    }
}
