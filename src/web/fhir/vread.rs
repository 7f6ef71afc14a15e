//! vread (http://hl7.org/fhir/R4/http.html#vread): one version of a resource, current or past.

use actix_web::{HttpRequest, HttpResponse, web};

use super::negotiate::{check_format, parameter};
use super::read::{absent, address, respond, show};
use crate::agreement::Exit;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

pub async fn vread(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (resource_type, id) = address(&path.0, &path.1)?;
    check_format(&request, parameter(&request, "_format").as_deref())?;
    client.require(resource_type, Permissions::READ)?;
    let version: u64 = path.2.parse().map_err(|_| absent())?;
    let stored = service.gateway.store.version(resource_type, id, version).await?.ok_or_else(absent)?;
    Ok(respond(show(&service, &client, Exit::History, stored).await?))
}
