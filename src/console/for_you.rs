//! What colleagues said to whoever is logged in: unread first, each about a task of a patient whom they may see. The words stand on the
//! page of each, which is what opens them.

use std::collections::BTreeMap;

use actix_web::web;
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::badge::{badge, count};
use super::fault::{Answer, Fault};
use super::page::{self, Frame};
use super::patient_line::PatientLine;
use super::practice::zone_of_person;
use super::session::Person;
use super::{Console, look, own, when};
use crate::fhir::concept_title;
use crate::identity::ResourceId;
use crate::pipeline::{Message, Who};
use crate::record::{Membership, Stored};
use crate::site::Panels;
use crate::store::{Cursor, Query, Term};

/// On a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// `all`: what was opened as well.
    #[serde(default)]
    show: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "console/for_you.html")]
struct Page {
    frame: Frame,
    sentence: String,
    done: &'static str,
    rows: Vec<Row>,
    all: bool,
    is_first: bool,
    next: Option<String>,
}

struct Row {
    id: String,
    from: String,
    when: String,
    is_unread: bool,
    /// None where the patient is not theirs any more, or what is said is restricted.
    shown: Option<(PatientLine, String)>,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let Asked { show, after, done } = asked.into_inner();
    let (all, cursor) = (show == "all", Cursor::given(&after));
    let found = console.gateway.messages(&person.holder().id, !all, cursor.as_ref(), PAGE).await?;
    look::note(&console, &person, None, "messages for them".to_string()).await?;
    let store = &console.gateway.store;
    let ids: Vec<ResourceId> = found.items.iter().map(|stored| ResourceId::patient(stored.id.person)).collect();
    let query = Query { resource_type: "Patient".to_string(), terms: vec![Term::Id(ids)] };
    let patients = store.search(&query, None, PAGE).await?.items;
    let numbers: Vec<_> = patients.iter().flat_map(|stored| stored.resource.identifiers()).collect();
    let memberships = store.memberships(&numbers).await?;
    let messages = || found.items.iter().filter_map(|stored| Some((stored, Message::of(stored)?)));
    let tasks: Vec<(String, ResourceId)> =
        messages().filter_map(|(_, message)| Some(("Task".to_string(), message.about?))).collect();
    let titles: BTreeMap<ResourceId, String> =
        store.resources(&tasks).await?.iter().map(|task| (task.id, title(task))).collect();
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let zone = zone_of_person(&person, &site);
    let who = Who::all(&patients, &memberships);
    let row = |(stored, message): (&Stored, Message)| {
        let of = ResourceId::patient(stored.id.person);
        let patient = patients.iter().find(|patient| patient.id == of);
        let is_theirs = patient.is_some_and(|patient| is_on_panel(&person, patient, &memberships));
        let line = who.get(&of).filter(|_| is_theirs && own::may_see(&person, stored));
        let title = message.about.and_then(|task| titles.get(&task).cloned()).unwrap_or_default();
        Row {
            id: message.id.to_string(),
            from: message.from.name.clone(),
            when: when::moment(message.sent, now, &zone),
            is_unread: message.read.is_none(),
            shown: line.map(|who| (PatientLine::of(who, when::date_in(now, &zone)), title)),
        }
    };
    let unread = match badge(person.unread).as_str() {
        "" => "Nothing new.".to_string(),
        count => format!("{count} unread."),
    };
    Ok(page::show(&Page {
        frame: Frame::new("for-you", &console, &person).in_zone(&zone),
        sentence: unread,
        done: if done == "read" { "Put away as read." } else { "" },
        rows: messages().map(row).collect(),
        all,
        is_first: cursor.is_none(),
        next: found.next.map(|cursor| cursor.0),
    }))
}

/// By the memberships of a patient's own numbers.
fn is_on_panel(person: &Person, patient: &Stored, memberships: &[Membership]) -> bool {
    let numbers = patient.resource.identifiers();
    let is_own = |one: &&Membership| one.identifiers.iter().any(|number| numbers.contains(number));
    person.panels == Panels::All || memberships.iter().filter(is_own).any(|one| person.panels.holds(&one.panel))
}

pub(super) fn title(task: &Stored) -> String {
    concept_title(task.resource.get("code")).unwrap_or("A task").to_string()
}

/// How much is unread now, for a page that asks by itself.
pub(super) async fn unread(console: web::Data<Console>, person: Person) -> Answer {
    let unread = count(&console, &person).await;
    // A page that cannot be told goes on showing what it knows.
    let unread =
        unread.ok_or_else(|| Fault::Store(crate::store::StoreError::Unavailable("not counted".to_string())))?;
    Ok(actix_web::HttpResponse::Ok()
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
        .json(json!({ "unread": badge(Some(unread)) })))
}
