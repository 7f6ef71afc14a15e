//! Tasks as FHIR R4 (http://hl7.org/fhir/R4/task.html): the elements that tasks and alerts share, and the references
//! they speak through. Never decides whether something is owed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::chain::{Priority, Role};
use super::context::Context;
use super::{names, team};
use crate::fhir::Resource;
use crate::identity::ResourceId;

/// What one Task says.
pub struct TaskParts<'p> {
    pub rule: &'p str,
    pub code: &'p str,
    pub is_alert: bool,
    pub title: &'p str,
    pub description: String,
    /// Why, with the values compared.
    pub words: &'p str,
    pub owner: &'p [Role],
    pub priority: Priority,
    pub focus: Option<String>,
    pub encounter: Option<String>,
    pub authored: Timestamp,
    pub due: Option<Timestamp>,
}

/// A Task as owed: status `requested`, without id and meta.
pub fn task(context: &Context<'_>, parts: TaskParts<'_>) -> Resource {
    let facts = context.facts;
    let rule_coding = json!({ "system": names::TASK_CODE, "code": parts.code, "display": parts.title });
    let coding = if parts.is_alert {
        json!([{ "system": names::TASK_CODE, "code": names::ALERT, "display": "Measurement alert" }, rule_coding])
    } else {
        json!([rule_coding])
    };
    let mut task = Resource::new("Task");
    if parts.is_alert {
        task.set("meta", json!({ "profile": [names::ALERT_PROFILE] }));
    }
    task.set("instantiatesCanonical", json!(names::activity_definition(&context.protocol.name, parts.rule)));
    task.set("status", json!("requested"));
    task.set("intent", json!("order"));
    task.set("priority", json!(parts.priority.code()));
    task.set("code", json!({ "coding": coding, "text": parts.title }));
    task.set("description", json!(parts.description));
    let reference =
        |literal: &Option<String>| literal.as_ref().map_or(Value::Null, |text| json!({ "reference": text }));
    task.set("focus", reference(&parts.focus));
    task.set("for", patient_reference(context));
    task.set("encounter", reference(&parts.encounter));
    let start = facts.date_time(parts.authored);
    task.set("executionPeriod", json!({ "start": start }));
    task.set("authoredOn", json!(start));
    task.set("requester", json!({ "display": format!("Handover: {}", context.protocol.title) }));
    task.set("performerType", Value::Array(parts.owner.iter().map(|role| performer_type(*role)).collect()));
    task.set("owner", owner(context, parts.owner));
    task.set("reasonCode", json!({ "text": parts.words }));
    task.set("reasonReference", reference(&parts.focus));
    if let Some(due) = parts.due {
        task.set("restriction", json!({ "period": { "end": facts.date_time(due) } }));
    }
    task
}

/// `Patient/…` with the patient's name.
pub fn patient_reference(context: &Context<'_>) -> Value {
    let record = context.facts.record;
    let id = context.facts.patient.map_or_else(|| ResourceId::patient(record.head.person), |stored| stored.id);
    json!({ "reference": format!("Patient/{id}"), "display": context.facts.patient_name() })
}

fn performer_type(role: Role) -> Value {
    let text = role.code().replace('-', " ");
    json!({ "coding": [{ "system": names::ROLE, "code": role.code() }], "text": text })
}

/// The practice as a logical reference, with the people meant in its display: all of them work there, and the
/// practice's own system knows them better than we do.
fn owner(context: &Context<'_>, roles: &[Role]) -> Value {
    let practice = context.responsible.practice;
    let people: Vec<String> = roles.iter().filter_map(|role| person_for(context, *role)).collect();
    let display = if people.is_empty() {
        practice.title.clone()
    } else {
        format!("{}: {}", practice.title, people.join(" and "))
    };
    let mut owner = json!({ "type": "Organization", "display": display });
    if let (Some(identifier), Some(owner)) = (&practice.identifier, owner.as_object_mut()) {
        owner.insert("identifier".to_string(), identifier.to_json());
    }
    owner
}

/// "care manager Maria Lopez": the roster's word first, or for a coach the care team's, then the practice's, then the role alone.
fn person_for(context: &Context<'_>, role: Role) -> Option<String> {
    let membership = context.responsible.membership;
    let of_roster = match role {
        Role::Practice => return None,
        Role::CareManager => membership.care_manager.clone(),
        Role::Clinician => membership.practitioner.clone(),
        Role::Coach => team::coach(context.facts),
    };
    let name = of_roster.or_else(|| context.responsible.practice.roles.get(role.code()).cloned());
    let word = role.code().replace('-', " ");
    Some(name.map_or_else(|| word.clone(), |name| format!("{word} {name}")))
}
