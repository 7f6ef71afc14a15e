//! Dates and times of a message: read by its sender's clock, and whatever was odd, in doubt, unreadable or stood in for said of
//! each, in a problem and where another time stands in for it also on the element. Problems never quote values.

use serde_json::{Map, Value, json};

use crate::hl7::{DateTime, Level, SenderClock, Value as Field};
use crate::mapping::Role;
use crate::mapping::language::{Conversion, Entry};
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::Kind;

use super::run::Run;

/// On a time that was read from another place than the one that is meant for it.
const TIME_FROM: &str = "https://handover.health/StructureDefinition/handover-time-from";

/// A time as the FHIR type that is asked for.
pub fn print(read: &DateTime, to: &Conversion, clock: &SenderClock) -> Result<Value, String> {
    match to {
        Conversion::Date => Ok(read.to_fhir_date().into()),
        Conversion::Instant => {
            let instant = read.to_fhir_instant(clock);
            instant.map(Value::String).ok_or_else(|| "is not stated to the minute".to_string())
        }
        _ => Ok(read.to_fhir_date_time(clock).into()),
    }
}

/// Whether a conversion reads a date or a moment.
pub fn is_moment(to: &Conversion) -> bool {
    matches!(to, Conversion::Date | Conversion::DateTime | Conversion::Instant)
}

impl<'a> Run<'a> {
    /// A date or moment for an element. One that cannot be read is said and left out.
    pub fn moment(&mut self, value: Field<'a>, text: &str, to: &Conversion, entry: &Entry) -> Option<Value> {
        let read = DateTime::parse(text).map_err(|fault| fault.to_string()).and_then(|read| {
            let read = self.by_its_degree(read, value);
            print(&read, to, &self.clock).map(|printed| (read, printed))
        });
        match read {
            Ok((read, printed)) => {
                self.say_how(value, &read, *to != Conversion::Date);
                Some(printed)
            }
            Err(said) => {
                let place = value.leaf().place();
                let text = format!("this {said}; `{}` is left out", entry.element.path);
                self.say_of(value.leaf(), unread(&place, text));
                self.meant.get_or_insert(place);
                None
            }
        }
    }

    /// TS.2 says how much of TS.1 is meant; it was dropped from the standard, and some still send it.
    fn by_its_degree(&mut self, read: DateTime, value: Field<'a>) -> DateTime {
        if !matches!(value.level(), Level::Field | Level::Repetition) {
            return read;
        }
        let degree = value.component(2).leaf();
        if !matches!(&*degree.text(), "Y" | "L" | "D" | "H" | "M" | "S") {
            return read;
        }
        if let Some(mark) = self.way {
            self.note(degree, mark);
        }
        read.as_precise_as(&degree.text())
    }

    /// Notes, each once in a message, how times were written and which of a clock's hours were read.
    pub fn say_how(&mut self, value: Field<'a>, read: &DateTime, is_moment: bool) {
        let doubt = read.moment(&self.clock).doubt.filter(|_| is_moment && read.has_time());
        let said = [read.oddity().map(|said| said.to_string()), doubt.map(|said| said.to_string())];
        for text in said.into_iter().flatten() {
            if !self.said_of_times.contains(&text) {
                let place = value.leaf().place();
                let note = format!("this {text}");
                let note = Problem::information(Category::Value, Place::Field(place.clone()), note);
                self.report(note.unused(Kind::Time, &about(&place)));
                self.said_of_times.push(text);
            }
        }
    }

    /// Where a time stands in for one that is not there or could not be read: says so on the element, and in the problem.
    pub fn say_stand_in(&mut self, entry: &Entry, object: &mut Map<String, Value>, notes: usize) {
        // Nothing lost: the time is the one that is meant.
        let Some(meant) = self.meant.take() else { return };
        let since = self.lineage.get(notes..).unwrap_or_default();
        let time = since.iter().rev().find(|note| note.role == Role::Value && note.place != meant);
        // Nothing lost: where no other time stands in, the unreadable one was said when it was read.
        let Some(taken) = time.map(|note| note.place.clone()) else { return };
        let from = format!("{} instead of {}", about(&taken), about(&meant));
        let extension = json!({ "extension": [{ "url": TIME_FROM, "valueString": from }] });
        object.insert(format!("_{}", entry.name), extension);
        let left_out = format!("`{}` is left out", entry.element.path);
        let is_said = |problem: &&mut Problem| {
            problem.place == Place::Field(meant.clone()) && problem.text.ends_with(left_out.as_str())
        };
        if let Some(problem) = self.problems.iter_mut().find(is_said) {
            let stands_in = format!("the time of {} stands in for it", about(&taken));
            problem.text = problem.text.replace(&left_out, &stands_in);
        }
    }

    /// An end in the hour that a clock repeats is never before its start: the start was then in the first of the two.
    pub fn put_in_order(&self, object: &mut Map<String, Value>, notes: usize) {
        // Nothing lost: a date without a time has no order within its day.
        let instant = |name: &str| object.get(name)?.as_str()?.parse::<jiff::Timestamp>().ok();
        // Nothing lost: without both there is no order to mend.
        let (Some(start), Some(end)) = (instant("start"), instant("end")) else { return };
        if start <= end {
            return;
        }
        let own = self.lineage.get(notes..).unwrap_or_default();
        // Nothing lost: a start that no field was read for is not in doubt.
        let Some(note) = own.iter().rev().find(|note| note.element.ends_with("start")) else { return };
        // Nothing lost: it was read before, or there would be no start.
        let written = DateTime::parse(&self.message.text_at(note.span)).ok();
        let first = written.and_then(|written| written.to_earlier_date_time(&self.clock));
        if let Some(first) = first.filter(|first| first.parse().is_ok_and(|first: jiff::Timestamp| first <= end)) {
            object.insert("start".to_string(), first.into());
        }
    }
}

/// A time that could not be read.
pub fn unread(place: &FieldPlace, text: String) -> Problem {
    Problem::warning(Category::Value, Place::Field(place.clone()), text).unused(Kind::Time, &about(place))
}

/// The field, whichever its occurrence.
fn about(place: &FieldPlace) -> String {
    format!("{}-{}", place.segment, place.field)
}
