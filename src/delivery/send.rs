//! One attempt at one delivery: the request, with a fresh token once more when the first was refused.

use reqwest::StatusCode;
use reqwest::header::{HeaderValue, IF_MATCH};
use serde_json::Value;

use super::address::{Request, request};
use super::answer::{answered, is_not_supported};
use super::by_search;
use super::held::differs;
use super::retry::Reply;
use super::route::{Route, Sent, bearer, write};
use crate::store::Delivery;

/// Sends once; a token that is refused (401) is dropped and the request made once more at once. Where the partner's server says that it
/// does not offer what it refused, the answer is told with that.
pub async fn send(route: &Route<'_>, delivery: &Delivery) -> Sent {
    let request = match request(route.fhir_base, &delivery.new.payload) {
        Ok(request) => request,
        Err(why) => return Sent::without_answer(Reply::Unsendable, why.to_string()),
    };
    let mut sent = with_bearer(route, &request, delivery).await;
    let is_refused = matches!(sent.reply, Reply::Status { code: 400..=499, .. } | Reply::Denied);
    let kind = kind_of(delivery);
    if let Some(offered) = route.offered.filter(|_| is_refused && request.message.is_none()) {
        let lacks = offered.lacks(kind);
        if !lacks.is_empty() {
            sent.text = format!("{}; its CapabilityStatement does not offer {}", sent.text, lacks.join(", "));
        }
    }
    sent
}

async fn with_bearer(route: &Route<'_>, request: &Request, delivery: &Delivery) -> Sent {
    let first = match bearer(route).await {
        Ok(token) => token,
        Err(sent) => return sent,
    };
    let sent = attempt(route, request, delivery, first.as_deref()).await;
    let Some(refused) = first.filter(|_| sent.status == Some(401)) else { return sent };
    route.line.token.forget(&refused).await;
    match bearer(route).await {
        Ok(second) => attempt(route, request, delivery, second.as_deref()).await,
        Err(sent) => sent,
    }
}

fn kind_of(delivery: &Delivery) -> &str {
    delivery.new.payload.get("resourceType").and_then(Value::as_str).unwrap_or_default()
}

/// In the way that the partner takes: an update by a search where its statement does not deny it, until it shows that it does not know
/// that; else by what a search finds.
async fn attempt(route: &Route<'_>, request: &Request, delivery: &Delivery, token: Option<&str>) -> Sent {
    let kind = kind_of(delivery);
    let is_message = request.message.is_some();
    let is_denied = route.offered.and_then(|offered| offered.takes_conditional_update(kind)) == Some(false);
    if !is_message && (is_denied || route.line.lacks_conditional_update(kind)) {
        return by_search::send(route, request, delivery, token).await;
    }
    let (sent, is_unknown_there) = put(route, request, delivery, token).await;
    if is_message || !is_unknown_there {
        return sent;
    }
    // It may be the whole server that is not there: only what a search finds tells.
    match by_search::look_up(route, request, token).await {
        Err(_) => sent,
        Ok(found) => {
            let by_search = by_search::write_over(route, request, delivery, found, token).await;
            if matches!(by_search.reply, Reply::Status { code: 200..=299, .. }) {
                route.line.note_lacks_conditional_update(kind);
            }
            by_search
        }
    }
}

/// With the version that the partner gave what it holds, so that what stood still somewhere on the way cannot be laid over what
/// came after it. Says, too, whether the partner shows that it does not know such requests.
async fn put(route: &Route<'_>, request: &Request, delivery: &Delivery, token: Option<&str>) -> (Sent, bool) {
    let http = &route.line.http;
    let is_message = request.message.is_some();
    let begun = if is_message { http.post(&request.url) } else { http.put(&request.url) };
    let mut put = begun.body(request.body.clone());
    let named = delivery.claimed.etag.as_ref().filter(|_| !is_message && !route.line.refuses_versions());
    let named = named.and_then(|etag| Some((etag, HeaderValue::from_str(etag).ok()?)));
    if let Some((_, value)) = &named {
        put = put.header(IF_MATCH, value);
    }
    let answer = match write(route, put, &delivery.new.id, token).await {
        Ok(answer) => answer,
        Err(sent) => return (sent, false),
    };
    if let Some((etag, _)) = named.filter(|_| answer.status == StatusCode::PRECONDITION_FAILED) {
        return (differs(route, request, etag, token).await, false);
    }
    if let Some(message) = &request.message {
        let (reply, text) = answered(answer.status, &answer.headers, &answer.body, message);
        return (Sent { reply, status: Some(answer.status.as_u16()), text, etag: None }, false);
    }
    let is_unknown_there = matches!(answer.status.as_u16(), 404 | 405 | 501)
        || (!answer.status.is_success() && is_not_supported(&answer.body));
    (answer.sent(), is_unknown_there)
}
