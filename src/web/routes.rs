//! Which address leads where: the whole HTTP surface in one place.

use std::sync::Arc;

use actix_web::Route;
use actix_web::middleware::Compress;
use actix_web::web::{self, ServiceConfig};

use super::health::{health, live, metrics, read};
use super::offer::wire;
use super::service::Service;
use super::smart::{configuration, introspect, jwks, token};
use super::table::{Does, OFFERS};
use super::whole::whole;
use super::{cds_hooks, fhir};

/// Of a token request; an assertion with a long certificate chain fits.
const FORM_BYTES: usize = 64 * 1024;

/// Adds everything of this folder to an app; wrap the app in `guard` too.
pub fn configure(config: &mut ServiceConfig, service: Arc<Service>) {
    let form = web::FormConfig::default().limit(FORM_BYTES);
    config.app_data(web::Data::from(service)).app_data(form);
    wire(config, &OFFERS, handler);
    config
        .configure(cds_hooks::routes)
        // Nothing else is compressed: pages that hold a secret beside what somebody typed would tell it by their length.
        .service(web::scope("/fhir").wrap(Compress::default()).configure(fhir::routes));
}

fn handler(does: Does, route: Route) -> Route {
    match does {
        Does::Health => route.to(health),
        Does::HealthRead => route.to(read),
        Does::HealthLive => route.to(live),
        Does::Metrics => route.to(metrics),
        Does::Jwks => route.to(jwks),
        Does::Configuration => route.to(configuration),
        Does::Token => route.to(token),
        Does::Introspect => route.to(introspect),
        Does::OpenApi => route.to(whole),
    }
}
