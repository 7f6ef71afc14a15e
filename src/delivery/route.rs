//! The way to one partner: what a request takes (token, headers), and what is read of its answer. Never decides what is sent.

use reqwest::RequestBuilder;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue};
use serde_json::Value;

use super::answer::{describe_failure, read_bounded, read_within, understand};
use super::client::Line;
use super::own_keys::OwnKeys;
use super::retry::Reply;
use super::token;
use crate::clock::Clock;
use crate::fhir::Offered;
use crate::site::Partner;

/// A page of a search that is longer is not read.
const LONGEST_PAGE: usize = 16 << 20;

pub const FHIR_JSON: &str = "application/fhir+json";

/// A version's name that is longer is none.
const LONGEST_ETAG: usize = 200;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub reply: Reply,
    /// HTTP status, when the partner answered.
    pub status: Option<u16>,
    /// For people, without patient data.
    pub text: String,
    /// The version that the partner named; empty where it holds none.
    pub etag: Option<String>,
}

impl Sent {
    /// There was no answer to it.
    pub fn without_answer(reply: Reply, text: String) -> Self {
        Self { reply, status: None, text, etag: None }
    }
}

/// Where an attempt goes and with what.
pub struct Route<'a> {
    pub line: &'a Line,
    pub partner: &'a Partner,
    pub fhir_base: &'a str,
    pub own_keys: &'a OwnKeys,
    pub clock: &'a dyn Clock,
    /// What its server says that it offers, where it says so.
    pub offered: Option<&'a Offered>,
}

/// What a server answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// As what was written was answered.
    pub fn sent(&self) -> Sent {
        let (reply, text) = understand(self.status, &self.headers, &self.body);
        Sent { reply, status: Some(self.status.as_u16()), text, etag: version_of(&self.headers) }
    }
}

/// The partner's access token; none when it asks for none.
pub async fn bearer(route: &Route<'_>) -> Result<Option<String>, Sent> {
    let Some(client) = &route.partner.smart else { return Ok(None) };
    let now = route.clock.now();
    let own = route.own_keys.signing(now);
    let request = token::Request {
        http: &route.line.http,
        fhir_base: route.fhir_base,
        client,
        key: route.line.key.as_ref().unwrap_or(&own),
        now,
    };
    match route.line.token.bearer(&request).await {
        Ok(token) => Ok(Some(token)),
        Err(token::TokenError::Unreachable(error)) => {
            let text = format!("token endpoint: {}", describe_failure(&error, route.line.timeout));
            Err(Sent::without_answer(Reply::Transport, text))
        }
        Err(error) => Err(Sent::without_answer(Reply::Unauthorized, error.to_string())),
    }
}

/// What a partner answers to a GET; a sentence where it answers nothing that can be read.
pub async fn fetch(route: &Route<'_>, url: &str) -> Result<Value, String> {
    for is_last in [false, true] {
        let token = bearer(route).await.map_err(|sent| sent.text)?;
        let answer = get(route, url, token.as_deref()).await.map_err(|sent| sent.text)?;
        if let (StatusCode::UNAUTHORIZED, false, Some(token)) = (answer.status, is_last, token) {
            route.line.token.forget(&token).await;
            continue;
        }
        if !answer.status.is_success() {
            return Err(answer.sent().text);
        }
        if answer.body.len() >= LONGEST_PAGE {
            return Err(format!("a page of more than {} MiB, which is not read", LONGEST_PAGE >> 20));
        }
        return serde_json::from_slice(&answer.body)
            .map_err(|error| format!("{}, but no JSON: {error}", answer.status));
    }
    Err("it refuses the tokens that it gives".to_string())
}

/// Reads; nothing of it takes effect at the partner, whatever becomes of it.
pub async fn get(route: &Route<'_>, url: &str, token: Option<&str>) -> Result<Answer, Sent> {
    let get = with_token(route.line.http.get(url).header(ACCEPT, FHIR_JSON), token)?;
    let failed = |error| Sent::without_answer(Reply::Transport, describe_failure(&error, route.line.timeout));
    let mut response = get.send().await.map_err(failed)?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    Ok(Answer { status, headers, body: read_within(&mut response, LONGEST_PAGE).await })
}

/// Writes. Without an answer nobody knows whether it took effect, unless nothing ever reached the partner.
pub async fn write(route: &Route<'_>, request: RequestBuilder, id: &str, token: Option<&str>) -> Result<Answer, Sent> {
    let mut request =
        request.header(CONTENT_TYPE, FHIR_JSON).header(ACCEPT, FHIR_JSON).header("prefer", "return=minimal");
    if let Ok(id) = HeaderValue::from_str(id) {
        request = request.header("x-request-id", id);
    }
    let failed = |error: reqwest::Error| {
        // Once there is a connection the request may have been on its way.
        let reply = if error.is_connect() { Reply::Transport } else { Reply::Unknown };
        Sent::without_answer(reply, describe_failure(&error, route.line.timeout))
    };
    let mut response = with_token(request, token)?.send().await.map_err(failed)?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    Ok(Answer { status, headers, body: read_bounded(&mut response).await })
}

fn with_token(request: RequestBuilder, token: Option<&str>) -> Result<RequestBuilder, Sent> {
    let Some(token) = token else { return Ok(request) };
    let unfit = |_| {
        let text = "the partner's access token cannot stand in a header".to_string();
        Sent::without_answer(Reply::Unauthorized, text)
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

fn version_of(headers: &HeaderMap) -> Option<String> {
    etag_of(headers.get(ETAG)?.to_str().ok()?)
}

/// What can be sent back as the name of a version.
pub fn etag_of(etag: &str) -> Option<String> {
    let etag = etag.trim();
    let is_one = etag.strip_prefix("W/").unwrap_or(etag).starts_with('"') && etag.len() <= LONGEST_ETAG;
    is_one.then(|| etag.to_string())
}

/// Where a search goes on (http://hl7.org/fhir/R4/http.html#paging).
pub fn next_page(page: &Value) -> Option<&str> {
    let links = page.get("link").and_then(Value::as_array)?;
    let next = links.iter().find(|link| link.get("relation").and_then(Value::as_str) == Some("next"))?;
    next.get("url")?.as_str()
}
