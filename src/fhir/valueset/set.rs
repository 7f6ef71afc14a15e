//! One value set by itself.

use super::rule::Rule;
use super::words::Words;
use crate::yaml::Source;

/// One named set of codes.
#[derive(Debug)]
pub struct ValueSet {
    pub name: String,
    pub title: String,
    pub(super) include: Vec<Rule>,
    pub(super) exclude: Vec<Rule>,
    pub(super) words: Words,
    pub(super) source: Source,
}

impl ValueSet {
    /// A set whose file could not be read goes by the file's name and holds nothing, so that its uses are not faults as well.
    pub(super) fn unread(source: &Source) -> Self {
        let file = source.name.rsplit('/').next().unwrap_or_default();
        let name = file.strip_suffix(".yaml").unwrap_or(file).to_string();
        let (include, exclude) = (Vec::new(), Vec::new());
        Self { title: name.clone(), name, include, exclude, words: Words::default(), source: source.clone() }
    }

    /// The first code that it lists.
    pub fn first_code(&self) -> Option<(&str, &str)> {
        self.include.iter().find_map(|rule| match rule {
            Rule::Codes(codes) => codes.corners().next(),
            Rule::Set { .. } => None,
        })
    }

    /// The file it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }
}
