//! How a value set is composed (http://hl7.org/fhir/R4/valueset.html#compositions), read from its block.

use std::collections::HashMap;

use super::texts::Texts;
use crate::fhir::definition::{split_version, value_set_url};

/// How deep value sets may include each other.
pub(super) const MAX_DEPTH: u32 = 12;

pub(super) const SNOMED: &str = "http://snomed.info/sct";

/// What stands before a constraint in the URL of the value set that it is (http://hl7.org/fhir/R4/snomedct.html).
const BY_CONSTRAINT: &str = "http://snomed.info/sct?fhir_vs=ecl/";

/// What a value set includes and excludes.
#[derive(Debug, Default)]
pub struct Compose {
    pub include: Vec<Include>,
    pub exclude: Vec<Include>,
}

/// Codes that meet all that is said: of the system, listed, filtered, and in each of the other sets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Include {
    pub system: Option<String>,
    /// The version of the system that it was written for.
    pub version: Option<String>,
    /// The codes, when they are listed.
    pub codes: Vec<String>,
    /// What the value set itself calls the codes that are listed.
    pub texts: HashMap<String, Texts>,
    pub filters: Vec<Filter>,
    /// The canonical URLs of other value sets.
    pub value_sets: Vec<String>,
}

/// A condition on a code's properties (http://hl7.org/fhir/R4/valueset-filter-operator.html).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub property: String,
    pub operator: String,
    pub value: String,
}

impl Compose {
    /// Reads the block of a value set (profiles/README.md).
    pub fn read(text: &str) -> Option<Self> {
        let mut compose = Self::default();
        // Whether the last rule was an exclusion: what is indented says more about it.
        let mut is_exclude = false;
        for line in text.lines().skip(1) {
            if let Some(more) = line.strip_prefix("  ") {
                let rules = if is_exclude { &mut compose.exclude } else { &mut compose.include };
                rules.last_mut()?.read_code(more)?;
                continue;
            }
            let (sign, rest) = line.split_once(' ')?;
            let include = with_constraints(Include::read(rest)?);
            match sign {
                "+" => compose.include.push(include),
                "-" => compose.exclude.push(include),
                _ => return None,
            }
            is_exclude = sign == "-";
        }
        Some(compose)
    }
}

impl Include {
    fn read(text: &str) -> Option<Self> {
        let mut include = Self::default();
        let all = words(text);
        let mut words = all.into_iter();
        while let Some(word) = words.next() {
            if let Some(name) = word.strip_prefix('@') {
                include.value_sets.push(value_set_url(name));
            } else if word == ":" {
                include.codes.extend(words.by_ref());
            } else if word == "where" {
                let (property, operator) = (words.next()?, words.next()?);
                include.filters.push(Filter { property, operator, value: words.next()? });
            } else {
                let (system, version) = split_version(&word);
                (include.system, include.version) = (Some(system.to_string()), version.map(str::to_string));
            }
        }
        Some(include)
    }

    /// A code on a line of its own, with what it is called.
    fn read_code(&mut self, line: &str) -> Option<()> {
        let (words, texts) = head_and_texts(line);
        let code = words.into_iter().next()?;
        self.texts.insert(code.clone(), Texts::read(texts));
        self.codes.push(code);
        Some(())
    }
}

/// A rule over SNOMED CT may hold a constraint (`constraint = …`): it is the value set of that constraint then.
fn with_constraints(mut rule: Include) -> Include {
    if rule.system.as_deref() != Some(SNOMED) {
        return rule;
    }
    let is_one = |filter: &Filter| filter.property == "constraint" && filter.operator == "=";
    let (constraints, filters): (Vec<_>, Vec<_>) = rule.filters.into_iter().partition(is_one);
    rule.filters = filters;
    if !constraints.is_empty() && rule.filters.is_empty() && rule.codes.is_empty() {
        // The codes of the value set are gone through, and not all of SNOMED CT.
        rule.system = None;
    }
    rule.value_sets.extend(constraints.into_iter().map(|filter| by_constraint(&filter.value)));
    rule
}

/// The URL of the value set that a constraint is.
pub(super) fn by_constraint(text: &str) -> String {
    format!("{BY_CONSTRAINT}{}", percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC))
}

/// Words with blanks between them; one that has blanks itself stands in quotes, as JSON.
fn words(text: &str) -> Vec<String> {
    words_until(text, |_| false).0
}

/// A code with the words behind it, and the rest of the line from where it says what the code is called.
pub(super) fn head_and_texts(line: &str) -> (Vec<String>, &str) {
    words_until(line, |rest| rest.starts_with('='))
}

fn words_until(text: &str, is_end: fn(&str) -> bool) -> (Vec<String>, &str) {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && (words.is_empty() || !is_end(rest)) {
        let quoted = rest.starts_with('"').then(|| serde_json::Deserializer::from_str(rest).into_iter::<String>());
        let length = match quoted.map(|mut stream| (stream.next(), stream.byte_offset())) {
            Some((Some(Ok(word)), length)) => {
                words.push(word);
                length
            }
            _ => {
                let length = rest.find(' ').unwrap_or(rest.len());
                words.extend(rest.get(..length).map(str::to_string));
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    (words, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_with_codes_filters_and_other_sets() {
        let text = "valueset x|1\n+ http://a.example\n+ http://b.example|2 : one \"two words\" :\n\
                    + http://c.example where concept is-a 12 where status = active\n+ @other @http://d.example/vs|1\n- http://a.example : z\n\
                    + http://e.example :\n  8480-6 = Systolic blood pressure =de Systolischer Blutdruck\n  \"= x\" = y";
        let compose = Compose::read(text).unwrap();
        assert_eq!(compose.include[0].system.as_deref(), Some("http://a.example"));
        assert_eq!(compose.include[1].system.as_deref(), Some("http://b.example"));
        assert_eq!(compose.include[1].codes, ["one", "two words", ":"]);
        assert_eq!(compose.include[2].filters.len(), 2);
        assert_eq!(compose.include[3].value_sets, ["http://hl7.org/fhir/ValueSet/other", "http://d.example/vs|1"]);
        assert_eq!(compose.exclude[0].codes, ["z"]);
        assert_eq!(compose.include[1].version.as_deref(), Some("2"));
        let named = &compose.include[4];
        assert_eq!(named.codes, ["8480-6", "= x"]);
        assert_eq!(named.texts["8480-6"].shown(Some("de")), Some("Systolischer Blutdruck"));
    }
}
