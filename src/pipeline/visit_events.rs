//! What a partner that is sent messages is told of a visit: each admission, transfer and discharge once, by what it was told last (Da Vinci
//! Unsolicited Notifications 1.1.0). A cancellation and a discharge that was none have no code there, and are told by v2's.

use serde_json::{Value, json};

use crate::fhir::Resource;

const GUIDE: &str = "http://hl7.org/fhir/us/davinci-alerts/CodeSystem/notification-event";
const V2: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";

/// How a visit stands, as far as messages tell of it: `ongoing|IMP|Location/x`.
pub(super) fn standing(visit: &Resource) -> String {
    let status = match visit.text("status").unwrap_or_default() {
        "arrived" | "triaged" | "in-progress" | "onleave" => "ongoing",
        "finished" => "over",
        "cancelled" | "entered-in-error" => "cancelled",
        _ => "none",
    };
    let class = visit.get("class").and_then(|class| class.get("code")?.as_str()).unwrap_or_default();
    let mut places = visit.get("location").and_then(Value::as_array).into_iter().flatten();
    let now = places.rfind(|one| one.get("status").is_none_or(|status| status == "active"));
    let place = now.and_then(|one| one.pointer("/location/reference")?.as_str()).unwrap_or_default();
    format!("{status}|{class}|{place}")
}

/// The event from what was told to what is; none where no event lies between.
pub(super) fn event(told: Option<&str>, now: &str) -> Option<Value> {
    let parts = |text: &'_ str| -> [String; 3] {
        let mut parts = text.splitn(3, '|').map(String::from);
        [(); 3].map(|()| parts.next().unwrap_or_default())
    };
    let ([before, class_before, place_before], [after, class, place]) = (parts(told.unwrap_or("none")), parts(now));
    // What was remembered for another way of sending says nothing of a visit.
    let before = if ["ongoing", "over", "cancelled"].contains(&before.as_str()) { before } else { "none".to_string() };
    let is_stay = |class: &str| matches!(class, "IMP" | "ACUTE" | "NONAC");
    let (system, code, display) = match (before.as_str(), after.as_str()) {
        ("none" | "cancelled", "ongoing") => (GUIDE, "notification-admit", "Admit Notification"),
        ("ongoing", "ongoing") if is_stay(&class) && !is_stay(&class_before) => {
            (GUIDE, "notification-admit", "Admit Notification")
        }
        ("ongoing", "ongoing") if class != class_before || place != place_before => {
            (GUIDE, "notification-transfer", "Transfer Notification")
        }
        ("none" | "cancelled" | "ongoing", "over") => (GUIDE, "notification-discharge", "Discharge Notification"),
        ("over", "ongoing") => (V2, "A13", "ADT/ACK - Cancel discharge/end visit"),
        ("ongoing" | "over", "cancelled") => (V2, "A11", "ADT/ACK - Cancel admit/visit notification"),
        _ => return None,
    };
    Some(json!({ "system": system, "code": code, "display": display }))
}

/// What is to be sent, before it is put together at the time of sending: the event, and the visit as the partner may have it.
pub(super) fn to_be_sent(event: Value, visit: Value) -> Value {
    json!({
        "resourceType": "Bundle",
        "type": "message",
        "entry": [{ "resource": { "resourceType": "MessageHeader", "eventCoding": event } }, { "resource": visit }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_of_a_visit_is_told_once() {
        let code =
            |told: Option<&str>, now: &str| event(told, now).map(|coding| coding["code"].as_str().unwrap().to_string());
        let of = |text: &str| Some(text.to_string());
        assert_eq!(code(None, "ongoing|EMER|Location/a"), of("notification-admit"));
        assert_eq!(code(Some("ongoing|EMER|Location/a"), "ongoing|EMER|Location/a"), None);
        assert_eq!(code(Some("ongoing|EMER|Location/a"), "ongoing|IMP|Location/b"), of("notification-admit"));
        assert_eq!(code(Some("ongoing|IMP|Location/a"), "ongoing|IMP|Location/b"), of("notification-transfer"));
        assert_eq!(code(Some("ongoing|IMP|Location/b"), "over|IMP|Location/b"), of("notification-discharge"));
        assert_eq!(code(None, "over|IMP|"), of("notification-discharge"));
        assert_eq!(code(Some("over|IMP|"), "over|IMP|Location/b"), None);
        assert_eq!(code(Some("over|IMP|"), "ongoing|IMP|"), of("A13"));
        assert_eq!(code(Some("0a1b2c3d4e5f6071"), "ongoing|IMP|"), of("notification-admit"));
        assert_eq!(code(Some("ongoing|EMER|"), "cancelled|EMER|"), of("A11"));
        assert_eq!(
            [code(None, "cancelled|EMER|"), code(None, "none|AMB|"), code(Some("none|AMB|"), "cancelled|AMB|")],
            [None, None, None]
        );
    }

    #[test]
    fn a_visit_stands_where_its_active_place_is() {
        let visit = json!({ "resourceType": "Encounter", "status": "in-progress", "class": { "code": "IMP" }, "location": [
            { "location": { "reference": "Location/a" }, "status": "completed" }, { "location": { "reference": "Location/b" }, "status": "active" } ] });
        assert_eq!(standing(&Resource::try_from(visit).unwrap()), "ongoing|IMP|Location/b");
    }
}
