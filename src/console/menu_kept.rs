//! Pages about faults are made anew with the menu of whoever asked, in one place for all handlers.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::fault::Fault;
use super::who::frame_for;

/// Makes the pages of faults anew with the menu of whoever asked.
pub(super) async fn with_menu(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let response = next.call(request).await?;
    let fault = response.response().error().and_then(|error| error.as_error::<Fault>());
    let Some(page) = fault.map(|fault| fault.page(frame_for(response.request()))) else {
        return Ok(response.map_into_left_body());
    };
    Ok(response.into_response(page).map_into_right_body())
}
