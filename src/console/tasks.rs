//! What was written down about a Task: notes, how it ended, why it was refused, and the attempts to reach the patient. The list of
//! work is `work.rs`.

use actix_web::HttpResponse;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::page;
use crate::fhir::Resource;
use crate::protocol::attempts_in;

/// What somebody wrote down, and when.
pub(super) struct Note {
    pub who: String,
    pub when: String,
    pub text: String,
}

/// The list has another address now.
pub(super) async fn moved() -> HttpResponse {
    page::see("/console/work")
}

/// All that people and the gateway wrote about a Task: notes, how it ended, why it was refused.
pub(super) fn notes(task: &Value, zone: &TimeZone) -> Vec<Note> {
    let list = |element: &str| task.get(element).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let when = |at: String| at.parse().map_or(at, |at: Timestamp| page::minute(at, zone));
    let mut notes: Vec<Note> = list("note")
        .iter()
        .map(|note| Note { who: text(note, "authorString"), when: when(text(note, "time")), text: text(note, "text") })
        .collect();
    let ended = || when(task.pointer("/executionPeriod/end").and_then(Value::as_str).unwrap_or_default().to_string());
    let outcomes =
        list("output").iter().map(|output| text(output, "valueString")).filter(|text| !text.is_empty()).collect();
    let refusal = task.pointer("/statusReason/text").and_then(Value::as_str).map(str::to_string);
    for (who, texts) in [("Outcome", outcomes), ("Not done because", Vec::from_iter(refusal))] {
        let of = |text: String| Note { who: who.to_string(), when: ended(), text };
        notes.extend(texts.into_iter().map(of));
    }
    notes
}

/// "2 contact attempts: no answer, left a message"; empty where nobody tried.
pub(super) fn attempts(task: &Resource) -> String {
    let words: Vec<&str> = attempts_in(task).map(|attempt| attempt.words).collect();
    if words.is_empty() {
        return String::new();
    }
    let count = page::counted(words.len() as u64, "contact attempt", "contact attempts");
    format!("{count}: {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::CONTACT;

    #[test]
    fn everything_that_was_written_about_a_task_is_told() {
        let task = serde_json::json!({
            "note": [{ "authorString": "Ida Roe", "time": "2026-05-04T18:30:00Z", "text": "Contact attempt: no answer." }],
            "output": [
                { "type": { "coding": [{ "system": CONTACT, "code": "no-answer", "display": "no answer" }] }, "valueDateTime": "x" },
                { "type": { "text": "Outcome" }, "valueString": "seen at home" }
            ],
            "statusReason": { "text": "moved away" },
            "executionPeriod": { "end": "2026-05-05T08:00:00Z" }
        });
        let zone = TimeZone::get("America/Chicago").unwrap();
        let told: Vec<String> =
            notes(&task, &zone).iter().map(|note| format!("{}, {}: {}", note.who, note.when, note.text)).collect();
        assert_eq!(
            told,
            [
                "Ida Roe, 2026-05-04 13:30: Contact attempt: no answer.",
                "Outcome, 2026-05-05 03:00: seen at home",
                "Not done because, 2026-05-05 03:00: moved away",
            ]
        );
        let output = task.get("output").cloned().unwrap();
        assert_eq!(attempts(&Resource::new("Task").with("output", output)), "1 contact attempt: no answer");
        assert_eq!(attempts(&Resource::new("Task")), "");
    }
}
