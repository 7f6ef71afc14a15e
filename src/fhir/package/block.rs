//! Blocks of a reduced package: what each file defines, found by its first line alone.

use std::sync::{Arc, OnceLock};

use super::source::PackageFile;
use crate::fhir::definition::{profile_url, split_version, value_set_url};
use crate::problem::{Category, Place, Problem};
use crate::yaml::Mark;

/// One definition: where it stands, and what it says once it was read.
#[derive(Debug)]
pub(super) struct Block<T> {
    file: Arc<PackageFile>,
    start: usize,
    end: usize,
    /// The number of its first line in the file.
    line: usize,
    pub version: Option<String>,
    read: OnceLock<Option<Arc<T>>>,
}

impl<T> Block<T> {
    pub fn text(&self) -> &str {
        self.file.text.get(self.start..self.end).unwrap_or_default()
    }

    /// What the block says, read once.
    pub fn get(&self, read: impl FnOnce(&str) -> Option<T>) -> Option<Arc<T>> {
        self.read.get_or_init(|| read(self.text()).map(Arc::new)).clone()
    }

    /// A fault of one of its lines, counted from 0.
    pub fn problem(&self, line: usize, text: String) -> Problem {
        problem(&self.file, self.line + line, text)
    }
}

fn problem(file: &PackageFile, line: usize, text: String) -> Problem {
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    Problem::error(Category::Invalid, Place::File(Mark { line, ..Mark::start(&file.name) }), text)
}

/// What a block defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defines {
    Profile,
    ValueSet,
    CodeSystem,
    Search,
}

/// Tells `found` of each definition in a file, and yields a problem for each block that is none.
pub(super) fn split(file: &Arc<PackageFile>, found: &mut dyn FnMut(Defines, String, Position)) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut start = 0;
    let mut line = 1;
    for part in file.text.split("\n\n") {
        let skipped = part.len() - part.trim_start_matches('\n').len();
        let own = part.get(skipped..).unwrap_or_default();
        let head = own.lines().next().unwrap_or_default();
        let position = Position { start: start + skipped, end: start + part.len(), line: line + skipped };
        match read_head(head) {
            Some((kind, url)) => found(kind, url, position),
            None if head.is_empty() => {}
            None => problems.push(problem(file, position.line, format!("`{head}` begins no definition"))),
        }
        line += part.matches('\n').count() + 2;
        start += part.len() + 2;
    }
    problems
}

/// Where a block stands in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    start: usize,
    end: usize,
    line: usize,
}

impl Position {
    /// The URL and the block, given the canonical that the head names.
    pub fn block<T>(self, file: &Arc<PackageFile>, canonical: &str) -> (String, Block<T>) {
        let (url, version) = split_version(canonical);
        let block = Block {
            file: Arc::clone(file),
            start: self.start,
            end: self.end,
            line: self.line,
            version: version.map(str::to_string),
            read: OnceLock::new(),
        };
        (url.to_string(), block)
    }
}

fn read_head(head: &str) -> Option<(Defines, String)> {
    let mut words = head.split(' ');
    Some(match words.next()? {
        "profile" => (Defines::Profile, profile_url(words.nth(1)?)),
        "extension" => (Defines::Profile, profile_url(words.next()?)),
        "valueset" => (Defines::ValueSet, value_set_url(words.next()?)),
        "codesystem" => (Defines::CodeSystem, words.next()?.to_string()),
        "search" => (Defines::Search, words.next()?.to_string()),
        _ => return None,
    })
}
