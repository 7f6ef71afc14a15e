//! The door of the console: every request passes here. Says who sent it, lets through what is for them, and answers all else with
//! the words for what is not there, or with the login.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};

use super::access::{Audience, may, may_open, row};
use super::fault::Fault;
use super::session::{Asks, Found};
use super::who::lookup;
use super::{Console, badge, login};

/// Lets through what is for whoever sent it, and notes who that is.
pub(super) async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let registered = request.match_pattern();
    let path = registered.as_deref().map(|pattern| pattern.strip_prefix("/console").unwrap_or(pattern));
    let row = path.and_then(|path| row(request.method(), path));
    let asks = row.map_or(Asks::Person, |row| row.asks);
    let console = request.app_data::<web::Data<Console>>().cloned();
    let found = console.as_ref().map_or(Found::Nobody, |console| lookup(console, request.request(), asks));
    match found {
        Found::Person(mut person) => {
            // An address that is none goes on to the page that says so.
            let is_theirs = row.map_or(path.is_none(), |row| may(&person, row.audience));
            if let Some(console) = console.filter(|_| asks == Asks::Person && may_open(&person, "/console/for-you")) {
                person.unread = badge::count(&console, &person).await;
            }
            request.extensions_mut().insert(person);
            if !is_theirs {
                return Ok(request.error_response(Fault::no_such_page()).map_into_right_body());
            }
        }
        Found::Nobody | Found::Over(_) if row.is_some_and(|row| row.audience == Audience::Anybody) => {}
        found => {
            let Some(console) = console else {
                return Ok(request.error_response(Fault::no_such_page()).map_into_right_body());
            };
            let response = login::ask(&console, request.request(), &found);
            return Ok(request.into_response(response).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}
