//! Code systems (http://hl7.org/fhir/R4/codesystem.html): the codes, their hierarchy
//! and what they are called; never what they are defined as.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::words::{list, quoted, said_of, text, texts_of, with_version, word};

/// Properties by which a concept names what is above it, and what is below it, besides nesting.
const ABOVE: [&str; 2] = ["parent", "subsumedBy"];
const BELOW: &str = "child";
const NOT_SELECTABLE: &str = "http://hl7.org/fhir/concept-properties#notSelectable";

/// What is known of a code system before its codes are written.
struct System<'v> {
    /// Names of the property by which a concept says that it only groups others.
    grouping: BTreeSet<&'v str>,
    /// Further parents of a code, by its parents' `child` properties.
    parents: BTreeMap<&'v str, Vec<&'v str>>,
}

/// Whether this adds words to another code system instead of defining codes.
pub fn is_supplement(definition: &Value) -> bool {
    text(definition, "content") == Some("supplement")
}

/// Reduces a code system. The error says what its definition lacks.
pub fn reduce_code_system(definition: &Value) -> Result<String, String> {
    let url = text(definition, "url").ok_or("it has no url")?;
    let content = text(definition, "content").ok_or("it does not say how much of it is there (content)")?;
    let mut head = format!("codesystem {} {}", with_version(word(url), text(definition, "version")), word(content));
    if definition.get("caseSensitive").and_then(Value::as_bool) == Some(false) {
        head.push_str(" ignore-case");
    }
    head.push_str(&said_of(definition));
    let concepts = list(definition, "concept");
    let mut system = System { grouping: grouping(definition), parents: BTreeMap::new() };
    system.learn(concepts);
    let mut lines = vec![head];
    system.write(concepts, None, 0, &mut lines);
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// `notSelectable`, or what the code system itself calls it.
fn grouping(definition: &Value) -> BTreeSet<&str> {
    let own = list(definition, "property").iter().filter(|property| text(property, "uri") == Some(NOT_SELECTABLE));
    own.filter_map(|property| text(property, "code")).chain(["notSelectable", "abstract"]).collect()
}

impl<'v> System<'v> {
    fn learn(&mut self, concepts: &'v [Value]) {
        for concept in concepts {
            let Some(code) = text(concept, "code") else { continue };
            for child in properties(concept).filter(|(name, _)| *name == BELOW).filter_map(|(_, value)| value.as_str())
            {
                self.parents.entry(child).or_default().push(code);
            }
            self.learn(list(concept, "concept"));
        }
    }

    fn write(&self, concepts: &'v [Value], parent: Option<&'v str>, depth: usize, lines: &mut Vec<String>) {
        for concept in concepts {
            let Some(code) = text(concept, "code") else { continue };
            let mut line = format!("{}{}", " ".repeat(depth), quoted(code));
            let is_grouping =
                |(name, value): (&str, &Value)| self.grouping.contains(name) && *value == Value::Bool(true);
            if properties(concept).any(is_grouping) {
                line.push_str(" abstract");
            }
            line.push_str(standing(concept));
            for further in self.further_parents(concept, code, parent) {
                line.push_str(&format!(" {}", quoted(&format!("<{further}"))));
            }
            line.push_str(&texts_of(concept).written());
            lines.push(line);
            self.write(list(concept, "concept"), Some(code), depth + 1, lines);
        }
    }

    /// Every parent but the one that the concept is nested in, each once.
    fn further_parents(&self, concept: &'v Value, code: &'v str, parent: Option<&'v str>) -> Vec<&'v str> {
        let named =
            properties(concept).filter(|(name, _)| ABOVE.contains(name)).filter_map(|(_, value)| value.as_str());
        let mut further: Vec<&str> = Vec::new();
        for other in named.chain(self.parents.get(code).into_iter().flatten().copied()) {
            if Some(other) != parent && other != code && !further.contains(&other) {
                further.push(other);
            }
        }
        further
    }
}

/// Whether a code is still to be used (http://hl7.org/fhir/R4/codesystem-concept-properties.html).
fn standing(concept: &Value) -> &'static str {
    let has = |name: &str, wanted: &[&str]| {
        properties(concept)
            .any(|(own, value)| own == name && value.as_str().is_some_and(|value| wanted.contains(&value)))
    };
    let is_inactive = properties(concept).any(|(name, value)| name == "inactive" && *value == Value::Bool(true));
    match is_inactive || has("status", &["retired", "inactive"]) {
        true => " inactive",
        false if has("status", &["deprecated"]) => " deprecated",
        false => "",
    }
}

/// A concept's properties: name and value.
fn properties(concept: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(concept, "property").iter().filter_map(|property| {
        let name = text(property, "code")?;
        let value = property.as_object()?.iter().find(|(key, _)| key.starts_with("value"))?;
        Some((name, value.1))
    })
}
