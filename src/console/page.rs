//! What all pages share: the frame around them, the threads they are made on, times as people read them, pages for faults.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, http::header, web};
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;

use super::Console;
use super::fault::{Answer, Fault};
use super::session::Person;
use crate::site::Site;
use crate::store::StoreError;

/// So many pages are made at once, on threads beside the runtime's: a large one delays other pages, never messages.
static MAKING: Semaphore = Semaphore::const_new(4);
/// Whoever waits longer for a turn is told to come again.
const TURN: Duration = Duration::from_secs(20);
/// Why a site was not taken over, in so many lines; `handover check` has all of them.
const REASONS: usize = 5;

/// The frame: which part of the menu is lit, the key that forms send back, who is logged in, the page's one zone, and what
/// everybody is to know who works with the gateway now.
pub(super) struct Frame {
    pub here: &'static str,
    pub form_key: String,
    pub name: String,
    pub zone: String,
    pub stale: Option<StaleSite>,
}

/// That the site in force is older than its folder: since when, in words, and the reasons.
pub(super) struct StaleSite {
    pub since: String,
    pub text: String,
    pub reasons: Vec<String>,
    /// How many more reasons there are than are shown.
    pub more: usize,
}

impl StaleSite {
    fn of(console: &Console) -> Option<Self> {
        let fault = console.gateway.stale_site()?;
        let zone = zone_of(&console.gateway.site.load());
        Some(Self {
            since: format!("{} {}", minute(fault.since, &zone), zone.iana_name().unwrap_or("UTC")),
            more: fault.details.len().saturating_sub(REASONS),
            reasons: fault.details.into_iter().take(REASONS).collect(),
            text: fault.text,
        })
    }
}

impl Frame {
    pub(super) fn new(here: &'static str, console: &Console, person: &Person) -> Self {
        Self {
            here,
            form_key: person.form_key.clone(),
            name: person.name.clone(),
            zone: String::new(),
            stale: StaleSite::of(console),
        }
    }

    /// For whoever is not logged in: without a menu.
    pub(super) fn nobody() -> Self {
        Self { here: "", form_key: String::new(), name: String::new(), zone: String::new(), stale: None }
    }

    /// Names the zone in which every time on the page is told.
    pub(super) fn in_zone(self, zone: &TimeZone) -> Self {
        Self { zone: zone.iana_name().unwrap_or("UTC").to_string(), ..self }
    }
}

/// The zone that all feeds and practices of the site share; UTC where they are several.
pub(super) fn zone_of(site: &Site) -> TimeZone {
    let mut zones =
        site.feeds.values().map(|feed| &feed.zone).chain(site.panels.values().map(|panel| &panel.practice.zone));
    let first = zones.next().cloned().unwrap_or(TimeZone::UTC);
    if zones.all(|zone| *zone == first) { first } else { TimeZone::UTC }
}

#[derive(Template)]
#[template(path = "console/fault.html")]
struct FaultPage<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

/// A page that says what went wrong and what to do.
pub(super) fn fault(frame: Frame, status: StatusCode, title: &str, text: &str) -> HttpResponse {
    show_as(status, &FaultPage { frame, title, text })
}

/// A small page, made where it is asked for.
pub(super) fn show(page: &impl Template) -> HttpResponse {
    show_as(StatusCode::OK, page)
}

/// A form once more, with what was wrong in it.
pub(super) fn ask_again(page: &impl Template) -> HttpResponse {
    show_as(StatusCode::BAD_REQUEST, page)
}

/// A page that may take a while: put together and written on a thread of its own.
pub(super) async fn make<P: Template>(put_together: impl FnOnce() -> P + Send + 'static) -> Answer {
    let Ok(Ok(turn)) = tokio::time::timeout(TURN, MAKING.acquire()).await else { return Err(Fault::Busy) };
    let made = web::block(move || {
        let html = put_together().render();
        drop(turn);
        html
    });
    match made.await {
        Ok(html) => Ok(answer(StatusCode::OK, html)),
        Err(_) => Err(Fault::Busy),
    }
}

/// What reads much of the store, in its turn and to its end: it reads on when nobody waits for the page any more.
pub(super) async fn read<T: 'static>(
    console: &Console,
    person: &Person,
    reading: impl Future<Output = Result<T, StoreError>> + 'static,
) -> Result<T, Fault> {
    // By session: the name may be another's.
    let turn = console.turns.take(&person.form_key).await.ok_or(Fault::Busy)?;
    let read = actix_web::rt::spawn(async move {
        let read = reading.await;
        drop(turn);
        read
    });
    match read.await {
        Ok(read) => Ok(read?),
        Err(_) => Err(Fault::Busy),
    }
}

fn show_as(status: StatusCode, page: &impl Template) -> HttpResponse {
    answer(status, page.render())
}

/// A page as a response. Pages are never cached: they show patients.
fn answer(status: StatusCode, html: askama::Result<String>) -> HttpResponse {
    match html {
        Ok(html) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                 form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .body(html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            HttpResponse::InternalServerError().body("this page cannot be shown")
        }
    }
}

/// Back to a page after a form was sent.
pub(super) fn see(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// A time in a zone, to the second.
pub(super) fn second(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time in a zone, to the minute.
pub(super) fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// "1 record", "2 records".
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A due date in words a person feels: `in 2 days`, `3 h late`.
pub(super) fn distance(due: Timestamp, now: Timestamp) -> String {
    let seconds = due.as_second() - now.as_second();
    let (amount, unit) = match seconds.unsigned_abs() {
        s if s < 5_400 => (s / 60, "min"),
        s if s < 172_800 => (s / 3_600, "h"),
        // From two days on.
        s => (s / 86_400, "days"),
    };
    if seconds >= 0 { format!("in {amount} {unit}") } else { format!("{amount} {unit} late") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use actix_web::ResponseError;

    use super::*;
    use crate::clock::ManualClock;
    use crate::console::Sessions;
    use crate::pipeline::Gateway;
    use crate::store::{EngineChoice, StoreSettings, open};
    use crate::web::Turns;

    #[actix_web::test]
    async fn who_reads_more_than_may_be_read_at_once_is_told_to_come_again() {
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let gateway = Gateway::new(open(&settings).unwrap(), Site::bare(Path::new("/")), clock);
        let sessions = Arc::new(Sessions::default());
        let login = || {
            let link = sessions.new_link(Timestamp::UNIX_EPOCH);
            let cookie = sessions.open(&link, "Ida Roe".to_string(), Timestamp::UNIX_EPOCH).unwrap();
            sessions.find(&cookie, Timestamp::UNIX_EPOCH).unwrap()
        };
        let (ida, other) = (login(), login());
        let (pulse, turns) = (Arc::default(), Turns::default());
        let console =
            Console { gateway: Arc::new(gateway), sessions: sessions.clone(), pulse, turns, encrypted: false };
        let endless = || read(&console, &ida, std::future::pending::<Result<(), StoreError>>());
        for reading in [endless(), endless()] {
            // The page is left; its reading goes on.
            assert!(tokio::time::timeout(Duration::from_millis(50), reading).await.is_err());
        }
        let refusal = read(&console, &ida, async { Ok(()) }).await.unwrap_err().error_response();
        assert_eq!(refusal.status(), 503);
        assert_eq!(refusal.headers().get(header::RETRY_AFTER).unwrap(), "5");
        assert!(read(&console, &other, async { Ok(()) }).await.is_ok());
    }

    #[test]
    fn due_dates_are_told_as_people_tell_them() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        assert_eq!(distance(at(600), now), "in 10 min");
        assert_eq!(distance(at(-7_200), now), "2 h late");
        assert_eq!(distance(at(3 * 86_400), now), "in 3 days");
    }
}
