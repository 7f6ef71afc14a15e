//! What was sent to whom, what waits, what was given up; of one partner its lane.

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::access::may_press;
use super::fault::Answer;
use super::lane::Lane;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::pipeline::{Server, way};
use crate::site::{Partner, Site};
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
    /// Of the partner that is chosen.
    lane: Option<Lane>,
    may_act: bool,
    servers: Vec<ServerRow>,
}

/// What one partner's server says that it offers.
struct ServerRow {
    partner: String,
    software: String,
    /// When it said so; empty where it never did.
    said: String,
    fault: String,
    /// Each type that it is sent, how it gets there, and what of that it does not offer.
    types: Vec<(String, &'static str, String)>,
}

impl ServerRow {
    fn of(site: &Site, partner: &Partner, server: Option<&Server>, zone: &TimeZone) -> Self {
        let offered = server.and_then(|server| server.offered.as_ref());
        let said = server.and_then(|server| server.read).map(|read| page::second(read, zone));
        let types = site.agreements.pushed_types(&partner.name).into_iter().map(|kind| {
            let lacks = offered.map(|offered| offered.lacks(kind)).unwrap_or_default();
            (kind.to_string(), way(server, kind), lacks.join(", "))
        });
        let version = offered.and_then(|offered| offered.fhir_version.as_ref());
        let parts =
            [offered.and_then(|offered| offered.software.clone()), version.map(|version| format!("FHIR {version}"))];
        Self {
            partner: partner.title.clone(),
            software: parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
            said: said.unwrap_or_default(),
            fault: server.and_then(|server| server.fault.clone()).unwrap_or_default(),
            types: types.collect(),
        }
    }
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
    let lane = match &filter.partner {
        Some(partner) => Lane::of(&console, &person, partner).await?,
        None => None,
    };
    let mut servers = Vec::new();
    for partner in site.partners.values().filter(|partner| partner.fhir_base.is_some()) {
        servers.push((partner.name.clone(), console.gateway.server_of(partner).await?));
    }
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
            lane,
            may_act: may_press(&person, "/console/deliveries/{id}/retry"),
            partner: filter.partner.clone().unwrap_or_default(),
            state,
            next: page.next.map(|cursor| cursor.0),
            servers: servers
                .iter()
                .filter_map(|(name, server)| {
                    Some(ServerRow::of(&site, site.partners.get(name)?, server.as_deref(), &zone))
                })
                .collect(),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}
