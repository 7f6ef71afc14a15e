//! The console's addresses and its login.

use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::fault::{Answer, Fault, with_menu};
use super::form_key::FormKey;
use super::session::{self, COOKIE, Person};
use super::who::{frame_for, refused};
use super::{
    Console, assets, deliveries, labels, live, look, messages, overview, page, patient, resource, tasks, trace, unused,
};

/// Adds the console under `/console`.
pub fn configure(config: &mut web::ServiceConfig, console: Arc<Console>) {
    config.app_data(web::Data::from(console)).route("/", web::get().to(home)).service(
        web::scope("/console")
            .wrap(from_fn(with_menu))
            .app_data(web::PathConfig::default().error_handler(not_understood))
            .app_data(web::QueryConfig::default().error_handler(not_understood))
            .app_data(web::FormConfig::default().error_handler(not_understood))
            .route("", web::get().to(overview::show))
            .route("/login", web::get().to(login_page))
            .route("/login", web::post().to(login))
            .route("/logout", web::post().to(logout))
            .route("/console.css", web::get().to(assets::style))
            .route("/console.js", web::get().to(assets::script))
            .route("/live", web::get().to(live::stream))
            .route("/overview", web::get().to(overview::numbers))
            .route("/messages", web::get().to(messages::list))
            .route("/messages/{sequence}", web::get().to(trace::show))
            .route("/messages/{sequence}/raw", web::get().to(trace::raw))
            .route("/messages/{sequence}/replay", web::post().to(trace::replay))
            .route("/unused", web::get().to(unused::list))
            .route("/unused/{id}", web::post().to(unused::act))
            .route("/tasks", web::get().to(tasks::list))
            .route("/tasks/{id}", web::post().to(tasks::act))
            .route("/labels", web::get().to(labels::list))
            .route("/labels/{type}/{id}", web::post().to(labels::say))
            .route("/deliveries", web::get().to(deliveries::list))
            .route("/deliveries/{id}/retry", web::post().to(deliveries::retry))
            .route("/patients/{id}", web::get().to(patient::show))
            .route("/resources/{type}/{id}", web::get().to(resource::show))
            .default_service(web::to(nowhere)),
    );
}

/// An address or a form that no page takes.
fn not_understood(
    fault: impl std::fmt::Debug + std::fmt::Display + 'static,
    request: &HttpRequest,
) -> actix_web::Error {
    let text = "This address or form is not one that the console gives out. Go on from the menu.";
    let response = page::fault(frame_for(request), StatusCode::BAD_REQUEST, "Not understood", text);
    actix_web::error::InternalError::from_response(fault, response).into()
}

async fn nowhere(_: Person) -> Answer {
    Err(Fault::NotHere("There is no such page. Go on from the menu.".to_string()))
}

async fn home() -> HttpResponse {
    page::see("/console")
}

#[derive(Deserialize)]
struct Link {
    /// Empty when it was left out, which opens nothing.
    #[serde(default)]
    link: String,
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    link: String,
    #[serde(default)]
    name: String,
}

#[derive(askama::Template)]
#[template(path = "console/login.html")]
struct LoginPage {
    frame: page::Frame,
    link: String,
    fault: &'static str,
}

/// Shows a button rather than logging in at once: mail scanners and link previews open links too, and would use it up.
async fn login_page(query: web::Query<Link>) -> HttpResponse {
    page::show(&LoginPage { frame: page::Frame::nobody(), link: query.into_inner().link, fault: "" })
}

async fn login(console: web::Data<Console>, form: web::Form<Login>) -> Answer {
    let Login { link, name } = form.into_inner();
    let Some(name) = session::name_of(&name) else {
        let fault = "Please say who you are: what you do here is written down under your name.";
        return Ok(page::ask_again(&LoginPage { frame: page::Frame::nobody(), link, fault }));
    };
    let now = console.gateway.clock.now();
    let Some(cookie) = console.sessions.open(&link, name, now) else {
        return Ok(refused("This link was used already or is too old."));
    };
    let Some(person) = console.sessions.find(&cookie, now) else {
        return Ok(refused("This session ended at once."));
    };
    if let Err(error) = look::note_login(&console, &person).await {
        console.sessions.end(&cookie);
        return Err(error.into());
    }
    let cookie = Cookie::build(COOKIE, cookie)
        .path("/console")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(console.is_secure())
        .finish();
    Ok(HttpResponse::SeeOther().cookie(cookie).insert_header(("location", "/console")).finish())
}

async fn logout(console: web::Data<Console>, request: HttpRequest, person: Person, form: web::Form<FormKey>) -> Answer {
    form.check(&person)?;
    if let Some(cookie) = request.cookie(COOKIE) {
        console.sessions.end(cookie.value());
    }
    Ok(refused("You are logged out."))
}
