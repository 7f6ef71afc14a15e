//! Which interaction answers which request below `/fhir`.

use actix_web::error::{PayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};

use super::table::{Does, OFFERS};
use super::{
    capability, compartment, everything, history, history_all, openapi, read, search, terms, validate, vread, write,
};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::offer::wire;
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
    config.app_data(form);
    config.configure(terms::routes);
    wire(config, &OFFERS, handler);
    config.default_service(web::to(nothing_here));
}

fn handler(does: Does, route: Route) -> Route {
    match does {
        Does::Capabilities => route.to(capability::capability),
        Does::Configuration => route.to(configuration),
        Does::OpenApi => route.to(openapi::openapi),
        Does::SearchByPost => route.to(search::search_by_post),
        Does::Validate => route.to(validate::validate),
        Does::Everything => route.to(everything::everything),
        Does::VRead => route.to(vread::vread),
        Does::HistoryInstance => route.to(history::history),
        Does::HistoryType => route.to(history_all::of_type),
        Does::HistorySystem => route.to(history_all::of_system),
        Does::SearchCompartment => route.to(compartment::search_in_compartment),
        Does::Read => route.to(read::read),
        Does::Update => route.to(write::update),
        Does::Patch => route.to(write::patch),
        Does::Delete => route.to(write::delete),
        Does::Search => route.to(search::search_by_get),
        Does::Create => route.to(write::create),
        Does::UpdateByCondition => route.to(write::update_by_condition),
        Does::PatchByCondition => route.to(write::patch_by_condition),
        Does::DeleteByCondition => route.to(write::delete_by_condition),
        Does::Bundle => route.to(write::at_base),
        Does::ProcessMessage => route.to(write::process_message),
    }
}

async fn nothing_here() -> Result<HttpResponse, Fault> {
    Err(Fault::not_found("there is nothing at this address; /fhir/metadata lists what is offered"))
}
