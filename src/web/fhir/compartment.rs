//! Searches within a patient's compartment (http://hl7.org/fhir/R4/http.html#vsearch, compartmentdefinition-patient.html): what of a type
//! lies in their record. The same as a search by the parameter that names the patient, which the self link says.

use actix_web::{HttpRequest, HttpResponse, web};

use super::negotiate::{check_format, handling, parameters};
use super::read::known_type;
use super::search::{Searcher, searched};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::service::Service;

pub async fn search_in_compartment(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let (patient, kind) = path.into_inner();
    let resource_type = known_type(&kind)?;
    let client = Client::of(&service, &request)?;
    let searcher = Searcher::for_type(&service, client, resource_type)?;
    let site = service.gateway.site.load_full();
    let of_type = site.profiles.searches(resource_type).iter();
    let name = of_type.filter(|one| one.is_home_of(resource_type)).map(|one| one.name.as_str());
    let name = name.max_by_key(|name| *name == "patient").or((resource_type == "Group").then_some("member"));
    let nowhere = || Fault::not_found(format!("{resource_type} is not in a patient's compartment here"));
    let mut asked = vec![(name.ok_or_else(nowhere)?.to_string(), format!("Patient/{patient}"))];
    asked.extend(parameters(&request)?);
    let format = asked.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    check_format(&request, format)?;
    let body = searched(&service, searcher, handling(&request), resource_type, asked).await?;
    Ok(write_fhir(&mut HttpResponse::Ok(), &body))
}
