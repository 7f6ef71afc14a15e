//! Where work comes from, as Provenance (http://hl7.org/fhir/R4/provenance.html): the rule and its line, the resource that
//! triggered it, and the values compared.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::facts::Facts;
use super::names;
use super::work::{Desired, Outcome};
use crate::fhir::Resource;
use crate::identity::ResourceId;

pub fn provenance(
    facts: &Facts<'_>,
    target: ResourceId,
    desired: &Desired,
    (activity, status): (&str, &str),
    now: Timestamp,
) -> Resource {
    let work = &desired.work;
    let why = match &desired.outcome {
        Outcome::Open => desired.words.clone(),
        Outcome::Done(words) | Outcome::Over(words) | Outcome::Pointless(words) => {
            format!("{}. {status}: {words}", desired.words)
        }
    };
    let rule = json!({
        "role": "source",
        "what": {
            "identifier": { "system": names::CANONICAL, "value": names::activity_definition(&work.protocol, &work.rule) },
            "display": format!("{} ({})", work.rule, work.place)
        }
    });
    let mut entities = vec![rule];
    if let Some(trigger) = &desired.trigger {
        entities.push(json!({ "role": "source", "what": { "reference": trigger } }));
    }
    let assembler = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
        "code": "assembler",
        "display": "Assembler"
    }] });
    let operation = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": activity });
    let agent = json!({ "type": assembler, "who": { "display": format!("Handover, protocol {}", work.protocol) } });
    let reference = format!("{}/{target}", desired.resource.resource_type());
    Resource::new("Provenance")
        .with("target", json!([{ "reference": reference }]))
        .with("recorded", json!(facts.date_time(now)))
        .with("reason", json!([{ "text": why }]))
        .with("activity", json!({ "coding": [operation] }))
        .with("agent", Value::Array(vec![agent]))
        .with("entity", Value::Array(entities))
}
