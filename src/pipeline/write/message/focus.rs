//! What the focus of a message is (http://hl7.org/fhir/R4/messageheader-definitions.html#MessageHeader.focus): the visits that something
//! happened to, or what else it tells of. What senders leave out of it is looked for among the entries, and said.

use std::collections::BTreeSet;

use serde_json::Value;

use super::event::{Event, KNOWN};
use super::header::event_code;
use super::links::{Link, Links};
use super::subject::{self, Subject};
use crate::fhir::{Home, home_of};
use crate::pipeline::write::refusal::Refusal;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

const FOCUS: &str = "Bundle.entry[0].resource.focus";

/// What a message is about: of these entries, without which nothing of it can be taken.
pub(super) struct Focus {
    pub about: About,
    pub places: BTreeSet<usize>,
}

pub(super) enum About {
    /// This happened to the visits.
    Visits(Event),
    /// It tells of something else, by this trigger of v2.
    Subject(&'static str, &'static Subject),
}

impl Focus {
    pub fn of(header: &Value, items: &[Value], links: &Links<'_>, notes: &mut Vec<Problem>) -> Result<Self, Refusal> {
        let code = event_code(header).unwrap_or_default();
        let has_visit = (0..items.len()).any(|place| kind_at(items, place) == "Encounter");
        let named = named(header, items, links)?;
        match (Event::of(code), Subject::of(code)) {
            // A registration comes with a visit, or without one.
            (Some(event), about) if has_visit || about.is_none() => {
                Ok(Self { about: About::Visits(event), places: visits(&named, items, notes)? })
            }
            (_, Some((trigger, subject))) => {
                let places = told_of(subject, &named, items, notes)?;
                let resources = places.iter().filter_map(|place| Some((place, items.get(*place)?.get("resource")?)));
                let about = resources.filter(|(place, _)| subject.kinds.contains(&kind_at(items, **place)));
                for (place, text) in about.filter_map(|(place, one)| Some((place, subject::differs(trigger, one)?))) {
                    let at = Place::Element(format!("Bundle.entry[{place}].resource.status"));
                    let problem = Problem::warning(Category::BusinessRule, at, text);
                    notes.push(problem.unused(Kind::Event, &format!("{trigger} and a status")));
                }
                Ok(Self { about: About::Subject(trigger, subject), places })
            }
            _ => {
                let text =
                    format!("this event is none that can be worked on here; {KNOWN}, and of v2 {}", subject::known());
                Err(Refusal::at(422, Category::NotSupported, "Bundle.entry[0].resource.eventCoding", text))
            }
        }
    }

    /// Whether what lies there is told of here: it is recognised by its address where it has no number.
    pub fn is_about(&self, place: usize, kind: &str) -> bool {
        let is_of_kind = match &self.about {
            About::Visits(_) => false,
            About::Subject(_, subject) => subject.kinds.contains(&kind),
        };
        is_of_kind || self.places.contains(&place)
    }

    /// Whether the message is nothing without its patient.
    pub fn binds_patient(&self) -> bool {
        matches!(self.about, About::Visits(_))
    }

    /// Whether a visit that lies there is only named as that to which something else belongs.
    pub fn only_names(&self, kind: &str) -> bool {
        kind == "Encounter" && matches!(self.about, About::Subject(..))
    }
}

fn kind_at(items: &[Value], place: usize) -> &str {
    let kind = items.get(place).and_then(|item| item.pointer("/resource/resourceType"));
    kind.and_then(Value::as_str).unwrap_or_default()
}

/// The places that the focus names.
fn named(header: &Value, items: &[Value], links: &Links<'_>) -> Result<Vec<usize>, Refusal> {
    let focus = header.get("focus").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let full_url = items.first().and_then(|item| item.get("fullUrl")).and_then(Value::as_str);
    let mut places = Vec::new();
    for (number, one) in focus.iter().enumerate() {
        let reference = one.get("reference").and_then(Value::as_str).unwrap_or_default();
        let Link::Entry(place) = links.follow(reference, full_url) else {
            let text = "the focus of a message is one of its entries, and this one is not there; put it in, with this `fullUrl`";
            return Err(Refusal::at(422, Category::NotFound, format!("{FOCUS}[{number}]"), text));
        };
        places.push(place);
    }
    Ok(places)
}

fn note(notes: &mut Vec<Problem>, text: String, name: &str) {
    let place = Place::Element(FOCUS.to_string());
    notes.push(Problem::warning(Category::Required, place, text).unused(Kind::Event, name));
}

/// The places of the visits in focus.
fn visits(named: &[usize], items: &[Value], notes: &mut Vec<Problem>) -> Result<BTreeSet<usize>, Refusal> {
    let is_visit = |place: &usize| kind_at(items, *place) == "Encounter";
    let found: BTreeSet<usize> = named.iter().copied().filter(is_visit).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let mut others = (0..items.len()).filter(is_visit);
    match (others.next(), others.next()) {
        (Some(only), None) => {
            let text = "the focus names no Encounter; the only one in the message was taken for it";
            note(notes, text.to_string(), "focus without Encounter");
            Ok(BTreeSet::from([only]))
        }
        _ => {
            let text = "an admission, a transfer or a discharge is of an Encounter: put it into the message, and name it in `focus`";
            Err(Refusal::at(422, Category::Required, FOCUS, text))
        }
    }
}

/// The places of what a message about something else tells of.
fn told_of(
    subject: &Subject,
    named: &[usize],
    items: &[Value],
    notes: &mut Vec<Problem>,
) -> Result<BTreeSet<usize>, Refusal> {
    let is_one = |place: &usize| subject.kinds.contains(&kind_at(items, *place));
    let found: BTreeSet<usize> = named.iter().copied().filter(is_one).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let own: BTreeSet<usize> = (1..items.len()).filter(is_one).collect();
    if !own.is_empty() {
        let text = format!("the focus names no {}; what is in the message was taken for it", subject.named());
        note(notes, text, &format!("focus of {}", subject.word));
        return Ok(own);
    }
    let is_of_patient = |place: &usize| {
        let kind = kind_at(items, *place);
        !["Encounter", "Task"].contains(&kind) && matches!(home_of(kind), Some(Home::Of(_) | Home::Through(_)))
    };
    let others: BTreeSet<usize> = named.iter().copied().filter(is_of_patient).collect();
    if others.is_empty() {
        let text =
            format!("{} is of a {}: put it into the message, and name it in `focus`", subject.word, subject.named());
        return Err(Refusal::at(422, Category::Required, FOCUS, text));
    }
    let text = format!("the event is {}, and the focus is something else; it was taken as it stands", subject.word);
    note(notes, text, &format!("focus of {}", subject.word));
    Ok(others)
}
