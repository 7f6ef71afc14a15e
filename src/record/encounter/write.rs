//! Writes an encounter's course into the resource: status, statusHistory, class, classHistory, period. Histories hold what
//! is over, not what is.

use serde_json::{Map, Value, json};

use super::course::{Course, Past};
use super::trigger::ACT_CODE;
use crate::fhir::Resource;

/// On a bound that no message stated.
const TIME_FROM: &str = "https://handover.health/StructureDefinition/handover-time-from";

impl Course {
    pub(in crate::record) fn write(&self, encounter: &mut Resource) {
        encounter.set("status", json!(self.status));
        encounter.set("statusHistory", history(&self.status_history, "status", |status| json!(status)));
        encounter.set("classHistory", history(&self.class_history, "class", class));
        // `class` is required (1..1); a message without PV1-2 leaves it as the code system's own word for that.
        let now = self.class.as_deref().map_or_else(
            || json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK", "display": "unknown" }),
            class,
        );
        encounter.set("class", now);
        let mut period = Map::new();
        let bounds =
            [("start", &self.start, self.stands_in.0, "PV1-44"), ("end", &self.end, self.stands_in.1, "PV1-45")];
        for (name, bound, stands_in, meant) in bounds {
            // Nothing lost: nobody knows this bound yet.
            let Some(bound) = bound else { continue };
            period.insert(name.to_string(), json!(bound));
            if stands_in {
                let from = format!("the time of the event instead of {meant}");
                let extension = json!({ "extension": [{ "url": TIME_FROM, "valueString": from }] });
                period.insert(format!("_{name}"), extension);
            }
        }
        encounter.set("period", if period.is_empty() { Value::Null } else { Value::Object(period) });
    }
}

fn history(past: &[Past], name: &str, value: impl Fn(&str) -> Value) -> Value {
    let items: Vec<Value> = past
        .iter()
        .map(|(what, from, until)| {
            let period = json!({ "start": from.to_string(), "end": until.to_string() });
            json!({ name: value(what), "period": period })
        })
        .collect();
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

fn class(class: &str) -> Value {
    let (system, code) = class.rsplit_once('|').unwrap_or((ACT_CODE, class));
    if system != ACT_CODE {
        return json!({ "system": system, "code": code });
    }
    let display = match code {
        "AMB" => "ambulatory",
        "EMER" => "emergency",
        "FLD" => "field",
        "HH" => "home health",
        "IMP" => "inpatient encounter",
        "ACUTE" => "inpatient acute",
        "NONAC" => "inpatient non-acute",
        "OBSENC" => "observation encounter",
        "PRENC" => "pre-admission",
        "SS" => "short stay",
        "VR" => "virtual",
        _ => return json!({ "system": ACT_CODE, "code": code }),
    };
    json!({ "system": ACT_CODE, "code": code, "display": display })
}
