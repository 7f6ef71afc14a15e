//! `encode`, `decode`, `escape` and `unescape` (http://hl7.org/fhirpath/#additional-string-functions).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::invocation::Invocation;
use super::strings::{one, text_of};
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let Some(item) = invocation.single(&input)? else { return Ok(Items::new()) };
    let Some(text) = text_of(item) else { return Err(invocation.fault("works on text")) };
    let Some(form) = invocation.text(0)? else { return Ok(Items::new()) };
    let changed = match (invocation.call.function, form.as_ref()) {
        (Function::Encode, "hex") => Some(text.bytes().map(|byte| format!("{byte:02x}")).collect()),
        (Function::Encode, "base64") => Some(STANDARD.encode(text.as_bytes())),
        (Function::Encode, "urlbase64") => Some(URL_SAFE.encode(text.as_bytes())),
        (Function::Decode, "hex") => from_hex(&text),
        (Function::Decode, "base64") => from_bytes(STANDARD.decode(text.as_bytes()).ok()),
        (Function::Decode, "urlbase64") => from_bytes(URL_SAFE.decode(text.as_bytes()).ok()),
        (Function::Escape, "html") => Some(escape_html(&text)),
        (Function::Escape, "json") => serde_json::to_string(text.as_ref()).ok().and_then(|quoted| {
            quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).map(str::to_string)
        }),
        (Function::Unescape, "html") => Some(unescape_html(&text)),
        (Function::Unescape, "json") => unescape_json(&text),
        _ => return Err(invocation.fault("the form is `hex`, `base64` or `urlbase64`, or `html` or `json` to escape")),
    };
    Ok(changed.map(one).unwrap_or_default())
}

fn from_bytes(bytes: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(bytes?).ok()
}

fn from_hex(text: &str) -> Option<String> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    from_bytes(pairs.collect())
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn unescape_html(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Quotes that were not escaped stand for themselves.
fn unescape_json(text: &str) -> Option<String> {
    let mut escaped = String::with_capacity(text.len() + 2);
    let mut after_backslash = false;
    for letter in text.chars() {
        if letter == '"' && !after_backslash {
            escaped.push('\\');
        }
        after_backslash = letter == '\\' && !after_backslash;
        escaped.push(letter);
    }
    serde_json::from_str(&format!("\"{escaped}\"")).ok()
}
