//! Why the organisation's login led to nobody: in words for the person, and for the audit and the log. Neither has anything in it that a
//! provider or a browser wrote freely.

use actix_web::http::StatusCode;

/// Nobody is logged in.
#[derive(Debug)]
pub(super) struct Trouble {
    pub status: StatusCode,
    /// For the person at the browser.
    pub told: String,
    /// For the audit.
    pub because: String,
}

impl Trouble {
    /// The provider does not answer, or not as a provider does.
    pub(super) fn absent(because: impl Into<String>) -> Self {
        let told = "it does not answer as it should just now. Try again in a moment".to_string();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, told, because: because.into() }
    }

    /// What came back is not the answer to what this browser asked.
    pub(super) fn untrusted(because: impl Into<String>) -> Self {
        let told = "what came back cannot be trusted, so nobody was logged in. Log in once more".to_string();
        Self { status: StatusCode::UNAUTHORIZED, told, because: because.into() }
    }

    /// It is known who it is, and they may not.
    pub(super) fn denied(told: impl Into<String>, because: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, told: told.into(), because: because.into() }
    }
}
