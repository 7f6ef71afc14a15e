//! One message and all that came of it: its bytes with what was read marked, faults, resources, decisions, deliveries.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::highlight::{self, Shown};
use super::page::{self, Frame};
use super::part::{Asked, LINES, Part};
use super::session::Person;
use super::{Console, look, turn};
use crate::identity::{PersonId, ResourceId};
use crate::site::CLIENT;
use crate::store::{Cursor, Delivery, DeliveryFilter, MessageEntry, MessageSummary, TraceLine};

#[derive(Template)]
#[template(path = "console/trace.html")]
struct TracePage {
    frame: Frame,
    summary: MessageSummary,
    received: String,
    message: Shown,
    answer: Shown,
    problems: Part<TraceLine>,
    unread: Part<String>,
    resources: Part<Written>,
    decisions: Part<TraceLine>,
    agreements: Part<TraceLine>,
    deliveries: Vec<Delivery>,
    more_deliveries: Option<String>,
    timing: Vec<(String, u64)>,
    /// Whether maps read such a message.
    has_maps: bool,
}

/// `Task/id/_history/2` in its parts.
pub(super) struct Written {
    pub kind: String,
    pub id: String,
    pub version: String,
}

pub(super) async fn show(
    console: web::Data<Console>,
    person: Person,
    sequence: web::Path<u64>,
    asked: web::Query<Asked>,
) -> Answer {
    let asked = asked.into_inner();
    let entry = looked_up(&console, &person, *sequence).await?;
    let filter = DeliveryFilter { message: Some(*sequence), ..DeliveryFilter::default() };
    let after = asked.cursor("deliveries").and_then(Cursor::given);
    let deliveries = console.gateway.store.deliveries(&filter, after.as_ref(), LINES).await?;
    let site = console.gateway.site.load_full();
    let frame = Frame::new("messages", &console, &person);
    turn::make(move || {
        let zone = site.feeds.get(&entry.summary.feed).map_or_else(|| page::zone_of(&site), |feed| feed.zone.clone());
        let MessageEntry { summary, raw, answer, trace, .. } = entry;
        TracePage {
            frame: frame.in_zone(&zone),
            received: page::second(summary.received, &zone),
            message: highlight::part(&raw, &trace.lineage, asked.from("message")),
            answer: highlight::part(&answer, &[], asked.from("answer")),
            problems: Part::of("problems", trace.problems, &asked),
            unread: Part::of("unread", trace.unread.iter().map(ToString::to_string).collect(), &asked),
            resources: Part::of("resources", trace.resources.iter().filter_map(|path| written(path)).collect(), &asked),
            decisions: Part::of("decisions", trace.decisions, &asked),
            agreements: Part::of("agreements", trace.agreements, &asked),
            timing: trace.timing_micros,
            has_maps: site.feeds.contains_key(&summary.feed),
            deliveries: deliveries.items,
            more_deliveries: deliveries.next.map(|cursor| cursor.0),
            summary,
        }
    })
    .await
}

/// A stored message, after who looks at it was written down.
pub(super) async fn looked_up(console: &Console, person: &Person, sequence: u64) -> Result<MessageEntry, Fault> {
    let found = console.gateway.store.message(sequence).await?;
    let entry = found.ok_or_else(|| Fault::no_such("message"))?;
    let patient: Option<PersonId> =
        entry.summary.patient.as_ref().and_then(|patient| patient.parse::<ResourceId>().ok()).map(|id| id.person);
    look::note(console, person, patient, format!("message/{sequence}")).await?;
    Ok(entry)
}

pub(super) fn written(path: &str) -> Option<Written> {
    let mut parts = path.split('/');
    let (kind, id) = (parts.next()?.to_string(), parts.next()?.to_string());
    Some(Written { kind, id, version: parts.nth(1).unwrap_or_default().to_string() })
}

/// The bytes as they came, for a repair outside.
pub(super) async fn raw(console: web::Data<Console>, person: Person, sequence: web::Path<u64>) -> Answer {
    let entry = looked_up(&console, &person, *sequence).await?;
    let is_write = entry.summary.feed.starts_with(CLIENT);
    let (media_type, ending) =
        if is_write { ("application/octet-stream", "http") } else { ("application/hl7-v2", "hl7") };
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"message-{sequence}.{ending}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(entry.raw))
}

/// Takes the same bytes again, after a mapping or a site was repaired.
pub(super) async fn replay(
    console: web::Data<Console>,
    person: Person,
    sequence: web::Path<u64>,
    form: web::Form<FormKey>,
) -> Answer {
    form.check(&person)?;
    let answer = console.gateway.replay(*sequence, &person.agent()).await?.ok_or_else(|| Fault::no_such("message"))?;
    Ok(page::see(&format!("/console/messages/{}", answer.sequence.unwrap_or(*sequence))))
}
