//! Which address leads where: the whole HTTP surface in one place.

use std::sync::Arc;

use actix_web::middleware::Compress;
use actix_web::web::{self, ServiceConfig};

use super::health::{health, live, metrics, read};
use super::methods::{reads, takes};
use super::service::Service;
use super::smart::{configuration, introspect, jwks, token};
use super::{cds_hooks, fhir};

/// Of a token request; an assertion with a long certificate chain fits.
const FORM_BYTES: usize = 64 * 1024;

/// Adds everything of this folder to an app; wrap the app in `guard` too.
pub fn configure(config: &mut ServiceConfig, service: Arc<Service>) {
    let form = web::FormConfig::default().limit(FORM_BYTES);
    config
        .app_data(web::Data::from(service))
        .service(reads("/health", |route| route.to(health)))
        .service(reads("/health/read", |route| route.to(read)))
        .service(reads("/health/live", |route| route.to(live)))
        .service(reads("/metrics", |route| route.to(metrics)))
        .service(reads("/.well-known/jwks.json", |route| route.to(jwks)))
        .service(reads("/.well-known/smart-configuration", |route| route.to(configuration)))
        .service(takes("/auth/token", |route| route.to(token)).app_data(form.clone()))
        .service(takes("/auth/introspect", |route| route.to(introspect)).app_data(form))
        .configure(cds_hooks::routes)
        // Nothing else is compressed: pages that hold a secret beside what somebody typed would tell it by their length.
        .service(web::scope("/fhir").wrap(Compress::default()).configure(fhir::routes));
}
