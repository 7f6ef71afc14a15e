//! Who may write what: the token's scope and the agreements' word on the type, before anything of a body is read. It tells of no patient.

use actix_web::http::StatusCode;

use crate::fhir::home_of;
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// 404 for a type that is not taken, 403 without scope or agreement.
pub fn admit(service: &Service, client: &Client, resource_type: &str, wanted: Permissions) -> Result<(), Fault> {
    if home_of(resource_type).is_none() {
        let text = "this resource type is not taken here; /fhir/metadata lists those that are";
        return Err(Fault::new(StatusCode::NOT_FOUND, Category::NotSupported, text));
    }
    client.require(resource_type, wanted)?;
    let (site, now) = (service.gateway.site.load(), service.gateway.clock.now());
    site.agreements.sends(&client.partner, resource_type, now).map_err(Fault::forbidden)
}
