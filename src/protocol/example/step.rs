//! The steps of a story: what arrives, what people do, what time it is. docs/protocol-language.md lists them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::concept::concept;
use super::moment::moment;
use super::scene::Scene;
use crate::fhir::code_system;
use crate::identity::ResourceId;
use crate::problem::Problem;
use crate::protocol::act::{Action, Contact};
use crate::protocol::names;
use crate::protocol::work::{Work, existing_work};
use crate::yaml::{Fields, Node, nearest};

const KINDS: [&str; 32] = [
    "born",
    "condition",
    "encounter-start",
    "visit",
    "ed-arrival",
    "ed-discharge",
    "admission",
    "discharge",
    "cancelled",
    "observation",
    "blood-pressure",
    "goal",
    "service-request",
    "procedure",
    "immunization",
    "medication",
    "consent",
    "transfer",
    "enrolled",
    "referral",
    "referral-answer",
    "appointment",
    "referral-report",
    "attempt",
    "accept",
    "start",
    "complete",
    "cancel",
    "answer",
    "died",
    "leaves-panel",
    "time",
];

/// The moments a step names.
pub fn moments(node: &Node) -> Vec<Timestamp> {
    let values = node.as_map().into_iter().flatten().filter_map(|(_, value)| value.as_text());
    values.filter_map(|text| moment(&text)).collect()
}

/// Plays one step; faults of its writing are collected.
pub fn play(scene: &mut Scene<'_>, node: &Node, problems: &mut Vec<Problem>) {
    let named = node.as_map().into_iter().flatten().find_map(|(key, value)| {
        let name = key.as_text()?;
        KINDS.iter().find(|kind| **kind == name).map(|kind| (*kind, value))
    });
    let Some((kind, value)) = named else {
        let first = node.as_map().and_then(|entries| entries.first()?.0.as_text()).unwrap_or_default();
        let hint = nearest(&first, KINDS).map_or_else(|| KINDS.join(", "), |near| format!("did you mean `{near}`?"));
        problems.push(node.problem(format!("no step of a story is called `{first}`; {hint}")));
        return;
    };
    let mut fields = Fields::of(node, "a step");
    fields.optional(kind);
    let own = value.as_text().unwrap_or_default();
    let when = fields.text("at").as_deref().and_then(moment);
    let is_timed = [
        "encounter-start",
        "visit",
        "ed-arrival",
        "ed-discharge",
        "admission",
        "discharge",
        "died",
        "leaves-panel",
        "time",
    ];
    let event = if is_timed.contains(&kind) { moment(&own) } else { when };
    if is_timed.contains(&kind) && event.is_none() {
        fields.report(value.problem("a time is written like 2026-03-02T10:00"));
    }
    let event = event.unwrap_or(scene.now);
    scene.pass_until(when.unwrap_or(event));
    let step = Step { kind, own, event };
    match kind {
        "observation" | "blood-pressure" => step.measure(scene, &mut fields),
        "accept" | "start" | "complete" | "cancel" | "answer" | "attempt" => step.act(scene, &mut fields),
        "referral" | "referral-answer" | "appointment" | "referral-report" => {
            super::referral::tell(scene, (kind, &step.own), step.event, &mut fields);
        }
        "born" | "condition" | "goal" | "service-request" | "procedure" | "immunization" | "enrolled" | "died"
        | "leaves-panel" => step.state(scene, &mut fields),
        "medication" | "consent" | "transfer" => {
            super::written::tell(scene, (kind, &step.own), step.event, &mut fields)
        }
        "time" => {}
        _ => super::encounter::tell(scene, (kind, &step.own), step.event, &mut fields),
    }
    fields.finish(problems);
    scene.look();
    if kind == "encounter-start" {
        let shown = scene.set.cards(&scene.view(), "encounter-start");
        let rules: Vec<String> = shown.into_iter().map(|card| card.source.topic.code).collect();
        scene.cards.extend(rules);
    }
}

struct Step {
    kind: &'static str,
    own: String,
    event: Timestamp,
}

impl Step {
    fn measure(&self, scene: &mut Scene<'_>, fields: &mut Fields<'_>) {
        let key = fields.text("id").unwrap_or_else(|| scene.next_key("reading"));
        let status = fields.text("status").unwrap_or_else(|| "final".to_string());
        // What is dated ahead of the clock, or was taken long before it came.
        let taken = fields.text("taken").as_deref().and_then(moment).unwrap_or(self.event);
        let mut content = json!({ "status": status, "effectiveDateTime": taken.to_string() });
        let Some(map) = content.as_object_mut() else { return };
        if let Some(class) = fields.text("in") {
            let newest = scene.read("Basic", &class).and_then(|note| note.text("key").map(str::to_string));
            let id = newest.map(|key| ResourceId::of(scene.record.head.person, "Encounter", &key));
            let Some(id) = id else {
                return scene.failures.push(format!("{}: there was no visit of class {class} yet", self.kind));
            };
            map.insert("encounter".to_string(), json!({ "reference": format!("Encounter/{id}") }));
        }
        if self.kind == "blood-pressure" {
            let (systolic, diastolic) = self.own.split_once('/').unwrap_or((&self.own, ""));
            map.insert("code".to_string(), concept("85354-9", "loinc"));
            let parts =
                [("8480-6", systolic), ("8462-4", diastolic)].into_iter().filter(|(_, value)| !value.is_empty());
            let component = |(code, value): (&str, &str)| {
                let (element, value) = stated(value, "mm[Hg]");
                json!({ "code": concept(code, "loinc"), element: value })
            };
            map.insert("component".to_string(), parts.map(component).collect());
        } else {
            map.insert("code".to_string(), concept(&self.own, "loinc"));
            let value = fields.required_text("value").unwrap_or_default();
            let (element, value) = stated(&value, &fields.text("unit").unwrap_or_default());
            map.insert(element.to_string(), value);
        }
        scene.put("Observation", &key, content);
    }

    fn state(&self, scene: &mut Scene<'_>, fields: &mut Fields<'_>) {
        match self.kind {
            "condition" => {
                let status = fields.text("status").unwrap_or_else(|| "confirmed".to_string());
                let verification = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": status }] });
                let recorded = fields.text("since").as_deref().and_then(moment).unwrap_or(self.event);
                let mut content = json!({ "code": concept(&self.own, "icd10cm"), "verificationStatus": verification, "recordedDate": recorded.to_string() });
                if let (Some(onset), Some(content)) = (fields.text("onset"), content.as_object_mut()) {
                    content.insert("onsetDateTime".to_string(), json!(onset));
                }
                if let (Some(clinical), Some(content)) = (fields.text("clinical"), content.as_object_mut()) {
                    let coding = json!({ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": clinical });
                    content.insert("clinicalStatus".to_string(), json!({ "coding": [coding] }));
                    content.insert("abatementDateTime".to_string(), json!(self.event.to_string()));
                }
                scene.put("Condition", &self.own, content);
            }
            "goal" => {
                let unit = fields.text("unit").unwrap_or_default();
                let mut range = json!({});
                for end in ["low", "high"] {
                    if let (Some(text), Some(range)) = (fields.text(end), range.as_object_mut()) {
                        let number: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                        range.insert(end.to_string(), json!({ "value": number, "code": unit }));
                    }
                }
                let target = json!({ "measure": concept(&self.own, "loinc"), "detailRange": range });
                scene.put("Goal", &self.own, json!({ "lifecycleStatus": "active", "target": [target] }));
            }
            "service-request" => {
                let key = scene.next_key("request");
                let content = json!({ "status": "active", "intent": "order", "code": concept(&self.own, "snomed"), "authoredOn": self.event.to_string() });
                scene.put("ServiceRequest", &key, content);
            }
            "procedure" => {
                let key = scene.next_key("procedure");
                let content = json!({ "status": "completed", "code": concept(&self.own, "snomed"), "performedDateTime": self.event.to_string() });
                scene.put("Procedure", &key, content);
            }
            "enrolled" => {
                let level = fields.text("level").map(|level| format!("level-{level}"));
                let status = fields.text("status").unwrap_or_else(|| "active".to_string());
                let coding = |code: &str| json!({ "coding": [{ "system": names::PROGRAMME, "code": code }] });
                let types: Vec<Value> =
                    [Some(self.own.clone()), level].iter().flatten().map(|code| coding(code)).collect();
                let start = fields.text("since").as_deref().and_then(moment).unwrap_or(self.event);
                let content = json!({ "status": status, "type": types, "period": { "start": start.to_string() } });
                scene.put("EpisodeOfCare", &self.own, content);
            }
            "immunization" => {
                let key = scene.next_key("immunization");
                let content = json!({ "status": "completed", "vaccineCode": concept(&self.own, "cvx"), "occurrenceDateTime": self.event.to_string() });
                scene.put("Immunization", &key, content);
            }
            "born" => {
                let mut patient = scene.read("Patient", "").unwrap_or_else(|| crate::fhir::Resource::new("Patient"));
                patient.set("birthDate", json!(self.own));
                scene.put("Patient", "", Value::Object(patient.as_map().clone()));
            }
            "died" => {
                let mut patient = scene.read("Patient", "").unwrap_or_else(|| crate::fhir::Resource::new("Patient"));
                patient.set("deceasedDateTime", json!(self.event.to_string()));
                scene.put("Patient", "", Value::Object(patient.as_map().clone()));
            }
            _ => scene.memberships.clear(),
        }
    }

    fn act(&self, scene: &mut Scene<'_>, fields: &mut Fields<'_>) {
        let action = match self.kind {
            "accept" => Action::Accept,
            "start" => Action::Start,
            "complete" => Action::Complete { outcome: fields.text("outcome") },
            "attempt" => {
                let how = fields.text("how").unwrap_or_else(|| "no-answer".to_string());
                let Some(contact) = Contact::ALL.into_iter().find(|contact| contact.code() == how) else {
                    return scene.failures.push(format!("attempt: `{how}` is no way that an attempt goes"));
                };
                Action::Attempt { contact, text: String::new() }
            }
            "cancel" => Action::Cancel { reason: fields.text("reason").unwrap_or_else(|| "not needed".to_string()) },
            _ => Action::Answer { answer: fields.required_text("with").unwrap_or_default() },
        };
        let target: Option<ResourceId> = existing_work(&scene.record, &mut Work::shared)
            .into_values()
            .flatten()
            .filter(|existing| existing.work.rule == self.own)
            .max_by_key(|existing| (!existing.is_ended(), existing.stored.updated))
            .map(|existing| existing.stored.id);
        let Some(target) = target else {
            scene.failures.push(format!("{}: the rule `{}` has made nothing yet", self.kind, self.own));
            return;
        };
        match scene.set.act(&scene.record, target, &action, "Nurse Kim", scene.now) {
            Ok(changes) => changes.iter().for_each(|change| scene.record.apply(change)),
            Err(problem) => scene.failures.push(problem.text),
        }
    }
}

/// `84`, `>250`, a date, a coded answer such as `loinc LA6569-3`; anything else is a text.
fn stated(text: &str, unit: &str) -> (&'static str, Value) {
    if text.split_once(' ').is_some_and(|(system, _)| code_system(system).is_some()) {
        return ("valueCodeableConcept", concept(text, ""));
    }
    if text.parse::<jiff::civil::Date>().is_ok() {
        return ("valueDateTime", json!(text));
    }
    let number = text.trim().trim_start_matches(['<', '>', '=']);
    let comparator = text.trim().strip_suffix(number).unwrap_or_default();
    let Ok(value @ Value::Number(_)) = serde_json::from_str(number) else { return ("valueString", json!(text)) };
    let mut quantity = json!({ "value": value });
    if let Some(quantity) = quantity.as_object_mut() {
        if !comparator.is_empty() {
            quantity.insert("comparator".to_string(), json!(comparator));
        }
        if !unit.is_empty() {
            quantity.insert("unit".to_string(), json!(unit));
            quantity.insert("system".to_string(), json!("http://unitsofmeasure.org"));
            quantity.insert("code".to_string(), json!(unit));
        }
    }
    ("valueQuantity", quantity)
}
