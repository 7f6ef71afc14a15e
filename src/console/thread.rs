//! What people of the site said to each other about one task, in the order in which they said it. Who opens what is for them has read
//! it, and answers here: a note on the task, which tells whom it answers.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::for_you::title;
use super::form_key::{FormKey, once};
use super::page::{self, Frame};
use super::patient_line::PatientLine;
use super::practice::zone_of_patient;
use super::session::Person;
use super::{Console, look, own, when};
use crate::identity::ResourceId;
use crate::pipeline::{Known, Message, Who, Words};
use crate::problem::Category;
use crate::protocol::Action;
use crate::record::Stored;

/// The newest that are shown.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "console/thread.html")]
struct Page {
    frame: Frame,
    id: String,
    patient: PatientLine,
    title: String,
    said: Vec<Said>,
    /// How much is not shown.
    hidden: usize,
    /// How much was said before what is shown.
    earlier: usize,
    /// Whom an answer tells.
    answers: String,
    done: &'static str,
    untold: Vec<(String, String)>,
    /// What was typed and is not sent, and why.
    text: String,
    fault: String,
}

struct Said {
    from: String,
    to: String,
    when: String,
    text: String,
    read: String,
}

/// A message that somebody may open, with the record it is in.
struct Opened {
    known: Known,
    stored: Stored,
    message: Message,
}

impl Opened {
    /// Writes down that somebody looks at it, before it is shown.
    async fn note(&self, console: &Console, person: &Person) -> Result<(), Fault> {
        let subject = format!("Communication/{}", self.message.id);
        Ok(look::note(console, person, Some(self.known.record.head.person), subject).await?)
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> Answer {
    let mut opened = open(&console, &person, &id).await?;
    opened.note(&console, &person).await?;
    let mut person = person;
    let me = person.holder().id;
    if opened.message.to.id == me && opened.message.read.is_none() && own::may_see(&person, &opened.stored) {
        let read = console.gateway.read_message(opened.message.id, &me, &person.agent()).await;
        read.map_err(|problem| Fault::Refused(problem.text))?;
        opened = open(&console, &person, &id).await?;
        person.unread = super::badge::count(&console, &person).await;
    }
    Ok(page::show(&page_of(&console, &person, &opened, done(&asked.done))))
}

/// What a person did just now, as they are told.
fn done(code: &str) -> &'static str {
    match code {
        "answer" => "Answered.",
        "again" => "This was sent before: it stands there once.",
        _ => "",
    }
}

/// One who said it or whom it is for opens it, where they may see the patient.
async fn open(console: &Console, person: &Person, id: &str) -> Result<Opened, Fault> {
    let id: ResourceId = id.parse().map_err(|_| Fault::no_such("message"))?;
    let stored = console.gateway.store.resource("Communication", id).await?;
    let found = stored.and_then(|stored| Message::of(&stored).map(|message| (stored, message)));
    let me = person.holder().id;
    let (stored, message) = found
        .filter(|(_, message)| message.to.id == me || message.from.id == me)
        .ok_or_else(|| Fault::no_such("message"))?;
    let known = console.gateway.load(id.person, 1).await?;
    let subject = format!("Communication/{id}");
    own::check_known(console, person, id.person, &known.memberships, subject).await?;
    Ok(Opened { known, stored, message })
}

fn page_of(console: &Console, person: &Person, opened: &Opened, done: &'static str) -> Page {
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let Opened { known, stored, message } = opened;
    let zone = zone_of_patient(known, &site);
    let about = |stored: &&Stored| Message::of(stored).is_some_and(|other| other.about == message.about);
    let mut all: Vec<&Stored> = known.record.of_type("Communication").filter(about).collect();
    if !all.iter().any(|other| other.id == stored.id) {
        all.push(stored);
    }
    let may_see = |stored: &&&Stored| own::may_see(person, stored);
    let mut messages: Vec<Message> = all.iter().filter(may_see).filter_map(|stored| Message::of(stored)).collect();
    messages.sort_by_key(|message| (message.sent, message.id));
    // Nothing lost: how many were said before stands above them, and all stand on the task and among the records.
    let earlier = messages.len().saturating_sub(SHOWN);
    messages.drain(..earlier);
    let mut said: Vec<(Message, Said)> = Vec::new();
    for message in messages {
        let read = message.read.map(|at| format!("{} opened it {}", message.to.name, when::moment(at, now, &zone)));
        let is_same = |(other, _): &&mut (Message, Said)| {
            (other.sent, &other.from, &other.text) == (message.sent, &message.from, &message.text)
        };
        if let Some((_, one)) = said.iter_mut().find(is_same) {
            one.to = format!("{}, {}", one.to, message.to.name);
            one.read = [one.read.clone(), read.unwrap_or_default()]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
        } else {
            let one = Said {
                from: message.from.name.clone(),
                to: message.to.name.clone(),
                when: when::moment(message.sent, now, &zone),
                text: message.text.clone(),
                read: read.unwrap_or_default(),
            };
            said.push((message, one));
        }
    }
    let task = message.about.and_then(|id| known.record.get("Task", id)).filter(|task| own::may_see(person, task));
    Page {
        frame: Frame::new("for-you", console, person).in_zone(&zone),
        id: message.id.to_string(),
        patient: PatientLine::of(&Who::in_record(known), when::date_in(now, &zone)),
        title: task.map(title).unwrap_or_default(),
        hidden: all.len().saturating_sub(all.iter().filter(may_see).count()),
        earlier,
        said: said.into_iter().map(|(_, said)| said).collect(),
        answers: other(person, message).1,
        done,
        untold: Vec::new(),
        text: String::new(),
        fault: String::new(),
    }
}

/// Whom an answer is for: the other of the two.
fn other(person: &Person, message: &Message) -> (crate::protocol::Holder, String) {
    let me = person.holder().id;
    let other = if message.from.id == me { &message.to } else { &message.from };
    (other.clone(), other.name.clone())
}

#[derive(Deserialize)]
pub(super) struct Form {
    form_key: String,
    #[serde(default)]
    once: String,
    #[serde(default)]
    act: String,
    #[serde(default)]
    text: String,
}

pub(super) async fn act(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Form>,
) -> Answer {
    let form = form.into_inner();
    FormKey::of(form.form_key).check(&person)?;
    if form.act == "read" {
        // Also of a patient who is theirs no more: nothing of it is shown.
        let id: ResourceId = id.parse().map_err(|_| Fault::no_such("message"))?;
        let read = console.gateway.read_message(id, &person.holder().id, &person.agent()).await;
        read.map_err(|_| Fault::no_such("message"))?;
        return Ok(page::see("/console/for-you?done=read"));
    }
    let opened = open(&console, &person, &id).await?;
    let message = &opened.message;
    let task = message.about.ok_or_else(|| Fault::no_such("task"))?;
    let (answered, _) = other(&person, message);
    let once = once(&[&form.once, &person.agent(), &form.text]);
    let words = Words { text: form.text.clone(), from: person.holder(), answers: Some((message.id, answered)), once };
    let steps = [("task-note", Action::Note { text: form.text.trim().to_string() })];
    match console.gateway.take_steps(task, &steps, &words, &person.agent()).await {
        Ok(heard) => {
            let code = if heard.is_again { "again" } else { "answer" };
            if heard.untold.is_empty() {
                return Ok(page::see(&format!("/console/for-you/{}?done={code}", message.id)));
            }
            let opened = open(&console, &person, &id).await?;
            opened.note(&console, &person).await?;
            Ok(page::show(&Page { untold: heard.untold, ..page_of(&console, &person, &opened, done(code)) }))
        }
        Err(problem) if problem.category == Category::NotFound => Err(Fault::no_such("task")),
        Err(problem) => {
            let fault = format!("Not sent: {}", problem.text);
            opened.note(&console, &person).await?;
            Ok(page::ask_again(&Page { text: form.text, fault, ..page_of(&console, &person, &opened, "") }))
        }
    }
}
