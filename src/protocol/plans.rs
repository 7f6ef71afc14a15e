//! One CarePlan per patient and programme (http://hl7.org/fhir/R4/careplan.html, US Core 7.0 CarePlan): what is asked and
//! what is under way, gathered from the prompts and tasks of its protocol.

use serde_json::{Value, json};

use super::build::patient_reference;
use super::context::{Context, Findings};
use super::model::Prompt;
use super::prompts::{Standing, answers_of, standing};
use super::told;
use super::work::{Desired, Outcome, Work};
use crate::fhir::Resource;
use crate::identity::ResourceId;

pub fn owe(context: &Context<'_>, findings: &mut Findings) {
    // Nothing lost: this protocol asks for no plan.
    let Some(rule) = &context.protocol.plan else { return };
    let facts = context.facts;
    let work = Work::of(context.protocol, "plan", "", &rule.mark);
    let conditions = facts.conditions_of(&context.protocol.who);
    let mut activities: Vec<(String, Value)> = Vec::new();
    for prompt in &context.protocol.prompts {
        if facts.belongs(&prompt.who, context.now()).0 {
            activities.push(prompt_activity(context, prompt));
        }
    }
    activities.extend(task_activities(context, findings));
    let mut plan = Resource::new("CarePlan");
    let lines: Vec<&str> = activities.iter().map(|(line, _)| line.as_str()).collect();
    plan.set("text", narrative(&rule.title, &lines));
    plan.set("instantiatesCanonical", json!([super::names::plan_definition(&context.protocol.name)]));
    plan.set("status", json!("active"));
    plan.set("intent", json!("plan"));
    let category =
        json!({ "system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "code": "assess-plan" });
    plan.set("category", json!([{ "coding": [category] }]));
    plan.set("title", json!(rule.title));
    plan.set("subject", patient_reference(context));
    plan.set("period", json!({ "start": facts.date_time(context.now()) }));
    plan.set("created", json!(facts.date_time(context.now())));
    let addresses: Vec<Value> =
        conditions.iter().map(|stored| json!({ "reference": format!("Condition/{}", stored.id) })).collect();
    if !addresses.is_empty() {
        plan.set("addresses", Value::Array(addresses));
    }
    if !activities.is_empty() {
        plan.set("activity", Value::Array(activities.into_iter().map(|(_, activity)| activity).collect()));
    }
    let (_, words) = facts.belongs(&context.protocol.who, context.now());
    let words = format!("The programme is for people with {words}");
    let trigger = conditions.first().map(|stored| format!("Condition/{}", stored.id));
    let id = ResourceId::of(facts.record.head.person, "CarePlan", &work.key());
    // Its activities are read from the plan itself.
    let mut sources = told::of_people(context, [&context.protocol.who]);
    for prompt in &context.protocol.prompts {
        sources.extend(told::of_people(context, [&prompt.who]));
        sources.extend(flag_of(context, findings, prompt));
    }
    let outcome = Outcome::Open;
    findings.desired.push(Desired {
        work,
        outcome,
        id,
        resource: plan,
        trigger,
        words,
        insists: false,
        sources,
        inputs: None,
        rests: None,
    });
}

/// The Flag that asks a prompt, as `Flag/id`: the one there is, or the one that is about to be made.
fn flag_of(context: &Context<'_>, findings: &Findings, prompt: &Prompt) -> Option<String> {
    let existing = context.existing_at(&prompt.id, "").map(|flag| flag.stored.id);
    let made = findings.desired.iter().find(|desired| {
        let work = &desired.work;
        (&work.protocol, &work.rule, work.anchor.as_str()) == (&context.protocol.name, &prompt.id, "")
    });
    existing.or(made.map(|desired| desired.id)).map(|id| format!("Flag/{id}"))
}

fn prompt_activity(context: &Context<'_>, prompt: &Prompt) -> (String, Value) {
    let answers = answers_of(context, &prompt.id);
    let (status, reason) = match standing(prompt, &answers, context.now()) {
        Standing::Due => ("not-started", None),
        Standing::Silent { given, answer, until } => {
            let status = match (answer.is_override, until) {
                (true, _) => "on-hold",
                (false, None) => "completed",
                (false, Some(_)) => "in-progress",
            };
            (status, Some(format!("{} on {}", answer.label, context.facts.say(given.at))))
        }
    };
    let line = format!("{} {}", prompt.ask, reason.clone().unwrap_or_else(|| "Not answered yet.".to_string()));
    let mut detail = json!({ "code": { "text": prompt.ask }, "status": status });
    if let Some(detail) = detail.as_object_mut() {
        if let Some(reason) = reason {
            detail.insert("statusReason".to_string(), json!({ "text": reason }));
        }
        if !prompt.detail.is_empty() {
            detail.insert("description".to_string(), json!(prompt.detail));
        }
    }
    (line, json!({ "detail": detail }))
}

/// The protocol's tasks that are or were in the record.
fn task_activities(context: &Context<'_>, findings: &Findings) -> Vec<(String, Value)> {
    let of_protocol = findings
        .desired
        .iter()
        .filter(|desired| desired.work.protocol == context.protocol.name && desired.resource.resource_type() == "Task")
        // An alert is answered, not planned.
        .filter(|desired| context.protocol.tasks.iter().any(|rule| rule.id == desired.work.rule));
    let mut activities = Vec::new();
    for desired in of_protocol {
        let existing = context.existing_at(&desired.work.rule, &desired.work.anchor);
        let is_made = existing.is_some() || matches!(desired.outcome, Outcome::Open | Outcome::Done(_));
        if is_made {
            let id = existing.map_or(desired.id, |existing| existing.stored.id);
            let title = desired.resource.get("code").and_then(|code| code.get("text")?.as_str()).unwrap_or_default();
            activities.push((
                title.to_string(),
                json!({ "reference": { "reference": format!("Task/{id}"), "display": title } }),
            ));
        }
    }
    activities.sort_by_cached_key(|activity| activity.1.to_string());
    activities
}

fn narrative(title: &str, lines: &[&str]) -> Value {
    let items: String = lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
    let list = if items.is_empty() { String::new() } else { format!("<ul>{items}</ul>") };
    let html = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{}</p>{list}</div>", escape(title));
    json!({ "status": "generated", "div": html })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
