//! Which interaction answers which request below `/fhir`.

use actix_web::HttpResponse;
use actix_web::error::{PayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};

use super::{capability, history, read, search, validate, vread};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::methods::{reads, takes};
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
        .service(takes("/{type}/_search", |route| route.to(search::search_by_post)).app_data(form))
        .service(takes("/{type}/$validate", |route| route.to(validate::validate)))
        .service(reads("/{type}/{id}/_history/{version}", |route| route.to(vread::vread)))
        .service(reads("/{type}/{id}/_history", |route| route.to(history::history)))
        .service(reads("/{type}/{id}", |route| route.to(read::read)))
        .service(reads("/{type}", |route| route.to(search::search_by_get)))
        .default_service(web::to(nothing_here));
}

async fn nothing_here() -> Result<HttpResponse, Fault> {
    Err(Fault::not_found("there is nothing at this address; /fhir/metadata lists what is offered"))
}
