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
        let told = "it does not answer as it should just now. Try again in a moment; if it stays so, whoever runs Handover \
                    has to look";
        Self { status: StatusCode::SERVICE_UNAVAILABLE, told: told.to_string(), because: because.into() }
    }

    /// It and this gateway are not set up for each other, which no second try changes.
    pub(super) fn misfit(because: impl Into<String>) -> Self {
        Self::denied("it does not take this gateway's question; whoever runs Handover has to look", because)
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
