//! The files by which a feed's messages are read, as they lie in the site's folder, each line with how often it gave something where that
//! was counted. Shows no patient data; reads no file but those.

use std::collections::BTreeMap;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::mapping::Layers;
use crate::pipeline::LineSeen;
use crate::site::{Site, map_files};
use crate::yaml::Source;

/// Lines on one page: a site's tables can be long.
const PAGE: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    feed: String,
    /// As problems name it: `mappings/segments/PID-Patient.yaml`.
    file: String,
    from: usize,
}

#[derive(Template)]
#[template(path = "console/maps.html")]
struct MapsPage {
    frame: Frame,
    feeds: Vec<String>,
    feed: String,
    /// By layer: its title, and its files.
    layers: Vec<(&'static str, Vec<(String, String)>)>,
    wrong: Vec<String>,
    file: Option<File>,
}

struct File {
    name: String,
    from: usize,
    total: usize,
    before: Option<usize>,
    next: Option<usize>,
    lines: Vec<Line>,
    /// Beside which message a change of it can be tried: the newest that it gave something of.
    beside: Option<(u64, String)>,
    /// What the counts are of.
    counted: Option<String>,
}

struct Line {
    number: usize,
    text: String,
    /// How often it gave something, where it is one that can.
    seen: Option<LineSeen>,
}

/// Where a line stands.
pub(super) fn address(feed: &str, file: &str, line: u32) -> String {
    let query = [("feed", feed), ("file", file)];
    let query = query.map(|(name, text)| format!("{name}={}", percent(text))).join("&");
    let from = (line.saturating_sub(1) as usize) / PAGE * PAGE;
    let from = if from > 0 { format!("&from={from}") } else { String::new() };
    let line = if line > 0 { format!("#L{line}") } else { String::new() };
    format!("/console/maps?{query}{from}{line}")
}

fn percent(text: &str) -> String {
    askama::filters::urlencode_strict(text).map(|text| text.to_string()).unwrap_or_default()
}

/// The feed that is asked about, else the site's first.
fn feed_of(site: &Site, asked: &str) -> Result<String, Fault> {
    let found = if asked.is_empty() { site.feeds.keys().next() } else { site.feeds.keys().find(|name| *name == asked) };
    found.cloned().ok_or_else(|| Fault::NotHere("There is no such feed.".to_string()))
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let (site, asked) = (console.gateway.site.load_full(), asked.into_inner());
    let feed = feed_of(&site, &asked.feed)?;
    let (root, of) = (site.folder.clone(), feed.clone());
    let read = web::block(move || map_files(&root, &of)).await;
    let (layers, problems) = read.map_err(|_| Fault::Busy)?;
    let run = console.gateway.coverage().filter(|run| run.name == feed && run.site().read_at == site.read_at);
    let source = all(&layers).find(|source| *source.name == asked.file).cloned();
    if source.is_none() && !asked.file.is_empty() {
        return Err(Fault::NotHere("No such file reads this feed.".to_string()));
    }
    let frame = Frame::new("coverage", &console, &person);
    turn::make(move || {
        let found = run.map(|run| run.progress().found);
        let counts = |name: &str| {
            let of = |known: &BTreeMap<String, BTreeMap<u32, LineSeen>>| known.get(name).cloned().unwrap_or_default();
            found.as_ref().map(|found| (found.messages, [of(&found.lines), of(&found.rows)]))
        };
        MapsPage {
            frame,
            feeds: site.feeds.keys().cloned().collect(),
            layers: listed(&layers, &feed),
            wrong: problems.iter().map(|problem| format!("{}: {}", problem.place, problem.text)).collect(),
            file: source.map(|source| file(&source, asked.from, counts(&source.name))),
            feed,
        }
    })
    .await
}

fn all(layers: &Layers) -> impl Iterator<Item = &Source> {
    [&layers.feed, &layers.site, &layers.built_in].into_iter().flatten()
}

/// The files of each layer with their addresses, the highest layer first.
fn listed(layers: &Layers, feed: &str) -> Vec<(&'static str, Vec<(String, String)>)> {
    let titled = [("Of this feed", &layers.feed), ("Of the site", &layers.site), ("Built-in", &layers.built_in)];
    let files = |sources: &[Source]| {
        let row = |source: &Source| (source.name.to_string(), address(feed, &source.name, 0));
        sources.iter().map(row).collect::<Vec<_>>()
    };
    titled.into_iter().map(|(title, sources)| (title, files(sources))).collect()
}

type Counts = (u64, [BTreeMap<u32, LineSeen>; 2]);

fn beside(source: &Source, counts: Option<&Counts>) -> Option<(u64, String)> {
    let newest = counts?.1.iter().flat_map(BTreeMap::values).filter_map(|told| told.seen.example).max()?;
    let (_, path) = source.name.rsplit_once("mappings/")?;
    Some((newest, path.strip_suffix(".yaml")?.to_string()))
}

fn file(source: &Source, from: usize, counts: Option<Counts>) -> File {
    let total = source.text.lines().count();
    let seen = |number: usize| {
        let number = u32::try_from(number).ok()?;
        counts.as_ref()?.1.iter().find_map(|known| known.get(&number).cloned())
    };
    // Nothing lost: the page says which lines these are and leads to the others.
    let shown = source.text.lines().enumerate().skip(from).take(PAGE);
    let lines = shown.map(|(at, text)| Line { number: at + 1, text: text.to_string(), seen: seen(at + 1) });
    File {
        name: source.name.to_string(),
        from,
        total,
        before: (from > 0).then(|| from.saturating_sub(PAGE)),
        next: Some(from.saturating_add(PAGE)).filter(|next| *next < total),
        lines: lines.collect(),
        beside: beside(source, counts.as_ref()),
        counted: counts.as_ref().map(|(messages, _)| page::counted(*messages, "message", "messages")),
    }
}
