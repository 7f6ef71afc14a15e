//! My work: what somebody does next. What cannot wait stands first, then what is late, due today, and later; all counts are the
//! store's, and what is not shown whole says how much there is.

use actix_web::web;
use askama::Template;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::json;

use super::fault::Answer;
use super::page::Frame;
use super::saved::{Line, lines};
use super::session::Person;
use super::work_place::{PARTS, Place, filter, midnight, sums};
use super::work_row::{Job, Teller};
use super::{Console, look, turn, undo, when};
use crate::identity::ResourceId;
use crate::pipeline::Who;
use crate::protocol::Contact;
use crate::record::{Membership, Stored};
use crate::site::Site;
use crate::store::{Cursor, Page, Query, Store, StoreError, Term};

/// On a page, and of what can wait before somebody asks for all.
const PAGE: usize = 50;
const FIRST: usize = 5;

#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    pub panel: String,
    /// `mine`, `free`, `snoozed`; all of the practice otherwise.
    #[serde(default)]
    pub whose: String,
    /// One part alone, in pages: `now`, `late`, `today`, `later`.
    #[serde(default)]
    pub show: String,
    #[serde(default)]
    pub after: String,
    /// What was done just now, as a code.
    #[serde(default)]
    pub done: String,
    /// What takes it back.
    #[serde(default)]
    pub undo: String,
}

#[derive(Template)]
#[template(path = "console/work.html")]
struct Work {
    frame: Frame,
    dateline: String,
    clock: String,
    sentence: String,
    is_empty: bool,
    done: &'static str,
    undo: String,
    sections: Vec<Section>,
    tabs: Vec<Tab>,
    views: Vec<View>,
    /// The views that the person keeps; none where they came by a link. Otherwise why they cannot be read.
    saved: Option<Vec<Line>>,
    unread: &'static str,
    panels: Vec<(String, String)>,
    panel: String,
    whose: String,
    show: String,
    contacts: [Contact; 4],
    colleagues: Vec<(String, String)>,
    tomorrow: String,
    /// Where forms lead back to.
    back: String,
    is_first: bool,
    next: Option<String>,
}

/// One part of the list.
struct Section {
    part: &'static str,
    title: &'static str,
    total: u64,
    jobs: Vec<Job>,
    is_whole: bool,
}

struct Tab {
    part: &'static str,
    title: &'static str,
    count: u64,
    is_hot: bool,
}

/// A list to choose.
struct View {
    whose: &'static str,
    title: String,
    count: u64,
}

/// All that a page reads of the store.
struct Read {
    parts: Vec<(usize, Page<Stored>)>,
    sums: [u64; 4],
    all: u64,
    mine: u64,
    free: u64,
    snoozed: u64,
    patients: Vec<Stored>,
    memberships: Vec<Membership>,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let mut asked = asked.into_inner();
    let undo = undo::still(&console, &person, &std::mem::take(&mut asked.undo));
    let (site, store, now) =
        (console.gateway.site.load_full(), console.gateway.store.clone(), console.gateway.clock.now());
    let place = Place::of(&site, &person, &asked.panel)?;
    let end = midnight(now, &place.zone);
    let wanted: Vec<usize> = match PARTS.iter().position(|(part, _)| *part == asked.show) {
        Some(part) => vec![part],
        None => (0..PARTS.len()).collect(),
    };
    let (list, cursor) = (place.list(&asked.whose, &person), Cursor::given(&asked.after));
    let is_first = cursor.is_none();
    let lists = ["", "mine", "free", "snoozed"].map(|whose| place.list(whose, &person));
    let reading = async move { read(&*store, &wanted, list, lists, cursor, (now, end)).await };
    let found = turn::read(&console, &person, reading).await?;
    let shown = format!("worklist of {}", if place.panel.is_empty() { "all practices" } else { &place.panel });
    look::note(&console, &person, None, shown).await?;
    let saved = lines(&console, &site, &person, now).await;
    let frame = Frame::new("work", &console, &person);
    turn::make(move || Work {
        unread: if saved.is_err() { "The views that you keep cannot be read now." } else { "" },
        saved: saved.unwrap_or_default(),
        undo,
        ..page_of(frame, &site, &person, &place, asked, found, now, is_first)
    })
    .await
}

async fn read(
    store: &dyn Store,
    wanted: &[usize],
    list: Option<String>,
    lists: [Option<String>; 4],
    cursor: Option<Cursor>,
    (now, end): (Timestamp, Timestamp),
) -> Result<Read, StoreError> {
    let mut parts = Vec::new();
    let is_one = wanted.len() == 1;
    for place in wanted {
        let Some((part, _)) = PARTS.get(*place) else { continue };
        let count = if is_one || *place < 2 { PAGE } else { FIRST };
        let cursor = cursor.as_ref().filter(|_| is_one);
        parts.push((*place, store.worklist(&filter(list.clone(), part, now, end), cursor, count).await?));
    }
    let (at_once, by_midnight) =
        tokio::try_join!(store.work_counts(list.as_deref(), now), store.work_counts(list.as_deref(), end))?;
    let mut totals = [0; 4];
    for (total, list) in totals.iter_mut().zip(&lists) {
        *total = store.work_counts(list.as_deref(), now).await?.total();
    }
    let rows = parts.iter().flat_map(|(_, page)| &page.items);
    let ids = rows.map(|stored| ResourceId::patient(stored.id.person)).collect();
    let query = Query { resource_type: "Patient".to_string(), terms: vec![Term::Id(ids)] };
    let patients = store.search(&query, None, PAGE * PARTS.len()).await?.items;
    let numbers: Vec<_> = patients.iter().flat_map(|stored| stored.resource.identifiers()).collect();
    let memberships = store.memberships(&numbers).await?;
    let [all, mine, free, snoozed] = totals;
    Ok(Read { parts, sums: sums(&at_once, &by_midnight), all, mine, free, snoozed, patients, memberships })
}

#[allow(clippy::too_many_arguments, reason = "all of it is what one page is put together from, once")]
fn page_of(
    frame: Frame,
    site: &Site,
    person: &Person,
    place: &Place,
    asked: Asked,
    found: Read,
    now: Timestamp,
    is_first: bool,
) -> Work {
    let zone = &place.zone;
    let patients = Who::all(&found.patients, &found.memberships);
    let own = person.holder();
    let protocols = &site.protocols;
    let teller = Teller { person, holder: &own.id, patients: &patients, protocols, now, zone };
    let next = found.parts.iter().filter(|_| found.parts.len() == 1).find_map(|(_, page)| page.next.clone());
    let section = |(part, page): &(usize, Page<Stored>)| {
        let (name, title) = PARTS.get(*part).copied().unwrap_or_default();
        Section {
            part: name,
            title,
            total: found.sums.get(*part).copied().unwrap_or_default(),
            jobs: page.items.iter().map(|stored| teller.job(stored)).collect(),
            is_whole: page.next.is_none() && is_first,
        }
    };
    let tab = |((part, title), count): ((&'static str, &'static str), u64)| Tab {
        part,
        title,
        count,
        is_hot: count > 0 && ["now", "late"].contains(&part),
    };
    let of_practice = site
        .panels
        .get(&place.panel)
        .map_or_else(|| "Everybody’s".to_string(), |panel| format!("All of {}", panel.practice.name));
    let view = |whose, title: String, count| View { whose, title, count };
    let panels = site.panels.iter().filter(|(name, _)| person.panels.holds(name));
    let tomorrow = when::date_in(now, zone).saturating_add(1.day());
    let back = format!("/console/work?panel={}&whose={}&show={}", place.panel, asked.whose, asked.show);
    Work {
        dateline: when::dateline(now, zone),
        clock: when::clock(now, zone),
        sentence: sentence(found.sums),
        is_empty: found.sums == [0; 4],
        done: done(&asked.done),
        undo: String::new(),
        sections: found.parts.iter().map(section).collect(),
        tabs: PARTS.into_iter().zip(found.sums).map(tab).collect(),
        views: vec![
            view("", of_practice, found.all),
            view("mine", "Mine".to_string(), found.mine),
            view("free", "Nobody’s".to_string(), found.free),
            view("snoozed", "Snoozed".to_string(), found.snoozed),
        ],
        saved: None,
        unread: "",
        panels: panels.map(|(name, panel)| (name.clone(), panel.practice.name.clone())).collect(),
        panel: place.panel.clone(),
        whose: asked.whose,
        show: asked.show,
        contacts: [Contact::ReachedPatient, Contact::ReachedCaregiver, Contact::LeftMessage, Contact::NoAnswer],
        colleagues: colleagues(site, person, &place.panel),
        tomorrow: tomorrow.to_string(),
        back,
        is_first,
        next: next.map(|cursor| cursor.0),
        frame: frame.in_zone(zone),
    }
}

/// Those to whom work of a panel can be given.
pub(super) fn colleagues(site: &Site, person: &Person, panel: &str) -> Vec<(String, String)> {
    let can = |login: &str| person.login.as_deref() != Some(login);
    let others = site.people.values().filter(|other| {
        let cares = other.roles.iter().any(|role| role.cares());
        cares && !other.disabled && can(&other.login) && (panel.is_empty() || other.panels.holds(panel))
    });
    let told = others.map(|other| {
        let role = other.roles.first().map(|role| role.title().to_lowercase()).unwrap_or_default();
        (other.login.clone(), format!("{}, {role}", other.name))
    });
    told.collect()
}

/// "2 to answer now, 3 overdue, 3 due today."
fn sentence(sums: [u64; 4]) -> String {
    if sums.iter().all(|count| *count == 0) {
        return "Nothing is owed now.".to_string();
    }
    let words = ["to answer now", "overdue", "due today", "later"];
    let told = sums.iter().zip(words).filter(|(count, _)| **count > 0).map(|(count, word)| format!("{count} {word}"));
    format!("{}.", told.collect::<Vec<_>>().join(", "))
}

/// What a person did just now, as they are told.
pub(super) fn done(code: &str) -> &'static str {
    match code {
        "again" => "This was saved before: it stands there once.",
        "keep" => "The view is kept.",
        "drop" => "The view is not kept any more.",
        "claim" => "It is yours now.",
        "attempt" => "The attempt is saved.",
        "finish" => "Finished.",
        "note" => "The note is saved.",
        "start" => "Begun.",
        "snooze" => "Snoozed: it comes back by itself.",
        "give" => "Given away.",
        "back" => "Given back: nobody has it now.",
        "cancel" => "It is not needed any more.",
        "undo" => "Taken back: it is as it was. Whom your words named stays told.",
        "undo-label" => "Taken back: its labels are as they were. Who was sent it meanwhile has it still.",
        _ => "",
    }
}

/// What cannot wait, by ids alone, for a page that asks by itself whether there is something new.
pub(super) async fn news(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let place = Place::of(&site, &person, &asked.panel)?;
    let (list, end) = (place.list(&asked.whose, &person), midnight(now, &place.zone));
    let found = console.gateway.store.worklist(&filter(list, "now", now, end), None, PAGE).await?;
    let ids: Vec<String> = found.items.iter().map(|stored| stored.id.to_string()).collect();
    Ok(actix_web::HttpResponse::Ok()
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
        .json(json!({ "now": ids })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_is_owed() {
        assert_eq!(sentence([5, 9, 6, 15]), "5 to answer now, 9 overdue, 6 due today, 15 later.");
        assert_eq!(sentence([0, 0, 1, 0]), "1 due today.");
        assert_eq!(sentence([0; 4]), "Nothing is owed now.");
    }
}
