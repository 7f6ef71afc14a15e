//! Where in a resource the validator is, written as FHIRPath (`Patient.name[0].family`), and the faults found so far.
//! One cause yields one fault: what R4 and a profile both find wrong is said once.

use std::collections::HashMap;

use crate::problem::{Category, Place, Problem, Severity};

/// No resource yields more problems than this; the last one says so.
const MAX_PROBLEMS: usize = 200;

/// The faults of one resource.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    /// The position of what was said, by path and cause.
    said: HashMap<(String, String), usize>,
    more: bool,
}

impl Findings {
    pub fn error(&mut self, category: Category, path: &str, text: impl Into<String>) {
        self.add(Problem::error(category, Place::Element(path.to_string()), text));
    }

    /// An error that R4 and each profile may find for themselves: the first of that cause at the place is said.
    pub fn error_once(&mut self, cause: &str, category: Category, path: &str, text: impl Into<String>) {
        let problem = Problem::error(category, Place::Element(path.to_string()), text);
        self.add_for((path.to_string(), cause.to_string()), problem);
    }

    pub fn warning(&mut self, category: Category, path: &str, text: impl Into<String>) {
        self.add(Problem::warning(category, Place::Element(path.to_string()), text));
    }

    /// Something that could not be checked because what it is about is not at hand: said once for each URL.
    pub fn unknown(&mut self, path: &str, url: &str, text: impl Into<String>) {
        let problem = Problem {
            severity: Severity::Information,
            category: Category::NotFound,
            place: Place::Element(path.to_string()),
            text: text.into(),
        };
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
                *said = problem;
            }
        } else if self.problems.len() < MAX_PROBLEMS {
            self.said.insert(key, self.problems.len());
            self.problems.push(problem);
        } else {
            self.more = true;
        }
    }

    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    pub fn finish(mut self) -> Vec<Problem> {
        if self.more {
            let text = format!("there are more than {MAX_PROBLEMS} faults; the rest is not listed");
            self.problems.push(Problem::warning(Category::TooCostly, Place::Whole, text));
        }
        self.problems
    }
}

/// The path of a child; a list element names its position.
pub(super) fn child(path: &str, name: &str, index: Option<usize>) -> String {
    match index {
        Some(index) => format!("{path}.{name}[{index}]"),
        None => format!("{path}.{name}"),
    }
}
