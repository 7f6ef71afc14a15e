//! What people call the numbers of a patient: whose number it is, never the address of its system.

use serde_json::Value;

use crate::site::Site;

/// `Riverside Hospital no.`, `Lakeside Family Practice no.`: who gives such numbers; where nobody knows, what the sender calls it.
pub(crate) fn number_title(site: &Site, identifier: &Value) -> String {
    let system = identifier.get("system").and_then(Value::as_str).unwrap_or_default();
    let of_panel = site.panels.values().find(|panel| panel.member_system.as_deref() == Some(system));
    let of_feed = || site.feeds.values().find(|feed| feed.authorities.namespaces.values().any(|known| known == system));
    let said = |pointer: &str| identifier.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let title = of_panel.map(|panel| panel.title.as_str()).or_else(|| of_feed().map(|feed| feed.title.as_str()));
    let title = title.filter(|title| !system.is_empty() && !title.is_empty());
    let said = || said("/assigner/display").or_else(|| said("/type/text")).or_else(|| said("/type/coding/0/display"));
    title.or_else(said).map_or_else(|| "No.".to_string(), |title| format!("{title} no."))
}
