//! The worklist of a practice: what is owed, by when, why, and the buttons that say how it went.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Console;
use super::page::{self, Frame};
use super::session::Person;
use crate::identity::ResourceId;
use crate::pipeline::TaskAction;
use crate::record::Stored;
use crate::site::Site;
use crate::store::{Cursor, Urgency, WorkCounts, WorkFilter, due_of, work_owner};

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
    why: Vec<String>,
    due_words: String,
    is_late: bool,
}

#[derive(Template)]
#[template(path = "console/tasks.html")]
struct Tasks {
    frame: Frame,
    tasks: Vec<TaskRow>,
    sentence: String,
    tabs: Vec<Tab>,
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

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> HttpResponse {
    let Asked { panel, show, after } = asked.into_inner();
    let (site, store) = (console.gateway.site.load_full(), &console.gateway.store);
    let now = console.gateway.clock.now();
    let filter = WorkFilter {
        owner: owner_of(&site, &panel),
        urgency: Urgency::of_code(&show),
        due_before: (show == "late").then_some(now),
    };
    let cursor = Some(after.clone()).filter(|after| !after.is_empty()).map(Cursor);
    let read =
        tokio::join!(store.worklist(&filter, cursor.as_ref(), PAGE), store.work_counts(filter.owner.as_deref(), now));
    let (found, counts) = match read {
        (Ok(found), Ok(counts)) => (found, counts),
        (Err(error), _) | (_, Err(error)) => return page::store_fault(&error),
    };
    let panels = site.panels.iter().map(|(name, panel)| (name.clone(), panel.practice.name.clone())).collect();
    page::show(&Tasks {
        frame: Frame::new("tasks", &person),
        tasks: found.items.iter().map(|stored| row(stored, now)).collect(),
        sentence: sentence(&counts),
        tabs: tabs(&counts),
        panels,
        panel,
        show,
        after,
        is_first: cursor.is_none(),
        next: found.next.map(|cursor| cursor.0),
    })
}

/// The practice's name in the order of work; none for all practices. A panel that is not there has no work.
fn owner_of(site: &Site, panel: &str) -> Option<String> {
    if panel.is_empty() {
        return None;
    }
    let practice = site.panels.get(panel).map(|panel| &panel.practice);
    let identifier = practice.and_then(|practice| practice.identifier.as_ref()).map(|known| known.to_json());
    let name = practice.map(|practice| practice.name.as_str());
    Some(work_owner(&serde_json::json!({ "identifier": identifier, "display": name })))
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

fn row(stored: &Stored, now: Timestamp) -> TaskRow {
    let resource = Value::from(stored.resource.clone());
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let or = |first: String, second: &str| if first.is_empty() { text(second) } else { first };
    let due = due_of(&stored.resource);
    let notes = resource.pointer("/note").and_then(Value::as_array).cloned().unwrap_or_default();
    let why = notes.iter().filter_map(|note| note.get("text").and_then(Value::as_str).map(str::to_string));
    let reason = Some(text("/reasonCode/text")).filter(|reason| !reason.is_empty());
    TaskRow {
        id: stored.id.to_string(),
        title: or(or(text("/code/text"), "/code/coding/0/display"), "/code/coding/0/code"),
        text: text("/description"),
        patient: or(text("/for/display"), "/for/reference"),
        patient_id: text("/for/reference").trim_start_matches("Patient/").to_string(),
        status: text("/status"),
        priority: text("/priority"),
        owner: or(text("/owner/display"), "/owner/identifier/value"),
        why: reason.into_iter().chain(why).collect(),
        due_words: due.map(|due| page::distance(due, now)).unwrap_or_default(),
        is_late: due.is_some_and(|due| due < now),
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    form_key: String,
    action: TaskAction,
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
) -> HttpResponse {
    if form.form_key != person.form_key {
        return page::fault(StatusCode::FORBIDDEN, "Please try again", "This form is of an earlier login.");
    }
    let Ok(id) = id.parse::<ResourceId>() else { return page::not_found("task") };
    match console.gateway.act(id, form.action, &form.note, &person.name).await {
        Ok(()) => {
            let back = if form.back.starts_with("/console/") { form.back.as_str() } else { "/console/tasks" };
            page::see(back)
        }
        Err(problem) => page::fault(StatusCode::CONFLICT, "That cannot be done", &problem.text),
    }
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
}
