//! Which partners hold a copy of open work, and how those copies end when no agreement covers the patient any more: what was
//! sent under an agreement may be taken back under it, in the fewest words that a Task, Flag or CarePlan can have.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::agreement::{AgreementSet, Exit, Question};
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
}

/// Types of work that a practice keeps on a list until it hears that it ended, with the word for that.
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

/// The copies at partners whom no agreement lets know of this patient any more; they are forgotten here.
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
            if agreements.decide(&question).concerns {
                return true;
            }
            endings.push(Ending {
                partner: partner.clone(),
                subject: format!("{name}/_history/{}", stored.version),
                resource: ended(&stored.resource),
                agreement: agreement.clone(),
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

/// What the type requires, what it is called, and that it has ended: nothing that came to be after the patient left.
fn ended(resource: &Resource) -> Resource {
    let kind = resource.resource_type();
    let mut end = Resource::new(kind);
    for element in ["id", "identifier", "intent", "code", "title", "for", "subject"] {
        if let Some(value) = resource.get(element) {
            end.set(element, value.clone());
        }
    }
    end.set("status", end_word(kind).map_or(Value::Null, |word| json!(word)));
    if kind == "Task" {
        end.set("statusReason", json!({ "text": "the patient is on no panel of this practice any more" }));
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Identifier;
    use crate::identity::{PersonId, ResourceId};

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
        let endings = take_back(&mut head, &record, &none, &[], Timestamp::UNIX_EPOCH);
        assert_eq!(endings.len(), 1);
        assert_eq!(endings[0].subject, format!("Task/{id}/_history/3"));
        assert_eq!(endings[0].agreement, "agreements/lakeside.yaml:7");
        assert_eq!(endings[0].resource.text("status"), Some("cancelled"));
        assert_eq!(endings[0].resource.get("description"), None);
        assert!(head.copies.is_empty() && take_back(&mut head, &record, &none, &[], Timestamp::UNIX_EPOCH).is_empty());
        remember(&mut head, "lakeside-practice", &task, "agreements/lakeside.yaml:7");
        task.set("status", json!("completed"));
        remember(&mut head, "lakeside-practice", &task, "agreements/lakeside.yaml:7");
        assert!(head.copies.is_empty(), "what has ended there needs no taking back");
    }
}
