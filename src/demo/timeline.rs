//! The demo's timeline: what happened, as it happens, for somebody who watches.

use std::io::Write;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::interrupt;
use crate::identity::ResourceId;
use crate::pipeline::{Event, Gateway};

/// Prints one line; the demo's only way to say something. Where nobody reads any more, the demo ends.
pub(super) fn say(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        interrupt::nobody_reads();
    }
}

/// A line with the time and what kind of thing it tells.
pub(super) fn tell(kind: &str, text: &str) {
    let time = jiff::Zoned::now().strftime("%H:%M:%S");
    say(&format!("{time}  {kind:<9} {text}"));
}

/// Tells what was written and what was delivered, until the gateway is gone.
pub(super) async fn follow(gateway: Arc<Gateway>, mut events: Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Resources { written, .. }) => tell_written(&gateway, &written).await,
            Ok(Event::Delivery { id, partner, result }) => tell_delivery(&gateway, &id, &partner, &result).await,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn tell_written(gateway: &Gateway, written: &[String]) {
    let mut record = Vec::new();
    for path in written {
        let mut parts = path.split('/');
        let (Some(kind), Some(id)) = (parts.next(), parts.next()) else { continue };
        let Ok(id) = id.parse::<ResourceId>() else { continue };
        let Ok(Some(stored)) = gateway.store.resource(kind, id).await else { continue };
        let is_new = stored.version == 1;
        let resource = Value::from(stored.resource);
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        let titles = [text("/title"), text("/code/text"), text("/code/coding/0/display"), text("/description")];
        let title = titles.into_iter().find(|title| !title.is_empty());
        let title = title.unwrap_or_default();
        match kind {
            "Task" => {
                let due = text("/restriction/period/end");
                let due = if due.is_empty() { String::new() } else { format!(", due {due}") };
                let kind = if text("/code/coding/0/code").contains("alert") { "alert" } else { "task" };
                tell(kind, &format!("{title} [{}]{due}", text("/status")));
                if is_new && text("/status") == "requested" {
                    tell("", &text("/description"));
                }
            }
            "CarePlan" if is_new => tell("plan", &title),
            "Flag" if is_new => tell("prompt", &title),
            "Flag" => tell("prompt", &format!("{title} [{}]", text("/status"))),
            "CarePlan" | "Provenance" => {}
            "Encounter" => record.push(format!("Encounter {} {}", text("/class/code"), text("/status"))),
            other => record.push(other.to_string()),
        }
    }
    if !record.is_empty() {
        tell("record", &record.join(", "));
    }
}

async fn tell_delivery(gateway: &Gateway, id: &str, partner: &str, result: &str) {
    let what = match gateway.store.delivery(id).await {
        Ok(Some(delivery)) => {
            let kind = delivery.new.subject.split('/').next().unwrap_or_default().to_string();
            let last = delivery.attempts.last().map(|attempt| attempt.result.clone()).unwrap_or_default();
            format!("{kind} to {partner}: {last}")
        }
        _ => format!("to {partner}"),
    };
    tell(result, &what);
}
