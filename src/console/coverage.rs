//! Which lines of a feed's maps the stored messages touched, and what came that nobody reads: begun and stopped here, how far it is, and what
//! was found, each with a message that shows it and the way to its line. Shows no values; writes nothing of it.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::maps::address;
use super::messages::Words;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::pipeline::{Coverage, CoverageRun, FieldSeen, LineSeen, MessageWords, Progress, RunState, signed};
use crate::site::Site;

/// What is shown of each list, on a page of one list, and of the lines of one file.
const SHOWN: usize = 25;
const SHOWN_OF_ONE: usize = 300;
const LINES: usize = 12;
/// Left out, those of so long ago.
const SINCE: &str = "30d";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// One list alone, from this place on.
    part: String,
    from: usize,
}

#[derive(Template)]
#[template(path = "console/coverage.html")]
struct CoveragePage {
    frame: Frame,
    feeds: Vec<String>,
    words: Words,
    refused: String,
    run: Option<Run>,
}

/// What was found, as far as it is.
struct Run {
    at: At,
    who: String,
    began: String,
    asked: Vec<(&'static str, String)>,
    events: Vec<(String, u64)>,
    lists: Vec<List>,
    files: Vec<Files>,
    left_out: Vec<(String, u64)>,
    more_places: u64,
    /// One list alone is shown.
    is_one: bool,
    /// The site that is in force now is another.
    is_old: bool,
}

/// How far it is.
#[derive(Template)]
#[template(path = "console/coverage_at.html")]
struct At {
    state: RunState,
    looked: u64,
    total: Option<u64>,
    /// Fields that were sent and never used; lines, of all, that gave something.
    unused: usize,
    touched: usize,
    lines: usize,
    said: String,
    fault: String,
    /// The page around it is from before it ended.
    is_alone: bool,
}

/// Fields or segments, the most frequent first.
struct List {
    word: &'static str,
    title: &'static str,
    rows: Vec<(String, FieldSeen)>,
    all: usize,
    next: Option<usize>,
}

/// Lines of maps, or rows of tables.
struct Files {
    word: &'static str,
    title: &'static str,
    touched: usize,
    all: usize,
    files: Vec<File>,
}

/// A file, and which of its lines never gave anything.
struct File {
    name: String,
    address: String,
    touched: usize,
    all: usize,
    never: Vec<(String, u32, String)>,
    more: usize,
}

impl At {
    fn of(progress: &Progress<Coverage>, site: &Site, is_alone: bool) -> Self {
        let found = &progress.found;
        let lines = || found.lines.values().flat_map(|lines| lines.values());
        Self {
            state: progress.state,
            looked: found.messages + found.left_out.values().sum::<u64>(),
            total: progress.total,
            unused: found.fields.values().filter(|of| of.used.messages == 0).count(),
            touched: lines().filter(|told| told.seen.messages > 0).count(),
            lines: lines().count(),
            said: page::second(progress.said, &page::zone_of(site)),
            fault: progress.fault.clone(),
            is_alone,
        }
    }

    fn is_running(&self) -> bool {
        self.state == RunState::Running
    }
}

impl Run {
    fn of(run: &CoverageRun, site: &Site, asked: &Asked) -> Self {
        let progress = run.progress();
        let at = At::of(&progress, site, false);
        let found = progress.found;
        let (some, never): (Vec<_>, Vec<_>) = found.unused().into_iter().partition(|(_, of)| of.used.messages > 0);
        let lists = [
            ("segments", "Segments of which nothing was used", found.unused_segments()),
            ("fields", "Fields that were sent and never used", never),
            ("sometimes", "Fields that were not used in some messages", some),
        ];
        let is_one = lists.iter().any(|(word, ..)| *word == asked.part);
        let (from, most) = if is_one { (asked.from, SHOWN_OF_ONE) } else { (0, SHOWN) };
        let lists = lists.into_iter().filter(|(word, ..)| !is_one || *word == asked.part);
        let lists = lists.map(|(word, title, all)| list(word, title, &all, from, most)).collect();
        let mut events: Vec<(String, u64)> = found.events.into_iter().collect();
        events.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let files = match is_one {
            true => Vec::new(),
            false => vec![
                files("lines", "Lines of maps", &run.name, &found.lines),
                files("rows", "Rows of tables", &run.name, &found.rows),
            ],
        };
        Self {
            at,
            who: signed(site, &run.who).to_string(),
            began: page::second(run.began, &page::zone_of(site)),
            asked: Words::of(&run.words).asked(),
            events,
            lists,
            files,
            left_out: found.left_out.into_iter().collect(),
            more_places: found.more_places,
            is_one,
            is_old: run.site().read_at != site.read_at,
        }
    }
}

fn list(word: &'static str, title: &'static str, of: &[(&str, FieldSeen)], from: usize, most: usize) -> List {
    // Nothing lost: the list says how many there are and leads to the rest.
    let rows = of.iter().skip(from).take(most).map(|(name, seen)| ((*name).to_string(), *seen)).collect();
    let next = Some(from.saturating_add(most)).filter(|next| *next < of.len());
    List { word, title, rows, all: of.len(), next }
}

type Lines = std::collections::BTreeMap<u32, LineSeen>;

fn files(word: &'static str, title: &'static str, feed: &str, of: &std::collections::BTreeMap<String, Lines>) -> Files {
    let touched = |lines: &Lines| lines.values().filter(|told| told.seen.messages > 0).count();
    let file = |(name, lines): (&String, &Lines)| {
        let (touched, all) = (touched(lines), lines.len());
        let unused = lines.iter().filter(|(_, told)| told.seen.messages == 0);
        let never = unused.map(|(line, told)| (address(feed, name, *line), *line, told.element.clone()));
        // Of rows it is told how many, not which: a table holds what may come, and the file's page has each.
        let never = never.take(if word == "rows" || touched == 0 { 0 } else { LINES }); // Nothing lost: how many more there are is said.
        let never: Vec<_> = never.collect();
        let more = (all - touched).saturating_sub(never.len());
        File { name: name.clone(), address: address(feed, name, 0), touched, all, never, more }
    };
    let mut files: Vec<File> = of.iter().map(file).collect();
    // Those that nothing touched last: most are of events that did not come.
    files.sort_by_key(|file| file.touched == 0);
    Files {
        word,
        title,
        touched: files.iter().map(|file| file.touched).sum(),
        all: files.iter().map(|file| file.all).sum(),
        files,
    }
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let usual = MessageWords { since: Some(SINCE.to_string()), ..MessageWords::default() };
    page_of(&console, &person, asked.into_inner(), usual, String::new()).await
}

async fn page_of(console: &Console, person: &Person, asked: Asked, words: MessageWords, refused: String) -> Answer {
    let (site, run) = (console.gateway.site.load_full(), console.gateway.coverage());
    let words = run.as_ref().filter(|_| refused.is_empty()).map_or(words, |run| run.words.clone());
    let frame = Frame::new("coverage", console, person).in_zone(&page::zone_of(&site));
    let is_refused = !refused.is_empty();
    let mut response = turn::make(move || CoveragePage {
        frame,
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
    let run = console.gateway.coverage().ok_or_else(|| Fault::no_such("count"))?;
    Ok(page::show(&At::of(&run.progress(), &console.gateway.site.load(), true)))
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    #[serde(flatten)]
    words: MessageWords,
}

pub(super) async fn begin(console: web::Data<Console>, person: Person, form: web::Form<Pressed>) -> Answer {
    let Pressed { key, words } = form.into_inner();
    key.check(&person)?;
    match console.gateway.begin_coverage(&words, &person.agent()).await {
        Err(problem) => page_of(&console, &person, Asked::default(), words, problem.text).await,
        Ok(run) => {
            let gateway = console.gateway.clone();
            // It goes on when nobody looks any more.
            actix_web::rt::spawn(async move { gateway.go_on_covering(run).await });
            Ok(page::see("/console/coverage"))
        }
    }
}

pub(super) async fn stop(console: web::Data<Console>, person: Person, form: web::Form<FormKey>) -> Answer {
    form.check(&person)?;
    console.gateway.stop_coverage(&person.agent()).await?;
    Ok(page::see("/console/coverage"))
}
