//! Finds elements by their FHIRPath location (`Patient.name[0].given[1]`) in the text of a resource: choices under their
//! typed keys, what stands beside primitives under `_key` (http://hl7.org/fhir/R4/json.html#primitive), and what is
//! missing at the object that lacks it. XML has the shape of the JSON that it stands for. Never shows what the text says.

use serde_json::Value;

use super::elements::{Failure, Wrong};
use super::scan::{Node, Shape, scan};
use super::xml;
use crate::fhir::Resource;
use crate::problem::{Category, Place, Problem};

/// What the text itself does wrong is named one by one so often.
const MOST_NAMED: usize = 100;

/// A place in a text: line and column from 1, length in characters, on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

/// Why a text is no resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub span: Span,
    /// What to change, in a sentence.
    pub text: String,
    /// Whether it is JSON or XML, only not of a resource.
    pub is_other: bool,
}

/// A resource as its text has it.
pub struct Located<'t> {
    pub resource: Resource,
    text: &'t str,
    root: Node,
    /// What XML says beyond the resource.
    wrong: Vec<Wrong>,
    /// The offset at which each line starts.
    lines: Vec<usize>,
}

impl<'t> Located<'t> {
    /// Reads the text of one resource, JSON or XML, whichever it is.
    pub fn read_either(text: &'t str) -> Result<Self, Unreadable> {
        if text.trim().is_empty() {
            let span = Span { line: 1, column: 1, length: 1 };
            return Err(Unreadable { span, text: "there is nothing in it".to_string(), is_other: false });
        }
        if xml::is_xml(text) { Self::read_xml(text) } else { Self::read(text) }
    }

    /// Reads the JSON of one resource.
    pub fn read(text: &'t str) -> Result<Self, Unreadable> {
        let start = Span { line: 1, column: 1, length: 1 };
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (small(error.line()), small(error.column()));
            let told = error.to_string();
            let told = told.split(" at line ").next().unwrap_or_default();
            let text = format!("this is not readable as JSON: {told}");
            Unreadable { span: Span { line, column, length: 1 }, text, is_other: false }
        })?;
        let resource = Resource::try_from(value).map_err(|_| {
            let text = "this is no FHIR resource: a resource is an object with a `resourceType`".to_string();
            Unreadable { span: start, text, is_other: true }
        })?;
        let unread = || Unreadable { span: start, text: "this is not readable as JSON".to_string(), is_other: false };
        let root = scan(text).ok_or_else(unread)?;
        Ok(Self { resource, text, root, wrong: Vec::new(), lines: lines(text) })
    }

    fn read_xml(text: &'t str) -> Result<Self, Unreadable> {
        let unreadable = |wrong: Wrong, is_other: bool| {
            let span = span(text, &lines(text), wrong.start, wrong.end);
            Unreadable { span, text: wrong.text, is_other }
        };
        let foreign = || Wrong {
            start: 0,
            end: 1,
            text: "this is no FHIR resource: its outermost element is not in the namespace http://hl7.org/fhir"
                .to_string(),
        };
        let read = xml::read(text).map_err(|failure| match failure {
            Failure::Unreadable(wrong) => unreadable(wrong, false),
            Failure::Foreign => unreadable(foreign(), true),
        })?;
        let resource = Resource::try_from(read.value).map_err(|_| unreadable(foreign(), true))?;
        Ok(Self { resource, text, root: read.root, wrong: read.wrong, lines: lines(text) })
    }

    /// What is wrong with the text whatever the resource says. Of JSON, keys that stand twice in one object: it leaves open which
    /// of the two counts, FHIR has no use for it. Of XML, what is not FHIR's. The first of them with their places, and how many
    /// more there are: finding a place is work in the length of its line.
    pub fn faults(&self) -> Vec<(Span, Problem)> {
        let told = |wrong: &Wrong| (wrong.start, wrong.end, wrong.text.clone());
        let mut places: Vec<(usize, usize, String)> = self.wrong.iter().map(told).collect();
        self.root.walk(&mut |node| {
            let Shape::Object(members) = &node.shape else { return };
            let mut seen = std::collections::HashSet::with_capacity(members.len());
            let twice = members.iter().filter(|member| !seen.insert(member.key.as_str()));
            let text = "this key stands here twice, and readers differ in which of the two they take; keep one";
            places.extend(twice.map(|member| (member.start, member.end, text.to_string())));
        });
        let problem = |text: String| Problem::error(Category::Structure, Place::Whole, text);
        let more = places.len().saturating_sub(MOST_NAMED);
        let shown = places.into_iter().take(MOST_NAMED);
        let mut found: Vec<_> = shown.map(|(start, end, text)| (self.span(start, end), problem(text))).collect();
        if more > 0 {
            found.push((
                self.span(self.root.start, self.root.start + 1),
                problem(format!("{more} more things like these")),
            ));
        }
        found
    }

    /// Where a FHIRPath location is. What is not there is found at the nearest element above it that is.
    pub fn find(&self, location: &str) -> Span {
        let mut node = &self.root;
        // What stands beside the node when that is a primitive.
        let mut beside: Option<&Node> = None;
        let mut span = self.span(node.start, node.start + 1);
        for step in location.split('.').skip(1) {
            let (name, index) = split(step);
            let holder = [Some(node), beside].into_iter().flatten().find_map(|holder| {
                let member = member(holder, name)?;
                Some((member, holder.member(&format!("_{}", member.key.trim_start_matches('_')))))
            });
            let Some((found, sibling)) = holder else { break };
            span = match found.value.shape {
                Shape::Scalar => self.span(found.value.start, found.value.end),
                _ => self.span(found.start, found.end),
            };
            let sibling = sibling.map(|sibling| &sibling.value);
            match index {
                None => (node, beside) = (&found.value, sibling),
                Some(index) => {
                    let (item, other) = (found.value.item(index), sibling.and_then(|list| list.item(index)));
                    let Some(item) = item.or(other) else { break };
                    let end = if matches!(item.shape, Shape::Scalar) { item.end } else { item.start + 1 };
                    span = self.span(item.start, end);
                    (node, beside) = (item, other);
                }
            }
        }
        span
    }

    /// The place of a problem.
    pub fn place_of(&self, problem: &Problem) -> Span {
        match &problem.place {
            Place::Element(path) => self.find(path),
            _ => self.find(""),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        span(self.text, &self.lines, start, end)
    }
}

fn lines(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn span(text: &str, lines: &[usize], start: usize, end: usize) -> Span {
    let line = lines.partition_point(|at| *at <= start);
    let begin = lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
    let characters = |from: usize, to: usize| text.get(from..to).map_or(1, |part| part.chars().count());
    let shown = text.get(start..end).and_then(|part| part.lines().next()).map_or(1, |line| line.chars().count());
    Span { line: small(line), column: small(characters(begin, start) + 1), length: small(shown.max(1)) }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).max(1)
}

/// `name[2]` as name and index.
fn split(step: &str) -> (&str, Option<usize>) {
    let Some((name, rest)) = step.split_once('[') else { return (step, None) };
    (name, rest.trim_end_matches(']').parse().ok())
}

/// The member of that name: as it is, beside a primitive that has no value, or a choice with its type.
fn member<'n>(node: &'n Node, name: &str) -> Option<&'n super::scan::Member> {
    let Shape::Object(members) = &node.shape else { return None };
    let is_typed =
        |key: &str| key.strip_prefix(name).is_some_and(|kind| kind.starts_with(|first: char| first.is_uppercase()));
    node.member(name).or_else(|| members.iter().find(|member| is_typed(&member.key))).or_else(|| {
        members.iter().find(|member| member.key.strip_prefix('_').is_some_and(|key| key == name || is_typed(key)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "resourceType": "Observation",
  "status": "final",
  "valueQuantity": { "value": 1.50,
    "unit": "kg" },
  "effectiveDateTime": "2026",
  "_effectiveDateTime": { "extension": [{ "url": "x" }] },
  "name": [{ "given": ["A", null],
             "_given": [null, { "extension": [ { "url": "y" } ] }] }, {}],
  "_gender": { "id": "g" }
}"#;

    #[track_caller]
    fn is_at(path: &str, expected: &str, line: u32) {
        let span = Located::read(TEXT).unwrap().find(path);
        let text: String = TEXT.lines().nth(span.line as usize - 1).unwrap().chars().collect();
        let shown: String = text.chars().skip(span.column as usize - 1).take(span.length as usize).collect();
        assert_eq!((shown.as_str(), span.line), (expected, line), "{path}");
    }

    #[test]
    fn elements_are_found_at_their_value_or_key() {
        is_at("Observation.status", "\"final\"", 3);
        is_at("Observation.value.value", "1.50", 4);
        is_at("Observation.value", "\"valueQuantity\"", 4);
        is_at("Observation.value.unit", "\"kg\"", 5);
        is_at("Observation.name[0].given[0]", "\"A\"", 8);
        is_at("Observation.name[1]", "{", 9);
        is_at("Observation.name", "\"name\"", 8);
    }

    #[test]
    fn what_stands_beside_a_primitive_is_found_there() {
        is_at("Observation.effective", "\"2026\"", 6);
        is_at("Observation.effective.extension[0].url", "\"x\"", 7);
        is_at("Observation.name[0].given[1].extension[0].url", "\"y\"", 9);
        is_at("Observation.gender", "\"_gender\"", 10);
    }

    #[test]
    fn what_is_missing_is_found_at_what_lacks_it() {
        is_at("Observation", "{", 1);
        is_at("Observation.code", "{", 1);
        is_at("Observation.value.code", "\"valueQuantity\"", 4);
        is_at("Observation.name[1].family", "{", 9);
        is_at("Observation.name[7].family", "\"name\"", 8);
    }

    #[test]
    fn what_is_no_resource_says_why_and_where() {
        let broken = Located::read("{\n  \"resourceType\": \"Patient\",\n}").err().unwrap();
        assert_eq!((broken.span.line, broken.is_other), (3, false));
        assert!(!broken.text.contains("line"), "{}", broken.text);
        for text in ["[]", "{}", "7", "{\"resourceType\": 7}"] {
            assert!(Located::read(text).err().unwrap().is_other, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(Located::read(&deep).is_err());
    }

    #[test]
    fn keys_that_stand_twice_are_found_where_they_are_said_again() {
        let text = "{ \"resourceType\": \"Patient\",\n \"gender\": \"male\", \"a\": { \"gender\": 1 },\n \"\\u0067ender\": \"female\" }";
        let found = Located::read(text).unwrap().faults();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0.line, found[0].0.column), (3, 2));
    }
}
