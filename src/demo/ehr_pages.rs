//! The stand-in EHR's only page: what the practice would find in its worklist.

use askama::Template;
use serde_json::Value;

use super::ehr_shelf::Shelf;

#[derive(Template)]
#[template(path = "demo/worklist.html")]
struct Worklist {
    rows: Vec<Row>,
}

struct Row {
    kind: String,
    title: String,
    patient: String,
    status: String,
    priority: String,
    due: String,
    version: u64,
}

/// The page as HTML.
pub(super) fn worklist(shelf: &Shelf) -> String {
    let rows = shelf.iter().map(|((kind, _), held)| row(kind, held.version, held.resource.as_map())).collect();
    Worklist { rows }.render().unwrap_or_else(|fault| format!("the page cannot be shown: {fault}"))
}

fn row(kind: &str, version: u64, resource: &serde_json::Map<String, Value>) -> Row {
    let text = |pointer: &str| {
        let (first, rest) = pointer.split_once('/').map_or((pointer, ""), |(first, rest)| (first, rest));
        let value = resource.get(first);
        let found = if rest.is_empty() { value } else { value.and_then(|value| value.pointer(&format!("/{rest}"))) };
        found.and_then(Value::as_str).unwrap_or_default().to_string()
    };
    let first_of = |pointers: &[&str]| {
        pointers.iter().map(|pointer| text(pointer)).find(|found| !found.is_empty()).unwrap_or_default()
    };
    Row {
        kind: kind.to_string(),
        title: first_of(&["description", "title", "code/text", "code/coding/0/display", "class/display", "class/code"]),
        patient: first_of(&["for/display", "subject/display", "for/identifier/value", "subject/identifier/value"]),
        status: text("status"),
        priority: text("priority"),
        due: first_of(&["restriction/period/end", "period/end"]),
        version,
    }
}
