//! `quantity:` with what stands beside it, and conditions, as a mapping writes them.

use super::element::Compiler;
use crate::fhir::Definitions;
use crate::mapping::language::{Body, Condition, Measured, Quantity};
use crate::problem::Category;
use crate::yaml::{Fields, Node};

impl Compiler<'_> {
    pub fn quantity(&mut self, fields: &mut Fields<'_>, value: &Node, type_name: &str) -> Option<Body> {
        let (unit, comparator) = (fields.optional("unit"), fields.optional("comparator"));
        let (part, of) = (fields.integer("part", 1..=2), fields.optional("of"));
        let definitions = Definitions::r4();
        if !definitions.is_subtype(type_name, "Quantity") && !definitions.is_subtype("Quantity", type_name) {
            self.report(value, Category::Value, format!("this element is a {type_name}, not a Quantity"));
            return None;
        }
        Some(Body::Quantity(Box::new(Quantity {
            value: self.path(value)?,
            part: part.and_then(|part| u16::try_from(part).ok()),
            unit: self.path_of(unit),
            comparator: self.path_of(comparator),
            of: of.and_then(|node| self.measured(node)),
        })))
    }

    /// A place that holds a code, or the name of one of `readings/`.
    fn measured(&mut self, node: &Node) -> Option<Measured> {
        let text = node.as_text().unwrap_or_default();
        if text.starts_with(|letter: char| letter.is_ascii_lowercase()) && !text.starts_with("this") {
            return self.names.reading(&text, node, self.problems).map(Measured::Reading);
        }
        self.path(node).map(Measured::Coded)
    }

    pub fn when(&mut self, node: Option<&Node>) -> Option<Condition> {
        let node = node?;
        let Some(text) = node.as_text() else {
            self.report(node, Category::Structure, "a condition is text, such as `PID-24 = Y`");
            return None;
        };
        match Condition::parse(&text, self.datatype) {
            Ok(condition) => {
                self.check_readings(&condition, node);
                Some(condition)
            }
            Err(said) => {
                self.report(node, Category::Value, said);
                None
            }
        }
    }

    fn check_readings(&mut self, condition: &Condition, node: &Node) {
        match condition {
            Condition::Measures(path, names) => {
                self.check_length(node, path);
                for name in names {
                    self.names.reading(name, node, self.problems);
                }
            }
            Condition::Not(inner) => self.check_readings(inner, node),
            Condition::All(all) | Condition::Any(all) => all.iter().for_each(|inner| self.check_readings(inner, node)),
            Condition::Valued(path) | Condition::Among(path, _) | Condition::Is(path, _) | Condition::Repeats(path) => {
                self.check_length(node, path)
            }
            Condition::After(_) => {}
        }
    }
}
