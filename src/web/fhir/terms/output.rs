//! Parameters that an operation answers with (http://hl7.org/fhir/R4/parameters.html).

use serde_json::{Value, json};

/// Parameters in the making.
#[derive(Debug, Default)]
pub struct Output(Vec<Value>);

impl Output {
    /// Adds a parameter; `key` is the name of its value: `valueString`.
    pub fn add(&mut self, name: &str, key: &str, value: impl Into<Value>) {
        self.0.push(json!({ "name": name, key: value.into() }));
    }

    /// Adds one where there is a value.
    pub fn add_some(&mut self, name: &str, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(name, key, value);
        }
    }

    /// Adds one with parts.
    pub fn add_parts(&mut self, name: &str, parts: Output) {
        self.0.push(json!({ "name": name, "part": parts.0 }));
    }

    pub fn finish(self) -> Value {
        json!({ "resourceType": "Parameters", "parameter": self.0 })
    }
}
