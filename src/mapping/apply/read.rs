//! Reading places of the message: which values a path means, what conditions say, and what was read for what.

use std::fmt::Write;

use crate::hl7::{Level, Value as Field};
use crate::mapping::language::{Root, SourcePath};
use crate::mapping::{Lineage, Role};
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
        self.all_at(path, frame).collect()
    }

    /// The first of them.
    pub fn first_at(&self, path: &SourcePath, frame: Frame<'a>) -> Option<Field<'a>> {
        self.all_at(path, frame).next()
    }

    pub fn all_at(&self, path: &SourcePath, frame: Frame<'a>) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let whole = match &path.root {
            Root::This => frame.this,
            Root::Segment { .. } => {
                let segment = self.structure.segment(path, frame.segment);
                let segment = segment.and_then(|index| self.message.segment_at(index));
                let field = segment.filter(|_| path.field > 0).map(|segment| segment.field(path.field));
                field.map(|field| if path.repetition == 0 { field } else { field.repetition(path.repetition) })
            }
        };
        let (component, subcomponent) = (path.component, path.subcomponent);
        let inner = whole.into_iter().flat_map(Field::repetitions).map(move |value| match (component, subcomponent) {
            (0, _) => value,
            (component, 0) => value.part(component),
            (component, subcomponent) => value.part(component).part(subcomponent),
        });
        inner.filter(|value| !value.is_empty())
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
            self.lose(Kind::Limit, Category::TooCostly, *beyond, text);
        }
        let values = values.into_iter().take(MAX_REPETITIONS);
        values.map(|value| Frame { this: Some(value), ..frame }).collect()
    }

    /// The first value of a path; none where it says nothing or says "delete".
    pub fn value(&mut self, path: &SourcePath, frame: Frame<'a>) -> Option<Field<'a>> {
        let value = self.first_at(path, frame);
        if let Some(null) = value.filter(|value| value.leaf().is_null()) {
            self.note_silence(null);
            return None;
        }
        value
    }

    /// The simple text of a value, and a note of what it was read for. Free text keeps delimiters that its sender forgot to
    /// escape.
    pub fn text(&mut self, value: Field<'a>, is_free: bool, mark: &Mark) -> String {
        let leaf = value.leaf();
        let is_simple = value.level() == Level::Component && leaf.span() == value.span();
        let value = if is_free && !is_simple { value } else { leaf };
        self.note(value, mark);
        value.text().into_owned()
    }

    /// Notes that a value became the element at hand.
    pub fn note(&mut self, value: Field<'a>, mark: &Mark) {
        self.note_for(value, Role::Value, mark);
    }

    /// Notes that a value decided that the element at hand says nothing.
    pub fn note_silence(&mut self, value: Field<'a>) {
        if let Some(mark) = self.way {
            self.note_for(value, Role::Silence, mark);
        }
    }

    /// Notes what a value is to the element at hand.
    pub fn note_for(&mut self, value: Field<'a>, role: Role, mark: &Mark) {
        let (draft, element) = (self.local.clone(), self.element());
        self.lineage.push(Lineage {
            draft,
            element,
            map: mark.clone(),
            place: value.place(),
            span: value.span(),
            role,
        });
    }

    /// Forgets what was noted since for an element that was not made after all. What its message asked to say nothing, and
    /// what other drafts became of it, stays noted.
    pub fn forget(&mut self, notes: usize) {
        let mut since = self.lineage.split_off(notes.min(self.lineage.len()));
        // Nothing lost: what is forgotten goes back to the unread list.
        since.retain(|note| note.role == Role::Silence || note.draft != self.local);
        self.lineage.append(&mut since);
    }

    /// What was noted since of the item at hand is that of another, which says the same.
    pub fn rename_notes(&mut self, notes: usize, known: usize) {
        let from = self.element();
        if let Some((_, index)) = self.steps.last_mut() {
            *index = Some(known);
        }
        let to = self.element();
        for note in self.lineage.iter_mut().skip(notes).filter(|note| note.draft == self.local) {
            if let Some(rest) = note.element.strip_prefix(&from) {
                note.element = format!("{to}{rest}");
            }
        }
    }

    /// The FHIRPath of the element at hand, below its resource.
    pub fn element(&self) -> String {
        let mut path = String::with_capacity(48);
        for (name, index) in &self.steps {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
            if let Some(index) = index {
                // Nothing lost: writing to a text never fails.
                let _ = write!(path, "[{index}]");
            }
        }
        path
    }

    /// A fault of one field that cost what it says: never the loss of the message.
    pub fn lose(&mut self, kind: Kind, category: Category, value: Field<'a>, text: impl Into<String>) {
        let place = value.place();
        let about = format!("{}-{}", place.segment, place.field);
        self.say_of(value, Problem::warning(category, Place::Field(place), text).unused(kind, &about));
    }

    /// Adds what is said of a value; it stands there, and so it need not be listed as unread.
    pub fn say_of(&mut self, value: Field<'a>, problem: Problem) {
        if self.report(problem) {
            self.read.mark(value.span());
        }
    }

    /// Adds a fault, once, up to a bound. What has one cause is said once, at the first place, and counted. Whether this
    /// place is the one that is listed.
    pub fn report(&mut self, problem: Problem) -> bool {
        let has_cause = |known: &Problem| known.unused == problem.unused && known.text == problem.text;
        let same = self.problems.iter().position(|known| match problem.unused {
            Some(_) => has_cause(known),
            None => *known == problem,
        });
        if let Some(index) = same {
            let is_elsewhere = self.problems.get(index).is_some_and(|known| known.place != problem.place);
            *self.elsewhere.entry(index).or_insert(0) += usize::from(is_elsewhere);
            return !is_elsewhere;
        }
        let is_listed = self.problems.len() < MAX_PROBLEMS;
        if is_listed {
            self.problems.push(problem);
        } else if self.problems.len() == MAX_PROBLEMS {
            let text = "the message has more faults than are listed";
            self.problems.push(Problem::warning(Category::TooCostly, Place::Whole, text).unused(Kind::Limit, "faults"));
        }
        is_listed
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
        // Nothing lost: the segment was found in this message.
        let Some(found) = self.message.segment_at(segment) else { return };
        match path.field {
            0 => self.read.mark(found.span()),
            number => self.read.mark(found.field(number).span()),
        }
    }
}
