//! What the two OAuth endpoints share: a form that has each parameter once (RFC 6749, 3.2), a client that proves who it is by an assertion (RFC 7523), and
//! faults as OAuth tells them (RFC 6749, 5.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::assertion::{Expected, PartnerOf, Refusal, verify};
use crate::web::answer::Fault;
use crate::web::service::Service;

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The parameters by which a client proves who it is.
const PROOF: [&str; 2] = ["client_assertion_type", "client_assertion"];

/// A form as it is sent to either endpoint; none where the body was no form.
pub type Form = Option<web::Form<Vec<(String, String)>>>;

/// What is asked.
pub struct Asked(BTreeMap<&'static str, String>);

impl Asked {
    /// Parameters that are not known are left alone (RFC 6749, 3.2), and one without a value counts as left out.
    pub fn read(form: Form, known: &[&'static str]) -> Result<Self, Refused> {
        let form = form.ok_or_else(|| refuse("invalid_request", "send a form: application/x-www-form-urlencoded"))?;
        let mut asked = BTreeMap::new();
        for (name, value) in form.into_inner() {
            let known = known.iter().chain(&PROOF).find(|known| **known == name).filter(|_| !value.is_empty());
            if known.is_some_and(|known| asked.insert(*known, value).is_some()) {
                return Err(refuse("invalid_request", "a parameter is given twice"));
            }
        }
        Ok(Self(asked))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether the client proves who it is here.
    pub fn has_proof(&self) -> bool {
        PROOF.iter().any(|name| self.0.contains_key(name))
    }

    /// The client that made the assertion, for one of these addresses.
    pub async fn client(&self, service: &Service, audience: &[String]) -> Result<Arc<PartnerOf>, Refused> {
        if self.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(refuse("invalid_request", "client_assertion_type must be the one for jwt-bearer"));
        }
        let assertion = self.get("client_assertion");
        let assertion = assertion.ok_or_else(|| refuse("invalid_request", "there is no client_assertion"))?;
        let expected = Expected { audience, subject_is_issuer: true, purpose: "token-jti" };
        verify(service, assertion, &expected).await.map_err(|refusal| match refusal {
            Refusal::Invalid(why) => refuse("invalid_client", why),
            Refusal::Unavailable => unavailable(),
        })
    }
}

/// RFC 6749, 5.2.
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    why: String,
    challenge: Option<String>,
}

impl Refused {
    pub fn answer(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header(ContentType::json()).insert_header((CACHE_CONTROL, "no-store"));
        if let Some(challenge) = self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge));
        }
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.insert_header((RETRY_AFTER, 5));
        }
        response.body(json!({ "error": self.code, "error_description": self.why }).to_string())
    }
}

/// A bearer token that does not count (RFC 6750, 3.1), or a client that asks too often.
impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        let code = if fault.status == StatusCode::UNAUTHORIZED { "invalid_token" } else { "temporarily_unavailable" };
        let challenge = fault.header.map(|(_, text)| text);
        Self { status: fault.status, code, why: fault.problem.text.to_string(), challenge }
    }
}

pub fn refuse(code: &'static str, why: &'static str) -> Refused {
    let status = if code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    Refused { status, code, why: why.to_string(), challenge: None }
}

pub fn unavailable() -> Refused {
    let why = "the gateway cannot do this now; ask again later".to_string();
    Refused { status: StatusCode::SERVICE_UNAVAILABLE, code: "temporarily_unavailable", why, challenge: None }
}
