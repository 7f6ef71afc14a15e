//! Evidence that ends work, or answers a question by itself.

use super::trigger::read_encounter_test;
use super::words::Reading;
use crate::protocol::model::{Evidence, Silencer, Window};
use crate::yaml::{Fields, Node};

/// What may be asked for by a code and a date.
const RESOURCES: [(&str, &str); 7] = [
    ("ServiceRequest", "ServiceRequest"),
    ("Procedure", "Procedure"),
    ("Appointment", "Appointment"),
    ("Observation", "Observation"),
    ("Immunization", "Immunization"),
    ("DiagnosticReport", "DiagnosticReport"),
    ("DocumentReference", "DocumentReference"),
];

/// `{ encounter: { … }, within }`, or `{ resource: Procedure, code, within }`.
pub fn read_evidence(node: &Node, reading: &mut Reading<'_>) -> Option<Evidence> {
    let mut fields = Fields::of(node, "evidence");
    let encounter = fields.optional("encounter");
    let resource = fields.choice("resource", &RESOURCES);
    let codes = fields.optional("code");
    let from = reading.optional_deadline(&mut fields, "from");
    let within = reading.optional_deadline(&mut fields, "within");
    let before = reading.optional_deadline(&mut fields, "before");
    if before.is_some() && from.is_some() {
        fields.report(node.problem("`before` opens before the trigger and `from` after it; say one of the two"));
    }
    let window = Window { from, within, before };
    let evidence = match (encounter, resource, codes) {
        (Some(node), None, None) => Some(Evidence::Encounter { test: read_encounter_test(node, reading), window }),
        (None, Some(resource_type), Some(node)) => {
            Some(Evidence::Resource { resource_type: resource_type.to_string(), codes: reading.codes(node), window })
        }
        _ => {
            fields.report(node.problem("evidence is an `encounter: { class: … }`, or a `resource` with its `code`"));
            None
        }
    };
    fields.finish(&mut reading.problems);
    evidence
}

/// `{ resource: Observation, code: { valueset: hba1c }, for: 180 d }`.
pub fn read_silencer(node: &Node, reading: &mut Reading<'_>) -> Option<Silencer> {
    let mut fields = Fields::of(node, "what answers a question by itself");
    fields.required("resource");
    let resource = fields.choice("resource", &RESOURCES);
    let codes = fields.required("code").map(|node| reading.codes(node));
    let lasts = fields.required("for").and_then(|node| reading.deadline(node));
    fields.finish(&mut reading.problems);
    Some(Silencer { resource_type: resource?, codes: codes?, lasts: lasts? })
}
