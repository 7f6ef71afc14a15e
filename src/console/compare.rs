//! What a changed site would have made of the stored messages: begun and stopped here, how far it is, and what differs by kind. Kinds show
//! codes and names; values stand on the page of each message, for each look at which there is an entry in the audit. Writes nothing of it.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::messages::Words;
use super::page::{self, Frame};
use super::session::Person;
use super::trace::looked_up;
use super::{Console, turn};
use crate::pipeline::{ChangedSite, Comparison, Counted, Differences, MessageWords, Part, Progress, RunState, signed};
use crate::site::Site;

/// Kinds that are shown of each part, and on a page of one part.
const KINDS: usize = 20;
const KINDS_OF_ONE: usize = 200;
/// Left out, those of so long ago.
const SINCE: &str = "30d";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// One part alone, from this kind on.
    part: String,
    from: usize,
}

#[derive(Template)]
#[template(path = "console/compare.html")]
struct ComparePage {
    frame: Frame,
    /// The changed sites that the site in force names.
    sites: Vec<String>,
    feeds: Vec<String>,
    words: Words,
    refused: String,
    run: Option<Run>,
}

/// A comparison as the page tells it.
struct Run {
    at: At,
    name: String,
    who: String,
    began: String,
    asked: Vec<(&'static str, String)>,
    differences: Differences,
    parts: Vec<Section>,
    /// One part alone is shown.
    is_one: bool,
}

/// How far it is.
#[derive(Template)]
#[template(path = "console/compare_at.html")]
struct At {
    state: &'static str,
    looked: u64,
    total: Option<u64>,
    judged: u64,
    differ: u64,
    said: String,
    fault: String,
    /// The page around it is from before it ended.
    is_alone: bool,
}

struct Section {
    title: &'static str,
    word: &'static str,
    kinds: Vec<(String, Counted)>,
    /// Where those after the last begin.
    next: Option<usize>,
    all: u64,
}

impl At {
    fn of(progress: &Progress<Differences>, site: &Site, is_alone: bool) -> Self {
        let differences = &progress.found;
        Self {
            state: match progress.state {
                RunState::Running => "running",
                RunState::Done => "done",
                RunState::Stopped => "stopped",
                RunState::CutOff => "cut-off",
            },
            looked: differences.judged + differences.left_out.values().sum::<u64>(),
            total: progress.total,
            judged: differences.judged,
            differ: differences.differ,
            said: page::second(progress.said, &page::zone_of(site)),
            fault: progress.fault.clone(),
            is_alone,
        }
    }
}

impl Run {
    fn of(run: &Comparison, site: &Site, asked: &Asked) -> Self {
        let progress = run.progress();
        let only = Part::ALL.into_iter().find(|part| part.word() == asked.part);
        let parts = Part::ALL.into_iter().filter(|part| only.is_none_or(|only| only == *part));
        let (from, most) = if only.is_some() { (asked.from, KINDS_OF_ONE) } else { (0, KINDS) };
        Self {
            at: At::of(&progress, site, false),
            name: run.name.clone(),
            who: signed(site, &run.who).to_string(),
            began: page::second(run.began, &page::zone_of(site)),
            asked: Words::of(&run.words).asked(),
            parts: parts.filter_map(|part| section(part, &progress.found, from, most)).collect(),
            differences: progress.found,
            is_one: only.is_some(),
        }
    }
}

/// The kinds of one part, the most frequent first; none where nothing differs.
fn section(part: Part, differences: &Differences, from: usize, most: usize) -> Option<Section> {
    let mut kinds: Vec<(&String, &Counted)> = differences.parts.get(&part)?.iter().collect();
    kinds.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.count));
    let (all, next) = (kinds.len(), from.saturating_add(most));
    // Nothing lost: the section says how many there are and leads to the rest.
    let shown = kinds.into_iter().skip(from).take(most).map(|(kind, counted)| (kind.clone(), counted.clone()));
    Some(Section {
        title: part.title(),
        word: part.word(),
        kinds: shown.collect(),
        next: Some(next).filter(|next| *next < all),
        all: all as u64,
    })
}

fn name_of(folder: &std::path::Path) -> String {
    ChangedSite::Folder(folder.to_path_buf()).name()
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let usual = MessageWords { since: Some(SINCE.to_string()), ..MessageWords::default() };
    page_of(&console, &person, asked.into_inner(), usual, String::new()).await
}

async fn page_of(console: &Console, person: &Person, asked: Asked, words: MessageWords, refused: String) -> Answer {
    let (site, run) = (console.gateway.site.load_full(), console.gateway.comparison());
    let words = run.as_ref().filter(|_| refused.is_empty()).map_or(words, |run| run.words.clone());
    let frame = Frame::new("compare", console, person).in_zone(&page::zone_of(&site));
    let is_refused = !refused.is_empty();
    let mut response = turn::make(move || ComparePage {
        frame,
        sites: site.settings.console.changed_sites.iter().map(|folder| name_of(folder)).collect(),
        feeds: site.feeds.keys().cloned().collect(),
        words: Words::of(&words),
        refused,
        run: run.map(|run| Run::of(&run, &site, &asked)),
    })
    .await?;
    if is_refused {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    Ok(response)
}

/// How far it is, for a page that looks by itself.
pub(super) async fn progress(console: web::Data<Console>, _: Person) -> Answer {
    let run = console.gateway.comparison().ok_or_else(|| Fault::no_such("comparison"))?;
    Ok(page::show(&At::of(&run.progress(), &console.gateway.site.load(), true)))
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    site: String,
    #[serde(flatten)]
    words: MessageWords,
}

pub(super) async fn begin(console: web::Data<Console>, person: Person, form: web::Form<Pressed>) -> Answer {
    let Pressed { key, site: name, words } = form.into_inner();
    key.check(&person)?;
    let site = console.gateway.site.load_full();
    let folder = site.settings.console.changed_sites.iter().find(|folder| name_of(folder) == name);
    let Some(folder) = folder else {
        return Err(Fault::Refused(format!("The site in force names no changed site `{name}`.")));
    };
    begin_with(&console, &person, ChangedSite::Folder(folder.clone()), words).await
}

/// Begins a comparison, which goes on when nobody looks any more; what is wrong with the changed site is told on the page.
pub(super) async fn begin_with(
    console: &Console,
    person: &Person,
    changed: ChangedSite,
    words: MessageWords,
) -> Answer {
    match console.gateway.begin_comparison(&changed, &words, &person.agent()).await {
        Err(problem) => page_of(console, person, Asked::default(), words, problem.text).await,
        Ok(run) => {
            let gateway = console.gateway.clone();
            actix_web::rt::spawn(async move { gateway.go_on_comparing(run).await });
            Ok(page::see("/console/compare"))
        }
    }
}

pub(super) async fn stop(console: web::Data<Console>, person: Person, form: web::Form<FormKey>) -> Answer {
    form.check(&person)?;
    console.gateway.stop_comparison(&person.agent()).await?;
    Ok(page::see("/console/compare"))
}

#[derive(Template)]
#[template(path = "console/compare_one.html")]
struct One {
    frame: Frame,
    sequence: u64,
    event: String,
    name: String,
    left_out: Vec<String>,
    parts: Vec<(&'static str, Vec<Line>)>,
}

/// One difference, and how many more there are of its kind.
struct Line {
    kind: String,
    what: Vec<String>,
    more: u64,
}

/// What differs for one message, with values.
pub(super) async fn one(console: web::Data<Console>, person: Person, sequence: web::Path<u64>) -> Answer {
    let run = console.gateway.comparison().ok_or_else(|| Fault::no_such("comparison"))?;
    let summary = looked_up(&console, &person, *sequence).await?.summary;
    let (gateway, of, under) = (console.gateway.clone(), summary.clone(), run.clone());
    let reading = async move { gateway.compared_one(&under, &of).await };
    let differences = turn::read(&console, &person, reading).await?;
    let zone = page::zone_of(&console.gateway.site.load());
    let frame = Frame::new("compare", &console, &person).in_zone(&zone);
    turn::make(move || {
        let left_out = differences.left_out.keys().cloned().collect();
        let parts = Part::ALL.into_iter().filter_map(|part| {
            let kinds = differences.parts.get(&part)?.iter();
            Some((part.title(), kinds.map(|(kind, counted)| line(kind, counted)).collect()))
        });
        One {
            frame,
            sequence: summary.sequence,
            event: summary.event,
            name: run.name.clone(),
            parts: parts.collect(),
            left_out,
        }
    })
    .await
}

fn line(kind: &str, counted: &Counted) -> Line {
    let what: Vec<String> = counted.first.iter().map(|seen| seen.what.clone()).collect();
    Line { kind: kind.to_string(), more: counted.count.saturating_sub(what.len() as u64), what }
}
