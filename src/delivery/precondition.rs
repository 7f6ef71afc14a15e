//! What follows when a partner says that it does not hold what we knew (412 to `If-Match`,
//! http://hl7.org/fhir/R4/http.html#concurrency): what it holds is read and compared, and a rule decides (docs/api.md). Never
//! gives up what is newer for what it finds there.

use std::fmt;

use serde_json::{Map, Value};

use super::retry::Reply;

/// What a partner holds of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Nothing,
    /// Just what was sent, in this version.
    Same(String),
    /// Something else, in this version.
    Other(String),
    /// Several that have the identifier: which of them is ours only people there can say.
    Several(Names),
    /// It does not say, or not to us.
    Unreadable,
}

/// What they are called there, for the people who have to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

/// So many are named.
const MOST_NAMED: usize = 5;

impl Names {
    pub fn of(names: Vec<String>) -> Self {
        Self(names)
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = self.0.iter().take(MOST_NAMED).map(String::as_str).collect();
        f.write_str(&named.join(", "))?;
        match self.0.len().saturating_sub(MOST_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What the rule makes of it: the reply that the retry decision takes, the version to be named from now on (empty for none),
/// and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    pub reply: Reply,
    pub etag: Option<String>,
    pub text: String,
}

/// What a searchset by our identifier shows, against what was sent.
pub fn compare(bundle: &Value, sent: &Value) -> Held {
    if bundle.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        return Held::Unreadable;
    }
    let is_match = |entry: &&Value| {
        let mode = entry.pointer("/search/mode").and_then(Value::as_str);
        mode.is_none_or(|mode| mode == "match") && entry.pointer("/resource/resourceType") == sent.get("resourceType")
    };
    let entries = bundle.get("entry").and_then(Value::as_array);
    let found = entries.into_iter().flatten().filter(is_match).filter_map(|entry| entry.get("resource"));
    let found: Vec<&Value> = found.collect();
    let [held] = found[..] else {
        return if found.is_empty() {
            Held::Nothing
        } else {
            Held::Several(Names::of(found.into_iter().map(name).collect()))
        };
    };
    let version = held.pointer("/meta/versionId").and_then(Value::as_str).unwrap_or_default();
    let etag = if version.is_empty() { String::new() } else { format!("W/\"{version}\"") };
    match content(held) == content(sent) {
        true => Held::Same(etag),
        false => Held::Other(etag),
    }
}

/// `Task/12`; an id that is none (http://hl7.org/fhir/R4/datatypes.html#id) may say anything, and is not told.
pub fn name(resource: &Value) -> String {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).filter(|text| is_id(text)).unwrap_or("?");
    format!("{}/{}", text("resourceType"), text("id"))
}

pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// What a resource says, without what every server writes by itself.
fn content(resource: &Value) -> Map<String, Value> {
    let mut content = resource.as_object().cloned().unwrap_or_default();
    for own in ["id", "text"] {
        content.shift_remove(own);
    }
    if let Some(Value::Object(meta)) = content.get_mut("meta") {
        for own in ["versionId", "lastUpdated", "source"] {
            meta.shift_remove(own);
        }
        if meta.is_empty() {
            content.shift_remove("meta");
        }
    }
    content
}

/// `named` is the version that was named and refused.
pub fn rule(held: Held, named: &str) -> Ruling {
    let anew = |etag: String, text: &str| Ruling { reply: Reply::Differs, etag: Some(etag), text: text.to_string() };
    match held {
        Held::Same(etag) => {
            let reply = Reply::Status { code: 200, retry_after_secs: None };
            Ruling { reply, etag: Some(etag), text: "it holds just this already".to_string() }
        }
        Held::Nothing => anew(String::new(), "it holds nothing of it any more, and is sent it anew"),
        Held::Other(etag) if etag == named => {
            anew(String::new(), "it refuses the very version that it names, and is sent it without one")
        }
        Held::Other(etag) => anew(etag, "it holds something else by now, over which this is laid"),
        Held::Unreadable => anew(String::new(), "what it holds cannot be read, and it is sent it without a version"),
        Held::Several(names) => Ruling {
            reply: Reply::Status { code: 412, retry_after_secs: None },
            etag: None,
            text: format!("it holds several with this identifier ({names}); people there have to say which one it is"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_partner_holds_is_told_from_its_answer() {
        let sent = json!({ "resourceType": "Task", "status": "requested", "meta": { "versionId": "3" } });
        let bundle = |resources: &[Value]| {
            let entry = |resource: &Value| json!({ "resource": resource, "search": { "mode": "match" } });
            json!({ "resourceType": "Bundle", "entry": resources.iter().map(entry).collect::<Vec<_>>() })
        };
        let theirs = |status: &str| {
            json!({ "resourceType": "Task", "id": "77", "status": status, "text": { "status": "generated" },
                "meta": { "versionId": "9", "lastUpdated": "2026-03-02T10:00:00Z" } })
        };
        let outcome = json!({ "resourceType": "OperationOutcome" });
        let etag = || "W/\"9\"".to_string();
        assert_eq!(compare(&bundle(&[]), &sent), Held::Nothing);
        assert_eq!(compare(&bundle(std::slice::from_ref(&outcome)), &sent), Held::Nothing);
        assert_eq!(compare(&outcome, &sent), Held::Unreadable);
        assert_eq!(compare(&bundle(&[theirs("requested"), outcome]), &sent), Held::Same(etag()));
        assert_eq!(compare(&bundle(&[theirs("completed")]), &sent), Held::Other(etag()));
        let several = Names::of(vec!["Task/77".to_string(); 2]);
        assert_eq!(compare(&bundle(&[theirs("requested"), theirs("requested")]), &sent), Held::Several(several));
    }

    #[test]
    fn what_is_sent_is_laid_over_whatever_is_there_but_never_over_what_nobody_can_tell_apart() {
        let etag = |held| rule(held, "W/\"1\"").etag;
        assert_eq!(etag(Held::Other("W/\"4\"".into())), Some("W/\"4\"".to_string()));
        for held in [Held::Nothing, Held::Unreadable, Held::Other("W/\"1\"".into())] {
            let ruling = rule(held, "W/\"1\"");
            assert_eq!((ruling.reply, ruling.etag), (Reply::Differs, Some(String::new())), "{}", ruling.text);
        }
        assert!(matches!(rule(Held::Same(String::new()), "x").reply, Reply::Status { code: 200, .. }));
        let names = Names::of((1..8).map(|number| format!("Task/{number}")).collect());
        let several = rule(Held::Several(names), "x");
        assert!(matches!(several.reply, Reply::Status { code: 412, .. }));
        assert!(several.text.contains("(Task/1, Task/2, Task/3, Task/4, Task/5 and 2 more)"), "{}", several.text);
    }
}
