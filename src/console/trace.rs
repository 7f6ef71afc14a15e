//! One message and all that came of it: its bytes with what was read marked, faults, resources, decisions, deliveries.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::Console;
use super::highlight::{self, Line};
use super::page::{self, Frame};
use super::routes::FormKey;
use super::session::Person;
use crate::store::{Delivery, DeliveryFilter, MessageEntry, TraceLine};

/// More deliveries of one message than a page shows.
const MOST_DELIVERIES: usize = 100;

#[derive(Template)]
#[template(path = "console/trace.html")]
struct TracePage {
    frame: Frame,
    entry: MessageEntry,
    received: String,
    lines: Vec<Line>,
    answer: Vec<Line>,
    problems: Vec<TraceLine>,
    unread: Vec<String>,
    deliveries: Vec<Delivery>,
    resources: Vec<Written>,
    timing: Vec<(String, u64)>,
}

/// `Task/id/_history/2` in its parts.
struct Written {
    kind: String,
    id: String,
    version: String,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, sequence: web::Path<u64>) -> HttpResponse {
    let store = &console.gateway.store;
    let entry = match store.message(*sequence).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return page::not_found("message"),
        Err(error) => return page::store_fault(&error),
    };
    let filter = DeliveryFilter { message: Some(*sequence), ..DeliveryFilter::default() };
    let deliveries = match store.deliveries(&filter, None, MOST_DELIVERIES).await {
        Ok(page) => page.items,
        Err(error) => return page::store_fault(&error),
    };
    let site = console.gateway.site.load_full();
    let zone = site.feeds.get(&entry.summary.feed).map_or(jiff::tz::TimeZone::UTC, |feed| feed.zone.clone());
    page::show(&TracePage {
        frame: Frame::new("messages", &person),
        received: page::second(entry.summary.received, &zone),
        lines: highlight::lines(&entry.raw, &entry.trace.lineage),
        answer: highlight::lines(&entry.answer, &[]),
        problems: entry.trace.problems.clone(),
        unread: entry.trace.unread.iter().map(ToString::to_string).collect(),
        resources: entry.trace.resources.iter().filter_map(|path| written(path)).collect(),
        timing: entry.trace.timing_micros.clone(),
        deliveries,
        entry,
    })
}

fn written(path: &str) -> Option<Written> {
    let mut parts = path.split('/');
    let (kind, id) = (parts.next()?.to_string(), parts.next()?.to_string());
    Some(Written { kind, id, version: parts.nth(1).unwrap_or_default().to_string() })
}

/// The bytes as they came, for a repair outside.
pub(super) async fn raw(console: web::Data<Console>, _person: Person, sequence: web::Path<u64>) -> HttpResponse {
    match console.gateway.store.message(*sequence).await {
        Ok(Some(entry)) => HttpResponse::Ok()
            .content_type("application/hl7-v2")
            .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"message-{sequence}.hl7\"")))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(entry.raw),
        Ok(None) => page::not_found("message"),
        Err(error) => page::store_fault(&error),
    }
}

/// Takes the same bytes again, after a mapping or a site was repaired.
pub(super) async fn replay(
    console: web::Data<Console>,
    person: Person,
    sequence: web::Path<u64>,
    form: web::Form<FormKey>,
) -> HttpResponse {
    if let Err(refusal) = form.check(&person) {
        return *refusal;
    }
    match console.gateway.replay(*sequence, &person.name).await {
        Ok(Some(answer)) => match answer.sequence {
            Some(new) => page::see(&format!("/console/messages/{new}")),
            None => page::see(&format!("/console/messages/{sequence}")),
        },
        Ok(None) => page::not_found("message"),
        Err(error) => page::store_fault(&error),
    }
}
