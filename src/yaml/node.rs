//! The YAML tree: every value and every key with its place.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::mark::Mark;
use super::source::Source;
use crate::problem::{Category, Problem};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub mark: Mark,
    pub kind: Kind,
}

/// What a value is. Scalars keep the type that YAML's core schema gives them.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; keys keep their own place.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The word for this kind of value in messages to people.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a yes/no value",
            Kind::Integer(_) | Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The text of a scalar as a person would read it; none for lists, mappings and null.
    pub fn as_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Integer(value) => Some(value.to_string()),
            Kind::Float(value) => Some(value.to_string()),
            Kind::Text(value) => Some(value.clone()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| name.as_text().as_deref() == Some(key)).map(|(_, value)| value)
    }

    /// A fault at this value.
    pub fn problem(&self, text: impl Into<String>) -> Problem {
        self.mark.problem(Category::Invalid, text)
    }

    /// The same tree as JSON, for values that are data (examples, fixed FHIR content).
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Integer(value) => Value::from(*value),
            Kind::Float(value) => Value::from(*value),
            Kind::Text(value) => Value::String(value.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|(key, value)| (key.as_text().unwrap_or_default(), value.to_json())).collect(),
            ),
        }
    }
}

/// How a problem of a file begins that is no YAML: what stands on its lines is not known to be no secret.
pub const UNREADABLE: &str = "not readable as YAML";

/// Reads one file into a tree. A file that is not YAML yields one problem at the fault and no tree.
pub fn parse(source: &Source) -> Result<Node, Problem> {
    match serde_saphyr::from_str::<Raw>(&source.text) {
        Ok(raw) => {
            let tree = place(raw, &source.name);
            #[cfg(test)]
            super::seen::tree(&source.name, &tree);
            Ok(tree)
        }
        Err(error) => {
            let mark = error.location().map_or_else(|| Mark::start(&source.name), |at| mark(&at, 1, &source.name));
            Err(mark.problem(Category::Structure, unreadable(&error)))
        }
    }
}

/// In words of ours: the library's name its own switches, and may repeat what stands in the file.
fn unreadable(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error.without_snippet() {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` stands here twice; keep one of the two")
        }
        Error::DuplicateMappingKey { .. } => "a key stands here twice; keep one of the two".to_string(),
        Error::Eof { .. } => {
            format!("{UNREADABLE}: the file ends too early; close what is open, or write something into it")
        }
        Error::MultipleDocuments { .. } => {
            format!("{UNREADABLE}: there are two documents; take the line `---` between them away")
        }
        Error::UnknownAnchor { .. } => {
            format!("{UNREADABLE}: a `*` here names nothing; put the text into quotes if it is meant as written")
        }
        Error::IndentationError { .. } => {
            format!("{UNREADABLE}: the line is indented otherwise than those around it; use the same blanks")
        }
        _ => format!(
            "{UNREADABLE}; look for a quote or bracket that is not closed, a missing `: `, a tab, or another indentation"
        ),
    }
}

fn mark(at: &Location, length: u32, file: &Arc<str>) -> Mark {
    let line = u32::try_from(at.line()).unwrap_or(u32::MAX).max(1);
    let column = u32::try_from(at.column()).unwrap_or(u32::MAX).max(1);
    Mark { file: Arc::clone(file), line, column, length: length.max(1) }
}

fn place(raw: Raw, file: &Arc<str>) -> Node {
    let length = match &raw.0.value {
        RawKind::Text(text) if !text.contains('\n') => u32::try_from(text.chars().count()).unwrap_or(1),
        RawKind::Bool(value) => {
            if *value {
                4
            } else {
                5
            }
        }
        RawKind::Integer(value) => u32::try_from(value.to_string().len()).unwrap_or(1),
        _ => 1,
    };
    let mark = mark(&raw.0.referenced, length, file);
    let kind = match raw.0.value {
        RawKind::Null => Kind::Null,
        RawKind::Bool(value) => Kind::Bool(value),
        RawKind::Integer(value) => Kind::Integer(value),
        RawKind::Float(value) => Kind::Float(value),
        RawKind::Text(value) => Kind::Text(value),
        RawKind::List(items) => Kind::List(items.into_iter().map(|item| place(item, file)).collect()),
        RawKind::Map(entries) => {
            Kind::Map(entries.into_iter().map(|(key, value)| (place(key, file), place(value, file))).collect())
        }
    };
    Node { mark, kind }
}

/// A tree as the YAML library hands it over, before places are made ours.
struct Raw(Spanned<RawKind>);

enum RawKind {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<RawKind>::deserialize(deserializer).map(Raw)
    }
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawKind, E> {
        Ok(RawKind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawKind, E> {
        Ok(RawKind::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawKind, E> {
        Ok(i64::try_from(value).map_or_else(|_| RawKind::Text(value.to_string()), RawKind::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawKind, E> {
        Ok(RawKind::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawKind, E> {
        Ok(RawKind::Text(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawKind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawKind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawKind, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(RawKind::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_knows_its_line_and_column() {
        let source = Source::new("feeds/a.yaml", "feed: riverside\nlimits:\n  frame: 12\n  names: [x, 'y z']\n");
        let tree = parse(&source).unwrap();
        let limits = tree.get("limits").unwrap();
        let names = limits.get("names").unwrap().as_list().unwrap();
        assert_eq!((names[1].mark.line, names[1].mark.column), (4, 14));
        assert_eq!(limits.get("frame").unwrap().kind, Kind::Integer(12));
        let key = &tree.as_map().unwrap()[1].0;
        assert_eq!((key.mark.line, key.mark.column, key.mark.length), (2, 1, 6));
    }

    #[test]
    fn broken_yaml_is_one_problem_with_a_place() {
        let problem = parse(&Source::new("x.yaml", "a: [1, 2\nb: 3\n")).unwrap_err();
        assert!(matches!(problem.place, crate::problem::Place::File(ref mark) if mark.line >= 1));
    }

    #[test]
    fn a_repeated_key_is_refused() {
        let problem = parse(&Source::new("x.yaml", "a: 1\na: 2\n")).unwrap_err();
        assert_eq!(problem.text, "`a` stands here twice; keep one of the two");
    }

    #[test]
    fn faults_are_said_in_our_words_and_repeat_nothing_of_the_file() {
        for text in [
            "a: 'hunter2\n",
            "a: [hunter2\n",
            "a: hunter2: b\n",
            "a: *hunter2\n",
            "\ta: hunter2\n",
            "a: hunter2\n  b: {\n",
            "@hunter2\n",
            "a: hunter2\n---\nb: 1\n",
            "? [hunter2]\n: }\n",
            "a: !!int hunter2\n",
        ] {
            let Err(problem) = parse(&Source::new("x.yaml", text)) else { continue };
            assert!(!problem.text.contains("hunter2"), "{text}: {}", problem.text);
            let library = ["Policy", "serde", "saphyr", "<input>", "Options", "-->"];
            assert!(library.iter().all(|word| !problem.text.contains(word)), "{text}: {}", problem.text);
        }
    }
}
