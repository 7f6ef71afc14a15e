//! Numbers with units: the number as written, the unit in UCUM where the tables, the sender or the measurement knows it. What
//! cannot be used is said with the code that it is of, and never with the value.

use serde_json::{Map, Number, Value, json};

use crate::hl7::Value as Field;
use crate::mapping::language::Quantity;
use crate::problem::{Category, Place, Problem};
use crate::unused::{Duty, Kind};
use crate::yaml::Mark;

use super::number::{Written, comparator, pair, written};
use super::run::{Frame, Run};

const UCUM: &str = "http://unitsofmeasure.org";

/// A unit as a Quantity says it.
struct Unit {
    text: String,
    system: Option<String>,
    code: Option<String>,
}

impl<'a> Run<'a> {
    /// A Quantity; none when the value is no number, or none that can be told.
    pub fn quantity(&mut self, way: &'a Quantity, frame: Frame<'a>, mark: &Mark) -> Option<Value> {
        let place = self.value(&way.value, frame)?;
        let sources = if way.part.is_some() { self.two_of(&way.value, frame) } else { vec![place.leaf()] };
        let texts: Vec<String> = sources.iter().map(|value| value.leaf().text().into_owned()).collect();
        let has_comma = self.context.habits.has_decimal_comma;
        let index = usize::from(way.part.unwrap_or(1)) - 1;
        let (read, source) = match (way.part, texts.as_slice()) {
            (Some(_), [text]) => (pair(text, has_comma).and_then(|pair| pair.into_iter().nth(index)), place.leaf()),
            _ => (
                texts.get(index).and_then(|text| written(text, has_comma)),
                sources.get(index).map_or(place, |value| value.leaf()),
            ),
        };
        let Some(read) = read else {
            let text = "this is not a number, so no rule can use it; it is kept as the sender wrote it";
            self.unusable(source, way, frame, text);
            return None;
        };
        let comparator = self.comparator_of(way, &read, frame, mark).ok()?;
        let unit = self.unit_of(way, source, &read, frame, mark).ok()?;
        self.note_as(source, "value", mark);
        if read.is_comma_guessed {
            let text =
                "this decimal is written with a comma; say `assume: { decimal: comma }` in the feed if it always is";
            let problem = Problem::information(Category::Value, Place::Field(source.place()), text);
            self.report(problem.unused(Kind::Reading, &self.subject(way.of.as_ref(), frame).about));
        }
        let mut quantity = Map::from_iter([("value".to_string(), Value::Number(read.number))]);
        if let Some(comparator) = comparator {
            quantity.insert("comparator".to_string(), json!(comparator));
        }
        if let Some(unit) = unit {
            quantity.insert("unit".to_string(), json!(unit.text));
            quantity.extend(unit.system.map(|system| ("system".to_string(), json!(system))));
            quantity.extend(unit.code.map(|code| ("code".to_string(), json!(code))));
        }
        Some(Value::Object(quantity))
    }

    /// The comparator stated beside a number, or before it in its text.
    fn comparator_of(
        &mut self,
        way: &'a Quantity,
        read: &Written<'_>,
        frame: Frame<'a>,
        mark: &Mark,
    ) -> Result<Option<&'static str>, ()> {
        let place = way.comparator.as_ref().and_then(|path| self.value(path, frame)).map(|value| value.leaf());
        let Some(place) = place else { return Ok(read.comparator) };
        let said = comparator(&place.text());
        match said {
            Ok(known) => {
                self.note_as(place, "comparator", mark);
                Ok(known.or(read.comparator))
            }
            Err(()) => {
                let text =
                    "this comparator is not known, so no rule can use its number; it is kept as the sender wrote it";
                self.unusable(place, way, frame, text);
                Err(())
            }
        }
    }

    /// The unit of a number: the one stated beside it, the one behind it in its text, or the only one that makes it
    /// plausible. An error when two are stated that differ, or one that nobody knows stands in the text.
    fn unit_of(
        &mut self,
        way: &'a Quantity,
        place: Field<'a>,
        read: &Written<'_>,
        frame: Frame<'a>,
        mark: &Mark,
    ) -> Result<Option<Unit>, ()> {
        let stated = way.unit.as_ref().and_then(|path| self.value(path, frame));
        let stated = stated.and_then(|unit| self.stated_unit(unit, way, frame, mark));
        let Some(written) = read.unit else {
            return Ok(match stated {
                Some(unit) => Some(unit),
                None => self.only_unit(way, place, &read.number, frame),
            });
        };
        let found = self.set.units.find(written);
        let known = stated.as_ref().and_then(|unit| unit.code.as_ref()).filter(|_| found.is_some());
        match (found, known) {
            (Some(found), Some(known)) if found == *known => Ok(stated),
            (Some(found), None) => {
                Ok(Some(Unit { text: written.to_string(), system: Some(UCUM.to_string()), code: Some(found) }))
            }
            (found, _) => {
                let text = match found {
                    Some(_) => "this number says another unit than the field of its unit; it is kept as text",
                    None => {
                        "what stands behind this number is no unit that the table `units` knows; it is kept as text"
                    }
                };
                self.unusable(place, way, frame, text);
                Err(())
            }
        }
    }

    /// What a coded unit (CE, CWE) says.
    fn stated_unit(&mut self, unit: Field<'a>, way: &'a Quantity, frame: Frame<'a>, mark: &Mark) -> Option<Unit> {
        let part = |number: u16| {
            let leaf = unit.part(number).leaf();
            (!leaf.is_empty() && !leaf.is_null()).then_some(leaf)
        };
        let text = |number: u16| part(number).map(|leaf| leaf.text().trim().to_string()).unwrap_or_default();
        let (code, display, system) = (text(1), text(2), text(3));
        let shown = if display.is_empty() { &code } else { &display };
        if shown.is_empty() {
            return None;
        }
        for leaf in [part(1), part(2)].into_iter().flatten() {
            self.note_as(leaf, "unit", mark);
        }
        let units = &self.set.units;
        let is_ucum = |name: &str| matches!(name.to_ascii_uppercase().as_str(), "UCUM" | "HTTP://UNITSOFMEASURE.ORG");
        // Many say UCUM and write `mmHg`: a spelling that is none is put right.
        let found = if !code.is_empty() && is_ucum(&system) {
            let exact = units.exact(&code).map(str::to_string);
            exact.or_else(|| octofhir_ucum::validate(&code).is_err().then(|| units.find(&code))?).or(Some(code.clone()))
        } else if part(4).is_some() && is_ucum(&text(6)) {
            Some(text(4))
        } else {
            units.find(&code).or_else(|| units.find(&display))
        };
        let named = part(3).filter(|_| found.is_none() && !code.is_empty());
        let found = found.map(|code| (UCUM.to_string(), code));
        let found = found.or_else(|| Some((self.code_system(named?, mark)?, code.clone())));
        if found.is_some() {
            for leaf in [part(3), part(4).filter(|_| is_ucum(&text(6))), part(6)].into_iter().flatten() {
                self.note_as(leaf, "code", mark);
            }
        }
        if found.as_ref().is_none_or(|(system, _)| system != UCUM) {
            self.unknown_unit(part(1).unwrap_or(unit), shown, way, frame);
        }
        let (system, code) = found.unzip();
        Some(Unit { text: shown.clone(), system, code })
    }

    fn unknown_unit(&mut self, place: Field<'a>, shown: &str, way: &'a Quantity, frame: Frame<'a>) {
        let text = "this unit is not in the table `units`; it is kept as the sender wrote it";
        let problem = Problem::warning(Category::CodeInvalid, Place::Field(place.place()), text);
        let problem = problem.unused(Kind::Unit, shown);
        let is_watched = self.subject(way.of.as_ref(), frame).reading.is_some();
        self.report(if is_watched { problem.owed_by(Duty::Feed) } else { problem });
        self.list_unmapped("units", None, shown, place);
    }

    /// The only unit in which a number of a known measurement is plausible.
    fn only_unit(&mut self, way: &'a Quantity, place: Field<'a>, number: &Number, frame: Frame<'a>) -> Option<Unit> {
        let subject = self.subject(way.of.as_ref(), frame);
        let reading = subject.reading.filter(|reading| !reading.units.is_empty())?;
        let number = number.as_f64().or_else(|| number.to_string().parse().ok())?;
        let at = Place::Field(place.place());
        let Some(only) = reading.only_unit(number) else {
            let text = "no unit is said, and none or more than one makes this number plausible; have the sender say it";
            let problem = Problem::warning(Category::Incomplete, at, text);
            self.report(problem.unused(Kind::Reading, &subject.about).owed_by(Duty::Feed));
            return None;
        };
        let text = format!("no unit is said; {only} stands in, the only one in which this number is plausible");
        self.report(Problem::information(Category::Incomplete, at, text).unused(Kind::Unit, &subject.about));
        Some(Unit { text: only.to_string(), system: Some(UCUM.to_string()), code: Some(only.to_string()) })
    }

    /// A measurement that no rule can use as it is written.
    fn unusable(&mut self, place: Field<'a>, way: &'a Quantity, frame: Frame<'a>, text: impl Into<String>) {
        let subject = self.subject(way.of.as_ref(), frame);
        let problem = Problem::warning(Category::Value, Place::Field(place.place()), text);
        let problem = problem.unused(Kind::Reading, &subject.about);
        self.report(if subject.reading.is_some() { problem.owed_by(Duty::Feed) } else { problem });
    }

    fn note_as(&mut self, value: Field<'a>, name: &'static str, mark: &Mark) {
        self.steps.push((name, None));
        self.note(value, mark);
        self.steps.pop();
    }
}
