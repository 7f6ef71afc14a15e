//! What was sent to whom, what waits, what was given up, and the button that tries again.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::store::{Cursor, Delivery, DeliveryFilter, DeliveryState};

const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    partner: Option<String>,
    state: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "console/deliveries.html")]
struct Deliveries {
    frame: Frame,
    rows: Vec<Row>,
    partners: Vec<String>,
    partner: String,
    state: String,
    next: Option<String>,
}

struct Row {
    delivery: Delivery,
    created: String,
    state: &'static str,
    last: String,
    next: String,
}

pub(super) fn state_name(state: &DeliveryState) -> &'static str {
    match state {
        DeliveryState::Dead => "given up",
        other => other.word(),
    }
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    let state = asked.state.unwrap_or_default();
    let filter = DeliveryFilter {
        partner: asked.partner.filter(|partner| !partner.is_empty()),
        state: DeliveryState::named(&state),
        ..DeliveryFilter::default()
    };
    let cursor = Cursor::given(asked.after.as_deref().unwrap_or_default());
    let page = console.gateway.store.deliveries(&filter, cursor.as_ref(), PAGE).await?;
    let now = console.gateway.clock.now();
    let site = console.gateway.site.load_full();
    let frame = Frame::new("deliveries", &console, &person);
    turn::make(move || {
        let zone = page::zone_of(&site);
        let rows = page.items.into_iter().map(|delivery| Row {
            created: page::second(delivery.new.created, &zone),
            state: state_name(&delivery.state),
            last: delivery.attempts.last().map(|attempt| attempt.result.clone()).unwrap_or_default(),
            next: delivery.next.map(|next| page::distance(next.max(now), now)).unwrap_or_default(),
            delivery,
        });
        Deliveries {
            rows: rows.collect(),
            partners: site.partners.keys().cloned().collect(),
            partner: filter.partner.clone().unwrap_or_default(),
            state,
            next: page.next.map(|cursor| cursor.0),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

pub(super) async fn retry(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<FormKey>,
) -> Answer {
    form.check(&person)?;
    let gateway = &console.gateway;
    if !gateway.store.retry_delivery(&id, gateway.clock.now()).await? {
        return Err(Fault::no_such("delivery"));
    }
    gateway.delivery_bell.notify_one();
    Ok(page::see("/console/deliveries"))
}
