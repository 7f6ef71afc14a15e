//! One attempt at one delivery: the request, with a fresh token once more when the first was refused.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use super::address::{Request, conditional_update};
use super::answer::{describe_failure, read_bounded, understand};
use super::client::Line;
use super::keys::SigningKey;
use super::retry::Reply;
use super::token;
use crate::clock::Clock;
use crate::site::Partner;
use crate::store::Delivery;

const FHIR_JSON: &str = "application/fhir+json";

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub reply: Reply,
    /// HTTP status, when the partner answered.
    pub status: Option<u16>,
    /// For people, without patient data.
    pub text: String,
}

/// Where an attempt goes and with what.
pub struct Route<'a> {
    pub line: &'a Line,
    pub partner: &'a Partner,
    pub fhir_base: &'a str,
    pub own_key: &'a SigningKey,
    pub clock: &'a dyn Clock,
}

/// Sends once; a token that is refused (401) is dropped and the request made once more at once.
pub async fn send(route: &Route<'_>, delivery: &Delivery) -> Sent {
    let request = match conditional_update(route.fhir_base, &delivery.new.payload) {
        Ok(request) => request,
        Err(why) => return Sent { reply: Reply::Unsendable, status: None, text: why.to_string() },
    };
    let first = match bearer(route).await {
        Ok(token) => token,
        Err(sent) => return sent,
    };
    let sent = put(route, &request, delivery, first.as_deref()).await;
    let Some(refused) = first.filter(|_| sent.status == Some(401)) else { return sent };
    route.line.token.forget(&refused).await;
    match bearer(route).await {
        Ok(second) => put(route, &request, delivery, second.as_deref()).await,
        Err(sent) => sent,
    }
}

/// The partner's access token; none when it asks for none.
async fn bearer(route: &Route<'_>) -> Result<Option<String>, Sent> {
    let Some(client) = &route.partner.smart else { return Ok(None) };
    let request = token::Request {
        http: &route.line.http,
        fhir_base: route.fhir_base,
        client,
        key: route.line.key.as_ref().unwrap_or(route.own_key),
        now: route.clock.now(),
    };
    match route.line.token.bearer(&request).await {
        Ok(token) => Ok(Some(token)),
        Err(token::TokenError::Unreachable(error)) => {
            let text = format!("token endpoint: {}", describe_failure(&error, route.line.timeout));
            Err(Sent { reply: Reply::Transport, status: None, text })
        }
        Err(error) => Err(Sent { reply: Reply::Unauthorized, status: None, text: error.to_string() }),
    }
}

async fn put(route: &Route<'_>, request: &Request, delivery: &Delivery, token: Option<&str>) -> Sent {
    let mut put = route
        .line
        .http
        .put(&request.url)
        .header(CONTENT_TYPE, FHIR_JSON)
        .header(ACCEPT, FHIR_JSON)
        .header("prefer", "return=minimal")
        .body(request.body.clone());
    if let Ok(id) = HeaderValue::from_str(&delivery.new.id) {
        put = put.header("x-request-id", id);
    }
    if let Some(token) = token {
        let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) else {
            let text = "the partner's access token cannot stand in a header".to_string();
            return Sent { reply: Reply::Unauthorized, status: None, text };
        };
        value.set_sensitive(true);
        put = put.header(AUTHORIZATION, value);
    }
    let mut response = match put.send().await {
        Ok(response) => response,
        Err(error) => {
            let text = describe_failure(&error, route.line.timeout);
            return Sent { reply: Reply::Transport, status: None, text };
        }
    };
    let status: StatusCode = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = read_bounded(&mut response).await;
    let (reply, text) = understand(status, &headers, &body);
    Sent { reply, status: Some(status.as_u16()), text }
}
