//! Why a page is not shown as asked. A handler says what went wrong with `?`; the page about it is made in one place (`menu_kept.rs`), for
//! whoever asked, so that the menu is kept.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};

use super::page::{self, Frame};
use crate::problem::Problem;
use crate::site::Site;
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

    /// The same words and the same status for what is not there and for what is not for whoever asks.
    pub(super) fn no_such_page() -> Self {
        Self::NotHere("There is no such page, or it is not for what you do here. Go on from the menu.".to_string())
    }

    /// The same for a patient on none of one's panels.
    pub(super) fn no_such_patient(site: &Site) -> Self {
        let whom = site.settings.console.privacy_contact.as_deref();
        let ask = whom
            .map_or_else(|| "ask your privacy officer".to_string(), |whom| format!("ask your privacy officer: {whom}"));
        Self::NotHere(format!("There is no such patient on your panels. If you expect one, {ask}."))
    }

    /// For the person.
    pub(super) fn words(&self) -> String {
        match self {
            Self::NotHere(text) | Self::Refused(text) => text.clone(),
            Self::OldForm => "This form is of an earlier login. Open the page anew.".to_string(),
            Self::Busy => "Many large pages are being made. Please try again in a moment.".to_string(),
            Self::Store(error) => error.to_string(),
        }
    }

    pub(super) fn page(&self, frame: Frame) -> HttpResponse {
        let mut response = page::fault(frame, self.status_code(), self.title(), &self.words());
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
