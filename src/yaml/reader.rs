//! Reading a mapping key by key, collecting faults: missing and unknown keys, wrong kinds, and the nearest valid name.

use super::node::{Kind, Node};
use crate::problem::{Category, Problem};

/// The keys of one mapping, taken one at a time; what nobody took is an unknown key.
pub struct Fields<'a> {
    node: &'a Node,
    entries: Vec<(&'a Node, String, &'a Node, bool)>,
    known: Vec<Known>,
    problems: Vec<Fault>,
    #[cfg(test)]
    reader: (&'static std::panic::Location<'static>, String),
}

/// A key that a reader asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub key: &'static str,
    pub read_as: As,
    pub is_required: bool,
}

/// As what a key is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum As {
    /// The reader looks into it by itself.
    Any,
    Text,
    Bool,
    Integer(i64, i64),
    Texts,
    Choice(Vec<&'static str>),
}

/// A fault, and the keys any of which would mend it: where one of them stands there misspelt, that is the fault.
type Fault = (Problem, Vec<&'static str>);

impl<'a> Fields<'a> {
    /// Starts on a node that must be a mapping; `what` names it in the message otherwise ("a feed").
    #[cfg_attr(test, track_caller)]
    pub fn of(node: &'a Node, what: &str) -> Self {
        let mut problems = Vec::new();
        let entries = match node.as_map() {
            Some(entries) => {
                entries.iter().map(|(key, value)| (key, key.as_text().unwrap_or_default(), value, false)).collect()
            }
            None => {
                let text = format!("{what} is written as `key: value` lines; this is {}", node.kind_name());
                problems.push((node.problem(text), Vec::new()));
                Vec::new()
            }
        };
        Self {
            node,
            entries,
            known: Vec::new(),
            problems,
            #[cfg(test)]
            reader: (std::panic::Location::caller(), what.to_string()),
        }
    }

    /// The node the fields belong to.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Takes a key that may be absent.
    pub fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        self.take(key, As::Any)
    }

    fn take(&mut self, key: &'static str, read_as: As) -> Option<&'a Node> {
        self.known.push(Known { key, read_as, is_required: false });
        let entry = self.entries.iter_mut().find(|(_, name, _, _)| name == key)?;
        entry.3 = true;
        Some(entry.2)
    }

    /// Takes a key that must be there.
    pub fn required(&mut self, key: &'static str) -> Option<&'a Node> {
        self.take_required(key, As::Any)
    }

    fn take_required(&mut self, key: &'static str, read_as: As) -> Option<&'a Node> {
        let found = self.take(key, read_as);
        if let Some(known) = self.known.last_mut() {
            known.is_required = true;
        }
        if found.is_none() {
            self.lacking(&[key], self.node.mark.problem(Category::Required, format!("`{key}` is missing here")));
        }
        found
    }

    /// Adds a fault that any of these keys would mend. It is not told where one of them stands here misspelt, nor of what
    /// is no mapping at all: those are told, and this follows from them.
    pub fn lacking(&mut self, keys: &[&'static str], problem: Problem) {
        if self.node.as_map().is_some() {
            self.problems.push((problem, keys.to_vec()));
        }
    }

    /// Whether a key that nobody has taken so far looks as if this one was meant.
    pub fn is_misspelt(&self, key: &str) -> bool {
        self.entries.iter().any(|(_, name, _, taken)| !taken && nearest(name, [key]).is_some())
    }

    /// Any scalar as text.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.take(key, As::Text)?;
        self.scalar(key, node)
    }

    pub fn required_text(&mut self, key: &'static str) -> Option<String> {
        let node = self.take_required(key, As::Text)?;
        self.scalar(key, node)
    }

    fn scalar(&mut self, key: &str, node: &Node) -> Option<String> {
        let text = node.as_text();
        if text.is_none() {
            self.wrong(node, key, "text");
        }
        text
    }

    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let node = self.take(key, As::Bool)?;
        match node.kind {
            Kind::Bool(value) => Some(value),
            _ => {
                self.wrong(node, key, "true or false");
                None
            }
        }
    }

    /// A whole number inside the given bounds, both included.
    pub fn integer(&mut self, key: &'static str, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let node = self.take(key, As::Integer(*bounds.start(), *bounds.end()))?;
        match node.kind {
            Kind::Integer(value) if bounds.contains(&value) => Some(value),
            _ => {
                let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
                self.wrong(node, key, &expected);
                None
            }
        }
    }

    /// A list; a single value counts as a list of one.
    pub fn list(&mut self, key: &'static str) -> Vec<&'a Node> {
        self.listed(key, As::Any)
    }

    fn listed(&mut self, key: &'static str, read_as: As) -> Vec<&'a Node> {
        match self.take(key, read_as) {
            None => Vec::new(),
            Some(node) => node.as_list().map_or_else(|| vec![node], |items| items.iter().collect()),
        }
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let nodes = self.listed(key, As::Texts);
        nodes.into_iter().filter_map(|node| self.scalar(key, node)).collect()
    }

    /// One of a closed set of words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let node = self.take(key, As::Choice(choices.iter().map(|(name, _)| *name).collect()))?;
        let text = self.scalar(key, node)?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let hint = nearest(&text, names.iter().copied())
                .map(|name| format!("; did you mean `{name}`?"))
                .unwrap_or_default();
            self.report(node.problem(format!("`{text}` is not one of {}{hint}", names.join(", "))));
        }
        found
    }

    fn wrong(&mut self, node: &Node, key: &str, expected: &str) {
        self.report(node.problem(format!("`{key}` must be {expected}; this is {}", node.kind_name())));
    }

    /// Adds a fault found while looking deeper.
    pub fn report(&mut self, problem: Problem) {
        self.problems.push((problem, Vec::new()));
    }

    #[cfg(test)]
    fn tell(&self) {
        let (reader, what) = (self.reader.0, self.reader.1.clone());
        let told = || super::seen::Mapping { reader, what, mark: self.node.mark.clone(), keys: self.known.clone() };
        super::seen::mapping(told);
    }

    /// Ends the reading: every key nobody took is a fault, with the nearest key that would have been right.
    pub fn finish(self, problems: &mut Vec<Problem>) {
        #[cfg(test)]
        self.tell();
        let mut known: Vec<&'static str> = Vec::new();
        for Known { key, .. } in self.known {
            if !known.contains(&key) {
                known.push(key);
            }
        }
        let (mut meant, mut unknown) = (Vec::new(), Vec::new());
        for (key, name, _, _) in self.entries.iter().filter(|(_, _, _, taken)| !taken) {
            let near = nearest(name, known.iter().copied());
            let hint = near.map_or_else(
                || format!("; the keys here are {}", known.join(", ")),
                |near| format!("; did you mean `{near}`?"),
            );
            meant.extend(near);
            unknown.push(key.mark.problem(Category::Structure, format!("{UNKNOWN_KEY}{name}`{hint}")));
        }
        let follows = |keys: &[&str]| keys.iter().any(|key| meant.contains(key));
        problems.extend(self.problems.into_iter().filter(|(_, keys)| !follows(keys)).map(|(problem, _)| problem));
        problems.append(&mut unknown);
    }
}

/// How a problem about a key begins that nobody knows.
pub const UNKNOWN_KEY: &str = "unknown key `";

/// The name most like `wrong`, when one is near enough to be meant.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let folded = wrong.to_lowercase();
    let length = wrong.chars().count();
    let all = names.into_iter().filter_map(|name| Some((within(length, name)?, name)));
    all.map(|(most, name)| (most, strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(most, distance, _)| distance <= most)
        .min_by_key(|(_, distance, _)| *distance)
        .map(|(_, _, name)| name)
}

/// How far a name may be from a word of that length and still be meant. None where it is farther by its length alone: to find a
/// distance costs one length times the other.
fn within(length: usize, name: &str) -> Option<usize> {
    let other = name.chars().count();
    let most = 1 + length.min(other) / 3;
    (length.abs_diff(other) <= most).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::super::{Source, parse};
    use super::*;

    #[test]
    fn only_a_name_of_about_the_same_length_is_compared_at_all() {
        assert_eq!(within(9, "birthDate"), Some(4));
        assert_eq!(within(13, "birthDate"), Some(4));
        assert_eq!(within(14, "birthDate"), None);
        assert_eq!(within(2_000_000, "birthDate"), None);
        assert_eq!(nearest("brithdate", ["birthDate", "deceased"]), Some("birthDate"));
        assert_eq!(nearest(&"x".repeat(2_000_000), ["birthDate"]), None);
    }

    #[test]
    fn unknown_missing_and_wrong_values_are_all_reported_in_one_run() {
        let tree = parse(&Source::new("f.yaml", "colour: x\nport: many\nkind: mlpp\n")).unwrap();
        let mut problems = Vec::new();
        let mut fields = Fields::of(&tree, "a feed");
        fields.required_text("name");
        fields.integer("port", 1..=65535);
        fields.choice("kind", &[("mllp", 1), ("http", 2)]);
        fields.finish(&mut problems);
        let texts: Vec<&str> = problems.iter().map(|problem| problem.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "`name` is missing here",
                "`port` must be a whole number from 1 to 65535; this is text",
                "`mlpp` is not one of mllp, http; did you mean `mllp`?",
                "unknown key `colour`; the keys here are name, port, kind",
            ]
        );
    }

    #[test]
    fn a_misspelt_key_is_one_fault_and_what_lacks_it_no_other() {
        let tree = parse(&Source::new("f.yaml", "naem: x\nlisen: y\n")).unwrap();
        let mut problems = Vec::new();
        let mut fields = Fields::of(&tree, "a feed");
        fields.required_text("name");
        assert!(fields.is_misspelt("listen") && !fields.is_misspelt("zone"));
        fields.optional("listen");
        fields.lacking(&["path", "listen"], tree.problem("it takes nothing"));
        fields.required_text("zone");
        fields.finish(&mut problems);
        let texts: Vec<&str> = problems.iter().map(|problem| problem.text.as_str()).collect();
        let naem = "unknown key `naem`; did you mean `name`?";
        assert_eq!(texts, ["`zone` is missing here", naem, "unknown key `lisen`; did you mean `listen`?"]);
    }
}
