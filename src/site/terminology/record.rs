//! One code as a line of `concepts.dat`: its key, then what is said of it, each behind a tab and a sign: `!` inactive, `<CODE` a code
//! above it, `.NAME=VALUE` a property, `=…` what it is called, as in reduced packages.

use crate::fhir::terminology::{Concept, Texts};

/// A line of the file.
pub struct Record;

impl Record {
    /// The whole line.
    pub fn write(concept: &Concept) -> String {
        let mut line = concept.code.clone();
        if concept.is_inactive {
            line.push_str("\t!");
        }
        for parent in &concept.parents {
            line.push_str("\t<");
            line.push_str(parent);
        }
        for (name, value) in &concept.properties {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            line.push_str(&format!("\t.{name}={value}"));
        }
        let texts = concept.texts.written();
        if !texts.is_empty() {
            line.push('\t');
            line.push_str(texts.trim_start());
        }
        line
    }

    /// What a line says, given the key and the rest.
    pub fn read(code: &str, rest: &str) -> Concept {
        let mut concept = Concept { code: code.to_string(), ..Concept::default() };
        for field in rest.split('\t') {
            match (field.get(..1), field.get(1..).unwrap_or_default()) {
                (Some("!"), _) => concept.is_inactive = true,
                (Some("<"), parent) => concept.parents.push(parent.to_string()),
                (Some("."), property) => concept
                    .properties
                    .extend(property.split_once('=').map(|(name, value)| (name.to_string(), value.to_string()))),
                (Some("="), _) => concept.texts = Texts::read(field),
                _ => {}
            }
        }
        concept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::terminology::Designation;

    #[test]
    fn what_is_written_of_a_code_is_read_again() {
        let designations = vec![Designation { language: "de".to_string(), value: "a =b".to_string() }];
        let concept = Concept {
            code: "8480-6".to_string(),
            texts: Texts { display: Some("Systolic\tblood pressure".to_string()), designations },
            is_inactive: true,
            parents: vec!["LP1".to_string(), "LP2".to_string()],
            properties: vec![("CLASS".to_string(), "BP = ATOM".to_string()), ("STATUS".to_string(), String::new())],
            ..Concept::default()
        };
        let line = Record::write(&concept);
        let read = Record::read("8480-6", line.split_once('\t').unwrap().1);
        assert_eq!(read.texts.display.as_deref(), Some("Systolic blood pressure"));
        assert_eq!(Concept { texts: concept.texts.clone(), ..read }, concept);
        assert_eq!(Record::read("x", ""), Concept { code: "x".to_string(), ..Concept::default() });
    }
}
