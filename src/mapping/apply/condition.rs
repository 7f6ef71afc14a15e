//! Whether conditions hold.

use crate::mapping::language::{Condition, Form, SourcePath};

use super::number::{pair, written};
use super::run::{Frame, Run};

impl<'a> Run<'a> {
    /// Whether a condition holds. What it looks at counts as read.
    pub fn holds(&mut self, condition: &Condition, frame: Frame<'a>) -> bool {
        match condition {
            Condition::Valued(path) => self.locate(path, frame).iter().any(|value| !value.leaf().is_null()),
            Condition::Repeats(path) => self.locate(path, frame).len() > 1,
            Condition::Is(path, form) => self.is(path, *form, frame),
            Condition::Measures(path, names) => {
                let found = self.readings_at(path, frame);
                found.iter().any(|reading| names.is_empty() || names.contains(&reading.name))
            }
            Condition::Among(path, wanted) => {
                let value = self.locate(path, frame).into_iter().next().map(|value| value.leaf());
                if let Some(value) = value {
                    self.read.mark(value.span());
                }
                let text = value.map(|value| value.text()).unwrap_or_default();
                wanted.iter().any(|wanted| wanted == text.trim())
            }
            Condition::Not(inner) => !self.holds(inner, frame),
            // Every part is looked at, so that what counts as read does not hang on their order.
            Condition::All(all) => {
                let held: Vec<bool> = all.iter().map(|inner| self.holds(inner, frame)).collect();
                held.into_iter().all(|holds| holds)
            }
            Condition::Any(any) => {
                let held: Vec<bool> = any.iter().map(|inner| self.holds(inner, frame)).collect();
                held.into_iter().any(|holds| holds)
            }
        }
    }

    fn is(&self, path: &SourcePath, form: Form, frame: Frame<'a>) -> bool {
        let has_comma = self.context.habits.has_decimal_comma;
        let Some(value) = self.locate(path, frame).into_iter().next() else {
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
