//! Who sent a request, and what whoever is not logged in is shown.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::session::{COOKIE, Person};
use super::{Console, page};

pub(super) fn refused(why: &str) -> HttpResponse {
    let text = format!(
        "{why} The gateway prints a new one-time link when it starts; `handover console` prints another while it runs."
    );
    page::fault(page::Frame::nobody(), StatusCode::UNAUTHORIZED, "Please log in", &text)
}

/// The frame of a page about a fault: with the menu for whoever is logged in.
pub(super) fn frame_for(request: &HttpRequest) -> page::Frame {
    let console = request.app_data::<web::Data<Console>>();
    let shown = console.zip(who(request)).map(|(console, person)| page::Frame::new("", console, &person));
    shown.unwrap_or_else(page::Frame::nobody)
}

/// Who sent a request, by its cookie.
fn who(request: &HttpRequest) -> Option<Person> {
    let console = request.app_data::<web::Data<Console>>()?;
    console.sessions.find(request.cookie(COOKIE)?.value(), console.gateway.clock.now())
}

/// Every handler that takes a `Person` is for people who are logged in.
impl FromRequest for Person {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(who(request).ok_or_else(|| {
            let response = refused("This page is for people who are logged in.");
            actix_web::error::InternalError::from_response("no session", response).into()
        }))
    }
}
