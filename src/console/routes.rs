//! The console's addresses. Who may use each stands in `access.rs`.

use std::sync::Arc;

use actix_web::error::{PayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

use super::fault::{Answer, Fault};
use super::menu_kept::with_menu;
use super::session::Person;
use super::who::frame_for;
use super::{
    Console, access, assets, caseload, codes, compare, coverage, deliveries, delivery, door, flows, for_you, huddle,
    labels, lane, live, login, map_edit, maps, measures, messages, openid, overview, page, patient, people, referrals,
    replay, resource, saved, tasks, thread, trace, undo, unused, work, work_act,
};
use crate::protocol::LONGEST_TEXT;

/// The longest text in signs of which each takes four bytes, of which each takes three, and a hundred ticks.
const FORM_BYTES: usize = LONGEST_TEXT * 12 + (16 << 10);

/// Adds the console under `/console`.
pub fn configure(config: &mut web::ServiceConfig, console: Arc<Console>) {
    config.app_data(web::Data::from(console)).route("/", web::get().to(home)).service(
        web::scope("/console")
            .wrap(from_fn(door::pass))
            .wrap(from_fn(with_menu))
            .app_data(web::PathConfig::default().error_handler(not_understood))
            .app_data(web::QueryConfig::default().error_handler(not_understood))
            .app_data(web::FormConfig::default().limit(FORM_BYTES).error_handler(no_form))
            .route("", web::get().to(overview::show))
            .route("/login", web::get().to(login::show))
            .route("/login", web::post().to(login::take))
            .route("/login/openid", web::get().to(openid::begin))
            .route("/login/openid/back", web::get().to(openid::back))
            .route("/login/openid/logout", web::post().to(openid::end))
            .route("/home", web::get().to(own_home))
            .route("/logout", web::post().to(login::leave))
            .route("/console.css", web::get().to(assets::style))
            .route("/console.js", web::get().to(assets::script))
            .route("/live", web::get().to(live::stream))
            .route("/overview", web::get().to(overview::numbers))
            .route("/messages", web::get().to(messages::list))
            .route("/messages/{sequence}", web::get().to(trace::show))
            .route("/messages/{sequence}/raw", web::get().to(trace::raw))
            .route("/messages/{sequence}/replay", web::post().to(trace::replay))
            .route("/replay", web::get().to(replay::preview))
            .route("/replay", web::post().to(replay::begin))
            .route("/replay/run", web::get().to(replay::show))
            .route("/replay/stop", web::post().to(replay::stop))
            .route("/replay/resume", web::post().to(replay::resume))
            .route("/compare", web::get().to(compare::show))
            .route("/compare", web::post().to(compare::begin))
            .route("/compare/stop", web::post().to(compare::stop))
            .route("/compare/progress", web::get().to(compare::progress))
            .route("/compare/{sequence}", web::get().to(compare::one))
            .route("/coverage", web::get().to(coverage::show))
            .route("/coverage", web::post().to(coverage::begin))
            .route("/coverage/stop", web::post().to(coverage::stop))
            .route("/coverage/progress", web::get().to(coverage::progress))
            .route("/maps", web::get().to(maps::show))
            .route("/maps/try", web::get().to(map_edit::show))
            .route("/maps/try", web::post().to(map_edit::run))
            .route("/maps/file", web::post().to(map_edit::file))
            .route("/unused", web::get().to(unused::list))
            .route("/unused/{id}", web::post().to(unused::act))
            .route("/unused/{id}/code", web::get().to(codes::show))
            .route("/unused/{id}/file", web::get().to(codes::file))
            .route("/huddle", web::get().to(huddle::show))
            .route("/caseload", web::get().to(caseload::show))
            .route("/measures", web::get().to(measures::show))
            .route("/measures/table", web::get().to(measures::table))
            .route("/measures/report", web::get().to(measures::report))
            .route("/referrals", web::get().to(referrals::show))
            .route("/work", web::get().to(work::list))
            .route("/work", web::post().to(work_act::many))
            .route("/views", web::post().to(saved::act))
            .route("/news", web::get().to(work::news))
            .route("/work/{id}", web::post().to(work_act::one))
            .route("/undo", web::post().to(undo::take_back))
            .route("/for-you", web::get().to(for_you::list))
            .route("/for-you/{id}", web::get().to(thread::show))
            .route("/for-you/{id}", web::post().to(thread::act))
            .route("/unread", web::get().to(for_you::unread))
            .route("/tasks", web::get().to(tasks::moved))
            .route("/labels", web::get().to(labels::list))
            .route("/labels/{type}/{id}", web::post().to(labels::say))
            .route("/flows", web::get().to(flows::show))
            .route("/deliveries", web::get().to(deliveries::list))
            .route("/deliveries/{id}", web::get().to(delivery::show))
            .route("/deliveries/{id}/payload", web::get().to(delivery::payload))
            .route("/deliveries/{id}/retry", web::post().to(delivery::retry))
            .route("/deliveries/{id}/drop", web::post().to(delivery::drop_it))
            .route("/partners/{partner}", web::post().to(lane::act))
            .route("/patients", web::get().to(people::find))
            .route("/patients/{id}", web::get().to(patient::show))
            .route("/patients/{id}/records", web::get().to(patient::records))
            .route("/patients/{id}/disclosures", web::get().to(patient::disclosures))
            .route("/patients/{id}/disclosures/table", web::get().to(patient::disclosures_table))
            .route("/patients/{id}/plan", web::get().to(patient::plan))
            .route("/patients/{id}/answers", web::post().to(patient::answer))
            .route("/patients/{id}/goals", web::post().to(patient::goal))
            .route("/patients/{id}/barriers", web::post().to(patient::barrier))
            .route("/patients/{id}/programme", web::post().to(patient::enrol))
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

/// A form that says more than one can, or that none of ours says.
fn no_form(fault: UrlencodedError, request: &HttpRequest) -> actix_web::Error {
    let is_long = matches!(fault, UrlencodedError::Overflow { .. } | UrlencodedError::Payload(PayloadError::Overflow));
    if !is_long {
        return not_understood(fault, request);
    }
    let text = format!(
        "Nothing is saved: a text has at most {LONGEST_TEXT} characters. What you typed still stands in the form: go back, and say it shorter."
    );
    let response = page::fault(frame_for(request), StatusCode::PAYLOAD_TOO_LARGE, "Too long", &text);
    actix_web::error::InternalError::from_response(fault, response).into()
}

async fn nowhere(_: Person) -> Answer {
    Err(Fault::no_such_page())
}

async fn home() -> HttpResponse {
    page::see("/console/home")
}

/// The first page of whoever is logged in.
async fn own_home(person: Person) -> HttpResponse {
    page::see(access::home(&person))
}
