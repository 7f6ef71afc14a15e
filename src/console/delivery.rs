//! One delivery: where it is and why, each attempt with what came back, what it carries for those who may see it, and the buttons that
//! try it again or leave it for good.

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::access::may_open;
use super::deliveries::state_name;
use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::lane::Lane;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, look, own, turn};
use crate::agreement::is_for_few;
use crate::fhir::Resource;
use crate::identity::ResourceId;
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
    lane: Option<Lane>,
    may_act: bool,
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
    let lane = Lane::of(&console, &person, &delivery.new.partner).await?;
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let frame = Frame::new("deliveries", &console, &person);
    turn::make(move || {
        let zone = page::zone_of(&site);
        let next = delivery.next.map(|next| page::distance(next.max(now), now)).unwrap_or_default();
        DeliveryPage {
            kind: kind_of(&delivery),
            title: lane.as_ref().map_or_else(|| delivery.new.partner.clone(), |lane| lane.title.clone()),
            state: state_name(&delivery.state),
            sentence: sentence(&delivery, &next),
            made: page::second(delivery.new.created, &zone),
            attempts: delivery.attempts.iter().rev().map(|attempt| Try::of(attempt, &zone)).collect(),
            is_full: delivery.attempts.len() >= ATTEMPTS,
            may_act: may_open(&person, "/console"),
            may_see_payload: may_open(&person, "/console/deliveries/{id}/payload"),
            lane: lane.filter(|lane| lane.pause.is_some()),
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

/// By the labels of what was made and of what it tells of as it is now. What cannot be read counts as restricted.
async fn is_restricted(console: &Console, delivery: &Delivery) -> Result<bool, Fault> {
    let mut parts = delivery.new.subject.split('/');
    if let (Some(kind), Some(id)) = (parts.next(), parts.next().and_then(|id| id.parse::<ResourceId>().ok()))
        && let Some(now) = console.gateway.store.resource(kind, id).await?
        && is_for_few(&now.resource)
    {
        return Ok(true);
    }
    Ok(is_for_few_anywhere(&delivery.new.payload))
}

/// A message carries others.
fn is_for_few_anywhere(payload: &Value) -> bool {
    let entries = payload.get("entry").and_then(Value::as_array).into_iter().flatten();
    let carried = entries.filter_map(|entry| entry.get("resource"));
    let is_for_few = |one: &Value| Resource::try_from(one.clone()).map_or(true, |resource| is_for_few(&resource));
    std::iter::once(payload).chain(carried).any(is_for_few)
}

pub(super) async fn retry(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<FormKey>,
) -> Answer {
    form.check(&person)?;
    console.gateway.retry_for(&id, &person.agent()).await?;
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
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_for_few_is_found_in_a_message_too_and_what_cannot_be_read_is_not_shown() {
        let labelled = json!({ "resourceType": "Condition", "meta": { "security": [
            { "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V" }] } });
        let plain = json!({ "resourceType": "Condition" });
        let bundle =
            |one: &Value| json!({ "resourceType": "Bundle", "type": "message", "entry": [{ "resource": one }] });
        assert!(is_for_few_anywhere(&labelled) && is_for_few_anywhere(&bundle(&labelled)));
        assert!(!is_for_few_anywhere(&plain) && !is_for_few_anywhere(&bundle(&plain)));
        assert!(is_for_few_anywhere(&json!({ "status": "x" })));
    }
}
