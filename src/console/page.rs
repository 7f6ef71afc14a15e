//! What all pages share: the frame around them, times as people read them, pages for faults.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, http::header};
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Console;
use super::access::{home, may_open};
use super::badge::badge;
use super::menu::{Entry, Link, MENU, links};
use super::session::{Person, secret};
use crate::site::{Panels, Site};

/// Why a site was not taken over, in so many lines; `handover check` has all of them.
const REASONS: usize = 5;

/// The frame: which part of the menu is lit, the key that forms send back, who is logged in, the page's one zone, and what
/// everybody is to know who works with the gateway now.
pub(super) struct Frame {
    pub here: &'static str,
    /// What of the console is for whoever is logged in.
    pub menu: Vec<Link>,
    /// Where they begin.
    pub home: &'static str,
    /// Whether they may look for a patient.
    pub finds: bool,
    /// How much colleagues said to them that they have not opened, in signs; none where nobody can name them.
    pub for_you: Option<String>,
    /// What they do, and for which panels.
    pub duty: String,
    pub form_key: String,
    /// Of this page as it is shown now, so that a form of it that is sent twice is known.
    pub once: String,
    pub name: String,
    pub zone: String,
    pub stale: Option<StaleSite>,
    /// What is not done or not written down now, for whoever works with it.
    pub standing: Vec<String>,
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
            menu: links(&menu(person, &console.gateway.site.load()), here),
            home: home(person),
            finds: may_open(person, "/console/patients"),
            for_you: may_open(person, "/console/for-you").then(|| badge(person.unread)),
            duty: duty(person, &console.gateway.site.load()),
            form_key: person.form_key.clone(),
            once: secret(),
            name: person.name.clone(),
            zone: String::new(),
            stale: StaleSite::of(console),
            standing: console.gateway.standing_still(),
        }
    }

    /// For whoever is not logged in: without a menu.
    pub(super) fn nobody() -> Self {
        Self {
            here: "",
            menu: Vec::new(),
            home: "/console",
            finds: false,
            for_you: None,
            duty: String::new(),
            form_key: String::new(),
            once: String::new(),
            name: String::new(),
            zone: String::new(),
            stale: None,
            standing: Vec::new(),
        }
    }

    /// Names the zone in which every time on the page is told.
    pub(super) fn in_zone(self, zone: &TimeZone) -> Self {
        Self { zone: zone.iana_name().unwrap_or("UTC").to_string(), ..self }
    }
}

/// What somebody may open; what is about a practice only where they work for one.
fn menu(person: &Person, site: &Site) -> Vec<&'static Entry> {
    let has_practice = site.panels.keys().any(|name| person.panels.holds(name));
    MENU.iter().filter(|entry| may_open(person, entry.address) && (has_practice || !entry.of_practice)).collect()
}

/// "Care manager, Lakeside Family Practice"; of who came by a link, nothing: nobody says what they do.
fn duty(person: &Person, site: &Site) -> String {
    if person.login.is_none() {
        return String::new();
    }
    let roles: Vec<&str> = person.roles.iter().map(|role| role.title()).collect();
    let roles = roles.join(", ");
    match &person.panels {
        Panels::Of(names) if names.len() > 2 => format!("{roles}, {} panels", names.len()),
        Panels::Of(names) => {
            let titles = names.iter().filter_map(|name| Some(site.panels.get(name)?.title.as_str()));
            std::iter::once(roles.as_str()).chain(titles).collect::<Vec<_>>().join(", ")
        }
        Panels::All => roles,
    }
}

pub(super) fn zone_of(site: &Site) -> TimeZone {
    site.zone()
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

fn show_as(status: StatusCode, page: &impl Template) -> HttpResponse {
    answer(status, page.render())
}

/// A page as a response. Pages are never cached: they show patients.
pub(super) fn answer(status: StatusCode, html: askama::Result<String>) -> HttpResponse {
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
    use super::*;

    #[test]
    fn due_dates_are_told_as_people_tell_them() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        assert_eq!(distance(at(600), now), "in 10 min");
        assert_eq!(distance(at(-7_200), now), "2 h late");
        assert_eq!(distance(at(3 * 86_400), now), "in 3 days");
    }
}
