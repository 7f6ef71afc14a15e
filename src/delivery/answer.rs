//! What a partner answered, in a line for people: the status and the codes of its OperationOutcome
//! (http://hl7.org/fhir/R4/operationoutcome.html). Never its free text: that may speak of the patient.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::retry::Reply;
use crate::fhir::Definitions;

/// Of an answer's body no more is read.
const BODY_BYTES: usize = 64 * 1024;

/// Issues named in the line.
const ISSUES: usize = 3;

/// Reads a body up to its bound; what is beyond it, or cut off, is left.
pub async fn read_bounded(response: &mut Response) -> Vec<u8> {
    read_within(response, BODY_BYTES).await
}

/// So much of a body.
pub async fn read_within(response: &mut Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let room = limit.saturating_sub(body.len());
        body.extend(piece.iter().take(room));
        if piece.len() >= room {
            break;
        }
    }
    body
}

/// What an answer means, and a line for people: `422 Unprocessable Entity: error/required at Task.owner`.
pub fn understand(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Reply, String) {
    let own = Reply::Status { code: status.as_u16(), retry_after_secs: retry_after_secs(headers) };
    if !status.is_success() {
        return (own, summarise(status, body));
    }
    if is_page(headers, body) {
        let line = format!("{status}, but with a page of HTML: something in front of the partner answered");
        return (Reply::Foreign, line);
    }
    match has_errors(body) {
        true => (Reply::Denied, summarise(status, body)),
        false => (own, status.to_string()),
    }
}

/// The same for what a message was answered with: its response outweighs the status
/// (http://hl7.org/fhir/R4/messageheader-definitions.html#MessageHeader.response).
pub fn answered(status: StatusCode, headers: &HeaderMap, body: &[u8], message: &str) -> (Reply, String) {
    let bundle: Option<Value> = serde_json::from_slice(body).ok();
    let response = bundle.as_ref().and_then(|bundle| bundle.pointer("/entry/0/resource/response"));
    let Some(response) = response else { return understand(status, headers, body) };
    let text = |name: &str| response.get(name).and_then(Value::as_str).unwrap_or_default();
    let retry_after_secs = retry_after_secs(headers);
    let (reply, word) = match text("code") {
        _ if status.is_success() && text("identifier") != message => {
            (Reply::Foreign, "but with the answer to another message")
        }
        "ok" if status.is_success() => {
            return (Reply::Status { code: status.as_u16(), retry_after_secs }, status.to_string());
        }
        // There is no point in sending it again as it is.
        "fatal-error" if status.is_success() => {
            (Reply::Status { code: 422, retry_after_secs }, "but with a fatal-error")
        }
        "transient-error" if status.is_success() => {
            (Reply::Status { code: 503, retry_after_secs }, "but with a transient-error")
        }
        _ if status.is_success() => (Reply::Denied, "but with a response that says nothing known"),
        _ => (Reply::Status { code: status.as_u16(), retry_after_secs }, ""),
    };
    let entries = bundle.as_ref().and_then(|bundle| bundle.get("entry")?.as_array()).into_iter().flatten();
    let issues = entries.filter_map(|entry| entry.pointer("/resource/issue")?.as_array()).flatten();
    let told: Vec<String> = issues.take(ISSUES).filter_map(issue_codes).collect();
    let line: Vec<String> =
        [status.to_string(), word.to_string()].into_iter().filter(|part| !part.is_empty()).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join("; ")) };
    (reply, format!("{}{told}", line.join(", ")))
}

fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let start: Vec<u8> = body.iter().take(200).map(u8::to_ascii_lowercase).collect();
    let start = start.trim_ascii_start();
    kind.to_ascii_lowercase().starts_with("text/html")
        || start.starts_with(b"<!doctype html")
        || start.starts_with(b"<html")
}

/// An OperationOutcome with an issue that says that it failed.
fn has_errors(body: &[u8]) -> bool {
    let Ok(outcome) = serde_json::from_slice::<Value>(body) else { return false };
    let issues = outcome.get("issue").and_then(Value::as_array);
    let is_error = |issue: &Value| matches!(issue.get("severity").and_then(Value::as_str), Some("error" | "fatal"));
    outcome.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome")
        && issues.is_some_and(|issues| issues.iter().any(is_error))
}

/// The entry of a Bundle that an OperationOutcome's errors name first, counted from 0.
pub fn entry_named(outcome: &Value) -> Option<usize> {
    let issues = outcome.get("issue").and_then(Value::as_array)?;
    let paths = issues.iter().flat_map(|issue| ["expression", "location"].map(|name| issue.get(name)));
    let mut paths = paths.flatten().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    paths.find_map(|path| {
        let (_, rest) = path.split_once("Bundle.entry[")?;
        rest.split_once(']')?.0.parse().ok()
    })
}

/// Whether it says that it does not know such a request at all.
pub fn is_not_supported(body: &[u8]) -> bool {
    let Ok(outcome) = serde_json::from_slice::<Value>(body) else { return false };
    let mut issues = outcome.get("issue").and_then(Value::as_array).into_iter().flatten();
    issues.any(|issue| issue.get("code").and_then(Value::as_str) == Some("not-supported"))
}

fn summarise(status: StatusCode, body: &[u8]) -> String {
    let mut line = status.to_string();
    let outcome: Option<Value> = serde_json::from_slice(body).ok();
    let issues = outcome.as_ref().and_then(|outcome| outcome.get("issue")?.as_array());
    let told: Vec<String> = issues.into_iter().flatten().take(ISSUES).filter_map(issue_codes).collect();
    if status.is_success() {
        line.push_str(", but with an OperationOutcome of errors");
    }
    if !told.is_empty() {
        line.push_str(": ");
        line.push_str(&told.join("; "));
    }
    line
}

/// Codes and element paths only, each as a short word, so that nothing a server wrote in the wrong place gets through.
fn issue_codes(issue: &Value) -> Option<String> {
    let text = |pointer: &str| issue.pointer(pointer).and_then(Value::as_str);
    let severity = text("/severity").filter(|text| SEVERITIES.contains(text)).unwrap_or("error");
    let code = text("/code").filter(|text| CODES.contains(text))?;
    let mut line = format!("{severity}/{code}");
    if let Some(detail) = text("/details/coding/0/code").filter(|text| is_message_code(text)) {
        line.push_str(&format!(" ({detail})"));
    }
    if let Some(path) = text("/expression/0").or_else(|| text("/location/0")).filter(|text| is_path(text)) {
        line.push_str(&format!(" at {path}"));
    }
    Some(line)
}

const SEVERITIES: [&str; 4] = ["fatal", "error", "warning", "information"];

/// http://hl7.org/fhir/R4/valueset-issue-type.html: a word that is none of these may be anything, a name for one.
const CODES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

/// `MSG_CANT_PARSE_CONTENT` (http://hl7.org/fhir/R4/valueset-operation-outcome.html).
fn is_message_code(text: &str) -> bool {
    text.len() <= 48
        && text.starts_with("MSG_")
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `Task.owner`, `Patient.name[0].family`: elements of R4 and numbers, and nothing that could carry a value.
fn is_path(text: &str) -> bool {
    let mut parts = text.split('.');
    let mut definition = parts.next().and_then(|kind| Definitions::r4().type_definition(kind));
    definition.is_some()
        && text.len() <= 100
        && parts.all(|part| {
            let (name, index) = part.split_once('[').unwrap_or((part, "0]"));
            let is_index = index.strip_suffix(']').is_some_and(|at| at.bytes().all(|byte| byte.is_ascii_digit()));
            let element = definition.and_then(|definition| definition.element(name));
            definition = element.and_then(|element| element.definition());
            element.is_some() && is_index
        })
}

/// Retry-After in its form of seconds; as a date it is taken against the answer's own Date, so that clocks need not agree.
fn retry_after_secs(headers: &HeaderMap) -> Option<u64> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = asked.parse() {
        return Some(secs);
    }
    let until = jiff::fmt::rfc2822::parse(asked).ok()?.timestamp();
    let sent = headers.get("date").and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok())?.timestamp();
    u64::try_from(until.duration_since(sent).as_secs()).ok()
}

/// Why there was no answer, without addresses or headers.
pub fn describe_failure(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", timeout.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let cause: String = cause.to_string().chars().filter(|letter| !letter.is_control()).take(160).collect();
    if error.is_connect() { format!("no connection: {cause}") } else { format!("connection failed: {cause}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_has_codes_and_places_and_no_free_text() {
        let body = json!({ "resourceType": "OperationOutcome", "issue": [
            { "severity": "error", "code": "required", "expression": ["Task.owner"], "diagnostics": "John Smith has no owner" },
            { "severity": "error", "code": "value", "expression": ["Patient.where(name='Smith')"] },
            { "severity": "error", "code": "Smith", "expression": ["Task.owner"] },
            { "severity": "error", "code": "invalid", "details": { "coding": [{ "code": "Smith" }] }, "expression": ["Smith.John"] } ] });
        let line = summarise(StatusCode::UNPROCESSABLE_ENTITY, body.to_string().as_bytes());
        assert_eq!(line, "422 Unprocessable Entity: error/required at Task.owner; error/value");
        let body = json!({ "issue": [{ "code": "invalid", "details": { "coding": [{ "code": "Smith" }] }, "expression": ["Task.Smith"] },
            { "severity": "Smith", "code": "invalid", "details": { "coding": [{ "code": "MSG_BAD_SYNTAX" }] }, "location": ["Patient.name[0].family"] }] });
        let line = summarise(StatusCode::BAD_REQUEST, body.to_string().as_bytes());
        assert_eq!(line, "400 Bad Request: error/invalid; error/invalid (MSG_BAD_SYNTAX) at Patient.name[0].family");
        assert_eq!(summarise(StatusCode::BAD_GATEWAY, b"<html>"), "502 Bad Gateway");
    }

    #[test]
    fn a_success_is_one_only_if_its_content_does_not_say_otherwise() {
        let of = |kind: &str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            understand(StatusCode::OK, &headers, body.as_bytes())
        };
        let fine = Reply::Status { code: 200, retry_after_secs: None };
        let outcome = |severity: &str| {
            json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "information", "code": "informational" },
                { "severity": severity, "code": "required", "expression": ["Task.owner"], "diagnostics": "John Smith" }] })
        };
        assert_eq!(of("application/fhir+json", ""), (fine, "200 OK".to_string()));
        assert_eq!(of("application/fhir+json", &outcome("warning").to_string()).0, fine);
        assert_eq!(of("text/plain", "<Task xmlns='http://hl7.org/fhir'/>").0, fine);
        let denied = of("application/fhir+json", &outcome("error").to_string());
        let told =
            "200 OK, but with an OperationOutcome of errors: information/informational; error/required at Task.owner";
        assert_eq!(denied, (Reply::Denied, told.to_string()));
        for (kind, body) in [("text/html; charset=utf-8", "Welcome"), ("text/plain", "  <!DOCTYPE html><p>Sign in")] {
            let (reply, line) = of(kind, body);
            assert!(reply == Reply::Foreign && line.contains("HTML"), "{line}");
        }
    }

    #[test]
    fn a_message_is_delivered_if_its_response_says_so() {
        let of = |status: u16, code: &str, identifier: &str| {
            let body = json!({ "resourceType": "Bundle", "type": "message", "entry": [
                { "resource": { "resourceType": "MessageHeader", "response": { "identifier": identifier, "code": code } } },
                { "resource": { "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": "value", "diagnostics": "Smith" }] } } ] });
            answered(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.to_string().as_bytes(), "m1")
        };
        let status = |code: u16| Reply::Status { code, retry_after_secs: None };
        assert_eq!(of(200, "ok", "m1").0, status(200));
        let told = "200 OK, but with a fatal-error: error/value".to_string();
        assert_eq!(of(200, "fatal-error", "m1"), (status(422), told));
        assert_eq!(of(200, "transient-error", "m1").0, status(503));
        assert_eq!(of(200, "fine", "m1").0, Reply::Denied);
        assert_eq!(of(200, "ok", "m2").0, Reply::Foreign);
        assert_eq!(of(409, "fatal-error", "m1"), (status(409), "409 Conflict: error/value".to_string()));
        // No response is asked for: what says nothing took it.
        assert_eq!(answered(StatusCode::NO_CONTENT, &HeaderMap::new(), b"", "m1").0, status(204));
        assert_eq!(answered(StatusCode::ACCEPTED, &HeaderMap::new(), b"", "m1").0, status(202));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after_secs(&headers), None);
        headers.insert(RETRY_AFTER, "17".parse().unwrap());
        assert_eq!(retry_after_secs(&headers), Some(17));
        headers.insert(RETRY_AFTER, "Fri, 31 Dec 1999 23:59:59 GMT".parse().unwrap());
        headers.insert("date", "Fri, 31 Dec 1999 23:59:49 GMT".parse().unwrap());
        assert_eq!(retry_after_secs(&headers), Some(10));
        headers.insert(RETRY_AFTER, "soon".parse().unwrap());
        assert_eq!(retry_after_secs(&headers), None);
    }
}
