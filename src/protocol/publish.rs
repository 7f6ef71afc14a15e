//! Protocols as FHIR that a partner can read (http://hl7.org/fhir/R4/plandefinition.html,
//! http://hl7.org/fhir/R4/activitydefinition.html): what Task.instantiatesCanonical points at.

use serde_json::{Value, json};

use super::alert::AlertRule;
use super::deadline::Deadline;
use super::model::{Protocol, TaskRule};
use super::names;
use super::plain::{self, PlainRule};
use super::set::ProtocolSet;
use crate::fhir::{Resource, ValueSets};

impl ProtocolSet {
    /// One PlanDefinition per protocol, followed by one ActivityDefinition per rule that makes Tasks. Their ids are what their
    /// URLs end with.
    pub fn plan_definitions(&self) -> Vec<Resource> {
        self.protocols().iter().flat_map(|protocol| definitions_of(protocol, self.value_sets())).collect()
    }
}

fn definitions_of(protocol: &Protocol, sets: &ValueSets) -> Vec<Resource> {
    let mut actions = Vec::new();
    let mut activities = Vec::new();
    for prompt in &protocol.prompts {
        let words = in_words(&plain::of_prompt(prompt, sets));
        actions
            .push(json!({ "title": prompt.ask, "description": prompt.detail_or_question(), "textEquivalent": words }));
    }
    for task in &protocol.tasks {
        actions.push(action(protocol, &task.id, &plain::of_task(task, protocol.quiet_hours, sets)));
        activities.push(of_task(protocol, task));
    }
    for alert in &protocol.alerts {
        actions.push(action(protocol, &alert.id, &plain::of_alert(alert, sets)));
        activities.push(of_alert(protocol, alert));
    }
    if !protocol.alerts.is_empty() {
        activities.push(of_repeat(protocol));
    }
    let mut plan = base("PlanDefinition", names::plan_definition(&protocol.name), &protocol.title);
    if let Some(people) = plain::who(&protocol.who, sets) {
        plan.set("usage", json!(format!("For {people}.")));
    }
    if let Some(source) = &protocol.source {
        plan.set("relatedArtifact", json!([{ "type": "citation", "citation": source }]));
    }
    if !actions.is_empty() {
        plan.set("action", Value::Array(actions));
    }
    let mut all = vec![plan];
    all.extend(activities);
    all
}

fn action(protocol: &Protocol, rule: &str, plain: &PlainRule) -> Value {
    let definition = names::activity_definition(&protocol.name, rule);
    json!({ "title": plain.title, "textEquivalent": in_words(plain), "definitionCanonical": definition })
}

/// What a rule asks, as `handover protocol explain` prints it: R4 has no expression for most of it.
fn in_words(plain: &PlainRule) -> String {
    let rows = plain.rows.iter().map(|(label, words)| format!("{label}: {words}"));
    rows.collect::<Vec<_>>().join("\n")
}

fn base(resource_type: &str, url: String, title: &str) -> Resource {
    let id = url.rsplit('/').next().unwrap_or_default().to_string();
    let name: String = id.split('-').map(capitalised).collect();
    Resource::new(resource_type)
        .with("id", json!(id))
        .with("url", json!(url))
        .with("name", json!(name))
        .with("title", json!(title))
        .with("status", json!("active"))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn of_task(protocol: &Protocol, task: &TaskRule) -> Resource {
    let due = task.due.map(|due| format!(" Due: {due}.")).unwrap_or_default();
    let code = json!([{ "system": names::TASK_CODE, "code": task.code, "display": task.title }]);
    activity(protocol, &task.id, &task.title, format!("{}{due}", task.text.open()), code, task.priority.code())
}

fn of_alert(protocol: &Protocol, alert: &AlertRule) -> Resource {
    let respond = |deadline: Deadline| deadline.to_string();
    let description = format!(
        "{} Response to a warning: {}; to an escalation: {}.",
        alert.text.open(),
        respond(alert.warn.respond),
        respond(alert.escalate.respond)
    );
    let code = json!([{ "system": names::TASK_CODE, "code": names::ALERT, "display": "Measurement alert" }]);
    activity(protocol, &alert.id, &alert.title, description, code, "urgent")
}

/// What every protocol with alerts asks of readings that cannot be right.
fn of_repeat(protocol: &Protocol) -> Resource {
    let title = "Repeat the reading";
    let description = format!("A reading cannot be right: repeat it. Response: {}.", protocol.repeat.respond);
    let code = format!("{}-{}", protocol.name, names::REPEAT);
    let code = json!([{ "system": names::TASK_CODE, "code": code, "display": title }]);
    activity(protocol, names::REPEAT, title, description, code, "urgent")
}

fn activity(
    protocol: &Protocol,
    rule: &str,
    title: &str,
    description: String,
    code: Value,
    priority: &str,
) -> Resource {
    base("ActivityDefinition", names::activity_definition(&protocol.name, rule), title)
        .with("description", json!(description))
        .with("kind", json!("Task"))
        .with("code", json!({ "coding": code, "text": title }))
        .with("intent", json!("order"))
        .with("priority", json!(priority))
}
