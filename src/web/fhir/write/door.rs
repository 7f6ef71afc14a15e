//! Who may write what: the token's scope and the agreements' word on the type, before anything of a body is read. It tells of no patient.

use actix_web::http::StatusCode;

use crate::fhir::{home_of, is_deletable, is_revised};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// 404 for a type that is not taken, 403 without scope or agreement, 405 for deletes of what stays.
pub fn admit(service: &Service, client: &Client, resource_type: &str, wanted: Permissions) -> Result<(), Fault> {
    if home_of(resource_type).is_none() {
        let text = "this resource type is not taken here; /fhir/metadata lists those that are";
        return Err(Fault::new(StatusCode::NOT_FOUND, Category::NotSupported, text));
    }
    client.require(resource_type, wanted)?;
    let (site, now) = (service.gateway.site.load(), service.gateway.clock.now());
    site.agreements.sends(&client.partner, resource_type, now).map_err(Fault::forbidden)?;
    if [Permissions::UPDATE, Permissions::DELETE].contains(&wanted) && !is_revised(resource_type) {
        let text = format!("a {resource_type} stays as it was written; write another one");
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, Category::NotSupported, text);
        return Err(Fault { header: Some(("allow", "GET, HEAD".to_string())), ..fault });
    }
    if wanted == Permissions::DELETE && !is_deletable(resource_type) {
        let text = format!("a {resource_type} is not deleted here; say in it that it is not in use any more");
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, Category::NotSupported, text);
        return Err(Fault { header: Some(("allow", "GET, HEAD, PUT, PATCH".to_string())), ..fault });
    }
    Ok(())
}
