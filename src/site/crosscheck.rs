//! What one file of a site says about another: every name that is used must exist, and nothing is claimed twice.

use std::collections::{BTreeMap, BTreeSet};

use super::Partner;
use super::scalar;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Mark, nearest};

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Partner,
    Panel,
    Calendar,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Panel => "panel",
            Self::Calendar => "calendar",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Partner => "partners",
            Self::Panel => "panels",
            Self::Calendar => "calendars",
        }
    }
}

/// A place where one file names something that another file is.
#[derive(Debug, Clone)]
pub struct Reference {
    pub kind: Kind,
    pub name: String,
    pub mark: Mark,
}

/// All names of a site. A file that has faults still has its name, so that one fault is told once.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<Kind, BTreeSet<String>>);

impl Names {
    pub fn add(&mut self, kind: Kind, name: impl Into<String>) {
        self.0.entry(kind).or_default().insert(name.into());
    }

    /// All names of a kind, in order.
    pub fn of(&self, kind: Kind) -> Vec<&str> {
        self.0.get(&kind).into_iter().flatten().map(String::as_str).collect()
    }

    /// A problem for each name that nothing has.
    pub fn check(&self, references: &[Reference]) -> Vec<Problem> {
        references.iter().filter_map(|reference| self.missing(reference)).collect()
    }

    fn missing(&self, reference: &Reference) -> Option<Problem> {
        let Reference { kind, name, mark } = reference;
        let known = self.0.get(kind);
        if known.is_some_and(|names| names.contains(name)) {
            return None;
        }
        let known = known.into_iter().flatten().map(String::as_str);
        let hint = nearest(name, known.clone()).map_or_else(
            || match known.clone().take(8).collect::<Vec<_>>() {
                some if some.is_empty() => format!("there is nothing in `{}/`", kind.folder()),
                some => format!("there is {}", some.join(", ")),
            },
            |near| format!("did you mean `{near}`?"),
        );
        Some(mark.problem(Category::NotFound, format!("there is no {} `{name}`; {hint}", kind.word())))
    }
}

/// The key by which a file names itself (`feed: riverside` in `feeds/riverside.yaml`): the two must agree, because
/// addresses, metrics and other files use the one and people look for the other.
pub fn own_name(fields: &mut Fields<'_>, key: &'static str, stem: &str) {
    let Some(node) = fields.required(key) else { return };
    let written = node.as_text().unwrap_or_default();
    if !scalar::is_name(stem) {
        let text = format!("the file's name `{stem}` is to be lower-case letters, digits and hyphens, at most 64");
        fields.report(node.problem(text));
    } else if written != stem {
        let text = format!("this says `{written}`, but the file is {stem}.yaml; the two names must be the same");
        fields.report(node.mark.problem(Category::Conflict, text));
    }
}

/// Two partners with one client id could not be told apart when one of them reads.
pub fn check_clients(partners: &BTreeMap<String, Partner>, marks: &BTreeMap<String, Mark>) -> Vec<Problem> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, partner) in partners {
        let Some(client) = &partner.client_id else { continue };
        match (first.get(client.as_str()), marks.get(name)) {
            (Some(earlier), Some(mark)) => {
                let text = format!("the client id `{client}` is partner `{earlier}`'s already; give each its own");
                problems.push(mark.problem(Category::Duplicate, text));
            }
            _ => {
                first.insert(client, name);
            }
        }
    }
    problems
}
