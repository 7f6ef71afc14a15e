//! Where in a resource the validator is, written as FHIRPath (`Patient.name[0].family`), and the faults found so far.

use crate::problem::{Category, Place, Problem};

/// No resource yields more problems than this; the last one says so.
const MAX_PROBLEMS: usize = 200;

/// The faults of one resource.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    more: bool,
}

impl Findings {
    pub fn error(&mut self, category: Category, path: &str, text: impl Into<String>) {
        self.add(Problem::error(category, Place::Element(path.to_string()), text));
    }

    pub fn warning(&mut self, category: Category, path: &str, text: impl Into<String>) {
        self.add(Problem::warning(category, Place::Element(path.to_string()), text));
    }

    fn add(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more = true;
        }
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
