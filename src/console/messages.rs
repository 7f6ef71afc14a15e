//! The list of messages, newest first, with those that were refused one click away.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::Console;
use super::page::{self, Frame};
use super::session::Person;
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
    faulty: bool,
    next: Option<String>,
}

struct Row {
    summary: MessageSummary,
    received: String,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let filter = MessageFilter {
        feed: given(&asked.feed),
        faulty: asked.faulty.is_some(),
        patient: given(&asked.patient),
        control: given(&asked.control),
    };
    let cursor = given(&asked.after).map(Cursor);
    let page = match console.gateway.store.messages(&filter, cursor.as_ref(), PAGE).await {
        Ok(page) => page,
        Err(error) => return page::store_fault(&error),
    };
    let site = console.gateway.site.load_full();
    let zone_of = |feed: &str| site.feeds.get(feed).map_or(jiff::tz::TimeZone::UTC, |feed| feed.zone.clone());
    let rows = page
        .items
        .into_iter()
        .map(|summary| Row { received: page::second(summary.received, &zone_of(&summary.feed)), summary });
    page::show(&Messages {
        frame: Frame::new("messages", &person),
        rows: rows.collect(),
        feeds: site.feeds.keys().cloned().collect(),
        feed: filter.feed.unwrap_or_default(),
        control: filter.control.unwrap_or_default(),
        faulty: filter.faulty,
        next: page.next.map(|cursor| cursor.0),
    })
}
