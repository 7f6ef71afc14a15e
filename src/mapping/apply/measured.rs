//! What a coded place measures: its codings as FHIR would have them, and which of `readings/` has them. Notes nothing as read.

use crate::hl7::Value as Field;
use crate::mapping::language::{Measured, Reading, SourcePath};

use super::run::{Frame, Run};

/// What a value is of.
pub struct Subject<'a> {
    pub reading: Option<&'a Reading>,
    /// In the sender's own words, for people to search: `LN 59408-5`.
    pub about: String,
}

impl<'a> Run<'a> {
    /// What a Quantity is of; without a word on it, nothing is known.
    pub fn subject(&self, of: Option<&Measured>, frame: Frame<'a>) -> Subject<'a> {
        match of {
            None => Subject { reading: None, about: String::new() },
            Some(Measured::Reading(index)) => {
                let reading = self.set.readings.get(*index);
                Subject { reading, about: reading.map(|reading| reading.name.clone()).unwrap_or_default() }
            }
            Some(Measured::Coded(path)) => {
                Subject { reading: self.readings_at(path, frame).into_iter().next(), about: self.about(path, frame) }
            }
        }
    }

    /// The measurements that a coded place names.
    pub fn readings_at(&self, path: &SourcePath, frame: Frame<'a>) -> Vec<&'a Reading> {
        // Nothing lost: an empty place measures nothing.
        let Some(coded) = self.locate(path, frame).into_iter().next() else { return Vec::new() };
        let codings: Vec<(String, String)> =
            [(1, 3), (4, 6)].into_iter().filter_map(|(code, system)| self.coding_at(coded, code, system)).collect();
        let set = self.set;
        let has = |reading: &&Reading| codings.iter().any(|(system, code)| reading.has_code(system, code));
        set.readings.iter().filter(has).collect()
    }

    fn coding_at(&self, coded: Field<'a>, code: u16, system: u16) -> Option<(String, String)> {
        let text = |number: u16| coded.part(number).leaf().text().trim().to_string();
        let (code_text, named) = (text(code), text(system));
        let url = match named.is_empty() {
            true if code == 1 => self.context.habits.system_at(coded).map(str::to_string),
            true => None,
            false => self.system_named(&named),
        };
        Some((url.filter(|_| !code_text.is_empty())?, code_text))
    }

    /// A coded place in the sender's own words; empty where it holds no code.
    pub fn about(&self, path: &SourcePath, frame: Frame<'a>) -> String {
        // Nothing lost: an empty place has no words.
        let Some(coded) = self.locate(path, frame).into_iter().next() else { return String::new() };
        let text = |number: u16| coded.part(number).leaf().text().trim().to_string();
        let (code, system) = if text(1).is_empty() { (text(4), text(6)) } else { (text(1), text(3)) };
        if system.is_empty() || code.is_empty() { code } else { format!("{system} {code}") }
    }

    /// Two values in one field: its repetitions, else its components, else its only value.
    pub fn two_of(&self, path: &SourcePath, frame: Frame<'a>) -> Vec<Field<'a>> {
        let repetitions = self.locate(path, frame);
        match repetitions.as_slice() {
            [only] => only.components().filter(|part| !part.is_empty()).collect(),
            _ => repetitions,
        }
    }
}
