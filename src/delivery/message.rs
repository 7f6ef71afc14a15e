//! A visit's message (Da Vinci Unsolicited Notifications 1.1.0, forwarder): put together when it is first to be sent, of what the partner may
//! have by then, and looked through again before each sending. Its ids follow from what it says and to whom, so that sent again it is the
//! same message, and with less in it another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::agreement::{Exit, Question, Verdict, subset};
use crate::fhir::{Identifier, Resource, add_labels, named_uuid};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::{Covered, Gateway, Known, own_key, rendered};
use crate::record::Stored;
use crate::site::{CLIENT, Partner, Site};
use crate::store::{Delivery, StoreError};

/// What goes with a visit, where it is referred to.
const REFERRED: [&str; 6] =
    ["Condition", "Location", "Organization", "Practitioner", "PractitionerRole", "RelatedPerson"];
/// What goes with it in one message; a visit with more is labelled as shortened.
const MOST_TOLD: usize = 500;
/// Of the record no results go along.
const NO_RESULTS: usize = 1;

const AGENTS: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// Whether a delivery is a message.
pub fn is_message(payload: &Value) -> bool {
    payload.get("resourceType").is_some_and(|kind| kind == "Bundle")
}

/// The visit in a message, in the form in which it was to be sent.
pub fn visit_of(payload: &Value) -> Option<Resource> {
    let resources = payload.get("entry")?.as_array()?.iter().filter_map(|entry| entry.get("resource"));
    // Nothing lost: a payload without its visit cannot be sent, and says so.
    resources.filter_map(|one| Resource::try_from(one.clone()).ok()).find(|one| one.resource_type() == "Encounter")
}

/// What is to be sent instead of what is there, with a word for people and one for the audit.
pub struct Rewritten {
    pub payload: Value,
    pub result: String,
    pub because: String,
    /// It was never to be sent as it was: there is no attempt to tell of.
    pub is_first: bool,
}

/// All that a message is made for and of.
pub struct Sending<'a> {
    pub gateway: &'a Gateway,
    pub site: &'a Site,
    pub partner: &'a Partner,
    pub fhir_base: &'a str,
    pub delivery: &'a Delivery,
    pub patient: &'a Covered,
    pub now: Timestamp,
}

/// One thing that goes along.
struct Part {
    kind: String,
    id: ResourceId,
    resource: Value,
}

impl Sending<'_> {
    /// `visit` as the partner may have it; `told` as the record has it. None where the message can go as it is.
    pub async fn look(&self, visit: Resource, told: &Resource) -> Result<Option<Rewritten>, StoreError> {
        let payload = &self.delivery.new.payload;
        let is_made = payload.get("id").is_some();
        let (parts, mut left_out) = if is_made { self.kept(payload).await? } else { self.gathered(told).await? };
        let before = visit_of(payload);
        if is_made && left_out.is_empty() && before.as_ref() == Some(&visit) {
            return Ok(None);
        }
        let names: Vec<String> = parts.iter().map(|part| format!("{}/{}", part.kind, part.id)).collect();
        left_out.extend((before.as_ref() != Some(&visit)).then(|| "of the visit".to_string()));
        let author = self.author().await?;
        let rewritten = self.put_together(visit, parts, &author, is_made || !left_out.is_empty());
        let missing = if left_out.is_empty() { String::new() } else { format!("; left out: {}", left_out.join(", ")) };
        let result = "shortened: the partner may have less of the message by now".to_string();
        let because = format!("a message of the visit with {}{missing}", names.join(", "));
        Ok(Some(Rewritten { payload: rewritten, result, because, is_first: !is_made }))
    }

    /// What goes along with a visit and may; and what may not, by name.
    async fn gathered(&self, visit: &Resource) -> Result<(Vec<Part>, Vec<String>), StoreError> {
        let known = self.gateway.load(self.delivery.new.person, NO_RESULTS).await?;
        let id = visit.id().unwrap_or_default();
        let mut keys: Vec<(String, ResourceId)> =
            vec![("Patient".to_string(), ResourceId::patient(known.record.head.person))];
        let named = visit.references().into_iter().filter_map(|reference| {
            let (kind, id) = reference.split_once('/')?;
            // Nothing lost: what is no id of ours is on another server, and is referred to there.
            Some((kind.to_string(), id.parse().ok()?))
        });
        keys.extend(named.filter(|(kind, _)| REFERRED.contains(&kind.as_str())));
        let of_visit = known.record.of_type("Condition").filter(|condition| {
            condition.resource.reference("encounter").and_then(|visit| visit.strip_prefix("Encounter/")) == Some(id)
        });
        keys.extend(of_visit.map(|condition| ("Condition".to_string(), condition.id)));
        keys.extend(known.record.of_type("Coverage").map(|coverage| ("Coverage".to_string(), coverage.id)));
        let mut seen = BTreeSet::new();
        // Nothing lost: what is named twice goes along once.
        keys.retain(|key| seen.insert(key.clone()));
        let mut left_out: Vec<String> = keys.iter().skip(MOST_TOLD).map(|(kind, id)| format!("{kind}/{id}")).collect();
        // Nothing lost: what is beyond is named, and the message says that it was shortened.
        keys.truncate(MOST_TOLD);
        let mut parts = Vec::new();
        for stored in self.gateway.store.resources(&keys).await? {
            match self.allowed(&stored) {
                Some(resource) => parts.push(self.part(&known, &stored, &resource)),
                None => left_out.push(format!("{}/{}", stored.resource.resource_type(), stored.id)),
            }
        }
        Ok((parts, left_out))
    }

    fn part(&self, known: &Known, stored: &Stored, allowed: &Resource) -> Part {
        let resource = rendered(self.site, (&known.record, &known.memberships), &self.partner.name, allowed, false);
        Part { kind: allowed.resource_type().to_string(), id: stored.id, resource }
    }

    /// As much of a resource as the partner may be shown now.
    fn allowed(&self, stored: &Stored) -> Option<Resource> {
        match self.verdict(stored) {
            (resource, Verdict::Allowed) => Some(resource),
            (resource, Verdict::Without(form)) => Some(form.of(&resource)),
            (_, Verdict::Held(_) | Verdict::Denied) => None,
        }
    }

    /// With the labels of whose it is.
    fn verdict(&self, stored: &Stored) -> (Resource, Verdict) {
        let mut resource = stored.resource.clone();
        if stored.id.person != PersonId::SHARED {
            add_labels(&mut resource, &self.patient.protection);
        }
        let panels: Vec<&str> = self.patient.panels.iter().map(String::as_str).collect();
        let question = Question {
            partner: &self.partner.name,
            exit: Exit::Subscription,
            resource: &resource,
            panels: &panels,
            now: self.now,
        };
        let verdict = self.site.agreements.decide(&question).verdict;
        (resource, verdict)
    }

    /// Of a message that was put together before: what of it may still go, as it was; what may not, or not so, is taken out.
    async fn kept(&self, payload: &Value) -> Result<(Vec<Part>, Vec<String>), StoreError> {
        let base_url = &self.site.settings.base_url;
        let resources = payload.get("entry").and_then(Value::as_array).into_iter().flatten();
        let resources = resources.filter_map(|entry| entry.get("resource"));
        let mut made: BTreeMap<(String, ResourceId), Value> = BTreeMap::new();
        for resource in resources {
            // Nothing lost: the header and who sends it are made anew; the visit is looked at by itself.
            if let Some(key) = own_key(base_url, resource).filter(|(kind, _)| kind != "Encounter") {
                made.insert(key, resource.clone());
            }
        }
        let keys: Vec<(String, ResourceId)> = made.keys().cloned().collect();
        let (mut parts, mut left_out) = (Vec::new(), Vec::new());
        for stored in self.gateway.store.resources(&keys).await? {
            let key = (stored.resource.resource_type().to_string(), stored.id);
            let name = format!("{}/{}", key.0, key.1);
            // Nothing lost: only what is in the message was asked for.
            let Some(resource) = made.remove(&key) else { continue };
            let mut made = Resource::try_from(resource).unwrap_or_else(|_| Resource::new(&key.0));
            match self.verdict(&stored).1 {
                Verdict::Allowed => {}
                Verdict::Without(form) => {
                    let less = form.of(&made);
                    left_out.extend((less != made).then(|| format!("of {name}")));
                    made = less;
                }
                Verdict::Held(_) | Verdict::Denied => {
                    left_out.push(name);
                    continue;
                }
            }
            parts.push(Part { kind: key.0, id: key.1, resource: made.into() });
        }
        left_out.extend(made.keys().map(|(kind, id)| format!("{kind}/{id}")));
        Ok((parts, left_out))
    }

    /// Who told of the visit: the feed's or the partner's title.
    async fn author(&self) -> Result<String, StoreError> {
        let mut subject = self.delivery.new.subject.split('/').skip(1);
        let id = subject.next().and_then(|id| id.parse().ok());
        let stored = match id {
            Some(id) => self.gateway.store.resource("Encounter", id).await?,
            None => None,
        };
        let feed = stored.as_ref().and_then(Stored::feed).unwrap_or_default();
        let title = match feed.strip_prefix(CLIENT) {
            Some(partner) => self.site.partners.get(partner).map(|partner| partner.title.clone()),
            None => self.site.feeds.get(feed).map(|feed| feed.title.clone()),
        };
        Ok(title.unwrap_or_else(|| feed.to_string()))
    }

    fn put_together(&self, visit: Resource, parts: Vec<Part>, author: &str, is_shortened: bool) -> Value {
        let (settings, delivery) = (&self.site.settings, &self.delivery.new);
        let event = delivery.payload.pointer("/entry/0/resource/eventCoding").cloned().unwrap_or_default();
        let mut links: BTreeMap<Identifier, String> = BTreeMap::new();
        let patient = visit.get("subject").and_then(|subject| Identifier::from_json(subject.get("identifier")?));
        let visit = Value::from(visit);
        let mut entries: Vec<(String, Value)> = Vec::new();
        for resource in std::iter::once(visit).chain(parts.into_iter().map(|part| part.resource)) {
            let name = resource.pointer("/identifier/0").and_then(Identifier::from_json);
            let url = name.as_ref().map(|name| urn(&[&name.token()])).unwrap_or_else(|| urn(&[&resource.to_string()]));
            links.extend(name.map(|name| (name, url.clone())));
            if resource.get("resourceType").is_some_and(|kind| kind == "Patient") {
                links.extend(patient.clone().map(|number| (number, url.clone())));
            }
            entries.push((url, resource));
        }
        entries.iter_mut().for_each(|(_, resource)| link(resource, &links));
        let said: String = entries.iter().map(|(_, resource)| resource.to_string()).collect();
        let seed = [delivery.id.as_str(), &event.to_string(), if is_shortened { "shortened" } else { "" }, &said];
        let (id, header_id, provenance_id) =
            (named("bundle", &seed), named("header", &seed), named("provenance", &seed));
        let self_url = urn(&[&settings.base_url]);
        let focus = entries.first().map(|(url, _)| json!([{ "reference": url }])).unwrap_or_default();
        let header = json!({
            "resourceType": "MessageHeader",
            "id": header_id,
            "eventCoding": event,
            "destination": [{ "name": self.partner.title, "endpoint": address(self.fhir_base) }],
            "sender": { "reference": self_url, "display": settings.facility },
            "source": {
                "name": settings.application,
                "software": "Handover",
                "version": env!("CARGO_PKG_VERSION"),
                "endpoint": address(&format!("{}/fhir", settings.base_url)),
            },
            "focus": focus,
        });
        let agent =
            |code: &str, who: Value| json!({ "type": { "coding": [{ "system": AGENTS, "code": code }] }, "who": who });
        let provenance = json!({
            "resourceType": "Provenance",
            "id": provenance_id,
            "target": [{ "reference": format!("urn:uuid:{header_id}") }],
            "recorded": format!("{:.3}", self.now),
            "agent": [
                agent("author", json!({ "display": author })),
                agent("assembler", json!({ "reference": self_url, "display": settings.facility })),
            ],
        });
        let sender = json!({
            "resourceType": "Organization",
            "identifier": [{ "system": "urn:ietf:rfc:3986", "value": settings.base_url }],
            "active": true,
            "name": settings.facility,
        });
        let first = [(format!("urn:uuid:{header_id}"), header), (format!("urn:uuid:{provenance_id}"), provenance)];
        let all = first.into_iter().chain(entries).chain([(self_url, sender)]);
        let entry: Vec<Value> = all.map(|(url, resource)| json!({ "fullUrl": url, "resource": resource })).collect();
        let mut bundle = Resource::new("Bundle").with("id", json!(id));
        if is_shortened {
            subset(&mut bundle);
        }
        bundle.set("type", json!("message"));
        bundle.set("timestamp", json!(format!("{:.3}", self.now)));
        bundle.set("entry", Value::Array(entry));
        bundle.into()
    }
}

/// Where messages of a FHIR server go.
pub fn address(fhir_base: &str) -> String {
    format!("{}/$process-message", fhir_base.trim_end_matches('/'))
}

fn named(what: &str, seed: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in std::iter::once(&what).chain(seed) {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    named_uuid(&hasher.finalize())
}

fn urn(seed: &[&str]) -> String {
    format!("urn:uuid:{}", named("entry", seed))
}

/// Names what is in the message by its place there, beside its identifier; what is not there any more by that alone.
fn link(value: &mut Value, links: &BTreeMap<Identifier, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| link(item, links)),
        Value::Object(members) => {
            let is_here =
                members.get("reference").and_then(Value::as_str).is_some_and(|url| url.starts_with("urn:uuid:"));
            if is_here {
                members.shift_remove("reference");
            }
            let target = members.get("identifier").and_then(Identifier::from_json).and_then(|name| links.get(&name));
            if let Some(url) = target.filter(|_| members.contains_key("type") && !members.contains_key("resourceType"))
            {
                members.insert("reference".to_string(), json!(url));
            }
            members.values_mut().for_each(|item| link(item, links));
        }
        // Nothing lost: a text, a number and a null hold no reference.
        _ => {}
    }
}
