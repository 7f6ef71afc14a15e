//! What R4 published wrongly, and what is evaluated in its place: `profiles/errata.txt`, by key and by what was published. Also
//! what HL7 itself uses beyond what R4 says: `profiles/later.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fhir::definition::{Constraint, split_version};

static ERRATA: LazyLock<Vec<Erratum>> = LazyLock::new(|| read(include_str!("../../profiles/errata.txt")));

const LATER: &str = include_str!("../../profiles/later.txt");

/// Value set, element, and its further codes.
static CODES: LazyLock<Vec<(&str, &str, Vec<&str>)>> = LazyLock::new(|| {
    let lines = LATER.lines().filter_map(|line| line.strip_prefix("code "));
    let read = lines.filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?.split(',').collect()))
    });
    read.collect()
});

static CONTEXTS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut contexts: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in LATER.lines().filter_map(|line| line.strip_prefix("context ")) {
        let mut words = line.split(' ');
        if let (Some(url), Some(path)) = (words.next(), words.next()) {
            contexts.entry(url).or_default().push(path);
        }
    }
    contexts
});

/// A rule that was published wrongly.
#[derive(Debug, Default)]
struct Erratum {
    /// `*-0` is every key that ends so.
    key: String,
    published: String,
    corrected: Vec<(bool, String)>,
    source: String,
}

/// The rules to evaluate for one that was published; itself where nothing is wrong with it.
pub(super) fn corrected(constraint: &Constraint) -> Vec<Constraint> {
    let is_meant = |erratum: &&Erratum| {
        let fits = match erratum.key.strip_prefix('*') {
            Some(end) => constraint.key.ends_with(end),
            None => constraint.key == erratum.key,
        };
        fits && constraint.expression == erratum.published
    };
    let Some(erratum) = ERRATA.iter().find(is_meant) else { return vec![constraint.clone()] };
    let rules = erratum.corrected.iter();
    rules
        .map(|(is_error, expression)| Constraint {
            key: constraint.key.clone(),
            is_error: *is_error,
            expression: expression.clone(),
        })
        .collect()
}

/// The places where an extension may stand beyond what its definition says.
pub(super) fn further_contexts(url: &str) -> &'static [&'static str] {
    CONTEXTS.get(url).map(Vec::as_slice).unwrap_or_default()
}

/// Whether a code belongs to a value set beyond what R4 has of it, at an element such as `CapabilityStatement.format`.
pub(super) fn is_further_code(value_set: &str, element: &str, code: &str) -> bool {
    let value_set = split_version(value_set).0;
    CODES.iter().any(|(set, at, codes)| *set == value_set && (*at == "*" || *at == element) && codes.contains(&code))
}

fn read(text: &str) -> Vec<Erratum> {
    let mut errata: Vec<Erratum> = Vec::new();
    for line in text.lines() {
        if let Some(key) = line.strip_prefix("erratum ") {
            errata.push(Erratum { key: key.to_string(), ..Erratum::default() });
            continue;
        }
        let Some((word, rest)) = line.strip_prefix("  ").and_then(|line| line.split_once(' ')) else { continue };
        let Some(last) = errata.last_mut() else { continue };
        match word {
            "published" => last.published = rest.to_string(),
            "error" | "warning" => last.corrected.push((word == "error", rest.to_string())),
            _ => last.source = rest.to_string(),
        }
    }
    errata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::path::Expression;

    #[test]
    fn every_erratum_is_whole_and_its_corrections_can_be_read() {
        assert!(ERRATA.len() >= 16);
        for erratum in ERRATA.iter() {
            assert!(!erratum.published.is_empty() && !erratum.source.is_empty(), "{erratum:?}");
            assert!(!erratum.corrected.is_empty(), "{erratum:?}");
            for (_, expression) in &erratum.corrected {
                assert!(Expression::parse_r4(expression).is_ok(), "{}: {expression}", erratum.key);
            }
        }
    }

    /// Every rule that the packages here have, as `key expression`.
    fn published(folder: &std::path::Path, rules: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                published(&entry, rules);
            } else {
                let text = std::fs::read_to_string(&entry).unwrap();
                let rule = |line: &str| {
                    let line = line.trim_start();
                    Some(line.strip_prefix("error ").or_else(|| line.strip_prefix("warning "))?.to_string())
                };
                rules.extend(text.lines().filter_map(rule));
            }
        }
    }

    #[test]
    fn what_an_erratum_corrects_is_published_so_in_the_packages_here_or_said_to_be_in_other_copies() {
        let profiles = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
        let mut rules = Vec::new();
        published(&profiles.join("r4"), &mut rules);
        published(&profiles.join("us-core"), &mut rules);
        for erratum in ERRATA.iter() {
            let wanted = format!("{} {}", erratum.key.trim_start_matches('*'), erratum.published);
            let is_here = match erratum.key.strip_prefix('*') {
                Some(_) => rules.iter().any(|rule| rule.ends_with(&wanted)),
                None => rules.contains(&wanted),
            };
            let is_elsewhere = erratum.source.contains("some copies of 4.0.1 have it right");
            assert!(is_here != is_elsewhere, "{}: {}", erratum.key, erratum.published);
        }
    }

    #[test]
    fn only_what_was_published_so_is_corrected() {
        let rule = |key: &str, expression: &str| Constraint {
            key: key.to_string(),
            is_error: true,
            expression: expression.to_string(),
        };
        let corrected = corrected(&rule("que-12", "enableWhen.count() > 2 implies enableBehavior.exists()"));
        assert_eq!(corrected, [rule("que-12", "enableWhen.count() > 1 implies enableBehavior.exists()")]);
        let other = rule("que-12", "enableWhen.count() > 1 implies enableBehavior.exists()");
        assert_eq!(super::corrected(&other), std::slice::from_ref(&other));
        let name = rule("csd-0", "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')");
        assert!(super::corrected(&name)[0].expression.starts_with("name.exists() implies"));
    }

    #[test]
    fn the_path_of_an_element_is_right_from_its_start_to_its_end() {
        use crate::fhir::Resource;
        use crate::fhir::path::Context;
        let holds = |rule: &str, path: &str| {
            let text = format!(
                r#"{{"resourceType":"StructureDefinition","differential":{{"element":[{{"path":"{path}"}}]}}}}"#
            );
            let resource: Resource = serde_json::from_str(&text).unwrap();
            let rule = Expression::parse_r4(&format!("differential.element.all({rule})")).unwrap();
            rule.matches(&Context::new(&resource)).unwrap()
        };
        let both = ["Patient", "Observation.value[x]", "Extension.valueQuantity.value"];
        for (key, wrong) in [
            ("eld-19", &["Patient.na me", ":.name", "Patient.name,"][..]),
            ("eld-20", &["Patient.Name", "  Patient", "Patient.na_me"][..]),
        ] {
            let erratum = ERRATA.iter().find(|erratum| erratum.key == key).unwrap();
            let (_, corrected) = &erratum.corrected[0];
            for path in both {
                assert!(holds(&erratum.published, path) && holds(corrected, path), "{key}: {path}");
            }
            for path in wrong {
                assert!(holds(&erratum.published, path), "{key} as published finds {path}: no erratum");
                assert!(!holds(corrected, path), "{key}: {path}");
            }
        }
    }
}
