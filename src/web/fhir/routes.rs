//! Which interaction answers which request below `/fhir`.

use actix_web::HttpResponse;
use actix_web::error::{PayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};

use super::{capability, compartment, everything, history, read, search, terms, validate, vread, write};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::methods::{get, only, reads, takes};
use crate::web::smart::configuration;

const FORM_BYTES: usize = 64 * 1024;

/// Everything below `/fhir`.
pub fn routes(config: &mut ServiceConfig) {
    let form = web::FormConfig::default().limit(FORM_BYTES).error_handler(|error, _| {
        let text = "send search parameters as a form: application/x-www-form-urlencoded, at most 64 kB";
        let (status, category, text) = match error {
            UrlencodedError::Overflow { .. } | UrlencodedError::Payload(PayloadError::Overflow) => {
                (StatusCode::PAYLOAD_TOO_LARGE, Category::TooLong, text)
            }
            UrlencodedError::Payload(_) => {
                (StatusCode::BAD_REQUEST, Category::Structure, "the form broke off, or cannot be decompressed")
            }
            _ => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Category::NotSupported, text),
        };
        Fault::new(status, category, text).into()
    });
    config
        .service(reads("/metadata", |route| route.to(capability::capability)))
        .service(reads("/.well-known/smart-configuration", |route| route.to(configuration)))
        .configure(terms::routes)
        .service(takes("/$process-message", |route| route.to(write::process_message)))
        .service(takes("/{type}/_search", |route| route.to(search::search_by_post)).app_data(form))
        .service(takes("/{type}/$validate", |route| route.to(validate::validate)))
        .service(reads("/Patient/{id}/$everything", |route| route.to(everything::everything)))
        .service(reads("/{type}/{id}/_history/{version}", |route| route.to(vread::vread)))
        .service(reads("/{type}/{id}/_history", |route| route.to(history::history)))
        .service(reads("/Patient/{id}/{kind}", |route| route.to(compartment::search_in_compartment)))
        .service(
            web::resource("/{type}/{id}")
                .route(get().to(read::read))
                .route(web::put().to(write::update))
                .route(web::patch().to(write::patch))
                .route(web::delete().to(write::delete))
                .default_service(only("GET, HEAD, PUT, PATCH, DELETE")),
        )
        .service(
            web::resource("/{type}")
                .route(get().to(search::search_by_get))
                .route(web::post().to(write::create))
                .route(web::put().to(write::update_by_condition))
                .route(web::patch().to(write::patch_by_condition))
                .route(web::delete().to(write::delete_by_condition))
                .default_service(only("GET, HEAD, POST, PUT, PATCH, DELETE")),
        )
        .service(web::resource(["", "/"]).route(web::post().to(write::at_base)).default_service(only("POST")))
        .default_service(web::to(nothing_here));
}

async fn nothing_here() -> Result<HttpResponse, Fault> {
    Err(Fault::not_found("there is nothing at this address; /fhir/metadata lists what is offered"))
}
