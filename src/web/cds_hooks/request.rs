//! What an EHR sends (https://cds-hooks.hl7.org/2.0/#http-request_1); what is not used is not read.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookRequest {
    pub hook: String,
    /// Names this opening of the patient's chart.
    pub hook_instance: String,
    pub context: Context,
    #[serde(default)]
    pub prefetch: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    pub patient_id: String,
}

impl HookRequest {
    /// The prefetched patient, when there is one.
    pub fn patient(&self) -> Option<&Value> {
        let patient = self.prefetch.get("patient")?;
        (patient.get("resourceType").and_then(Value::as_str) == Some("Patient")).then_some(patient)
    }
}

/// What became of cards (https://cds-hooks.hl7.org/2.0/#feedback).
#[derive(Debug, Deserialize)]
pub struct Feedback {
    pub feedback: Vec<CardFeedback>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CardFeedback {
    /// The card's uuid.
    pub card: String,
    pub outcome: String,
    #[serde(default)]
    pub accepted_suggestions: Vec<Accepted>,
    #[serde(default)]
    pub override_reason: Option<OverrideReason>,
}

#[derive(Debug, Deserialize)]
pub struct Accepted {
    pub id: String,
}

#[derive(Debug, Deserialize)]
pub struct OverrideReason {
    #[serde(default)]
    pub reason: Option<Reason>,
}

#[derive(Debug, Deserialize)]
pub struct Reason {
    #[serde(default)]
    pub code: String,
}
