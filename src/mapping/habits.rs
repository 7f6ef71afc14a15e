//! What one feed's sender means without saying so: how it writes decimals, the coding system of codes that name none, the
//! code of fields that it leaves empty. Said by whoever looks after the feed; nothing of it is ever guessed.

use std::collections::BTreeMap;

use super::compile::system_of;
use super::language::SourcePath;
use crate::fhir::code_system;
use crate::hl7::Value;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node};

/// The habits of a feed's sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    /// `84,5` is eighty-four and a half; `1,234` is one and a bit.
    pub has_decimal_comma: bool,
    /// Field (`OBX-3`) → the URL of the system of its codes that name none.
    pub systems: BTreeMap<String, String>,
    /// Field (`PV1-2`) → the code that stands in for an empty one.
    pub codes: BTreeMap<String, String>,
}

impl Habits {
    /// Reads `assume:` of a feed, or of an example.
    pub fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let mut fields = Fields::of(node, "assume");
        let has_decimal_comma = fields.choice("decimal", &[("comma", true), ("point", false)]).unwrap_or(false);
        let systems = by_field(&mut fields, "systems", |node| {
            let written = node.as_text().unwrap_or_default();
            if code_system(&written).is_none() && !written.contains(':') {
                let text =
                    format!("no code system is named `{written}`; write a short name such as `loinc`, or its URL");
                return Err(node.mark.problem(Category::NotFound, text));
            }
            Ok(system_of(&written))
        });
        let codes = by_field(&mut fields, "codes", |node| {
            node.as_text().ok_or_else(|| node.problem("write the code that an empty field means"))
        });
        fields.finish(problems);
        Self { has_decimal_comma, systems, codes }
    }

    /// The system of codes that name none, in the field where a value stands. Alternate codes and codes deeper than the
    /// field itself are somebody else's.
    pub fn system_at(&self, value: Value<'_>) -> Option<&str> {
        let place = value.place();
        let is_field = place.component == 0 || (place.component == 1 && place.subcomponent <= 1);
        self.systems.get(&format!("{}-{}", place.segment, place.field)).map(String::as_str).filter(|_| is_field)
    }

    /// The code that stands in for an empty field.
    pub fn code_of(&self, path: &SourcePath) -> Option<&str> {
        let name = field_name(path)?;
        self.codes.get(&name).map(String::as_str)
    }

    /// Whether anything is said of the field of a path.
    pub fn speak_of(&self, path: &SourcePath) -> bool {
        field_name(path).is_some_and(|name| self.systems.contains_key(&name) || self.codes.contains_key(&name))
    }
}

fn field_name(path: &SourcePath) -> Option<String> {
    path.segment().filter(|_| path.field > 0).map(|segment| format!("{segment}-{}", path.field))
}

fn by_field(
    fields: &mut Fields<'_>,
    key: &'static str,
    read: impl Fn(&Node) -> Result<String, Problem>,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some(node) = fields.optional(key) else { return found };
    let Some(entries) = node.as_map() else {
        fields.report(node.problem(format!("`{key}` is written as `OBX-3: …` lines, one for each field")));
        return found;
    };
    for (field, value) in entries {
        let written = field.as_text().unwrap_or_default();
        let is_field = SourcePath::parse(&written, None).is_ok_and(|path| field_name(&path).as_ref() == Some(&written));
        if !is_field {
            fields.report(field.problem(format!("`{written}` is not a field; write it as `OBX-3`")));
            // Nothing lost: the site is refused with this fault.
            continue;
        }
        match read(value) {
            Ok(meant) => drop(found.insert(written, meant)),
            Err(problem) => fields.report(problem),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn read(text: &str) -> (Habits, Vec<Problem>) {
        let node = parse(&Source::new("feeds/a.yaml", text)).unwrap();
        let mut problems = Vec::new();
        (Habits::read(&node, &mut problems), problems)
    }

    #[test]
    fn systems_are_named_as_people_name_them() {
        let (habits, problems) =
            read("{ decimal: comma, systems: { OBX-3: loinc, DG1-3: I10C }, codes: { PV1-2: E } }");
        assert!(problems.is_empty() && habits.has_decimal_comma, "{problems:?}");
        assert_eq!(habits.systems["OBX-3"], "http://loinc.org");
        assert_eq!(habits.systems["DG1-3"], "http://hl7.org/fhir/sid/icd-10-cm");
        let path = |text| SourcePath::parse(text, None).unwrap();
        assert_eq!(habits.code_of(&path("PV1-2")), Some("E"));
        assert!(habits.speak_of(&path("OBX-3.3")) && !habits.speak_of(&path("OBX-5")));
    }

    #[test]
    fn what_cannot_be_meant_is_a_fault() {
        for text in ["{ systems: { OBX: loinc } }", "{ systems: { OBX-3: lonic } }", "{ codes: E }", "{ decimal: dot }"]
        {
            assert_eq!(read(text).1.len(), 1, "{text}");
        }
    }
}
