//! One attempt at one delivery: the request, with a fresh token once more when the first was refused.

use reqwest::RequestBuilder;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH};
use serde_json::Value;

use super::address::{Request, request};
use super::answer::{answered, describe_failure, read_bounded, read_within, understand};
use super::client::Line;
use super::keys::SigningKey;
use super::precondition::{Held, compare, rule};
use super::retry::Reply;
use super::token;
use crate::clock::Clock;
use crate::site::Partner;
use crate::store::Delivery;

/// A page of a search that is longer is not read.
const LONGEST_PAGE: usize = 16 << 20;

const FHIR_JSON: &str = "application/fhir+json";

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
    pub own_key: &'a SigningKey,
    pub clock: &'a dyn Clock,
}

/// Sends once; a token that is refused (401) is dropped and the request made once more at once.
pub async fn send(route: &Route<'_>, delivery: &Delivery) -> Sent {
    let request = match request(route.fhir_base, &delivery.new.payload) {
        Ok(request) => request,
        Err(why) => return Sent::without_answer(Reply::Unsendable, why.to_string()),
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
            Err(Sent::without_answer(Reply::Transport, text))
        }
        Err(error) => Err(Sent::without_answer(Reply::Unauthorized, error.to_string())),
    }
}

/// What a partner answers to a GET; a sentence where it answers nothing that can be read.
pub async fn fetch(route: &Route<'_>, url: &str) -> Result<Value, String> {
    for is_last in [false, true] {
        let token = bearer(route).await.map_err(|sent| sent.text)?;
        let get = with_token(route.line.http.get(url).header(ACCEPT, FHIR_JSON), token.as_deref())?;
        let sent = get.send().await;
        let mut response = sent.map_err(|error| describe_failure(&error, route.line.timeout))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let body = read_within(&mut response, LONGEST_PAGE).await;
        if let (StatusCode::UNAUTHORIZED, false, Some(token)) = (status, is_last, token) {
            route.line.token.forget(&token).await;
            continue;
        }
        let (_, text) = understand(status, &headers, &body);
        if !status.is_success() {
            return Err(text);
        }
        if body.len() >= LONGEST_PAGE {
            return Err(format!("a page of more than {} MiB, which is not read", LONGEST_PAGE >> 20));
        }
        return serde_json::from_slice(&body).map_err(|error| format!("{status}, but no JSON: {error}"));
    }
    Err("it refuses the tokens that it gives".to_string())
}

/// With the version that the partner gave what it holds, so that what stood still somewhere on the way cannot be laid over what
/// came after it.
async fn put(route: &Route<'_>, request: &Request, delivery: &Delivery, token: Option<&str>) -> Sent {
    let http = &route.line.http;
    let is_message = request.message.is_some();
    let begun = if is_message { http.post(&request.url) } else { http.put(&request.url) };
    let mut put = begun
        .header(CONTENT_TYPE, FHIR_JSON)
        .header(ACCEPT, FHIR_JSON)
        .header("prefer", "return=minimal")
        .body(request.body.clone());
    if let Ok(id) = HeaderValue::from_str(&delivery.new.id) {
        put = put.header("x-request-id", id);
    }
    let named = delivery.claimed.etag.as_ref().filter(|_| !is_message && !route.line.refuses_versions());
    let named = named.and_then(|etag| Some((etag, HeaderValue::from_str(etag).ok()?)));
    if let Some((_, value)) = &named {
        put = put.header(IF_MATCH, value);
    }
    let put = match with_token(put, token) {
        Ok(put) => put,
        Err(text) => return Sent::without_answer(Reply::Unauthorized, text),
    };
    let mut response = match put.send().await {
        Ok(response) => response,
        Err(error) => {
            // Once there is a connection the request may have been on its way.
            let reply = if error.is_connect() { Reply::Transport } else { Reply::Unknown };
            return Sent::without_answer(reply, describe_failure(&error, route.line.timeout));
        }
    };
    let status: StatusCode = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = read_bounded(&mut response).await;
    if let Some((etag, _)) = named.filter(|_| status == StatusCode::PRECONDITION_FAILED) {
        return differs(route, request, etag, token).await;
    }
    if let Some(message) = &request.message {
        let (reply, text) = answered(status, &headers, &body, message);
        return Sent { reply, status: Some(status.as_u16()), text, etag: None };
    }
    let (reply, text) = understand(status, &headers, &body);
    Sent { reply, status: Some(status.as_u16()), text, etag: version_of(&headers) }
}

fn with_token(request: RequestBuilder, token: Option<&str>) -> Result<RequestBuilder, String> {
    let Some(token) = token else { return Ok(request) };
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut value = value.map_err(|_| "the partner's access token cannot stand in a header".to_string())?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

fn version_of(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?.trim();
    let is_one = etag.strip_prefix("W/").unwrap_or(etag).starts_with('"') && etag.len() <= LONGEST_ETAG;
    is_one.then(|| etag.to_string())
}

/// The partner holds another version than we knew: what it holds is read, and the rule decides.
async fn differs(route: &Route<'_>, request: &Request, named: &str, token: Option<&str>) -> Sent {
    let ruling = rule(read_held(route, request, token).await, named);
    if ruling.reply == Reply::Differs && ruling.etag.as_deref() == Some("") {
        route.line.count_refused_version();
    }
    let text = format!("{}: {}", StatusCode::PRECONDITION_FAILED, ruling.text);
    Sent { reply: ruling.reply, status: Some(StatusCode::PRECONDITION_FAILED.as_u16()), text, etag: ruling.etag }
}

async fn read_held(route: &Route<'_>, request: &Request, token: Option<&str>) -> Held {
    let get = route.line.http.get(&request.url).header(ACCEPT, FHIR_JSON);
    let Ok(get) = with_token(get, token) else { return Held::Unreadable };
    let Ok(mut response) = get.send().await else { return Held::Unreadable };
    if !response.status().is_success() {
        return Held::Unreadable;
    }
    let bundle: Option<Value> = serde_json::from_slice(&read_bounded(&mut response).await).ok();
    let sent: Option<Value> = serde_json::from_slice(&request.body).ok();
    bundle.zip(sent).map_or(Held::Unreadable, |(bundle, sent)| compare(&bundle, &sent))
}
