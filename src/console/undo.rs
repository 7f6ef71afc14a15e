//! *Undo* beside what a person just did with work, answered, wrote down of a goal or said of a label: for a quarter of an hour, for that
//! person, and as long as nothing else happened to it. What may be taken back stands in the page itself, sealed, so nothing is kept for it.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::access::may_press;
use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page::{self, Frame};
use super::session::Person;
use super::work_place::{title, way_back};
use super::{Console, own};
use crate::pipeline::{Deed, DeedKind};

const LIFE_SECS: i64 = 15 * 60;

/// What takes these back, with a space between each two.
pub(super) fn offer<'d>(console: &Console, person: &Person, deeds: impl IntoIterator<Item = &'d Deed>) -> String {
    let Some(seal) = &console.seal else { return String::new() };
    let (about, now) = (about(person), console.gateway.clock.now());
    let sealed = deeds.into_iter().filter_map(|deed| seal.seal(deed.to_string().as_bytes(), &about, now));
    sealed.collect::<Vec<_>>().join(" ")
}

/// The same at the end of an address that asks for something already.
pub(super) fn in_address(offered: &str) -> String {
    if offered.is_empty() { String::new() } else { format!("&undo={}", offered.replace(' ', "+")) }
}

/// The same as long as it counts; empty afterwards.
pub(super) fn still(console: &Console, person: &Person, offered: &str) -> String {
    let counts = offered.split_whitespace().filter(|offered| read(console, person, offered).is_some());
    counts.collect::<Vec<_>>().join(" ")
}

fn read(console: &Console, person: &Person, offered: &str) -> Option<Deed> {
    let (made, done) = console.seal.as_ref()?.unseal(offered, &about(person))?;
    let age = console.gateway.clock.now().as_second() - made;
    String::from_utf8(done).ok().filter(|_| (0..LIFE_SECS).contains(&age))?.parse().ok()
}

fn about(person: &Person) -> String {
    format!("undo {}", person.agent())
}

/// The button that such a thing was done with: whoever may not press it any more takes nothing back.
fn button(kind: DeedKind) -> &'static str {
    match kind {
        DeedKind::Task => "/console/work/{id}",
        DeedKind::Prompt => "/console/patients/{id}/answers",
        DeedKind::Goal => "/console/patients/{id}/goals",
        DeedKind::Label => "/console/labels/{type}/{id}",
    }
}

/// By which a person knows again what they did, where its patient is theirs still.
async fn called(console: &Console, person: &Person, deed: &Deed) -> Result<String, Fault> {
    own::check(console, person, deed.id.person, deed.subject()).await?;
    Ok(match deed.kind {
        DeedKind::Task => title(console, person, &deed.id.to_string()).await?,
        DeedKind::Prompt => "An answer".to_string(),
        DeedKind::Goal => "A goal".to_string(),
        DeedKind::Label => "What was said of a label".to_string(),
    })
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
    let mut code = "undo";
    for offered in undo.split_whitespace() {
        let Some(deed) = read(&console, &person, offered) else {
            // Nothing lost: it is told, and what was done stays.
            let why = "It is longer ago than a quarter of an hour, or the gateway started anew since.";
            left.push(("What was done".to_string(), why.to_string()));
            continue;
        };
        let called = match called(&console, &person, &deed).await {
            Ok(called) => called,
            Err(fault) => {
                left.push(("What was done".to_string(), fault.words()));
                continue;
            }
        };
        if !may_press(&person, button(deed.kind)) {
            left.push((called, "It is not yours to say any more.".to_string()));
            continue;
        }
        if deed.kind == DeedKind::Label {
            code = "undo-label";
        }
        match console.gateway.undo(&deed, &person.agent()).await {
            Ok(()) => undone.push(called),
            Err(problem) => left.push((called, problem.text)),
        }
    }
    if undone.is_empty() && left.is_empty() {
        left.push(("Nothing".to_string(), "The form named nothing to take back.".to_string()));
    }
    if left.is_empty() {
        return Ok(page::see(&way_back(&back, code)));
    }
    let frame = Frame::new("work", &console, &person);
    Ok(page::show(&Undone { frame, undone, left, back: way_back(&back, "") }))
}
