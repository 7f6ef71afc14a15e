//! What a CodeableConcept is called (http://hl7.org/fhir/R4/datatypes.html#CodeableConcept).

use serde_json::Value;

/// Its text; without one what its first coding is called, or that coding's code.
pub fn concept_title(concept: Option<&Value>) -> Option<&str> {
    let text = |pointer: &str| concept?.pointer(pointer)?.as_str().filter(|text| !text.is_empty());
    text("/text").or_else(|| text("/coding/0/display")).or_else(|| text("/coding/0/code"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_concept_is_called_as_somebody_wrote_it_and_else_as_its_coding_is() {
        let whole = json!({ "text": "Call back", "coding": [{ "display": "Call", "code": "c" }] });
        assert_eq!(concept_title(Some(&whole)), Some("Call back"));
        assert_eq!(concept_title(Some(&json!({ "text": "", "coding": [{ "display": "Call" }] }))), Some("Call"));
        assert_eq!(concept_title(Some(&json!({ "coding": [{ "code": "c" }] }))), Some("c"));
        assert_eq!((concept_title(Some(&json!({}))), concept_title(None)), (None, None));
    }
}
