//! Whether conditions hold, and by which values.

use crate::mapping::Role;
use crate::mapping::language::{Condition, Form, SourcePath};
use crate::yaml::Mark;

use super::number::{pair, written};
use super::run::{Frame, Run};

impl<'a> Run<'a> {
    /// Whether a condition holds. What it looks at is not read by that.
    pub fn holds(&self, condition: &Condition, frame: Frame<'a>) -> bool {
        match condition {
            Condition::Valued(path) => self.all_at(path, frame).any(|value| !value.leaf().is_null()),
            Condition::After(name) => {
                // What stands before the patient at hand is another patient's.
                let last = |name: &str| self.structure.last_before(name, frame.segment);
                last(name) > last("PID")
            }
            Condition::Repeats(path) => self.all_at(path, frame).nth(1).is_some(),
            Condition::Is(path, form) => self.is(path, *form, frame),
            Condition::Measures(path, names) => {
                let found = self.readings_at(path, frame);
                found.iter().any(|reading| names.is_empty() || names.contains(&reading.name))
            }
            Condition::Among(path, wanted) => {
                let value = self.first_at(path, frame).map(|value| value.leaf());
                let text = value.map(|value| value.text()).unwrap_or_default();
                wanted.iter().any(|wanted| wanted == text.trim())
            }
            Condition::Not(inner) => !self.holds(inner, frame),
            Condition::All(all) => all.iter().all(|inner| self.holds(inner, frame)),
            Condition::Any(any) => any.iter().any(|inner| self.holds(inner, frame)),
        }
    }

    /// Notes the values that a condition named and found: by them the element at hand says what it says.
    pub fn note_reasons(&mut self, condition: &Condition, frame: Frame<'a>, mark: &Mark) {
        match condition {
            Condition::Among(path, _) if self.holds(condition, frame) => {
                if let Some(value) = self.first_at(path, frame) {
                    self.note_for(value.leaf(), Role::Reason, mark);
                }
            }
            Condition::All(all) => all.iter().for_each(|inner| self.note_reasons(inner, frame, mark)),
            Condition::Any(any) => {
                for inner in any {
                    if self.holds(inner, frame) {
                        self.note_reasons(inner, frame, mark);
                    }
                }
            }
            // Nothing lost: other conditions only look, and what they look at stays unread.
            _ => {}
        }
    }

    fn is(&self, path: &SourcePath, form: Form, frame: Frame<'a>) -> bool {
        let has_comma = self.context.habits.has_decimal_comma;
        let Some(value) = self.first_at(path, frame) else {
            return form == Form::Assumed && self.context.habits.speak_of(path);
        };
        let text = value.text();
        match form {
            Form::Number => written(&text, has_comma).is_some_and(|read| read.unit.is_none()),
            Form::Quantity => {
                let known = |unit: &str| self.set.units.find(unit).is_some();
                written(&text, has_comma).is_some_and(|read| read.unit.is_none_or(known))
            }
            Form::Pair => match self.two_of(path, frame).as_slice() {
                [only] => pair(&only.leaf().text(), has_comma).is_some(),
                [first, second] => {
                    [first, second].iter().all(|value| written(&value.leaf().text(), has_comma).is_some())
                }
                _ => false,
            },
            Form::Unit => [1, 2].into_iter().any(|part| self.set.units.find(&value.part(part).leaf().text()).is_some()),
            Form::Loinc => crate::fhir::is_loinc(value.leaf().text().trim()),
            Form::Assumed => self.context.habits.speak_of(path),
        }
    }
}
