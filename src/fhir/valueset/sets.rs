//! All value sets of a site by name: which codes they hold, and how they include each other. Never asks a terminology server.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

use super::read::read_set;
use super::rule::{Asked, Rule};
use super::set::ValueSet;
use crate::fhir::Familiar;
use crate::problem::{Category, Problem};
use crate::yaml::{self, Source, nearest};

#[derive(RustEmbed)]
#[folder = "profiles/valuesets"]
struct Files;

/// All value sets of a site, by name.
#[derive(Debug, Default)]
pub struct ValueSets {
    sets: BTreeMap<String, ValueSet>,
    /// Contents of which no set that is looked for holds anything.
    pub harmless: Familiar,
}

static BUILT_IN: LazyLock<ValueSets> = LazyLock::new(|| ValueSets::compile(&built_in_value_sets()).0);

/// The files of the value sets that are compiled in.
pub fn built_in_value_sets() -> Vec<Source> {
    let files = Files::iter().filter(|name| name.ends_with(".yaml"));
    let mut sources: Vec<Source> = files
        .filter_map(|name| {
            let file = Files::get(&name)?;
            let text = String::from_utf8_lossy(&file.data).into_owned();
            Some(Source::new(format!("built-in:profiles/valuesets/{name}"), text))
        })
        .collect();
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    sources
}

impl ValueSets {
    /// The value sets that are compiled in.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads files in order: a site's set replaces the built-in one of the same name. Yields what can be used and every
    /// fault of every file.
    pub fn compile(sources: &[Source]) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut sets: BTreeMap<String, ValueSet> = BTreeMap::new();
        let mut unread = Vec::new();
        for source in sources {
            let node = match yaml::parse(source) {
                Ok(node) => node,
                Err(problem) => {
                    problems.push(problem);
                    unread.push(ValueSet::unread(source));
                    continue;
                }
            };
            let Some(set) = read_set(&node, source, &mut problems) else {
                unread.push(ValueSet::unread(source));
                continue;
            };
            if let Some(former) = sets.get(&set.name).filter(|former| !former.source.name.starts_with("built-in:")) {
                let text = format!(
                    "`{}` is already defined in {}; give one of them another name",
                    set.name, former.source.name
                );
                problems.push(node.mark.problem(Category::Duplicate, text));
            }
            sets.insert(set.name.clone(), set);
        }
        for set in unread {
            sets.entry(set.name.clone()).or_insert(set);
        }
        let value_sets = Self { sets, harmless: Familiar::default() };
        value_sets.check_references(&mut problems);
        (value_sets, problems)
    }

    fn check_references(&self, problems: &mut Vec<Problem>) {
        for set in self.sets.values() {
            for rule in set.include.iter().chain(&set.exclude) {
                let Rule::Set { name, node } = rule else { continue };
                if !self.sets.contains_key(name) {
                    let hint = nearest(name, self.names()).map(|near| format!("; did you mean `{near}`?"));
                    let text = format!("there is no value set `{name}`{}", hint.unwrap_or_default());
                    problems.push(node.mark.problem(Category::NotFound, text));
                } else if self.reaches(name, &set.name, &mut Vec::new()) {
                    problems.push(
                        node.problem(format!("`{name}` itself includes `{}`; a set cannot include itself", set.name)),
                    );
                }
            }
        }
    }

    fn reaches<'a>(&'a self, from: &'a str, target: &str, seen: &mut Vec<&'a str>) -> bool {
        if from == target {
            return true;
        }
        if seen.contains(&from) {
            return false;
        }
        seen.push(from);
        let Some(set) = self.sets.get(from) else { return false };
        set.include.iter().chain(&set.exclude).any(|rule| match rule {
            Rule::Set { name, .. } => self.reaches(name, target, seen),
            Rule::Codes(_) => false,
        })
    }

    /// Whether a set holds a code. The system may be given by any name it goes by, or be `*` for "whichever system the
    /// set names"; a code without a system is in no set, and an unknown set holds nothing.
    pub fn contains(&self, name: &str, system: &str, code: &str) -> bool {
        self.holds(name, &Asked::of(system, code), 0)
    }

    fn holds(&self, name: &str, asked: &Asked<'_>, depth: u32) -> bool {
        let Some(set) = self.sets.get(name).filter(|_| depth < 16) else { return false };
        let any = |rules: &[Rule]| rules.iter().any(|rule| self.matches(rule, asked, depth));
        any(&set.include) && !any(&set.exclude)
    }

    fn matches(&self, rule: &Rule, asked: &Asked<'_>, depth: u32) -> bool {
        match rule {
            Rule::Set { name, .. } => self.holds(name, asked, depth + 1),
            Rule::Codes(codes) => codes.hold(asked),
        }
    }

    /// Whether a set holds any of the codings `(system, code)`, as `Resource::codings` gives them.
    pub fn contains_any(&self, name: &str, codings: &[(&str, &str)]) -> bool {
        codings.iter().any(|(system, code)| self.contains(name, system, code))
    }

    /// Whether a text, taken apart by `words_of`, says what a set is about in the set's own words.
    pub fn is_told(&self, name: &str, text: &[String]) -> bool {
        self.sets.get(name).is_some_and(|set| set.words.are_in(text))
    }

    /// Which of the sets that `name` includes directly hold a code: the groups by which "two or more conditions" counts.
    pub fn groups<'a>(&'a self, name: &str, system: &str, code: &str) -> Vec<&'a str> {
        let rules = self.sets.get(name).map(|set| set.include.as_slice()).unwrap_or_default();
        let named = rules.iter().filter_map(|rule| match rule {
            Rule::Set { name, .. } => Some(name.as_str()),
            Rule::Codes(_) => None,
        });
        named.filter(|group| self.contains(group, system, code)).collect()
    }

    /// The sets that `name` includes by name.
    pub fn parts(&self, name: &str) -> impl Iterator<Item = &str> {
        let rules = self.sets.get(name).map(|set| set.include.as_slice()).unwrap_or_default();
        rules.iter().filter_map(|rule| match rule {
            Rule::Set { name, .. } => Some(name.as_str()),
            Rule::Codes(_) => None,
        })
    }

    /// Whether all of a set lies within another: it is that one, it is included there by name, or each of its parts is. A set
    /// that there is not lies within none.
    pub fn is_within(&self, inner: &str, outer: &str) -> bool {
        self.lies_within(inner, outer, 0)
    }

    fn lies_within(&self, inner: &str, outer: &str, depth: u32) -> bool {
        let (Some(set), Some(_)) = (self.sets.get(inner), self.sets.get(outer)) else { return false };
        let within = |rule: &Rule| match rule {
            Rule::Set { name, .. } => depth < 16 && self.lies_within(name, outer, depth + 1),
            Rule::Codes(codes) => codes.corners().all(|(system, code)| self.contains(outer, system, code)),
        };
        inner == outer || self.includes(outer, inner, 0) || (!set.include.is_empty() && set.include.iter().all(within))
    }

    fn includes(&self, outer: &str, inner: &str, depth: u32) -> bool {
        let rules = self.sets.get(outer).map(|set| set.include.as_slice()).unwrap_or_default();
        rules.iter().any(|rule| match rule {
            Rule::Set { name, .. } => name == inner || (depth < 16 && self.includes(name, inner, depth + 1)),
            Rule::Codes(_) => false,
        })
    }

    /// For `Context::knowing`: whether a set holds a code, none for a set that does not exist.
    pub fn membership(&self, name: &str, system: &str, code: &str) -> Option<bool> {
        self.sets.contains_key(name).then(|| self.contains(name, system, code))
    }

    pub fn get(&self, name: &str) -> Option<&ValueSet> {
        self.sets.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().map(String::as_str)
    }
}
