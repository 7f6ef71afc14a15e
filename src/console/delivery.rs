//! One delivery: where it is and why, each attempt with what came back, what it carries for those who may see it, and the buttons that
//! try it again or leave it for good.

use std::collections::BTreeSet;

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::access::{may_open, may_press};
use super::deliveries::state_name;
use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::lane::Paused;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, look, own, turn};
use crate::agreement::is_for_few;
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::pipeline::own_key;
use crate::store::{ATTEMPTS, Attempt, Delivery, DeliveryState};

#[derive(Template)]
#[template(path = "console/delivery.html")]
struct DeliveryPage {
    frame: Frame,
    delivery: Delivery,
    kind: String,
    title: String,
    state: &'static str,
    /// What that means and what follows.
    sentence: String,
    made: String,
    attempts: Vec<Try>,
    /// Older attempts may have gone.
    is_full: bool,
    pause: Option<Paused>,
    may_act: bool,
    may_drop: bool,
    may_see_payload: bool,
}

struct Try {
    at: String,
    took: String,
    status: String,
    result: String,
    /// What it says of itself beside that.
    notes: Vec<String>,
}

impl Try {
    fn of(attempt: &Attempt, zone: &TimeZone) -> Self {
        let mut notes = Vec::new();
        if !attempt.sent && attempt.status.is_none() {
            notes.push("nothing was sent".to_string());
        }
        if attempt.together {
            notes.push("as one of a transaction".to_string());
        }
        if let Some(until) = attempt.may_arrive_until {
            notes.push(format!("may still arrive there until {}", page::second(until, zone)));
        }
        Self {
            at: page::second(attempt.at, zone),
            took: if attempt.took_millis == 0 { String::new() } else { format!("{} ms", attempt.took_millis) },
            status: attempt.status.map(|status| status.to_string()).unwrap_or_default(),
            result: attempt.result.clone(),
            notes,
        }
    }
}

/// What a state means for whoever looks after it.
fn sentence(delivery: &Delivery, next: &str) -> String {
    let last = delivery.attempts.last().map_or("it was never tried", |attempt| attempt.result.as_str());
    match delivery.state {
        DeliveryState::Dead => format!("Nobody tries it again until a person does. Why: {last}"),
        DeliveryState::Superseded => {
            "The partner has something newer about the same thing, or gets it instead; this would only \
                                      take it back in time, and cannot be tried again."
                .to_string()
        }
        DeliveryState::Withdrawn => format!("It is not sent unless a person has it decided again. Why: {last}"),
        DeliveryState::Held => format!("It is looked at again {next}. Why: {last}"),
        DeliveryState::Waiting if delivery.attempts.is_empty() => format!("It was not tried yet; it is due {next}."),
        DeliveryState::Waiting => format!("It is tried again {next}. The last try: {last}"),
        DeliveryState::Delivered if delivery.next.is_some() => format!("It is sent once more {next}."),
        DeliveryState::Delivered => "The partner took it.".to_string(),
    }
}

async fn found(console: &Console, id: &str) -> Result<Delivery, Fault> {
    console.gateway.store.delivery(id).await?.ok_or_else(|| Fault::no_such("delivery"))
}

fn kind_of(delivery: &Delivery) -> String {
    delivery.new.subject.split('/').next().unwrap_or_default().to_string()
}

pub(super) async fn show(console: web::Data<Console>, person: Person, id: web::Path<String>) -> Answer {
    let delivery = found(&console, &id).await?;
    let pause = Paused::of(&console, &delivery.new.partner).await?;
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let frame = Frame::new("deliveries", &console, &person);
    turn::make(move || {
        let zone = page::zone_of(&site);
        let next = delivery.next.map(|next| page::distance(next.max(now), now)).unwrap_or_default();
        let partner = &delivery.new.partner;
        DeliveryPage {
            kind: kind_of(&delivery),
            title: site.partners.get(partner).map_or(partner, |partner| &partner.title).clone(),
            state: state_name(&delivery.state),
            sentence: sentence(&delivery, &next),
            made: page::second(delivery.new.created, &zone),
            attempts: delivery.attempts.iter().rev().map(|attempt| Try::of(attempt, &zone)).collect(),
            is_full: delivery.attempts.len() >= ATTEMPTS,
            may_act: may_press(&person, "/console/deliveries/{id}/retry"),
            may_drop: may_press(&person, "/console/deliveries/{id}/drop"),
            may_see_payload: may_open(&person, "/console/deliveries/{id}/payload"),
            pause,
            delivery,
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

#[derive(Template)]
#[template(path = "console/payload.html")]
struct PayloadPage {
    frame: Frame,
    delivery: Delivery,
    kind: String,
    state: &'static str,
    patient: String,
    json: String,
}

/// What it carries, after who looks at it was written down.
pub(super) async fn payload(console: web::Data<Console>, person: Person, id: web::Path<String>) -> Answer {
    let delivery = found(&console, &id).await?;
    let (patient, subject) = (delivery.new.person, format!("delivery/{}", delivery.new.id));
    own::check(&console, &person, patient, subject.clone()).await?;
    if !person.sensitive && is_restricted(&console, &delivery).await? {
        return Err(Fault::Refused("What it carries is restricted, and not shown to you.".to_string()));
    }
    look::note(&console, &person, Some(patient), subject).await?;
    let frame = Frame::new("deliveries", &console, &person);
    turn::make(move || PayloadPage {
        frame,
        kind: kind_of(&delivery),
        state: state_name(&delivery.state),
        patient: ResourceId::patient(patient).to_string(),
        json: serde_json::to_string_pretty(&delivery.new.payload).unwrap_or_default(),
        delivery,
    })
    .await
}

/// By the labels of what was made, and of all that it tells of as it is now. What cannot be read counts as restricted.
async fn is_restricted(console: &Console, delivery: &Delivery) -> Result<bool, Fault> {
    let site = console.gateway.site.load_full();
    let keys: Vec<_> = told_of(&site.settings.base_url, delivery).into_iter().collect();
    let now = console.gateway.store.resources(&keys).await?;
    let is_now = now.len() < keys.len() || now.iter().any(|stored| is_for_few(&stored.resource));
    Ok(is_now || carried(&delivery.new.payload).any(is_for_few_made))
}

/// Ours that it is about or carries.
fn told_of(base_url: &str, delivery: &Delivery) -> BTreeSet<(String, ResourceId)> {
    let mut parts = delivery.new.subject.split('/');
    let subject = parts.next().zip(parts.next().and_then(|id| id.parse().ok()));
    let subject = subject.map(|(kind, id)| (kind.to_string(), id));
    carried(&delivery.new.payload).filter_map(|one| own_key(base_url, one)).chain(subject).collect()
}

/// What stands in it: itself, and of a message its entries.
fn carried(payload: &Value) -> impl Iterator<Item = &Value> {
    let entries = payload.get("entry").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(payload).chain(entries.filter_map(|entry| entry.get("resource")))
}

fn is_for_few_made(made: &Value) -> bool {
    Resource::try_from(made.clone()).map_or(true, |resource| is_for_few(&resource))
}

pub(super) async fn retry(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<FormKey>,
) -> Answer {
    form.check(&person)?;
    console.gateway.retry_deliveries(Some(id.into_inner()), None, &person.agent()).await?;
    Ok(page::see("/console/deliveries"))
}

#[derive(Deserialize)]
pub(super) struct Dropped {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    why: String,
}

pub(super) async fn drop_it(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Dropped>,
) -> Answer {
    form.key.check(&person)?;
    console.gateway.drop_delivery(&id, &form.why, &person.agent()).await?;
    Ok(page::see(&format!("/console/deliveries/{}", *id)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::clock::ManualClock;
    use crate::console::Sessions;
    use crate::fhir::Identifier;
    use crate::identity::PersonId;
    use crate::pipeline::{Gateway, own_identifier};
    use crate::record::{Change, Head, State, Stored};
    use crate::site::Site;
    use crate::store::{EngineChoice, HeadWrite, NewDelivery, StoreSettings, WriteUnit, open};

    #[test]
    fn what_is_for_few_is_found_in_a_message_too_and_what_cannot_be_read_is_not_shown() {
        let labelled = json!({ "resourceType": "Condition", "meta": { "security": [
            { "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V" }] } });
        let plain = json!({ "resourceType": "Condition" });
        let bundle =
            |one: &Value| json!({ "resourceType": "Bundle", "type": "message", "entry": [{ "resource": one }] });
        let is_for_few = |payload: &Value| carried(payload).any(is_for_few_made);
        assert!(is_for_few(&labelled) && is_for_few(&bundle(&labelled)));
        assert!(!is_for_few(&plain) && !is_for_few(&bundle(&plain)));
        assert!(is_for_few(&json!({ "status": "x" })));
    }

    /// A message as it was put together, when nothing in it was labelled: of a visit and the condition it was for, as labelled now.
    async fn is_restricted_now(label: Option<&str>, in_store: bool) -> bool {
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let gateway = Gateway::new(open(&settings).unwrap(), Site::bare(Path::new("/")), clock);
        let base_url = gateway.site.load().settings.base_url.clone();
        let person = PersonId::of(&Identifier::new("urn:mrn", "83"));
        let stored = |kind: &str, security: Value| {
            let id = ResourceId::of(person, kind, "1");
            let body = json!({ "resourceType": kind, "id": id.to_string(), "meta": { "security": security } });
            let resource = Resource::try_from(body).unwrap();
            Stored { id, version: 1, updated: Timestamp::UNIX_EPOCH, resource, state: State::default() }
        };
        let security = label
            .map(|code| json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code }));
        let kept = [stored("Encounter", json!([])), stored("Condition", json!(security.as_slice()))];
        let entry = |stored: &Stored| {
            let kind = stored.resource.resource_type();
            let own = own_identifier(&base_url, kind, &stored.id.to_string()).to_json();
            json!({ "resource": { "resourceType": kind, "identifier": [own] } })
        };
        let delivery = NewDelivery {
            id: "one".into(),
            partner: "practice".into(),
            person,
            number: 1,
            subject: format!("Encounter/{}/_history/1", kept[0].id),
            agreement: "agreements/a.yaml:6".into(),
            payload: json!({ "resourceType": "Bundle", "type": "message", "entry":
                [{ "resource": { "resourceType": "MessageHeader" } }, entry(&kept[0]), entry(&kept[1])] }),
            created: Timestamp::UNIX_EPOCH,
            due: Timestamp::UNIX_EPOCH,
            message: None,
            ending: false,
            urgent: false,
        };
        let kept = kept.into_iter().take(if in_store { 2 } else { 1 });
        let unit = WriteUnit {
            heads: vec![HeadWrite { head: Head { revision: 1, ..Head::new(person) }, replaces: 0 }],
            changes: kept.map(|stored| Change { stored, replaces: 0 }).collect(),
            deliveries: vec![delivery],
            ..WriteUnit::default()
        };
        gateway.store.commit(unit).await.unwrap();
        let console = Console::new(Arc::new(gateway), Arc::new(Sessions::default()), Arc::default(), false);
        let mut delivery = found(&console, "one").await.ok().unwrap();
        assert_eq!(told_of(&base_url, &delivery).len(), 2, "the visit once");
        let message = std::mem::take(&mut delivery.new.payload);
        assert_eq!(told_of(&base_url, &delivery).len(), 1, "what it is about, by its subject");
        delivery.new.payload = message;
        is_restricted(&console, &delivery).await.ok().unwrap()
    }

    #[actix_web::test]
    async fn what_a_message_carries_is_judged_as_it_is_labelled_now() {
        assert!(!is_restricted_now(None, true).await);
        assert!(is_restricted_now(Some("R"), true).await);
        assert!(is_restricted_now(None, false).await, "what is not there any more cannot be judged");
    }
}
