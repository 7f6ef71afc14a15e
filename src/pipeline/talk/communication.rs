//! One thing said to one person of the site about a task, as FHIR has it (http://hl7.org/fhir/R4/communication.html): about and part of
//! the Task, `received` once they opened it. Each of several who are named gets one, so that each is read for itself.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fhir::Resource;
use crate::fhir::search::{Asked, Criterion, SearchTable, TokenValue};
use crate::identity::{PersonId, ResourceId};
use crate::protocol::{Holder, PERSON, TALK};
use crate::record::Stored;
use crate::store::{Query, StoreError, Term};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/communication-category";

/// What is said to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: ResourceId,
    /// The Task.
    pub about: Option<ResourceId>,
    pub from: Holder,
    pub to: Holder,
    pub sent: Timestamp,
    pub text: String,
    /// When whom it is for opened it.
    pub read: Option<Timestamp>,
}

impl Message {
    /// None for a Communication that is not between people of the site.
    pub fn of(stored: &Stored) -> Option<Self> {
        let resource = &stored.resource;
        let list = |element: &str| resource.get(element).and_then(|list| list.get(0));
        // Nothing lost: a time that cannot be read counts as none, and the message as unread.
        let moment = |element: &str| resource.text(element).and_then(|at| at.parse::<Timestamp>().ok());
        let task = list("about").and_then(|about| about.get("reference")?.as_str()?.strip_prefix("Task/"));
        // Nothing lost: the reference is ours; another one stands in the resource.
        let about = task.and_then(|id| id.parse().ok());
        let text = list("payload").and_then(|payload| payload.get("contentString")?.as_str());
        Some(Self {
            id: stored.id,
            about,
            from: holder(resource.get("sender")?)?,
            to: holder(list("recipient")?)?,
            sent: moment("sent").unwrap_or(stored.updated),
            text: text.unwrap_or_default().to_string(),
            read: moment("received"),
        })
    }

    /// A new one, not labelled yet.
    pub(super) fn write(&self, task: &Stored, patient: PersonId, answers: Option<ResourceId>) -> Resource {
        let about = json!([{ "reference": format!("Task/{}", task.id) }]);
        let patient = json!({ "reference": format!("Patient/{}", ResourceId::patient(patient)) });
        let category = json!({ "coding": [{ "system": CATEGORY, "code": "notification", "display": "Notification" }] });
        let mut resource = Resource::new("Communication")
            .with("meta", json!({ "tag": [tag(FOR, &self.to.id), tag(UNREAD, &self.to.id)] }))
            .with("status", json!("completed"))
            .with("category", json!([category]))
            .with("subject", task.resource.get("for").cloned().unwrap_or(patient))
            .with("about", about.clone())
            .with("partOf", about)
            .with("sent", json!(self.sent.to_string()))
            .with("sender", reference(&self.from))
            .with("recipient", json!([reference(&self.to)]))
            .with("payload", json!([{ "contentString": self.text }]));
        if let Some(answered) = answers {
            resource.set("inResponseTo", json!([{ "reference": format!("Communication/{answered}") }]));
        }
        resource
    }
}

const FOR: &str = "for";
const UNREAD: &str = "unread";

/// By which a person's messages are found; a code of both, since a search is narrowed by codes.
fn tag(what: &str, login: &str) -> Value {
    json!({ "system": TALK, "code": format!("{what}:{login}") })
}

fn reference(holder: &Holder) -> Value {
    json!({ "type": "Practitioner", "identifier": { "system": PERSON, "value": holder.id }, "display": holder.name })
}

fn holder(reference: &Value) -> Option<Holder> {
    let identifier =
        reference.get("identifier").filter(|one| one.get("system").is_some_and(|system| system == PERSON))?;
    let id = identifier.get("value")?.as_str()?.to_string();
    let name = reference.get("display").and_then(Value::as_str).unwrap_or(&id).to_string();
    Some(Holder { id, name })
}

/// Whether somebody has not opened it yet.
pub(super) fn is_unread(resource: &Resource, login: &str) -> bool {
    let tags = resource.get("meta").and_then(|meta| meta.get("tag")?.as_array());
    tags.is_some_and(|tags| tags.contains(&tag(UNREAD, login)))
}

/// That whom it is for has opened it.
pub(super) fn open(resource: &mut Resource, login: &str, now: Timestamp) {
    resource.set("received", json!(now.to_string()));
    let gone = tag(UNREAD, login);
    if let Some(Value::Array(tags)) = resource.as_map_mut().get_mut("meta").and_then(|meta| meta.get_mut("tag")) {
        // Nothing lost: when it was read stands in `received`.
        tags.retain(|tag| *tag != gone);
    }
}

/// All that is for somebody, or what of it they have not opened.
pub(super) fn query(login: &str, unread: bool) -> Result<Query, StoreError> {
    let by_tag = SearchTable::built_in().find("Communication", "_tag");
    let by_tag = by_tag.ok_or_else(|| StoreError::Refused("Communications are not searched by tag".to_string()))?;
    let code = format!("{}:{login}", if unread { UNREAD } else { FOR });
    let asked = TokenValue { system: Some(TALK.to_string()), code: Some(code), is_implied: false };
    let terms = vec![Term::Of(Criterion::any(by_tag, vec![Asked::Token(asked)]))];
    Ok(Query { resource_type: "Communication".to_string(), terms })
}
