//! Identifier (http://hl7.org/fhir/R4/datatypes.html#Identifier): a system and a value, the key by which partners agree.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A business identifier. Two are the same when system and value are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    pub system: String,
    pub value: String,
}

impl Identifier {
    pub fn new(system: impl Into<String>, value: impl Into<String>) -> Self {
        Self { system: system.into(), value: value.into() }
    }

    /// Reads a FHIR Identifier; none when it has no system or no value.
    pub fn from_json(value: &Value) -> Option<Self> {
        let system = value.get("system")?.as_str()?;
        let text = value.get("value")?.as_str()?;
        Some(Self::new(system, text))
    }

    pub fn to_json(&self) -> Value {
        json!({ "system": self.system, "value": self.value })
    }

    /// The form of a token search parameter: `system|value`.
    pub fn token(&self) -> String {
        format!("{}|{}", self.system, self.value)
    }
}
