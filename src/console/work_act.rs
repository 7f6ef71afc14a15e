//! What people press on their work: one form for each act, many at once for the ticked ones. Whoever comes too late or leaves something
//! out is told so, with what they typed still there.

use actix_web::web;
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::fault::{Answer, Fault};
use super::form_key::{FormKey, once};
use super::page::{self, Frame};
use super::session::Person;
use super::work::colleagues;
use super::work_place::{Place, title, way_back};
use super::{Console, own, undo};
use crate::identity::ResourceId;
use crate::pipeline::{Heard, Words};
use crate::problem::{Category, Problem};
use crate::protocol::{Action, Contact, Hand, Holder};
use crate::site::Site;

/// Ticked ones that are done at once.
const MOST_AT_ONCE: usize = 100;

/// What a form says.
#[derive(Default, Clone)]
struct Said {
    key: String,
    once: String,
    act: String,
    outcome: String,
    note: String,
    until: String,
    why: String,
    to: String,
    panel: String,
    back: String,
    ticked: Vec<String>,
}

impl Said {
    fn of(fields: Vec<(String, String)>) -> Self {
        let mut said = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "form_key" => said.key = value,
                "once" => said.once = value,
                "act" => said.act = value,
                "outcome" => said.outcome = value,
                "note" => said.note = value,
                "until" => said.until = value,
                "why" => said.why = value,
                "to" => said.to = value,
                "panel" => said.panel = value,
                "back" => said.back = value,
                "t" => said.ticked.push(value),
                // Nothing lost: no form of ours has another field.
                _ => {}
            }
        }
        said
    }

    fn way_back(&self, done: &str) -> String {
        way_back(&self.back, done)
    }

    /// What is written, where somebody may be named.
    fn words(&self, person: &Person) -> Words {
        let texts = [self.note.trim(), self.why.trim()].into_iter().filter(|text| !text.is_empty());
        Words {
            text: texts.collect::<Vec<_>>().join("\n"),
            from: person.holder(),
            answers: None,
            once: self.once(person),
        }
    }

    fn once(&self, person: &Person) -> Option<String> {
        let Self { once: mark, act, outcome, note, until, why, to, .. } = self;
        once(&[mark, &person.agent(), act, outcome, note, until, why, to])
    }

    /// What is to be done, in order.
    fn steps(&self, person: &Person, site: &Site, zone: &TimeZone) -> Result<Vec<(&'static str, Action)>, Problem> {
        let note = self.note.trim().to_string();
        let contact = Contact::ALL.into_iter().find(|contact| contact.code() == self.outcome);
        let tried = || contact.ok_or_else(|| lacks("Not saved: say what happened. Choose one of the four outcomes."));
        let attempt = |contact| ("task-attempt", Action::Attempt { contact, text: note.clone() });
        let because = || if self.why.trim().is_empty() { note.clone() } else { self.why.trim().to_string() };
        Ok(match self.act.as_str() {
            "claim" => vec![("task-claim", Action::Hand(Hand::Claim(person.holder())))],
            "start" => vec![("task-claim", Action::Hand(Hand::Claim(person.holder()))), ("task-start", Action::Start)],
            "attempt" => vec![attempt(tried()?)],
            "finish" => {
                let first: Vec<_> = contact.map(attempt).into_iter().collect();
                let words = contact.map(|contact| contact.words().to_string());
                let outcome = if note.is_empty() { words } else { Some(note.clone()) };
                if outcome.is_none() {
                    return Err(lacks("Not saved: say what happened, by an outcome or a note."));
                }
                first.into_iter().chain([("task-complete", Action::Complete { outcome })]).collect()
            }
            "note" => vec![("task-note", Action::Note { text: because() })],
            "snooze" => {
                let until = until(&self.until, zone)?;
                vec![("task-snooze", Action::Hand(Hand::Snooze { until, why: because() }))]
            }
            "give" => {
                let to = self.receiver(person, site)?;
                let words = format!("Given to {}. {}", to.name, because());
                let note = Action::Note { text: words.trim_end().to_string() };
                vec![("task-give", Action::Hand(Hand::Give(to))), ("task-note", note)]
            }
            "back" => vec![("task-give-back", Action::Hand(Hand::Back))],
            "cancel" => {
                let reason = because();
                if reason.is_empty() {
                    return Err(lacks("Not saved: say why it is not needed."));
                }
                vec![("task-cancel", Action::Cancel { reason })]
            }
            _ => return Err(lacks("Not saved: press one of the form’s buttons.")),
        })
    }

    fn receiver(&self, person: &Person, site: &Site) -> Result<Holder, Problem> {
        let can = colleagues(site, person, &self.panel).iter().any(|(login, _)| *login == self.to);
        let member = site.people.get(&self.to).filter(|_| can);
        let member = member.ok_or_else(|| lacks("Not saved: choose to whom it goes."))?;
        Ok(Holder { id: member.login.clone(), name: member.name.clone() })
    }
}

/// It comes back at the beginning of a day's work.
fn until(text: &str, zone: &TimeZone) -> Result<Timestamp, Problem> {
    let day: jiff::civil::Date = text.parse().map_err(|_| lacks("Not saved: choose until when it can wait."))?;
    let at = day.at(7, 0, 0, 0).to_zoned(zone.clone());
    Ok(at.map_err(|_| lacks("Not saved: choose until when it can wait."))?.timestamp())
}

fn lacks(text: &str) -> Problem {
    Problem::error(Category::Required, crate::problem::Place::Whole, text)
}

#[derive(Template)]
#[template(path = "console/work_kept.html")]
struct Kept {
    frame: Frame,
    /// Whether somebody was quicker, rather than something left out.
    is_late: bool,
    title: String,
    text: String,
    id: String,
    said: Said,
    contacts: [Contact; 4],
    /// Where the person was.
    back: String,
}

pub(super) async fn one(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Vec<(String, String)>>,
) -> Answer {
    let said = Said::of(form.into_inner());
    FormKey::of(said.key.clone()).check(&person)?;
    let id: ResourceId = id.parse().map_err(|_| Fault::no_such("task"))?;
    match take(&console, &person, id, &said).await? {
        Ok(heard) => {
            let undo = undo::offer(&console, &person, &heard.deed);
            let back = said.way_back(if heard.is_again { "again" } else { &said.act }) + &undo::in_address(&undo);
            if heard.untold.is_empty() {
                return Ok(page::see(&back));
            }
            let shown = Named {
                frame: Frame::new("work", &console, &person),
                is_again: heard.is_again,
                told: heard.told.into_iter().map(|holder| holder.name).collect(),
                untold: heard.untold,
                back,
            };
            Ok(page::show(&shown))
        }
        Err(problem) => kept(&console, &person, id, said, problem).await,
    }
}

/// Does it, and tells whom the words name. The inner fault is for the person, who may mend it.
async fn take(
    console: &Console,
    person: &Person,
    id: ResourceId,
    said: &Said,
) -> Result<Result<Heard, Problem>, Fault> {
    own::check(console, person, id.person, format!("Task/{id}")).await?;
    let site = console.gateway.site.load_full();
    let zone = Place::of(&site, person, &said.panel)?.zone;
    let steps = match said.steps(person, &site, &zone) {
        Ok(steps) => steps,
        Err(problem) => return Ok(Err(problem)),
    };
    match console.gateway.take_steps(id, &steps, &said.words(person), &person.agent()).await {
        Err(problem) if problem.category == Category::NotFound => Err(Fault::no_such("task")),
        taken => Ok(taken),
    }
}

/// What was not done, with what was typed. What was written beside something that came too late is kept with the Task.
async fn kept(console: &Console, person: &Person, id: ResourceId, said: Said, problem: Problem) -> Answer {
    let is_late = problem.category == Category::Conflict;
    let mut text = String::new();
    if is_late && (!said.note.trim().is_empty() || !said.outcome.is_empty()) {
        let act = if said.outcome.is_empty() { "note" } else { "attempt" };
        let rest = Said { act: act.to_string(), ..said.clone() };
        if let Ok(heard) = take(console, person, id, &rest).await? {
            text = "What you wrote is kept with it.".to_string();
            text.extend(heard.untold.iter().map(|(name, why)| format!(" @{name} was not told: {why}.")));
        }
    }
    let shown = Kept {
        frame: Frame::new("work", console, person),
        is_late,
        title: problem.text,
        text,
        id: id.to_string(),
        contacts: [Contact::ReachedPatient, Contact::ReachedCaregiver, Contact::LeftMessage, Contact::NoAnswer],
        back: said.way_back(""),
        said,
    };
    let status = if is_late { actix_web::http::StatusCode::CONFLICT } else { actix_web::http::StatusCode::BAD_REQUEST };
    Ok(page::answer(status, shown.render()))
}

/// Somebody whom the words name was not told; what was to be done is done.
#[derive(Template)]
#[template(path = "console/work_named.html")]
struct Named {
    frame: Frame,
    is_again: bool,
    told: Vec<String>,
    untold: Vec<(String, String)>,
    back: String,
}

#[derive(Template)]
#[template(path = "console/work_many.html")]
struct Many {
    frame: Frame,
    sum: String,
    done: Vec<String>,
    /// What takes them back, with a space between each two.
    undo: String,
    /// What was not done, and why.
    left: Vec<(String, String)>,
    back: String,
}

/// The same to each of the ticked ones; each is done or not by itself, and each is told.
pub(super) async fn many(
    console: web::Data<Console>,
    person: Person,
    form: web::Form<Vec<(String, String)>>,
) -> Answer {
    let said = Said::of(form.into_inner());
    FormKey::of(said.key.clone()).check(&person)?;
    if said.ticked.is_empty() || said.ticked.len() > MOST_AT_ONCE {
        let text = format!("Tick 1 to {MOST_AT_ONCE} tasks first; {} were ticked.", said.ticked.len());
        return Err(Fault::Refused(text));
    }
    let (mut done, mut undo, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for ticked in &said.ticked {
        let title = title(&console, &person, ticked).await?;
        let id = ticked.parse::<ResourceId>();
        let taken = match &id {
            Ok(id) => take(&console, &person, *id, &said).await,
            Err(_) => Err(Fault::no_such("task")),
        };
        match taken {
            Ok(Ok(heard)) => {
                undo.extend(heard.deed);
                left.extend(heard.untold.into_iter().map(|(name, why)| (format!("Telling @{name} of {title}"), why)));
                done.push(if heard.is_again {
                    format!("{title} (it was saved before, and stands there once)")
                } else {
                    title
                });
            }
            Ok(Err(problem)) => left.push((title, problem.text)),
            // The same words as for what is not there.
            Err(Fault::NotHere(text)) => left.push(("A task".to_string(), text)),
            Err(other) => return Err(other),
        }
    }
    let frame = Frame::new("work", &console, &person);
    let of_done = page::counted(done.len() as u64, "is done", "are done");
    let of_left = page::counted(left.len() as u64, "is not", "are not");
    let sum = if left.is_empty() { format!("{of_done}.") } else { format!("{of_done}, {of_left}.") };
    Ok(page::show(&Many {
        frame,
        sum,
        done,
        undo: undo::offer(&console, &person, &undo),
        left,
        back: said.way_back(""),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_known_again_by_its_page_and_every_word_in_it() {
        let person = Person::for_tests("nbrooks", &[]);
        let form = |once: &str, act: &str, note: &str| {
            let fields = [("once", once), ("act", act), ("note", note)];
            Said::of(fields.map(|(name, value)| (name.to_string(), value.to_string())).to_vec()).once(&person)
        };
        let first = form("page", "note", "rang");
        assert_eq!(first, form("page", "note", "rang"));
        for other in [form("page 2", "note", "rang"), form("page", "attempt", "rang"), form("page", "note", "rang!")] {
            assert_ne!(first, other);
        }
        assert_eq!(form("", "note", "rang"), None, "a form that names no page is taken as often as it comes");
    }

    #[test]
    fn a_day_is_one_in_the_practices_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(until("2026-11-30", &zone).unwrap().to_string(), "2026-11-30T12:00:00Z");
        for none in ["", "tomorrow", "30.11.2026", "2026-02-30"] {
            assert!(until(none, &zone).unwrap_err().text.contains("until when"), "{none}");
        }
    }
}
