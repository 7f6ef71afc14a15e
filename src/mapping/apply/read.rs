//! Reading places of the message: which values a path means, what conditions say, and what was read for what.

use crate::hl7::Value as Field;
use crate::mapping::Lineage;
use crate::mapping::language::{Root, SourcePath};
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;
use crate::yaml::Mark;

use super::run::{Frame, Run};

/// A field that repeats more often than this is no field a person filled.
const MAX_REPETITIONS: usize = 1_000;

/// Faults listed for one message.
const MAX_PROBLEMS: usize = 500;

/// Unmapped codes listed for one message.
pub const MAX_UNMAPPED: usize = 200;

impl<'a> Run<'a> {
    /// All values of a path that say something, `""` among them.
    pub fn locate(&self, path: &SourcePath, frame: Frame<'a>) -> Vec<Field<'a>> {
        let roots: Vec<Field<'a>> = match &path.root {
            Root::This => frame.this.into_iter().collect(),
            Root::Segment { .. } => {
                let segments = self.structure.segments(path, frame.segment);
                let segment = segments.first().and_then(|index| self.message.segment_at(*index));
                let Some(field) = segment.filter(|_| path.field > 0).map(|segment| segment.field(path.field)) else {
                    return Vec::new();
                };
                match path.repetition {
                    0 => field.repetitions().collect(),
                    number => vec![field.repetition(number)],
                }
            }
        };
        let inner = roots.into_iter().map(|value| match (path.component, path.subcomponent) {
            (0, _) => value,
            (component, 0) => value.part(component),
            (component, subcomponent) => value.part(component).part(subcomponent),
        });
        inner.filter(|value| !value.is_empty()).collect()
    }

    /// The frames of an `each`: every repetition, or every segment of a path to segments.
    pub fn frames(&mut self, path: &SourcePath, frame: Frame<'a>) -> Vec<Frame<'a>> {
        if path.field == 0 && path.root != Root::This {
            let segments = self.structure.segments(path, frame.segment);
            return segments.into_iter().map(|segment| Frame { segment, this: None }).collect();
        }
        let values = self.locate(path, frame);
        if let Some(beyond) = values.get(MAX_REPETITIONS) {
            let text = format!("only the first {MAX_REPETITIONS} repetitions are read");
            self.warn(Category::TooCostly, *beyond, text);
        }
        let values = values.into_iter().take(MAX_REPETITIONS);
        values.map(|value| Frame { this: Some(value), ..frame }).collect()
    }

    /// The first value of a path; none where it says nothing or says "delete".
    pub fn value(&mut self, path: &SourcePath, frame: Frame<'a>) -> Option<Field<'a>> {
        let value = self.locate(path, frame).into_iter().next();
        if let Some(null) = value.filter(|value| value.leaf().is_null()) {
            self.read.mark(null.span());
            return None;
        }
        value
    }

    /// The simple text of a value, and a note of what it was read for. Free text keeps delimiters that its sender forgot to
    /// escape.
    pub fn text(&mut self, value: Field<'a>, is_free: bool, mark: &Mark) -> String {
        let value = if is_free { value } else { value.leaf() };
        self.note(value, mark);
        value.text().into_owned()
    }

    /// Notes that a value became the element at hand.
    pub fn note(&mut self, value: Field<'a>, mark: &Mark) {
        self.read.mark(value.span());
        self.note_only(value, mark);
    }

    /// The same for a value whose parts were read elsewhere: what nobody read of it stays unread.
    pub fn note_only(&mut self, value: Field<'a>, mark: &Mark) {
        let lineage = Lineage {
            draft: self.local.clone(),
            element: self.element(),
            map: mark.clone(),
            place: value.place(),
            span: value.span(),
        };
        self.lineage.push(lineage);
    }

    /// The FHIRPath of the element at hand, below its resource.
    pub fn element(&self) -> String {
        let mut path = String::new();
        for (name, index) in &self.steps {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
            if let Some(index) = index {
                path.push_str(&format!("[{index}]"));
            }
        }
        path
    }

    /// A fault of one field: never the loss of the message.
    pub fn warn(&mut self, category: Category, value: Field<'a>, text: impl Into<String>) {
        self.report(Problem::warning(category, Place::Field(value.place()), text));
    }

    /// Adds a fault, once, up to a bound. What has one cause is said once, at the first place, and counted.
    pub fn report(&mut self, problem: Problem) {
        let has_cause = |known: &Problem| known.unused == problem.unused && known.text == problem.text;
        let same = self.problems.iter().position(|known| match problem.unused {
            Some(_) => has_cause(known),
            None => *known == problem,
        });
        if let Some(index) = same {
            let is_elsewhere = self.problems.get(index).is_some_and(|known| known.place != problem.place);
            *self.elsewhere.entry(index).or_insert(0) += usize::from(is_elsewhere);
        } else if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else if self.problems.len() == MAX_PROBLEMS {
            let text = "the message has more faults than are listed";
            self.problems.push(Problem::warning(Category::TooCostly, Place::Whole, text).unused(Kind::Limit, "faults"));
        }
    }

    /// Adds to each fault how often it was found beside its first place.
    pub fn count_faults(&mut self) {
        for (index, more) in std::mem::take(&mut self.elsewhere).into_iter().filter(|(_, more)| *more > 0) {
            if let Some(problem) = self.problems.get_mut(index) {
                let places = if more == 1 { "place" } else { "places" };
                problem.text.push_str(&format!(" (and so at {more} more {places})"));
            }
        }
    }

    /// Marks what a path names as known to say nothing for the record.
    pub fn mark_known(&mut self, path: &SourcePath, segment: usize) {
        let Some(found) = self.message.segment_at(segment) else { return };
        match path.field {
            0 => self.read.mark(found.span()),
            number => self.read.mark(found.field(number).span()),
        }
    }
}
