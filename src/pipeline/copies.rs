//! Which partners hold a copy of open work; who is brought one because the patient came onto a panel of theirs; and how copies end
//! when no agreement covers the patient any more: what was sent under an agreement may be taken back under it, in the fewest
//! words that a Task, Flag or CarePlan can have.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::agreement::{AgreementSet, Decision, Exit, Question};
use crate::fhir::Resource;
use crate::record::{Head, Record, Stored};

/// A copy at a partner that has to be ended there.
pub(super) struct Ending {
    pub partner: String,
    /// `Task/id/_history/version` of what the record holds now.
    pub subject: String,
    pub resource: Resource,
    /// The agreement under which the copy was sent.
    pub agreement: String,
    pub because: &'static str,
}

/// Open work for a partner who may know of the patient since they came onto a panel.
pub(super) struct Newcomer<'r> {
    pub partner: String,
    pub stored: &'r Stored,
    pub decision: Decision,
}

fn why(is_known: bool) -> &'static str {
    match is_known {
        true => "no agreement lets the partner have it any more: what was sent is taken back",
        false => "no agreement covers the patient any more: what was sent is taken back",
    }
}

/// Types of work that a practice keeps on a list until it hears that it ended.
const WORK: [&str; 3] = ["CarePlan", "Flag", "Task"];

/// The word for its end.
fn end_word(resource_type: &str) -> Option<&'static str> {
    match resource_type {
        "Task" => Some("cancelled"),
        "Flag" => Some("inactive"),
        "CarePlan" => Some("revoked"),
        _ => None,
    }
}

/// Notes that a partner was sent this, under that agreement. What has ended needs no taking back.
pub(super) fn remember(head: &mut Head, partner: &str, resource: &Resource, agreement: &str) {
    // Nothing lost: what has no id was sent to nobody.
    let (kind, Some(id)) = (resource.resource_type(), resource.id()) else { return };
    if end_word(kind).is_none() {
        return;
    }
    let copies = head.copies.entry(partner.to_string()).or_default();
    let name = format!("{kind}/{id}");
    let status = resource.text("status").unwrap_or_default();
    if crate::protocol::is_final(status) {
        copies.remove(&name);
    } else {
        copies.insert(name, agreement.to_string());
    }
    // Nothing lost: what has ended, or is gone, needs no taking back.
    head.copies.retain(|_, copies| !copies.is_empty());
}

/// Whether a partner has what it was last sent of this still: a copy that was ended, or has ended, it has not.
pub(super) fn is_held(head: &Head, partner: &str, resource: &Resource) -> bool {
    let kind = resource.resource_type();
    let name = || resource.id().map(|id| format!("{kind}/{id}"));
    let copies = || head.copies.get(partner);
    end_word(kind).is_none() || name().is_some_and(|name| copies().is_some_and(|copies| copies.contains_key(&name)))
}

/// The open work that partners do not hold and whom an agreement lets know of the patient since the panels are these. A wider
/// right of an agreement brings nothing that was there before, and the panels are noted for the next time.
pub(super) fn bring<'r>(
    head: &mut Head,
    record: &'r Record,
    agreements: &AgreementSet,
    panels: &[&str],
    now: Timestamp,
) -> Vec<Newcomer<'r>> {
    let today: BTreeSet<String> = panels.iter().map(ToString::to_string).collect();
    let Some(before) = head.panels.replace(today.clone()).filter(|before| !today.is_subset(before)) else {
        return Vec::new();
    };
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let is_open = |stored: &&Stored| !crate::protocol::is_final(stored.resource.text("status").unwrap_or_default());
    let mut newcomers = Vec::new();
    for stored in WORK.iter().flat_map(|kind| record.of_type(kind)).filter(is_open) {
        for (partner, decision) in agreements.pushes(&stored.resource, panels, now) {
            let question = Question { partner, exit: Exit::Push, resource: &stored.resource, panels: &before, now };
            if !agreements.decide(&question).concerns && !is_held(head, partner, &stored.resource) {
                newcomers.push(Newcomer { partner: partner.to_string(), stored, decision });
            }
        }
    }
    newcomers
}

/// The copies at partners whom no agreement lets know of this patient any more, or not of this since it was labelled; they are
/// forgotten here.
pub(super) fn take_back(
    head: &mut Head,
    record: &Record,
    agreements: &AgreementSet,
    panels: &[&str],
    now: Timestamp,
) -> Vec<Ending> {
    let mut endings = Vec::new();
    for (partner, copies) in &mut head.copies {
        // Nothing lost: what has ended, or is gone, needs no taking back.
        copies.retain(|name, agreement| {
            let Some(stored) = find(record, name) else { return false };
            let question = Question { partner, exit: Exit::Push, resource: &stored.resource, panels, now };
            let decision = agreements.decide(&question);
            // Without any agreement it may be that the file is missing for a moment, and nothing could be sent.
            if decision.agreement.is_none() || (decision.concerns && !decision.is_kept_back) {
                return true;
            }
            endings.push(Ending {
                partner: partner.clone(),
                subject: format!("{name}/_history/{}", stored.version),
                resource: ended(&stored.resource, decision.concerns),
                agreement: agreement.clone(),
                because: why(decision.concerns),
            });
            false
        });
    }
    // Nothing lost: what has ended, or is gone, needs no taking back.
    head.copies.retain(|_, copies| !copies.is_empty());
    endings
}

fn find<'r>(record: &'r Record, name: &str) -> Option<&'r Stored> {
    let (kind, id) = name.split_once('/')?;
    record.get(kind, id.parse().ok()?)
}

/// What the type requires, and that it has ended. What it is called and whom by name may be what nobody there may know any more:
/// it may have changed since, or may have been left out of what was sent.
fn ended(resource: &Resource, is_known: bool) -> Resource {
    let kind = resource.resource_type();
    let mut end = Resource::new(kind);
    for element in ["id", "identifier", "intent", "for", "subject"] {
        if let Some(value) = resource.get(element) {
            end.set(element, value.clone());
        }
    }
    for patient in ["for", "subject"] {
        let reference = end.as_map_mut().get_mut(patient).and_then(Value::as_object_mut);
        reference.into_iter().for_each(|reference| drop(reference.shift_remove("display")));
    }
    // A Flag has to have one (http://hl7.org/fhir/R4/flag.html).
    if kind == "Flag" {
        end.set("code", json!({ "text": "taken back" }));
    }
    end.set("status", end_word(kind).map_or(Value::Null, |word| json!(word)));
    if kind == "Task" {
        let reason = if is_known { "taken back" } else { "the patient is on no panel of this practice any more" };
        end.set("statusReason", json!({ "text": reason }));
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Identifier;
    use crate::identity::{PersonId, ResourceId};
    use crate::yaml::Source;

    #[test]
    fn a_copy_is_remembered_while_it_is_open_and_ends_in_few_words() {
        let person = PersonId::of(&Identifier::new("urn:oid:1.2", "4711"));
        let id = ResourceId::of(person, "Task", "call");
        let mut task = Resource::new("Task")
            .with("id", json!(id.to_string()))
            .with("status", json!("requested"))
            .with("intent", json!("order"))
            .with("description", json!("Call the patient."));
        let mut record = Record::new(person);
        record.resources.insert(
            ("Task".to_string(), id),
            Stored {
                id,
                version: 3,
                updated: Timestamp::UNIX_EPOCH,
                resource: task.clone(),
                state: Default::default(),
            },
        );
        let mut head = Head::new(person);
        remember(&mut head, "lakeside-practice", &task, "agreements/lakeside.yaml:7");
        let names = crate::agreement::Names { partners: None, panels: None, value_sets: Default::default() };
        let none = crate::agreement::compile(&[], &names).0;
        assert!(take_back(&mut head, &record, &none, &[], Timestamp::UNIX_EPOCH).is_empty(), "a file may be missing");
        assert_eq!(head.copies.len(), 1);
        let text = "agreement: a\npartner: lakeside-practice\npurpose: [TREAT]\npatients: { panel: lakeside }\n\
                    receives:\n  - { resource: Task, push: immediate }\n";
        let (other, problems) = crate::agreement::compile(&[Source::new("agreements/a.yaml", text)], &names);
        assert_eq!(problems, []);
        let endings = take_back(&mut head, &record, &other, &[], Timestamp::UNIX_EPOCH);
        assert_eq!(endings.len(), 1);
        assert_eq!(endings[0].subject, format!("Task/{id}/_history/3"));
        assert_eq!(endings[0].agreement, "agreements/lakeside.yaml:7");
        assert_eq!(endings[0].resource.text("status"), Some("cancelled"));
        assert_eq!(endings[0].resource.get("description"), None);
        assert!(head.copies.is_empty() && take_back(&mut head, &record, &other, &[], Timestamp::UNIX_EPOCH).is_empty());
        remember(&mut head, "lakeside-practice", &task, "agreements/lakeside.yaml:7");
        task.set("status", json!("completed"));
        remember(&mut head, "lakeside-practice", &task, "agreements/lakeside.yaml:7");
        assert!(head.copies.is_empty(), "what has ended there needs no taking back");
    }

    #[test]
    fn the_end_of_a_copy_says_nothing_of_what_it_was_and_of_whom() {
        let reference = json!({ "reference": "Patient/p", "display": "Jane Doe" });
        for (kind, patient) in [("Task", "for"), ("Flag", "subject"), ("CarePlan", "subject")] {
            let work = Resource::new(kind)
                .with("id", json!("x"))
                .with("identifier", json!([{ "system": "urn:x", "value": "x" }]))
                .with("status", json!("active"))
                .with("code", json!({ "text": "Visit for substance use" }))
                .with("title", json!("Programme for substance use"))
                .with(patient, reference.clone());
            let end = ended(&work, true);
            let text = Value::from(end.clone()).to_string();
            assert!(!text.contains("substance") && !text.contains("Jane"), "{text}");
            assert_eq!(end.text("status"), end_word(kind));
            assert_eq!(end.get(patient).unwrap()["reference"], "Patient/p");
            assert_eq!(end.get("code").is_some(), kind == "Flag");
        }
    }
}
