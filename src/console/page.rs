//! What all pages share: the frame around them, times as people read them, and pages for faults.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, http::header};
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::session::Person;
use crate::store::StoreError;

/// The frame: which part of the menu is lit, and the key that forms send back.
pub(super) struct Frame {
    pub here: &'static str,
    pub form_key: String,
}

impl Frame {
    pub(super) fn new(here: &'static str, person: &Person) -> Self {
        Self { here, form_key: person.form_key.clone() }
    }
}

#[derive(Template)]
#[template(path = "console/fault.html")]
struct FaultPage<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

/// A page that says what went wrong and what to do.
pub(super) fn fault(status: StatusCode, title: &str, text: &str) -> HttpResponse {
    let frame = Frame { here: "", form_key: String::new() };
    show_as(status, &FaultPage { frame, title, text })
}

pub(super) fn not_found(what: &str) -> HttpResponse {
    fault(StatusCode::NOT_FOUND, "Not here", &format!("There is no such {what}. It may have been pruned by age."))
}

pub(super) fn store_fault(error: &StoreError) -> HttpResponse {
    tracing::error!(%error, "the console cannot read the store");
    fault(StatusCode::SERVICE_UNAVAILABLE, "The store does not answer", &error.to_string())
}

/// A page as a response. Pages are never cached: they show patients.
pub(super) fn show(page: &impl Template) -> HttpResponse {
    show_as(StatusCode::OK, page)
}

fn show_as(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
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
