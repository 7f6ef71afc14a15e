//! What happens, as it happens: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
//! Carries ids and codes only; pages fetch what they show.

use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Console;
use super::session::Person;
use crate::pipeline::Event;

/// A line that keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) async fn stream(console: web::Data<Console>, _person: Person) -> HttpResponse {
    let events = console.gateway.events.subscribe();
    let lines = futures_util::stream::unfold(events, |mut events| async move {
        let text = next(&mut events).await?;
        Some((Ok::<Bytes, actix_web::Error>(Bytes::from(text)), events))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(lines)
}

/// The next event as text; none when the gateway stops.
async fn next(events: &mut Receiver<Event>) -> Option<String> {
    match tokio::time::timeout(HEARTBEAT, events.recv()).await {
        Ok(Ok(event)) => Some(format!("data: {}\n\n", serde_json::to_string(&event).ok()?)),
        Ok(Err(RecvError::Lagged(missed))) => Some(format!("event: missed\ndata: {missed}\n\n")),
        Ok(Err(RecvError::Closed)) => None,
        Err(_) => Some(": still here\n\n".to_string()),
    }
}
