//! The steps of a story that tell of medicines, consents and moves within a stay.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::concept::concept;
use super::scene::Scene;
use crate::yaml::Fields;

pub fn tell(scene: &mut Scene<'_>, (kind, own): (&str, &str), event: Timestamp, fields: &mut Fields<'_>) {
    let status = fields.text("status").unwrap_or_else(|| "active".to_string());
    match kind {
        "medication" => {
            let mut medicine = concept(own, "rxnorm");
            if let (Some(name), Some(medicine)) = (fields.text("name"), medicine.as_object_mut()) {
                medicine.insert("text".to_string(), json!(name));
            }
            let since = fields.text("since").and_then(|text| super::moment::moment(&text)).unwrap_or(event);
            let mut content = json!({ "status": status, "intent": "order", "medicationCodeableConcept": medicine,
                "authoredOn": since.to_string() });
            if let (Some(dose), Some(content)) = (fields.text("dose"), content.as_object_mut()) {
                content.insert("dosageInstruction".to_string(), json!([{ "text": dose }]));
            }
            let key = fields.text("id").unwrap_or_else(|| own.to_string());
            scene.put("MedicationRequest", &key, content);
        }
        "consent" => {
            let kind = if fields.boolean("deny").unwrap_or(false) { "deny" } else { "permit" };
            let content = json!({ "status": status, "category": [concept(own, "loinc")], "dateTime": event.to_string(),
                "provision": { "type": kind } });
            scene.put("Consent", own, content);
        }
        _ => {
            let key = scene.read("Basic", "IMP").and_then(|note| note.text("key").map(str::to_string));
            let found = key.and_then(|key| Some((scene.read("Encounter", &key)?, key)));
            let Some((mut stay, key)) = found else {
                return scene.failures.push("transfer: there was no admission yet".to_string());
            };
            let began = stay.get("period").and_then(|period| period.get("start")).cloned().unwrap_or(Value::Null);
            let first = || vec![json!({ "location": { "display": "the first ward" }, "period": { "start": began } })];
            let mut places = stay.get("location").and_then(Value::as_array).cloned().unwrap_or_else(first);
            places.push(
                json!({ "location": { "display": own }, "status": "active", "period": { "start": event.to_string() } }),
            );
            stay.set("location", Value::Array(places));
            scene.put("Encounter", &key, Value::Object(stay.as_map().clone()));
        }
    }
}
