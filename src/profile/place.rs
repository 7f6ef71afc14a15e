//! Where in a resource the validator is, written as FHIRPath (`Patient.name[0].family`), and the faults found so far.
//! One cause yields one fault: what R4 and a profile both find wrong is said once.

use std::collections::HashMap;
use std::fmt;

use crate::problem::{Category, Place, Problem};

/// No resource yields more errors than this, nor more of anything else; a last problem says so. Advice never takes the room
/// of an error: a resource without one is valid.
const MAX_PROBLEMS: usize = 200;

/// A place as the way to it from the root, written out only when there is something to say of it.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    above: Option<&'p Path<'p>>,
    name: &'p str,
    index: Option<usize>,
}

impl<'p> Path<'p> {
    pub fn root(name: &'p str) -> Self {
        Self { above: None, name, index: None }
    }

    /// The path of a child.
    pub fn child<'q>(&'q self, name: &'q str) -> Path<'q> {
        Path { above: Some(self), name, index: None }
    }

    /// The element's own name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The path of one item of a list; none for what is no list.
    pub fn at(self, index: Option<usize>) -> Self {
        Self { index, ..self }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        f.write_str(self.name)?;
        match self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}

/// The faults of one resource.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    /// The position of what was said, by path and cause.
    said: HashMap<(String, String), usize>,
    errors: usize,
    more: bool,
}

impl Findings {
    pub fn error(&mut self, category: Category, path: &Path<'_>, text: impl Into<String>) {
        self.add(Problem::error(category, Place::Element(path.to_string()), text));
    }

    /// An error that R4 and each profile may find for themselves: the first of that cause at the place is said.
    pub fn error_once(&mut self, cause: &str, category: Category, path: &Path<'_>, text: impl Into<String>) {
        let problem = Problem::error(category, Place::Element(path.to_string()), text);
        self.add_for((path.to_string(), cause.to_string()), problem);
    }

    pub fn warning(&mut self, category: Category, path: &Path<'_>, text: impl Into<String>) {
        self.add(Problem::warning(category, Place::Element(path.to_string()), text));
    }

    /// Something that could not be checked because what it is about is not at hand: said once for each URL.
    pub fn unknown(&mut self, path: &Path<'_>, url: &str, text: impl Into<String>) {
        let problem = Problem::information(Category::NotFound, Place::Element(path.to_string()), text);
        self.add_for((String::new(), url.to_string()), problem);
    }

    fn add(&mut self, problem: Problem) {
        let path = problem.place.to_string();
        // Two invariants, or two faults of structure, are two causes; a wrong code is one, whoever asks for another.
        let cause = match problem.category {
            Category::Invariant | Category::Structure | Category::Extension | Category::Processing => {
                problem.text.clone()
            }
            // What is no code at all is in no value set either.
            Category::CodeInvalid => Category::Value.code().to_string(),
            category => category.code().to_string(),
        };
        self.add_for((path, cause), problem);
    }

    fn add_for(&mut self, key: (String, String), problem: Problem) {
        if let Some(said) = self.said.get(&key).and_then(|position| self.problems.get_mut(*position)) {
            if problem.severity > said.severity {
                self.errors += usize::from(problem.is_error());
                *said = problem;
            }
            return;
        }
        let count = if problem.is_error() { self.errors } else { self.problems.len() - self.errors };
        if count >= MAX_PROBLEMS {
            self.more = true;
            return;
        }
        self.errors += usize::from(problem.is_error());
        self.said.insert(key, self.problems.len());
        self.problems.push(problem);
    }

    /// Whether no further error is listed: what only helps to mend one need not be made.
    pub fn is_full(&self) -> bool {
        self.errors >= MAX_PROBLEMS
    }

    /// Whether errors were found that are not listed: looking for more of them says nothing new.
    pub fn is_over(&self) -> bool {
        self.is_full() && self.more
    }

    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    pub fn finish(mut self) -> Vec<Problem> {
        if self.more {
            let text = format!("there are more than {MAX_PROBLEMS} faults of a kind; the rest is not listed");
            self.problems.push(Problem::warning(Category::TooCostly, Place::Whole, text));
        }
        self.problems
    }
}
