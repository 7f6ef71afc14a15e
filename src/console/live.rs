//! What happens, as it happens: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
//! Carries ids and codes only; pages fetch what they show.

use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::Console;
use super::session::{Asks, COOKIE, Found, Person};
use crate::pipeline::Event;

/// A line that keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The events of a session, which end with it.
struct Stream {
    console: web::Data<Console>,
    cookie: String,
    events: Receiver<Event>,
    open: watch::Receiver<()>,
}

pub(super) async fn stream(console: web::Data<Console>, request: HttpRequest, _person: Person) -> HttpResponse {
    let cookie = request.cookie(COOKIE).map(|cookie| cookie.value().to_string()).unwrap_or_default();
    let events = console.gateway.events.subscribe();
    let stream = console.sessions.watch(&cookie).map(|open| Stream { console, cookie, events, open });
    let lines = futures_util::stream::unfold(stream, |stream| async move {
        let mut stream = stream?;
        match next(&mut stream).await {
            Some(text) => Some((Ok::<Bytes, actix_web::Error>(Bytes::from(text)), Some(stream))),
            None => Some((Ok(Bytes::from_static(b"event: over\ndata: {}\n\n")), None)),
        }
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(lines)
}

/// The next event as text; none when the session or the gateway ends.
async fn next(stream: &mut Stream) -> Option<String> {
    let Stream { console, cookie, events, open } = stream;
    let text = tokio::select! {
        // Its sender goes with the session.
        _ = open.changed() => return None,
        next = tokio::time::timeout(HEARTBEAT, events.recv()) => match next {
            Ok(Ok(event)) => format!("data: {}\n\n", serde_json::to_string(&event).ok()?),
            Ok(Err(RecvError::Lagged(missed))) => format!("event: missed\ndata: {missed}\n\n"),
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => ": still here\n\n".to_string(),
        },
    };
    // A session that ended by itself, or of somebody who is no more of the site, is found over when it is looked at.
    let found = console.sessions.find(cookie, console.gateway.clock.now(), &console.gateway.site.load(), Asks::Page);
    matches!(found, Found::Person(_)).then_some(text)
}
