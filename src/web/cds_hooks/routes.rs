//! The addresses of CDS Hooks. Browsers' EHRs call from other origins, so each answer says that it may be read there: what
//! protects it is the token, and no cookie counts here.

use actix_web::Route;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use super::call::call;
use super::cross_origin::allow_other_origins;
use super::discovery::discovery;
use super::feedback::feedback;
use super::table::{Does, OFFERS};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::offer::wire;

/// A prefetched patient and a context fit many times.
const BODY_BYTES: usize = 512 * 1024;

pub fn routes(config: &mut ServiceConfig) {
    let json = web::JsonConfig::default().limit(BODY_BYTES).error_handler(|error, _| {
        let status = actix_web::ResponseError::status_code(&error);
        Fault::new(status, Category::Structure, "the body is not a CDS Hooks request in JSON of at most 512 kB").into()
    });
    config.service(
        web::scope("/cds-services")
            .app_data(json)
            .wrap(from_fn(allow_other_origins))
            .configure(|config| wire(config, &OFFERS, handler)),
    );
}

fn handler(does: Does, route: Route) -> Route {
    match does {
        Does::Discovery => route.to(discovery),
        Does::Call => route.to(call),
        Does::Feedback => route.to(feedback),
    }
}
