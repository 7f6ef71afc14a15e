//! What goes back: FHIR JSON (http://hl7.org/fhir/R4/http.html#mime-type) and faults as OperationOutcome. No fault's
//! text holds patient data or what a client sent, beyond the names of its parameters.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::{HttpResponse, ResponseError};
use serde_json::Value;

use crate::fhir::operation_outcome;
use crate::problem::{Category, Place, Problem};
use crate::store::StoreError;

pub const FHIR_TYPE: &str = "application/fhir+json";
pub const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

const REALM: &str = "Bearer realm=\"fhir\"";

/// A request that is not answered as asked.
#[derive(Debug)]
pub struct Fault {
    pub status: StatusCode,
    pub problem: Box<Problem>,
    /// When to come again.
    pub retry_after_secs: Option<u64>,
    /// What the answer's header says beside: which methods are allowed, which token is wanted (RFC 6750, 3).
    pub header: Option<(&'static str, String)>,
}

impl Fault {
    pub fn new(status: StatusCode, category: Category, text: impl Into<String>) -> Self {
        let problem = Box::new(Problem::error(category, Place::Whole, text));
        Self { status, problem, retry_after_secs: None, header: None }
    }

    pub fn bad_request(category: Category, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, category, text)
    }

    /// No token came.
    pub fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Category::Login, text).challenge(REALM.to_string())
    }

    /// A token came, and it does not count.
    pub fn invalid_token(text: impl Into<String>) -> Self {
        Self::unauthorized(text).challenge(format!("{REALM}, error=\"invalid_token\""))
    }

    /// The token counts, and this scope is not in it.
    pub fn insufficient_scope(scope: &str) -> Self {
        let fault = Self::forbidden(format!("the access token does not have the scope {scope}"));
        fault.challenge(format!("{REALM}, error=\"insufficient_scope\", scope=\"{scope}\""))
    }

    fn challenge(self, text: String) -> Self {
        Self { header: Some(("www-authenticate", text)), ..self }
    }

    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Category::Forbidden, text)
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Category::NotFound, text)
    }

    pub fn unavailable(text: impl Into<String>) -> Self {
        let retry_after_secs = Some(5);
        Self { retry_after_secs, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, Category::Transient, text) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status.as_u16(), self.problem.text)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(text) => Self::bad_request(Category::Value, text),
            StoreError::TooMuch(text) => Self::bad_request(Category::TooCostly, text),
            StoreError::Damaged(_) => {
                tracing::error!(%error, "the store could not be read");
                let text = "the gateway's store could not be read";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, Category::Exception, text)
            }
            StoreError::Conflict | StoreError::Duplicate(_) | StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store did not answer a request");
                Self::unavailable("the gateway's store cannot be written to now; ask again later")
            }
        }
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some((name, text)) = &self.header {
            response.insert_header((*name, text.as_str()));
        }
        if let Some(secs) = self.retry_after_secs {
            response.insert_header((header::RETRY_AFTER, secs));
        }
        write_fhir(&mut response, &operation_outcome(std::slice::from_ref(&*self.problem)).into())
    }
}

/// The body of a FHIR answer.
pub fn write_fhir(response: &mut actix_web::HttpResponseBuilder, resource: &Value) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, FHIR_JSON)).body(resource.to_string())
}

/// A plain JSON answer that nobody may keep.
pub fn write_json(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header(ContentType::json())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body.to_string())
}
