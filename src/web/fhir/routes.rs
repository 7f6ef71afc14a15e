//! Which interaction answers which request below `/fhir`.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::{capability, history, read, search, validate, vread};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::smart::configuration;

const FORM_BYTES: usize = 64 * 1024;

/// Everything below `/fhir`.
pub fn routes(config: &mut ServiceConfig) {
    let form = web::FormConfig::default().limit(FORM_BYTES).error_handler(|error, _| {
        let (status, category) = match error.to_string().contains("exceeds") {
            true => (StatusCode::PAYLOAD_TOO_LARGE, Category::TooLong),
            false => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Category::NotSupported),
        };
        let text = "send search parameters as a form: application/x-www-form-urlencoded, at most 64 kB";
        Fault::new(status, category, text).into()
    });
    config
        .service(
            web::resource("/metadata").route(web::get().to(capability::capability)).default_service(other_method()),
        )
        .service(web::resource("/.well-known/smart-configuration").route(web::get().to(configuration)))
        .service(
            web::resource("/{type}/_search")
                .app_data(form)
                .route(web::post().to(search::search_by_post))
                .default_service(other_method()),
        )
        .service(
            web::resource("/{type}/$validate")
                .route(web::post().to(validate::validate))
                .default_service(other_method()),
        )
        .service(
            web::resource("/{type}/{id}/_history/{version}")
                .route(web::get().to(vread::vread))
                .default_service(other_method()),
        )
        .service(
            web::resource("/{type}/{id}/_history")
                .route(web::get().to(history::history))
                .default_service(other_method()),
        )
        .service(web::resource("/{type}/{id}").route(web::get().to(read::read)).default_service(other_method()))
        .service(web::resource("/{type}").route(web::get().to(search::search_by_get)).default_service(other_method()))
        .default_service(web::to(nothing_here));
}

fn other_method() -> actix_web::Route {
    web::to(not_offered)
}

async fn not_offered(request: HttpRequest) -> Result<HttpResponse, Fault> {
    let text = format!("this interaction is not offered with {}; /fhir/metadata lists what is", known(&request));
    Err(Fault::new(StatusCode::METHOD_NOT_ALLOWED, Category::NotSupported, text))
}

fn known(request: &HttpRequest) -> &str {
    let method = request.method().as_str();
    if ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method) { method } else { "this method" }
}

async fn nothing_here() -> Result<HttpResponse, Fault> {
    Err(Fault::not_found("there is nothing at this address; /fhir/metadata lists what is offered"))
}
