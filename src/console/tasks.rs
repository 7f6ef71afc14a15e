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
use crate::pipeline::{Gateway, TaskAction};
use crate::record::Stored;
use crate::store::{Page, Query, StoreError, Term, TokenValue};

/// More open tasks than a page shows.
const MOST: usize = 200;
/// Store pages read at most while looking for them.
const MOST_READS: usize = 50;

/// One task as the page shows it.
pub(super) struct TaskRow {
    pub id: String,
    pub title: String,
    pub text: String,
    pub patient: String,
    pub patient_id: String,
    pub status: String,
    pub priority: String,
    pub owner: String,
    pub owner_value: String,
    pub why: Vec<String>,
    pub due: Option<Timestamp>,
    pub due_words: String,
}

impl TaskRow {
    pub(super) fn is_late(&self, now: &Timestamp) -> bool {
        self.due.is_some_and(|due| due < *now)
    }
}

/// Open tasks, most urgent first, and whether there are more.
pub(super) struct OpenTasks {
    pub tasks: Vec<TaskRow>,
    pub more: bool,
}

#[derive(Template)]
#[template(path = "console/tasks.html")]
struct Tasks {
    frame: Frame,
    open: OpenTasks,
    panels: Vec<(String, String)>,
    panel: String,
    now: Timestamp,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    panel: Option<String>,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> HttpResponse {
    let site = console.gateway.site.load_full();
    let panel = asked.into_inner().panel.unwrap_or_default();
    let owner = site
        .panels
        .get(&panel)
        .map(|panel| panel.practice.identifier.as_ref().map(|known| known.value.clone()).unwrap_or_default());
    let open = match open_tasks(&console.gateway, owner.as_deref()).await {
        Ok(open) => open,
        Err(error) => return page::store_fault(&error),
    };
    let panels = site.panels.iter().map(|(name, panel)| (name.clone(), panel.practice.name.clone())).collect();
    let now = console.gateway.clock.now();
    page::show(&Tasks { frame: Frame::new("tasks", &person), open, panels, panel, now })
}

/// All open tasks of one owner, or of all.
pub(super) async fn open_tasks(gateway: &Gateway, owner: Option<&str>) -> Result<OpenTasks, StoreError> {
    let status = |code: &str| TokenValue { system: None, code: Some(code.to_string()) };
    let values = ["requested", "received", "accepted", "in-progress", "on-hold", "ready"].map(status).to_vec();
    let query = Query { resource_type: "Task".to_string(), terms: vec![Term::Token { element: "status", values }] };
    let now = gateway.clock.now();
    let mut tasks = Vec::new();
    let mut cursor = None;
    let mut more = false;
    for _ in 0..MOST_READS {
        let Page { items, next } = gateway.store.search(&query, cursor.as_ref(), MOST).await?;
        let rows = items.iter().map(|stored| row(stored, now));
        tasks.extend(rows.filter(|row| owner.is_none_or(|owner| row.owner_value == owner)));
        more = next.is_some();
        cursor = next;
        if cursor.is_none() || tasks.len() >= MOST {
            break;
        }
    }
    tasks.sort_by_key(|task| (rank(&task.priority), task.due.is_none(), task.due));
    tasks.truncate(MOST);
    Ok(OpenTasks { tasks, more })
}

/// The last moment of a due date; a date without a time ends with its day.
fn due_of(text: &str) -> Option<Timestamp> {
    let range = crate::fhir::time::PartialDateTime::parse(text)?.range(&jiff::tz::TimeZone::UTC)?;
    Some(range.1)
}

fn rank(priority: &str) -> u8 {
    match priority {
        "stat" => 0,
        "asap" => 1,
        "urgent" => 2,
        _ => 3,
    }
}

fn row(stored: &Stored, now: Timestamp) -> TaskRow {
    let resource = Value::from(stored.resource.clone());
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let or = |first: String, second: &str| if first.is_empty() { text(second) } else { first };
    let due = due_of(&text("/restriction/period/end"));
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
        owner_value: text("/owner/identifier/value"),
        why: reason.into_iter().chain(why).collect(),
        due,
        due_words: due.map(|due| page::distance(due, now)).unwrap_or_default(),
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
