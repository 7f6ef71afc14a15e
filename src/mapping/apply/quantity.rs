//! Numbers with units: the number as written, the unit in UCUM where the table `units` or the sender knows it.

use serde_json::{Map, Value, json};

use crate::hl7::Value as Field;
use crate::mapping::language::{Entry, SourcePath};
use crate::problem::Category;
use crate::yaml::Mark;

use super::convert::compared;
use super::run::{Frame, Run};

const UCUM: &str = "http://unitsofmeasure.org";

impl<'a> Run<'a> {
    /// A Quantity; none when the value is no number.
    pub fn quantity(
        &mut self,
        value: &SourcePath,
        unit: Option<&SourcePath>,
        comparator: Option<&SourcePath>,
        entry: &Entry,
        frame: Frame<'a>,
        mark: &Mark,
    ) -> Option<Value> {
        let number = self.value(value, frame)?.leaf();
        let text = number.text();
        let Some((own, parsed)) = compared(&text) else {
            self.warn(Category::Value, number, format!("this is not a number; `{}` is left out", entry.element.path));
            return None;
        };
        self.note_as(number, "value", mark);
        let mut quantity = Map::from_iter([("value".to_string(), Value::Number(parsed))]);
        let stated = comparator.and_then(|path| self.value(path, frame)).map(|value| value.leaf());
        let said = stated.map(|value| value.text().trim().to_string()).unwrap_or_default();
        if let Some(value) = stated {
            self.note_as(value, "comparator", mark);
        }
        if let Some(comparator) = ["<", "<=", ">=", ">"].into_iter().find(|known| *known == said).or(own) {
            quantity.insert("comparator".to_string(), json!(comparator));
        }
        if let Some(unit) = unit.and_then(|path| self.value(path, frame)) {
            self.unit(unit, &mut quantity, mark);
        }
        Some(Value::Object(quantity))
    }

    fn unit(&mut self, unit: Field<'a>, quantity: &mut Map<String, Value>, mark: &Mark) {
        let part = |number: u16| {
            let leaf = unit.part(number).leaf();
            (!leaf.is_empty() && !leaf.is_null()).then_some(leaf)
        };
        let text = |leaf: Option<Field<'a>>| leaf.map(|leaf| leaf.text().trim().to_string()).unwrap_or_default();
        let (code, display) = (text(part(1)), text(part(2)));
        let shown = if display.is_empty() { &code } else { &display };
        if shown.is_empty() {
            return;
        }
        for leaf in [part(1), part(2)].into_iter().flatten() {
            self.note_as(leaf, "unit", mark);
        }
        quantity.insert("unit".to_string(), json!(shown));
        let is_ucum = |name: String| matches!(name.to_ascii_uppercase().as_str(), "UCUM" | "HTTP://UNITSOFMEASURE.ORG");
        let table = self.set.table("units");
        let known = |name: &str| table.and_then(|table| table.codes.get(name).or_else(|| table.find(name)));
        // Many say UCUM and write `mmHg`: a spelling that the table knows to be none is put right.
        let found = if !code.is_empty() && is_ucum(text(part(3))) {
            Some(table.and_then(|table| table.codes.get(&code)).map_or_else(|| code.clone(), |row| row.code.clone()))
        } else if part(4).is_some() && is_ucum(text(part(6))) {
            Some(text(part(4)))
        } else {
            known(&code).or_else(|| known(&display)).map(|row| row.code.clone())
        };
        match found {
            Some(found) => {
                for leaf in [part(3), part(4).filter(|_| is_ucum(text(part(6)))), part(6)].into_iter().flatten() {
                    self.note_as(leaf, "code", mark);
                }
                quantity.insert("system".to_string(), json!(UCUM));
                quantity.insert("code".to_string(), json!(found));
            }
            None => {
                let place = part(1).unwrap_or(unit);
                self.warn(Category::CodeInvalid, place, "this unit is not in the table `units`; it is kept as text");
                self.list_unmapped("units", None, shown, place);
            }
        }
    }

    fn note_as(&mut self, value: Field<'a>, name: &str, mark: &Mark) {
        self.steps.push((name.to_string(), None));
        self.note(value, mark);
        self.steps.pop();
    }
}
