//! What could not be used, grouped by cause: how often, the newest example, what to do and who has it, with the buttons that
//! take and answer the work. Shows no patient data; the messages it links to do.

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fault::Answer;
use super::form_key::FormKey;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, codes, turn};
use crate::pipeline::{responsible, signed};
use crate::site::Site;
use crate::store::{Cursor, UnusedEntry, UnusedFilter, UnusedState, UnusedTotal};
use crate::unused::Kind;

const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    feed: Option<String>,
    kind: Option<String>,
    open: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "console/unused.html")]
struct Unused {
    frame: Frame,
    sections: Vec<Section>,
    sums: Sums,
    kinds: Vec<Tab>,
    feeds: Vec<String>,
    feed: String,
    kind: String,
    open: bool,
    next: Option<String>,
}

/// What stands under one heading.
struct Section {
    title: &'static str,
    rows: Vec<Row>,
}

struct Row {
    entry: UnusedEntry,
    feed: String,
    first: String,
    newest: String,
    responsible: String,
    state: &'static str,
    who: String,
    since: String,
    note: String,
    /// Whether a row of a table would mend it.
    has_answer: bool,
    /// What that row says, where the site in force has it by now.
    mended: Option<String>,
}

/// A kind to choose, with how often it came.
struct Tab {
    word: &'static str,
    title: &'static str,
    count: u64,
    is_owed: bool,
}

/// All that is kept, in numbers.
pub(super) struct Sums {
    pub causes: u64,
    pub open: u64,
    pub taken: u64,
}

impl Sums {
    pub(super) fn of(totals: &[UnusedTotal]) -> Self {
        let sum = |number: fn(&UnusedTotal) -> u64| totals.iter().map(number).sum();
        Self { causes: sum(|total| total.causes), open: sum(|total| total.open), taken: sum(|total| total.taken) }
    }
}

/// The kinds in the words of a heading.
pub(super) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Reading => "Readings that no rule can use",
        Kind::Code => "Codes without a meaning",
        Kind::Unit => "Units that no table knows",
        Kind::Authority => "Authorities that a feed does not know",
        Kind::Time => "Times that could not be read",
        Kind::Text => "Characters that were lost",
        Kind::Field => "Fields that nothing reads",
        Kind::Diagnosis => "Diagnoses that cannot be told",
        Kind::Visit => "Visits",
        Kind::Identity => "Who a patient is",
        Kind::Event => "Messages without effect",
        Kind::Rule => "Rules that could not judge",
        Kind::Limit => "Too much",
    }
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (feed, kind) = (given(asked.feed), given(asked.kind));
    let open = asked.open.is_some();
    let filter = UnusedFilter { feed: feed.clone(), kind: kind.as_deref().and_then(Kind::named), open };
    let cursor = given(asked.after).map(Cursor);
    let store = console.gateway.store.clone();
    let reading = async move { tokio::try_join!(store.unused(&filter, cursor.as_ref(), PAGE), store.unused_totals()) };
    let (found, totals) = turn::read(&console, &person, reading).await?;
    let site = console.gateway.site.load_full();
    let (feed, kind) = (feed.unwrap_or_default(), kind.unwrap_or_default());
    let frame = Frame::new("unused", &console, &person);
    turn::make(move || {
        let named = site.feeds.get(&feed);
        let zone = named.map_or_else(|| page::zone_of(&site), |feed| feed.zone.clone());
        Unused {
            sums: Sums::of(&totals),
            kinds: tabs(&totals, &feed),
            feeds: feeds(&totals),
            sections: sections(found.items, &site, &zone),
            feed,
            kind,
            open,
            next: found.next.map(|cursor| cursor.0),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

fn feeds(totals: &[UnusedTotal]) -> Vec<String> {
    let mut feeds: Vec<String> = totals.iter().map(|total| total.feed.clone()).collect();
    feeds.dedup();
    feeds
}

fn tabs(totals: &[UnusedTotal], feed: &str) -> Vec<Tab> {
    let of =
        |kind: Kind| totals.iter().filter(move |total| total.kind == kind && (feed.is_empty() || total.feed == feed));
    let tab = |kind: Kind| Tab {
        word: kind.word(),
        title: title(kind),
        count: of(kind).map(|total| total.count).sum(),
        is_owed: of(kind).any(|total| total.open > 0),
    };
    Kind::ALL.into_iter().map(tab).filter(|tab| tab.count > 0).collect()
}

/// In the order of the listing: what somebody has work of, then the rest by kind, then what was answered.
fn sections(entries: Vec<UnusedEntry>, site: &Site, zone: &TimeZone) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for entry in entries {
        let title = match entry.work.as_ref().map(|work| work.state) {
            Some(UnusedState::Open) => "Needs somebody",
            Some(UnusedState::Taken) => "Somebody has it",
            Some(UnusedState::Answered) => "Answered",
            None => title(entry.cause.kind),
        };
        let row = row(entry, site, zone);
        match sections.last_mut().filter(|section| section.title == title) {
            Some(section) => section.rows.push(row),
            None => sections.push(Section { title, rows: vec![row] }),
        }
    }
    sections
}

fn row(entry: UnusedEntry, site: &Site, zone: &TimeZone) -> Row {
    let feed = site.feeds.get(&entry.cause.feed);
    let work = entry.work.clone();
    Row {
        feed: feed.map_or_else(|| entry.cause.feed.clone(), |feed| feed.title.clone()),
        first: page::second(entry.first, zone),
        newest: page::second(entry.newest, zone),
        responsible: responsible(site, &entry).unwrap_or_default(),
        state: work.as_ref().map_or("", |work| work.state.word()),
        since: work.as_ref().and_then(|work| work.at).map(|at| page::second(at, zone)).unwrap_or_default(),
        who: work.as_ref().map(|work| signed(site, &work.who).to_string()).unwrap_or_default(),
        note: work.map(|work| work.note).unwrap_or_default(),
        has_answer: codes::parts(&entry, site).is_some(),
        mended: codes::meaning(&entry, site),
        entry,
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    action: UnusedState,
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
) -> Answer {
    form.key.check(&person)?;
    console.gateway.answer_unused(&id, form.action, &form.note, &person.agent()).await?;
    Ok(page::see(if form.back.starts_with("/console/unused") { &form.back } else { "/console/unused" }))
}
