//! The worklist of a practice: what is owed, by when, why, and the buttons that say how it went.

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, look, own, turn};
use crate::fhir::concept_title;
use crate::identity::ResourceId;
use crate::pipeline::{TaskAction, owner};
use crate::protocol::{CONTACT, Contact};
use crate::record::Stored;
use crate::site::Panels;
use crate::store::{Cursor, Urgency, WorkCounts, WorkFilter, due_of};

/// Tasks on a page.
const PAGE: usize = 50;

/// One task as the page shows it.
struct TaskRow {
    id: String,
    title: String,
    text: String,
    patient: String,
    patient_id: String,
    status: String,
    priority: String,
    owner: String,
    why: String,
    notes: Vec<Note>,
    attempts: String,
    due_words: String,
    due: String,
    is_late: bool,
}

/// What somebody wrote down, and when.
pub(super) struct Note {
    pub who: String,
    pub when: String,
    pub text: String,
}

#[derive(Template)]
#[template(path = "console/tasks.html")]
struct Tasks {
    frame: Frame,
    tasks: Vec<TaskRow>,
    sentence: String,
    tabs: Vec<Tab>,
    contacts: [Contact; 4],
    panels: Vec<(String, String)>,
    panel: String,
    show: String,
    /// Where this page of the list began.
    after: String,
    is_first: bool,
    next: Option<String>,
}

/// A part of the list to choose, with exactly how much is in it.
struct Tab {
    show: &'static str,
    title: &'static str,
    count: u64,
    is_bad: bool,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    panel: String,
    /// `late`, or an urgency; all of it otherwise.
    #[serde(default)]
    show: String,
    #[serde(default)]
    after: String,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let Asked { mut panel, show, after } = asked.into_inner();
    if let (Panels::Of(names), true) = (&person.panels, panel.is_empty()) {
        panel = names.first().cloned().unwrap_or_default();
    }
    let (site, store) = (console.gateway.site.load_full(), console.gateway.store.clone());
    let now = console.gateway.clock.now();
    let chosen = site.panels.get(&panel).filter(|panel| person.panels.holds(&panel.name));
    if chosen.is_none() && !panel.is_empty() {
        // An empty list would say that nothing is owed.
        let text = "There is no such panel. Choose one of the practices from the list of all tasks.";
        return Err(Fault::NotHere(text.to_string()));
    }
    let filter = WorkFilter {
        owner: chosen.map(|panel| owner(&panel.practice)),
        urgency: Urgency::of_code(&show),
        due_before: (show == "late").then_some(now),
    };
    let cursor = Cursor::given(&after);
    let is_first = cursor.is_none();
    let reading = async move {
        let (owner, cursor) = (filter.owner.as_deref(), cursor.as_ref());
        tokio::try_join!(store.worklist(&filter, cursor, PAGE), store.work_counts(owner, now))
    };
    let (found, counts) = turn::read(&console, &person, reading).await?;
    let shown = format!("worklist of {}", if panel.is_empty() { "all practices" } else { &panel });
    look::note(&console, &person, None, shown).await?;
    let frame = Frame::new("tasks", &console, &person);
    turn::make(move || {
        let zone = site.panels.get(&panel).map_or_else(|| page::zone_of(&site), |panel| panel.practice.zone.clone());
        Tasks {
            frame: frame.in_zone(&zone),
            tasks: found.items.iter().map(|stored| row(stored, now, &zone)).collect(),
            sentence: sentence(&counts),
            tabs: tabs(&counts),
            contacts: Contact::ALL,
            panels: site
                .panels
                .iter()
                .filter(|(name, _)| person.panels.holds(name))
                .map(|(name, panel)| (name.clone(), panel.practice.name.clone()))
                .collect(),
            panel,
            show,
            after,
            is_first,
            next: found.next.map(|cursor| cursor.0),
        }
    })
    .await
}

/// "709 tasks are open, 9 of them stat; 2 are late."
pub(super) fn sentence(counts: &WorkCounts) -> String {
    if counts.total() == 0 {
        return "Nothing is owed.".to_string();
    }
    let open = page::counted(counts.total(), "task is open", "tasks are open");
    let pressing = Urgency::ALL.into_iter().filter(|urgency| *urgency != Urgency::Routine && counts.of(*urgency) > 0);
    let pressing: Vec<String> = pressing.map(|urgency| format!("{} {}", counts.of(urgency), urgency.code())).collect();
    let of_them = if pressing.is_empty() { String::new() } else { format!(", of them {}", pressing.join(", ")) };
    let late = match counts.total_late() {
        0 => "none is late".to_string(),
        late => page::counted(late, "is late", "are late"),
    };
    format!("{open}{of_them}; {late}.")
}

fn tabs(counts: &WorkCounts) -> Vec<Tab> {
    let late = Tab { show: "late", title: "late", count: counts.total_late(), is_bad: counts.total_late() > 0 };
    let all = Tab { show: "", title: "all", count: counts.total(), is_bad: false };
    let of = |urgency: Urgency| Tab {
        show: urgency.code(),
        title: urgency.code(),
        count: counts.of(urgency),
        is_bad: urgency == Urgency::Stat && counts.of(urgency) > 0,
    };
    [all, late].into_iter().chain(Urgency::ALL.map(of)).collect()
}

fn row(stored: &Stored, now: Timestamp, zone: &TimeZone) -> TaskRow {
    let resource = Value::from(stored.resource.clone());
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let or = |first: String, second: &str| if first.is_empty() { text(second) } else { first };
    let due = due_of(&stored.resource);
    TaskRow {
        id: stored.id.to_string(),
        title: concept_title(resource.get("code")).unwrap_or_default().to_string(),
        text: text("/description"),
        patient: or(text("/for/display"), "/for/reference"),
        patient_id: text("/for/reference").trim_start_matches("Patient/").to_string(),
        status: text("/status"),
        priority: text("/priority"),
        owner: or(text("/owner/display"), "/owner/identifier/value"),
        why: text("/reasonCode/text"),
        notes: notes(&resource, zone),
        attempts: attempts(&resource),
        due_words: due.map(|due| page::distance(due, now)).unwrap_or_default(),
        // Due by the last moment, which is not the next day's first.
        due: due
            .map(|due| page::minute(due.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(due), zone))
            .unwrap_or_default(),
        is_late: due.is_some_and(|due| due < now),
    }
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
pub(super) fn attempts(task: &Value) -> String {
    let outputs = task.get("output").and_then(Value::as_array).into_iter().flatten();
    let codings = outputs.filter_map(|output| output.pointer("/type/coding/0"));
    let ours = codings.filter(|coding| coding.get("system").and_then(Value::as_str) == Some(CONTACT));
    let words: Vec<&str> = ours.filter_map(|coding| coding.get("display").and_then(Value::as_str)).collect();
    if words.is_empty() {
        return String::new();
    }
    let count = page::counted(words.len() as u64, "contact attempt", "contact attempts");
    format!("{count}: {}", words.join(", "))
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    action: TaskAction,
    /// A contact's code; empty where nobody tried.
    #[serde(default)]
    attempt: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    back: String,
}

pub(super) async fn act(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Pressed>,
) -> Answer {
    form.key.check(&person)?;
    let Ok(id) = id.parse::<ResourceId>() else { return Err(Fault::no_such("task")) };
    own::check(&console, &person, id.person, format!("Task/{id}")).await?;
    let attempt = Contact::ALL.into_iter().find(|contact| contact.code() == form.attempt);
    console.gateway.act_after(id, attempt, form.action, &form.note, &person.agent()).await?;
    Ok(page::see(if form.back.starts_with("/console/") { &form.back } else { "/console/tasks" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_counts_what_cannot_wait() {
        let counts = |open, late| sentence(&WorkCounts { open, late });
        assert_eq!(counts([9, 0, 1, 700], [2, 0, 0, 11]), "710 tasks are open, of them 9 stat, 1 urgent; 13 are late.");
        assert_eq!(counts([0, 0, 0, 1], [0; 4]), "1 task is open; none is late.");
        assert_eq!(counts([0; 4], [0; 4]), "Nothing is owed.");
    }

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
        assert_eq!(attempts(&task), "1 contact attempt: no answer");
        assert_eq!(attempts(&serde_json::json!({})), "");
    }
}
