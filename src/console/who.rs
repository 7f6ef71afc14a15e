//! Who sent a request, and the frame of the pages that they are shown.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::Console;
use super::fault::Fault;
use super::page::Frame;
use super::session::{Asks, COOKIE, Found, Person};

/// The frame of a page about a fault: with the menu for whoever is logged in.
pub(super) fn frame_for(request: &HttpRequest) -> Frame {
    let person = request.extensions().get::<Person>().cloned();
    let shown = request.app_data::<web::Data<Console>>().zip(person);
    shown.map_or_else(Frame::nobody, |(console, person)| Frame::new("", console, &person))
}

/// Who sent a request, by its cookie.
pub(super) fn lookup(console: &Console, request: &HttpRequest, asks: Asks) -> Found {
    let Some(cookie) = request.cookie(COOKIE) else { return Found::Nobody };
    console.sessions.find(cookie.value(), console.gateway.clock.now(), &console.gateway.site.load(), asks)
}

/// Whoever is at the door is noted there; every handler that takes a `Person` is for people who are logged in.
impl FromRequest for Person {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let person = request.extensions().get::<Self>().cloned();
        std::future::ready(person.ok_or_else(|| Fault::no_such_page().into()))
    }
}
