//! Who is responsible for whom: one row of a panel (a practice's roster).

use serde::{Deserialize, Serialize};

use crate::fhir::Identifier;

/// One member of one panel, as the practice knows the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The panel's name, as in `panels/lakeside.yaml`.
    pub panel: String,
    /// The practice's own identifier of the member first, then others that find the patient (hospital MRNs, insurer numbers).
    pub identifiers: Vec<Identifier>,
    /// Display name of the member's own practitioner, when the roster names one.
    #[serde(default)]
    pub practitioner: Option<String>,
    /// Display name of the care manager, when the roster names one.
    #[serde(default)]
    pub care_manager: Option<String>,
    /// BCP 47 tag.
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
}

impl Membership {
    /// A member of whom the panel knows nothing else.
    pub fn new(panel: &str, identifiers: Vec<Identifier>) -> Self {
        let panel = panel.to_string();
        Self { panel, identifiers, practitioner: None, care_manager: None, language: None, phone: None }
    }
}
