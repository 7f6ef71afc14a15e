//! Why a page is not shown as asked. A handler says what went wrong with `?`; the page about it is made in one place, for whoever
//! asked, so that the menu is kept.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError};

use super::page::{self, Frame};
use super::who::frame_for;
use crate::problem::Problem;
use crate::store::StoreError;

/// What a handler gives.
pub(super) type Answer = Result<HttpResponse, Fault>;

/// A request that is not answered as asked, in words for the person.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is no such thing; the text says so.
    NotHere(String),
    /// A form that was not made for this login.
    OldForm,
    /// What somebody wants done cannot be done, and why.
    Refused(String),
    /// Many large pages are being made.
    Busy,
    Store(StoreError),
}

impl Fault {
    /// A thing that is not there, as people call it: `task`.
    pub(super) fn no_such(what: &str) -> Self {
        Self::NotHere(format!("There is no such {what}. It may have been pruned by age."))
    }

    fn page(&self, frame: Frame) -> HttpResponse {
        let text = match self {
            Self::NotHere(text) | Self::Refused(text) => text.clone(),
            Self::OldForm => "This form is of an earlier login. Open the page anew.".to_string(),
            Self::Busy => "Many large pages are being made. Please try again in a moment.".to_string(),
            Self::Store(error) => error.to_string(),
        };
        let mut response = page::fault(frame, self.status_code(), self.title(), &text);
        if matches!(self, Self::Busy) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotHere(_) => "Not here",
            Self::OldForm => "Please try again",
            Self::Refused(_) => "That cannot be done",
            Self::Busy => "Too much at once",
            // The address says what the store refuses, and the store is well.
            Self::Store(StoreError::Refused(_)) => "This address cannot be read",
            Self::Store(_) => "The store does not answer",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.title())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        if !matches!(error, StoreError::Refused(_)) {
            tracing::error!(%error, "the console cannot read the store");
        }
        Self::Store(error)
    }
}

/// What the gateway says of a person's action.
impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem.text)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotHere(_) => StatusCode::NOT_FOUND,
            Self::OldForm => StatusCode::FORBIDDEN,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Store(StoreError::Refused(_)) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Without the menu, which only the request says who may have.
    fn error_response(&self) -> HttpResponse {
        self.page(Frame::nobody())
    }
}

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
