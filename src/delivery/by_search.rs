//! For servers that know no update by a search (http://hl7.org/fhir/R4/http.html#cond-update): what has our identifier there is
//! searched for and then written by its id; where there is none it is created, on the condition that there is none (#ccreate), which a
//! server that knows no conditions does not heed. Never chooses among several.

use reqwest::StatusCode;
use reqwest::header::{HeaderValue, IF_MATCH};
use serde_json::Value;

use super::address::Request;
use super::held::{differs, read_held};
use super::precondition::{Held, Names, is_id};
use super::retry::Reply;
use super::route::{Route, Sent, get, next_page, write};
use super::token::is_same_origin;
use crate::store::Delivery;

/// Pages of one search that are read.
const MOST_PAGES: usize = 5;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    id: String,
    version: Option<String>,
}

pub async fn send(route: &Route<'_>, request: &Request, delivery: &Delivery, token: Option<&str>) -> Sent {
    match look_up(route, request, token).await {
        Ok(found) => write_over(route, request, delivery, found, token).await,
        Err(sent) => sent,
    }
}

/// What of the partner's has our identifier. Nothing was written where this fails.
pub async fn look_up(route: &Route<'_>, request: &Request, token: Option<&str>) -> Result<Vec<Found>, Sent> {
    // The rate that the partner is sent to counts requests.
    route.line.lane.count_another(route.clock.steady());
    let sent: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let (mut url, mut found) = (request.url.clone(), Vec::new());
    for _ in 0..MOST_PAGES {
        let answer =
            get(route, &url, token).await.map_err(|sent| Sent { text: format!("search: {}", sent.text), ..sent })?;
        let denied = |status: StatusCode, text: &str| {
            let text = format!("search: {status}, but {text}");
            Sent { reply: Reply::Denied, status: Some(status.as_u16()), text, etag: None }
        };
        let said = answer.sent();
        if !matches!(said.reply, Reply::Status { code: 200..=299, .. }) {
            return Err(Sent { text: format!("search: {}", said.text), etag: None, ..said });
        }
        let page: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if page.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
            return Err(denied(answer.status, "with no Bundle"));
        }
        for resource in matches_in(&page, &sent) {
            if !has_identifier(resource, &sent) {
                return Err(denied(answer.status, "with what has other identifiers than the one asked for"));
            }
            let named = named(resource).ok_or_else(|| denied(answer.status, "with what has no id"))?;
            found.push(named);
        }
        match next_page(&page) {
            None => return Ok(found),
            Some(next) if is_same_origin(route.fhir_base, next) => url = next.to_string(),
            Some(_) => return Err(denied(answer.status, "its next page is at another server, which is asked nothing")),
        }
    }
    let text = format!("search: more than {MOST_PAGES} pages for one identifier");
    Err(Sent { reply: Reply::Denied, status: None, text, etag: None })
}

/// Writes over what was found, or creates.
pub async fn write_over(
    route: &Route<'_>,
    request: &Request,
    delivery: &Delivery,
    found: Vec<Found>,
    token: Option<&str>,
) -> Sent {
    match &found[..] {
        [] => create(route, request, delivery, token).await,
        [one] => update(route, request, delivery, one, token).await,
        several => {
            let kind = delivery.new.payload.get("resourceType").and_then(Value::as_str).unwrap_or_default();
            let names = Names::of(several.iter().map(|one| format!("{kind}/{}", one.id)).collect());
            let text = format!(
                "search: it holds several with this identifier ({names}); people there have to say which one it is"
            );
            let reply = Reply::Status { code: 412, retry_after_secs: None };
            Sent { reply, status: None, text, etag: None }
        }
    }
}

async fn create(route: &Route<'_>, request: &Request, delivery: &Delivery, token: Option<&str>) -> Sent {
    let (address, condition) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let post = route.line.http.post(address).header("if-none-exist", condition).body(request.body.clone());
    let answer = match write(route, post, &delivery.new.id, token).await {
        Ok(answer) => answer,
        Err(sent) => return sent,
    };
    let sent = answer.sent();
    if answer.status != StatusCode::OK || !matches!(sent.reply, Reply::Status { .. }) {
        return Sent { text: format!("{}, as new after a search", sent.text), ..sent };
    }
    // It may have left what it was sent for what has the identifier by now.
    let (reply, etag, text) = match read_held(route, request, token).await {
        Held::Same(etag) => (sent.reply, Some(etag), "it holds just this"),
        Held::Other(etag) => (Reply::Differs, Some(etag), "it held something by then, over which this is laid"),
        _ => (Reply::Differs, Some(String::new()), "whether it took it cannot be seen"),
    };
    Sent { reply, status: sent.status, text: format!("200 OK to what was to be new: {text}"), etag }
}

async fn update(route: &Route<'_>, request: &Request, delivery: &Delivery, found: &Found, token: Option<&str>) -> Sent {
    let mut resource = delivery.new.payload.as_object().cloned().unwrap_or_default();
    resource.insert("id".to_string(), Value::String(found.id.clone()));
    let address = request.url.split_once('?').map_or(&*request.url, |(address, _)| address);
    let body = serde_json::to_vec(&resource).unwrap_or_default();
    let mut put = route.line.http.put(format!("{address}/{}", found.id)).body(body);
    let named = found.version.as_ref().filter(|_| !route.line.refuses_versions());
    let named = named.and_then(|etag| Some((etag, HeaderValue::from_str(etag).ok()?)));
    if let Some((_, value)) = &named {
        put = put.header(IF_MATCH, value);
    }
    let answer = match write(route, put, &delivery.new.id, token).await {
        Ok(answer) => answer,
        Err(sent) => return sent,
    };
    if let Some((etag, _)) = named.filter(|_| answer.status == StatusCode::PRECONDITION_FAILED) {
        return differs(route, request, etag, token).await;
    }
    let sent = answer.sent();
    let bare = |etag: &str| etag.trim_start_matches("W/").to_string();
    let both = delivery.claimed.etag.as_ref().zip(found.version.as_ref());
    let is_changed = both.is_some_and(|(ours, theirs)| bare(ours) != bare(theirs));
    let over = if is_changed { ", over what it held otherwise by then" } else { "" };
    Sent { text: format!("{}, by its id after a search{over}", sent.text), ..sent }
}

fn matches_in<'a>(page: &'a Value, sent: &'a Value) -> impl Iterator<Item = &'a Value> {
    let entries = page.get("entry").and_then(Value::as_array).into_iter().flatten();
    let is_match =
        |entry: &&Value| entry.pointer("/search/mode").and_then(Value::as_str).is_none_or(|mode| mode == "match");
    let resources = entries.filter(is_match).filter_map(|entry| entry.get("resource"));
    resources.filter(|resource| resource.get("resourceType") == sent.get("resourceType"))
}

/// Servers that do not know a parameter leave it out and find everything: only what has the identifier is what was asked for.
fn has_identifier(held: &Value, sent: &Value) -> bool {
    let parts = |identifier: &Value| {
        let text = |name: &str| Some(identifier.get(name)?.as_str()?.to_string());
        Some((text("system")?, text("value")?))
    };
    let all = |resource: &Value| match resource.get("identifier") {
        Some(Value::Array(items)) => items.iter().filter_map(parts).collect::<Vec<_>>(),
        one => one.and_then(parts).into_iter().collect(),
    };
    all(sent).first().is_some_and(|own| all(held).contains(own))
}

/// http://hl7.org/fhir/R4/datatypes.html#id: what is none cannot stand in an address.
fn named(resource: &Value) -> Option<Found> {
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
    let version = text("/meta/versionId").filter(|version| is_id(version)).map(|version| format!("W/\"{version}\""));
    Some(Found { id: text("/id").filter(|id| is_id(id))?.to_string(), version })
}
