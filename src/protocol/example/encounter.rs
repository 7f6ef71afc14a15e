//! The steps of a story that tell of encounters and what they were for.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::concept::concept;
use super::scene::Scene;
use crate::yaml::{Fields, Node};

/// One statement about an encounter: a beginning, an end, a visit of its own, or that it never was.
pub fn tell(scene: &mut Scene<'_>, (kind, own): (&str, &str), event: Timestamp, fields: &mut Fields<'_>) {
    let stem = match (kind, own) {
        ("ed-arrival" | "ed-discharge", _) | ("cancelled", "ed-arrival") => "EMER",
        ("admission" | "discharge", _) | ("cancelled", "admission") => "IMP",
        _ => "AMB",
    };
    let begins = matches!(kind, "ed-arrival" | "admission" | "visit" | "encounter-start");
    let latest = scene.read("Basic", stem).and_then(|note| note.text("key").map(str::to_string));
    let key = match latest {
        Some(key) if !begins => key,
        _ => scene.next_key(stem),
    };
    scene.put("Basic", stem, json!({ "key": key }));
    let former = scene.read("Encounter", &key);
    let kept = |element: &str| former.as_ref().and_then(|former| former.get(element)).cloned();
    let at = event.to_string();
    let start = kept("period").and_then(|period| period.get("start").cloned()).unwrap_or(json!(at));
    let reason = fields.text("reason").map(|code| json!([concept(&code, "icd10cm")]));
    let disposition = fields.text("disposition").map_or(Value::Null, |code| {
        json!({ "dischargeDisposition": { "coding": [{ "system": "https://www.nubc.org/CodeSystem/PatDischargeStatus", "code": code }] } })
    });
    let status = match kind {
        "visit" | "ed-discharge" | "discharge" => "finished",
        "cancelled" => "cancelled",
        _ => "in-progress",
    };
    let mut period = json!({ "start": start });
    if let ("finished", Some(period)) = (status, period.as_object_mut()) {
        period.insert("end".to_string(), json!(at));
    }
    let class = fields.text("class").map(|class| json!({ "code": class })).or_else(|| kept("class"));
    let usual_place = if stem == "AMB" { "Lakeside Family Practice" } else { "Riverside Hospital" };
    let place = fields.text("place").unwrap_or_else(|| usual_place.to_string());
    let attender = fields
        .text("with")
        .map(|name| json!([{ "type": [{ "coding": [{ "code": "ATND" }] }], "individual": { "display": name } }]));
    let service = fields.text("service").map(|code| json!({ "coding": [{ "code": code }] }));
    let diagnoses = fields.list("diagnoses");
    let listed = if diagnoses.is_empty() { kept("diagnosis") } else { Some(list(scene, &key, diagnoses)) };
    scene.put(
        "Encounter",
        &key,
        json!({
            "status": status, "class": class.unwrap_or(json!({ "code": stem })), "period": period,
            "reasonCode": reason.or_else(|| kept("reasonCode")), "serviceProvider": { "display": place },
            "location": kept("location"), "participant": attender, "serviceType": service, "diagnosis": listed, "hospitalization": disposition
        }),
    );
}

/// The diagnoses of an encounter in their order: `F32.2`, or `{ code, type, rank }` with the type as DG1-6 says it.
fn list(scene: &mut Scene<'_>, encounter: &str, nodes: Vec<&Node>) -> Value {
    let items = nodes.into_iter().map(|node| {
        let text = |key: &str| node.get(key).and_then(Node::as_text);
        let code = node.as_text().or_else(|| text("code")).unwrap_or_default();
        let kind = text("type").unwrap_or_else(|| "F".to_string());
        let certainty = match kind.as_str() {
            "A" | "W" => "provisional",
            "ruled-out" => "refuted",
            _ => "confirmed",
        };
        let verification = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": certainty }] });
        let content = json!({ "code": concept(&code, "icd10cm"), "verificationStatus": verification });
        let condition = scene.put("Condition", &format!("{encounter} {code}"), content);
        let rank = text("rank").and_then(|rank| rank.parse::<u32>().ok());
        json!({ "condition": { "reference": format!("Condition/{condition}") },
            "use": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0052", "code": kind }] }, "rank": rank })
    });
    Value::Array(items.collect())
}
