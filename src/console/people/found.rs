//! `/console/patients?find=`: those who fit, in the order of their names; a number that is one person's leads straight there.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web;
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::asked::{LONGEST, Question, read};
use super::numbers::number_title;
use crate::console::fault::{Answer, Fault};
use crate::console::page::{self, Frame};
use crate::console::patient::{born, sex_word};
use crate::console::session::Person;
use crate::console::{Console, look, own, turn, when};
use crate::fhir::{Identifier, display_name, language_word};
use crate::identity::ResourceId;
use crate::record::{Membership, Stored};
use crate::site::{Panels, Site};
use crate::store::{MOST_PEOPLE, PeopleFound, PeopleQuery, Store, StoreError, asked_name, plain_number};

/// People on a page.
const PAGE: usize = 50;
/// Read at once where not everybody is shown.
const MANY: usize = 1_000;
/// Of a second look, where nobody fits: so many letters of each name, and so many people.
const LETTERS: usize = 4;
const CLOSE: usize = 5;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    find: String,
    #[serde(default)]
    from: usize,
}

#[derive(Template)]
#[template(path = "console/people.html")]
struct PeoplePage {
    frame: Frame,
    find: String,
    understood: String,
    people: Vec<Found>,
    /// Where this page begins and ends, and how many there are; none where there are too many to look through.
    from: usize,
    total: Option<usize>,
    most: usize,
    page: usize,
    close: Vec<Found>,
    cut: bool,
}

/// One person of a list.
struct Found {
    id: String,
    name: String,
    born: String,
    sex: &'static str,
    language: String,
    numbers: Vec<(String, String)>,
    phone: String,
    panels: String,
}

impl PeoplePage {
    fn until(&self) -> usize {
        self.from + self.people.len()
    }

    fn has_more(&self) -> bool {
        self.total.is_some_and(|total| self.until() < total)
    }

    fn is_beyond(&self) -> bool {
        self.people.is_empty() && self.total.is_some_and(|total| total > 0)
    }

    fn counted(&self) -> String {
        match self.total.unwrap_or_default() {
            0 => "Nobody".to_string(),
            count => page::counted(count as u64, "person", "people"),
        }
    }
}

pub(crate) async fn find(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let Asked { find, from } = asked.into_inner();
    // Nothing lost: the page says that the question was cut.
    let cut = find.chars().count() > LONGEST;
    // Nothing lost: the page says that the question was cut.
    let find: String = find.trim().chars().take(LONGEST).collect();
    let site = console.gateway.site.load_full();
    let zone = page::zone_of(&site);
    let today = when::date_in(console.gateway.clock.now(), &zone);
    let question = read(&find, today);
    let (mut found, mut close) = (PeopleFound { total: Some(0), ..PeopleFound::default() }, Vec::new());
    if !question.query.parts.is_empty() {
        if let Some(id) = by_number(&console, &site, &person, &question).await? {
            look::note_search(&console, &person, &find, &[id]).await?;
            return Ok(page::see(&format!("/console/patients/{id}")));
        }
        (found, close) = looked_for(&console, &person, question.clone(), from).await?;
    }
    let shown: Vec<ResourceId> = found.items.iter().chain(&close).map(|stored| stored.id).collect();
    if !find.is_empty() {
        look::note_search(&console, &person, &find, &shown).await?;
    }
    let memberships = memberships(&console, found.items.iter().chain(&close)).await?;
    let frame = Frame::new("patients", &console, &person).in_zone(&zone);
    turn::make(move || {
        let tell = |stored: &Stored| told(&site, stored, &memberships, today);
        PeoplePage {
            people: found.items.iter().map(tell).collect(),
            close: close.iter().map(tell).collect(),
            total: found.total,
            understood: question.understood.join("; "),
            from,
            most: MOST_PEOPLE,
            page: PAGE,
            frame,
            find,
            cut,
        }
    })
    .await
}

/// Those who fit and are theirs; where nobody does, those who are close: whose names begin alike.
async fn looked_for(
    console: &Console,
    person: &Person,
    question: Question,
    from: usize,
) -> Result<(PeopleFound, Vec<Stored>), Fault> {
    let (store, reader) = (console.gateway.store.clone(), person.clone());
    let reading = async move {
        let found = theirs(&*store, &reader, &question.query, (from, PAGE)).await?;
        if found.total != Some(0) {
            return Ok((found, Vec::new()));
        }
        let beginning = |name: &String| asked_name(&name.chars().take(LETTERS).collect::<String>());
        let parts: Vec<_> = question.names.iter().flat_map(beginning).collect();
        if parts.is_empty() {
            return Ok((found, Vec::new()));
        }
        let close = theirs(&*store, &reader, &PeopleQuery { parts }, (0, CLOSE)).await?;
        Ok::<_, StoreError>((found, close.items))
    };
    turn::read(console, person, reading).await
}

/// Of those who fit, in order, the ones on somebody's panels whose record they are shown. Whoever sees all is given what the store gives.
async fn theirs(
    store: &dyn Store,
    person: &Person,
    query: &PeopleQuery,
    (from, count): (usize, usize),
) -> Result<PeopleFound, StoreError> {
    if person.panels == Panels::All && person.sensitive {
        return store.find_people(query, from, count).await;
    }
    let (mut all, mut read) = (Vec::new(), 0);
    loop {
        let part = store.find_people(query, read, MANY).await?;
        let Some(total) = part.total else { return Ok(part) };
        read += part.items.len();
        let is_end = part.items.is_empty() || read >= total;
        all.extend(visible(store, person, part.items).await?);
        if is_end {
            break;
        }
    }
    let total = Some(all.len());
    Ok(PeopleFound { items: all.into_iter().skip(from).take(count).collect(), total })
}

async fn visible(store: &dyn Store, person: &Person, people: Vec<Stored>) -> Result<Vec<Stored>, StoreError> {
    let identifiers: Vec<Identifier> = people.iter().flat_map(|stored| stored.resource.identifiers()).collect();
    let memberships = if identifiers.is_empty() { Vec::new() } else { store.memberships(&identifiers).await? };
    let mine = memberships.iter().filter(|membership| person.panels.holds(&membership.panel));
    let mine: BTreeSet<&Identifier> = mine.flat_map(|membership| &membership.identifiers).collect();
    let is_theirs = |stored: &Stored| {
        person.panels == Panels::All || stored.resource.identifiers().iter().any(|known| mine.contains(known))
    };
    Ok(people.into_iter().filter(|stored| is_theirs(stored) && own::may_see(person, stored)).collect())
}

/// The one person whom a single word names by a whole number, of theirs or of a panel's roster; nobody who is not there for the reader.
async fn by_number(
    console: &Console,
    site: &Site,
    person: &Person,
    question: &Question,
) -> Result<Option<ResourceId>, StoreError> {
    let ([number], [part]) = (question.numbers.as_slice(), question.query.parts.as_slice()) else { return Ok(None) };
    let store = &*console.gateway.store;
    let found = theirs(store, person, &PeopleQuery { parts: vec![part.clone()] }, (0, 2)).await?;
    if let [one] = found.items.as_slice()
        && one.resource.identifiers().iter().any(|known| plain_number(&known.value) == plain_number(number))
    {
        return Ok(Some(one.id));
    }
    let panels = site.panels.values().filter(|panel| person.panels.holds(&panel.name));
    let systems = panels.filter_map(|panel| panel.member_system.as_ref());
    let members: Vec<Identifier> = systems.map(|system| Identifier::new(system.clone(), number.clone())).collect();
    let known: Vec<Identifier> =
        store.memberships(&members).await?.into_iter().flat_map(|membership| membership.identifiers).collect();
    let mut persons: Vec<_> = store.persons_of(&known).await?.into_iter().flatten().collect();
    persons.sort();
    persons.dedup();
    let [one] = persons.as_slice() else { return Ok(None) };
    let patient = store.resource("Patient", ResourceId::patient(*one)).await?;
    let is_shown = patient.is_some_and(|patient| own::may_see(person, &patient));
    Ok(Some(ResourceId::patient(*one)).filter(|_| found.items.is_empty() && is_shown))
}

async fn memberships(console: &Console, people: impl Iterator<Item = &Stored>) -> Result<Vec<Membership>, StoreError> {
    let identifiers: Vec<Identifier> = people.flat_map(|stored| stored.resource.identifiers()).collect();
    if identifiers.is_empty() { Ok(Vec::new()) } else { console.gateway.store.memberships(&identifiers).await }
}

fn told(site: &Site, stored: &Stored, memberships: &[Membership], today: Date) -> Found {
    let patient = &stored.resource;
    let own = patient.identifiers();
    let is_own = |membership: &&Membership| membership.identifiers.iter().any(|known| own.contains(known));
    let on: BTreeMap<&str, &Membership> =
        memberships.iter().filter(is_own).map(|membership| (membership.panel.as_str(), membership)).collect();
    let titles = on.keys().map(|panel| site.panels.get(*panel).map_or(*panel, |panel| panel.title.as_str()));
    let items = |element: &str| patient.get(element).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let phone = items("telecom").find(|point| text(point, "system") == "phone").map(|point| text(point, "value"));
    let roster = || on.values().find_map(|membership| membership.phone.clone());
    Found {
        id: stored.id.to_string(),
        name: display_name(patient),
        born: born(patient.text("birthDate"), today),
        sex: sex_word(patient.text("gender")),
        language: on.values().find_map(|one| one.language.as_deref()).map(language_word).unwrap_or_default(),
        numbers: items("identifier").map(|one| (number_title(site, one), text(one, "value"))).collect(),
        phone: phone.or_else(roster).unwrap_or_default(),
        panels: titles.collect::<Vec<_>>().join(", "),
    }
}
