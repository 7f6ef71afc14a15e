//! Sentences with places to fill, such as `{patient} left {place}`. The names are closed per kind of rule and checked
//! when the file is read.

use crate::problem::Problem;
use crate::yaml::{Node, nearest};

/// A sentence in parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// What a task's text may speak of.
pub const TASK_PLACES: &[&str] = &[
    "patient",
    "place",
    "start",
    "end",
    "reason",
    "disposition",
    "due",
    "conditions",
    "count",
    "answer",
    "before",
    "referral",
    "to",
    "said",
    "medicine",
    "last-time",
];
/// What an alert's text may speak of.
pub const ALERT_PLACES: &[&str] = &["patient", "value", "threshold", "time", "respond", "readings"];

impl Template {
    /// Reads a sentence; `known` are the names that may stand in braces.
    pub fn read(node: &Node, known: &[&str], problems: &mut Vec<Problem>) -> Self {
        let text = node.as_text().unwrap_or_default();
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while let Some((before, after)) = rest.split_once('{') {
            parts.push(Part::Text(before.to_string()));
            let Some((name, tail)) = after.split_once('}') else {
                problems.push(node.problem("a `{` without its `}`"));
                rest = "";
                break;
            };
            if !known.contains(&name) {
                let hint = nearest(name, known.iter().copied()).map(|near| format!("; did you mean `{{{near}}}`?"));
                let hint = hint.unwrap_or_else(|| format!("; there are {}", known.join(", ")));
                problems.push(node.problem(format!("nothing fills `{{{name}}}` here{hint}")));
            }
            parts.push(Part::Place(name.to_string()));
            rest = tail;
        }
        parts.push(Part::Text(rest.to_string()));
        Self(parts)
    }

    /// Whether a place of this name stands in it.
    pub fn has(&self, place: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Place(name) if name == place))
    }

    /// The sentence with its places filled.
    pub fn fill(&self, value_of: &dyn Fn(&str) -> String) -> String {
        let words = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(name) => value_of(name),
        });
        words.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The sentence with its places left open, for publishing.
    pub fn open(&self) -> String {
        self.fill(&|name| format!("[{name}]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    #[test]
    fn a_wrong_place_is_named_with_the_nearest_right_one() {
        let node = parse(&Source::new("p.yaml", "text: '{patent} left'")).unwrap();
        let mut problems = Vec::new();
        Template::read(node.get("text").unwrap(), TASK_PLACES, &mut problems);
        assert_eq!(problems[0].text, "nothing fills `{patent}` here; did you mean `{patient}`?");
    }

    #[test]
    fn places_are_filled_and_spaces_joined() {
        let node = parse(&Source::new("p.yaml", "text: |\n  {patient} left\n  {place}.\n")).unwrap();
        let template = Template::read(node.get("text").unwrap(), TASK_PLACES, &mut Vec::new());
        assert_eq!(template.fill(&|name| format!("<{name}>")), "<patient> left <place>.");
    }
}
