//! The list of messages, newest first, with those that were refused one click away.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::Answer;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::site::{CLIENT, Site};
use crate::store::{Cursor, MessageFilter, MessageSummary};

const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    feed: Option<String>,
    faulty: Option<String>,
    control: Option<String>,
    patient: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "console/messages.html")]
struct Messages {
    frame: Frame,
    rows: Vec<Row>,
    feeds: Vec<String>,
    feed: String,
    control: String,
    patient: String,
    faulty: bool,
    next: Option<String>,
}

struct Row {
    summary: MessageSummary,
    received: String,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let filter = MessageFilter {
        feed: given(&asked.feed),
        faulty: asked.faulty.is_some(),
        patient: given(&asked.patient),
        control: given(&asked.control),
    };
    let cursor = given(&asked.after).map(Cursor);
    let page = console.gateway.store.messages(&filter, cursor.as_ref(), PAGE).await?;
    let site = console.gateway.site.load_full();
    let frame = Frame::new("messages", &console, &person);
    turn::make(move || {
        let feed = filter.feed.as_ref().and_then(|feed| site.feeds.get(feed));
        let zone = feed.map_or_else(|| page::zone_of(&site), |feed| feed.zone.clone());
        let row = |summary: MessageSummary| Row { received: page::second(summary.received, &zone), summary };
        Messages {
            rows: page.items.into_iter().map(row).collect(),
            feeds: sources(&site),
            feed: filter.feed.unwrap_or_default(),
            control: filter.control.unwrap_or_default(),
            patient: filter.patient.unwrap_or_default(),
            faulty: filter.faulty,
            next: page.next.map(|cursor| cursor.0),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

/// Feeds, and partners that write.
fn sources(site: &Site) -> Vec<String> {
    let writes = site.partners.values().filter(|partner| !site.agreements.sent_types(&partner.name).is_empty());
    let clients =
        writes.filter(|partner| partner.client_id.is_some()).map(|partner| format!("{CLIENT}{}", partner.name));
    site.feeds.keys().cloned().chain(clients).collect()
}
