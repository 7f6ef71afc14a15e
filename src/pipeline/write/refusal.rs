//! Why a write is not taken, with the HTTP status that says so (http://hl7.org/fhir/R4/http.html#Status-Codes).

use crate::agreement::Decision;
use crate::problem::{Category, Place, Problem};

/// Nothing of what was asked is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub status: u16,
    /// Each with its line and column in the body, `3:14`; empty where it has none.
    pub problems: Vec<(Problem, String)>,
}

impl Refusal {
    pub fn new(status: u16, problem: Problem) -> Self {
        Self { status, problems: vec![(problem, String::new())] }
    }

    pub fn at(status: u16, category: Category, place: impl Into<String>, text: impl Into<String>) -> Self {
        let place = place.into();
        let place = if place.is_empty() { Place::Whole } else { Place::Element(place) };
        Self::new(status, Problem::error(category, place, text))
    }

    /// Whether it is nothing that this gateway takes from this partner, however it is said.
    pub fn is_rejection(&self) -> bool {
        matches!(self.status, 403 | 404 | 405 | 413)
    }

    /// What is not there and what is somebody else's are answered alike.
    pub fn absent() -> Self {
        Self::at(404, Category::NotFound, "", "there is no such resource here")
    }

    /// The agreement does not let the partner say it; the line that does not is named.
    pub fn forbidden(place: &str, decision: &Decision) -> Self {
        let line = decision.at.as_ref().map(|at| format!(" ({}:{})", at.file, at.line)).unwrap_or_default();
        Self::at(403, Category::Forbidden, place, format!("{}{line}", decision.because))
    }

    /// A reference to what is not there, or not for this partner.
    pub fn dangling(place: impl Into<String>) -> Self {
        let text =
            "there is nothing here for you that this refers to; refer to what you can read here, or by `identifier`";
        Self::at(422, Category::NotFound, place, text)
    }

    /// The same in a part of a larger body: places in a resource become places in it.
    pub fn within(mut self, resource_type: &str, path: &str) -> Self {
        if path.is_empty() {
            return self;
        }
        for (problem, _) in &mut self.problems {
            problem.place = match &problem.place {
                Place::Element(own) => {
                    Place::Element(format!("{path}{}", own.strip_prefix(resource_type).unwrap_or_default()))
                }
                Place::Whole => Place::Element(path.to_string()),
                other => other.clone(),
            };
        }
        self
    }
}
