//! vread (http://hl7.org/fhir/R4/http.html#vread): one version of a resource, current or past.

use actix_web::{HttpRequest, HttpResponse, web};

use super::native::respond_as_wanted;
use super::read::{absent, open, show};
use crate::agreement::Exit;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::service::Service;

pub async fn vread(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (resource_type, id) = open(&service, &client, &request, (&path.0, &path.1), &[]).await?;
    let version: u64 = path.2.parse().map_err(|_| absent())?;
    let stored = service.gateway.store.version(resource_type, id, version).await?;
    let shown = show(&service, &client, Exit::History, (resource_type, id), stored).await?;
    respond_as_wanted(&request, shown.called(&path.1))
}
