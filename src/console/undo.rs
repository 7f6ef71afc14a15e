//! *Undo* beside what a person just did with work: for a quarter of an hour, for that person, and as long as nothing else happened to the
//! task. What may be taken back stands in the page itself, sealed, so nothing is kept for it.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::Answer;
use super::form_key::FormKey;
use super::page::{self, Frame};
use super::session::Person;
use super::work_place::{title, way_back};
use super::{Console, own};
use crate::identity::ResourceId;

const LIFE_SECS: i64 = 15 * 60;

/// What takes back that `person` brought a task to this version.
pub(super) fn offer(console: &Console, person: &Person, task: ResourceId, version: u64) -> Option<String> {
    let done = format!("{task} {version}");
    console.seal.as_ref()?.seal(done.as_bytes(), &about(person), console.gateway.clock.now())
}

/// The same as long as it counts; empty afterwards.
pub(super) fn still(console: &Console, person: &Person, offered: String) -> String {
    read(console, person, &offered).map(|_| offered).unwrap_or_default()
}

fn read(console: &Console, person: &Person, offered: &str) -> Option<(ResourceId, u64)> {
    let (made, done) = console.seal.as_ref()?.unseal(offered, &about(person))?;
    let age = console.gateway.clock.now().as_second() - made;
    let done = String::from_utf8(done).ok().filter(|_| (0..LIFE_SECS).contains(&age))?;
    let (task, version) = done.split_once(' ')?;
    Some((task.parse().ok()?, version.parse().ok()?))
}

fn about(person: &Person) -> String {
    format!("undo {}", person.agent())
}

#[derive(Template)]
#[template(path = "console/undone.html")]
struct Undone {
    frame: Frame,
    undone: Vec<String>,
    /// What stays as it is, and why.
    left: Vec<(String, String)>,
    back: String,
}

#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    form_key: String,
    /// With a space between each two.
    #[serde(default)]
    undo: String,
    #[serde(default)]
    back: String,
}

/// Takes back one or several; each is taken back or not by itself, and each is told.
pub(super) async fn take_back(console: web::Data<Console>, person: Person, said: web::Form<Said>) -> Answer {
    let Said { form_key, undo, back } = said.into_inner();
    FormKey::of(form_key).check(&person)?;
    let (mut undone, mut left) = (Vec::new(), Vec::new());
    for offered in undo.split_whitespace() {
        let Some((task, version)) = read(&console, &person, offered) else {
            // Nothing lost: it is told, and what was done stays.
            let why = "It is longer ago than a quarter of an hour, or the gateway started anew since.";
            left.push(("A task".to_string(), why.to_string()));
            continue;
        };
        own::check(&console, &person, task.person, format!("Task/{task}")).await?;
        let title = title(&console, &person, &task.to_string()).await?;
        match console.gateway.undo_act(task, version, &person.agent()).await {
            Ok(()) => undone.push(title),
            Err(problem) => left.push((title, problem.text)),
        }
    }
    if undone.is_empty() && left.is_empty() {
        left.push(("Nothing".to_string(), "The form named nothing to take back.".to_string()));
    }
    if left.is_empty() {
        return Ok(page::see(&way_back(&back, "undo")));
    }
    let frame = Frame::new("work", &console, &person);
    Ok(page::show(&Undone { frame, undone, left, back: way_back(&back, "") }))
}
