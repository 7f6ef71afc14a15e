//! What a partner holds, read when it says that it is not what we knew (412 to `If-Match`); the rule on it is `precondition.rs`'s.

use reqwest::StatusCode;
use serde_json::Value;

use super::address::Request;
use super::precondition::{Held, compare, rule};
use super::retry::Reply;
use super::route::{Route, Sent, get};

/// The partner holds another version than we knew: what it holds is read, and the rule decides.
pub async fn differs(route: &Route<'_>, request: &Request, named: &str, token: Option<&str>) -> Sent {
    let ruling = rule(read_held(route, request, token).await, named);
    if ruling.reply == Reply::Differs && ruling.etag.as_deref() == Some("") {
        route.line.count_refused_version();
    }
    let text = format!("{}: {}", StatusCode::PRECONDITION_FAILED, ruling.text);
    Sent { reply: ruling.reply, status: Some(StatusCode::PRECONDITION_FAILED.as_u16()), text, etag: ruling.etag }
}

pub async fn read_held(route: &Route<'_>, request: &Request, token: Option<&str>) -> Held {
    let Ok(answer) = get(route, &request.url, token).await else { return Held::Unreadable };
    if !answer.status.is_success() {
        return Held::Unreadable;
    }
    let bundle: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let sent: Option<Value> = serde_json::from_slice(&request.body).ok();
    bundle.zip(sent).map_or(Held::Unreadable, |(bundle, sent)| compare(&bundle, &sent))
}
