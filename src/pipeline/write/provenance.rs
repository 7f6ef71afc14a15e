//! Who said it, beside what they said (http://hl7.org/fhir/R4/provenance.html): one Provenance for what a request wrote of a patient.
//! Results come by the thousand and say it themselves: their stamps, the request and the audit tell who.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::outcome::Happened;
use super::weigh::Ruling;
use crate::fhir::{Draft, Resource, Scope};
use crate::identity::{Identified, PersonId, ResourceId};
use crate::site::Partner;

const OPERATIONS: &str = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";
const AGENTS: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// None where there is nothing to tell of.
pub(super) fn provenance(
    partner: &Partner,
    person: PersonId,
    rulings: &[Ruling],
    control: &str,
    now: Timestamp,
) -> Option<Identified> {
    let tells = |ruling: &&Ruling| {
        ruling.said.is_some() && ruling.kind != "Observation" && ruling.id.person != PersonId::SHARED
    };
    let told: Vec<&Ruling> = rulings.iter().filter(tells).collect();
    let first = told.first()?;
    let code = match first.happened {
        Happened::Created => "CREATE",
        Happened::Deleted => "DELETE",
        Happened::Updated | Happened::Unchanged => "UPDATE",
    };
    let mut who = json!({ "display": partner.title });
    if let (Some(identifier), Some(who)) = (&partner.identifier, who.as_object_mut()) {
        who.insert("identifier".to_string(), identifier.to_json());
    }
    let targets: Vec<Value> =
        told.iter().map(|ruling| json!({ "reference": format!("{}/{}", ruling.kind, ruling.id) })).collect();
    let resource = Resource::new("Provenance")
        .with("target", Value::Array(targets))
        .with("recorded", json!(now.to_string()))
        .with("activity", json!({ "coding": [{ "system": OPERATIONS, "code": code }] }))
        .with("agent", json!([{ "type": { "coding": [{ "system": AGENTS, "code": "author" }] }, "who": who }]));
    let draft = Draft {
        local: "Provenance".to_string(),
        scope: Scope::Patient,
        key: None,
        resource,
        deleted: Vec::new(),
        sources: BTreeMap::new(),
    };
    Some(Identified { id: ResourceId::of(person, "Provenance", &format!("write {control}")), draft })
}
