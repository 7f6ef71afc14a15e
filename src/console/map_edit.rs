//! A map's file edited beside a stored message, with what the message becomes by it at once. Nothing is saved: the file is taken away, and
//! people put it into the site. Reads no file but the maps of the message's feed; each look at the message is in the audit.

use actix_web::dev::UrlEncoded;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page::Frame;
use super::session::Person;
use super::trace::looked_up;
use super::{Console, turn};
use crate::mapping::Layers;
use crate::pipeline::{EditedMap, MapTrial, Part};
use crate::problem::Problem;
use crate::site::map_files;
use crate::store::MessageEntry;

/// The longest text that is edited here, and a form around one whose every sign is written in three.
const LONGEST: usize = 128 << 10;
const FORM_BYTES: usize = LONGEST * 3 + (4 << 10);
/// Differences of one part, resources, and signs of one, that are shown.
const LINES: usize = 100;
const RESOURCES: usize = 40;
const SIGNS: usize = 16 << 10;

/// The kinds of maps, with what a new file says of itself and what it holds: `{}` is what it is called by, before and after its hyphen.
const FOLDERS: [(&str, &str, &str); 5] = [
    ("segments", "segment: {1}\nresource: {2}\n", "elements: {}\n"),
    ("datatypes", "datatype: {1}\ntype: {2}\n", "elements: {}\n"),
    ("tables", "table: {0}\n", "codes: {}\n"),
    ("readings", "reading: {0}\ntitle: {0}\n", "codes: {}\n"),
    ("messages", "message: {0}\nevents: []\n", "resources: {}\n"),
];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    message: u64,
    /// `segments/PID-Patient`
    map: String,
    /// `site`, where the file is for all feeds.
    file: String,
}

#[derive(Deserialize)]
struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    message: String,
    #[serde(default)]
    map: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    text: String,
}

#[derive(Template)]
#[template(path = "console/map_edit.html")]
struct EditPage {
    frame: Frame,
    message: u64,
    event: String,
    feed: String,
    map: String,
    is_of_site: bool,
    file: String,
    /// All that can be edited, those that read something of the message first.
    used: Vec<String>,
    others: Vec<String>,
    text: String,
    /// What the file is laid over, the layer above first.
    below: Vec<(String, String)>,
    refused: String,
    result: Option<Shown>,
}

/// What differs of one part: its title, each difference with its kind, and how many more there are.
type Differing = (&'static str, Vec<(String, String)>, usize);

/// What the message becomes.
struct Shown {
    differs: usize,
    parts: Vec<Differing>,
    warnings: String,
    code: &'static str,
    faults: Vec<(String, String)>,
    resources: Vec<(String, String, bool)>,
    more: usize,
    unread: Vec<String>,
}

/// A map by its folder and name, as a path below `mappings/`.
struct Named {
    folder: &'static (&'static str, &'static str, &'static str),
    name: String,
}

impl Named {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no map; write one as segments/PID-Patient");
        let (folder, name) = text.trim().split_once('/').ok_or_else(wrong)?;
        let folder = FOLDERS.iter().find(|(known, ..)| *known == folder).ok_or_else(wrong)?;
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_');
        let is_name = (1..=100).contains(&name.len()) && name.chars().all(is_plain);
        if is_name { Ok(Self { folder, name: name.to_string() }) } else { Err(wrong()) }
    }

    fn path(&self) -> String {
        format!("mappings/{}/{}.yaml", self.folder.0, self.name)
    }

    fn file(&self, feed: &str, is_of_site: bool) -> String {
        if is_of_site { self.path() } else { format!("feeds/{feed}/{}", self.path()) }
    }

    /// What a file begins with that is not there yet.
    fn begun(&self, is_laid_over: bool) -> String {
        let (_, head, body) = *self.folder;
        if is_laid_over {
            return body.to_string();
        }
        let (before, after) = self.name.split_once('-').unwrap_or((&self.name, ""));
        head.replace("{0}", &self.name).replace("{1}", before).replace("{2}", after) + body
    }
}

/// What is edited, and beside which message.
struct Editing {
    entry: MessageEntry,
    map: Option<Named>,
    is_of_site: bool,
    layers: Layers,
}

async fn editing(
    console: &Console,
    person: &Person,
    message: u64,
    map: &str,
    file: &str,
) -> Result<(Editing, String), Fault> {
    let entry = looked_up(console, person, message).await?;
    let site = console.gateway.site.load_full();
    let feed = entry.summary.feed.clone();
    if !site.feeds.contains_key(&feed) {
        return Err(Fault::NotHere("No map reads this message: the site has no feed that it came from.".to_string()));
    }
    let read = web::block(move || map_files(&site.folder, &feed).0).await;
    let layers = read.map_err(|_| Fault::Busy)?;
    let (map, refused) = match Named::read(map) {
        _ if map.trim().is_empty() => (None, String::new()),
        Ok(map) => (Some(map), String::new()),
        Err(why) => (None, why),
    };
    Ok((Editing { entry, map, is_of_site: file == "site", layers }, refused))
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let Asked { message, map, file } = asked.into_inner();
    let (editing, refused) = editing(&console, &person, message, &map, &file).await?;
    let frame = Frame::new("coverage", &console, &person);
    turn::make(move || page_of(frame, editing, None, refused, None)).await
}

pub(super) async fn run(
    console: web::Data<Console>,
    person: Person,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let Pressed { message, map, file, text, .. } = pressed(&person, &request, payload).await?;
    let message = message.parse().map_err(|_| Fault::no_such("message"))?;
    let (editing, mut refused) = editing(&console, &person, message, &map, &file).await?;
    let mut tried = None;
    if let Some(named) = &editing.map {
        let file = named.file(&editing.entry.summary.feed, editing.is_of_site);
        let (gateway, entry) = (console.gateway.clone(), editing.entry.clone());
        let edited = EditedMap { file, text: text.clone() };
        let reading = async move { Ok::<_, Fault>(gateway.try_map(&entry, edited).await) };
        match turn::read(&console, &person, reading).await? {
            Ok(trial) => tried = Some(trial),
            Err(Problem { text, .. }) => refused = text,
        }
    }
    let frame = Frame::new("coverage", &console, &person);
    turn::make(move || page_of(frame, editing, Some(text), refused, tried)).await
}

/// The text, as a file to put into the site.
pub(super) async fn file(_: web::Data<Console>, person: Person, request: HttpRequest, payload: web::Payload) -> Answer {
    let Pressed { map, text, .. } = pressed(&person, &request, payload).await?;
    let named = Named::read(&map).map_err(Fault::Refused)?;
    Ok(HttpResponse::Ok()
        .content_type("application/yaml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.yaml\"", named.name)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}

/// The form; its text with the line ends of files.
async fn pressed(person: &Person, request: &HttpRequest, payload: web::Payload) -> Result<Pressed, Fault> {
    let too_long = || Fault::Refused(format!("A file of at most {} KB is edited here.", LONGEST >> 10));
    let read = UrlEncoded::<Pressed>::new(request, &mut payload.into_inner()).limit(FORM_BYTES).await;
    let mut pressed = read.map_err(|_| too_long())?;
    pressed.key.check(person)?;
    pressed.text = pressed.text.replace("\r\n", "\n");
    if pressed.text.len() > LONGEST { Err(too_long()) } else { Ok(pressed) }
}

fn page_of(
    frame: Frame,
    editing: Editing,
    typed: Option<String>,
    mut refused: String,
    tried: Option<MapTrial>,
) -> EditPage {
    let Editing { entry, map, is_of_site, layers } = editing;
    let feed = entry.summary.feed.clone();
    let (used, others) = named(&layers, &entry);
    let file = map.as_ref().map(|map| map.file(&feed, is_of_site)).unwrap_or_default();
    let (mut text, mut below) = (String::new(), Vec::new());
    if let Some(map) = &map {
        let is_map = |name: &str| {
            name.strip_suffix(&map.path()).is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', ':']))
        };
        let all = [&layers.feed, &layers.site, &layers.built_in].into_iter().flatten();
        for source in all.filter(|source| is_map(&source.name)) {
            if *source.name == *file {
                text = source.text.to_string();
            } else if !(is_of_site && layers.feed.iter().any(|above| above.name == source.name)) {
                below.push((source.name.to_string(), source.text.to_string()));
            }
        }
        if text.is_empty() {
            text = map.begun(!below.is_empty());
        }
    }
    if text.len() > LONGEST {
        refused = format!("This file has more than {} KB; edit it where it lies.", LONGEST >> 10);
        text.clear();
    }
    EditPage {
        frame,
        message: entry.summary.sequence,
        event: entry.summary.event,
        feed,
        map: map.map(|map| format!("{}/{}", map.folder.0, map.name)).unwrap_or_default(),
        is_of_site,
        file,
        used,
        others,
        text: typed.unwrap_or(text),
        below,
        refused,
        result: tried.map(shown),
    }
}

/// The maps that there are, as `segments/PID-Patient`: those that read something of the message, and the others.
fn named(layers: &Layers, entry: &MessageEntry) -> (Vec<String>, Vec<String>) {
    let short = |name: &str| {
        let (_, path) = name.rsplit_once("mappings/")?;
        path.strip_suffix(".yaml").map(str::to_string)
    };
    let mut all: Vec<String> = [&layers.feed, &layers.site, &layers.built_in]
        .into_iter()
        .flatten()
        .filter_map(|source| short(&source.name))
        .collect();
    all.sort();
    all.dedup();
    let reads = |mark: &crate::store::LineageMark| short(mark.map.rsplit_once(':').map_or("", |(file, _)| file));
    let mut used: Vec<String> = entry.trace.lineage.iter().filter_map(reads).collect();
    used.sort();
    used.dedup();
    all.into_iter().partition(|name| used.contains(name))
}

fn shown(trial: MapTrial) -> Shown {
    let MapTrial { warnings, after, differences } = trial;
    let of = |part: Part| {
        let all: Vec<(String, String)> = differences
            .iter()
            .filter(|(of, ..)| *of == part)
            .map(|(_, kind, what)| (kind.clone(), what.clone()))
            .collect();
        let count = all.len();
        // Nothing lost: how many more there are is said.
        (part.title(), all.into_iter().take(LINES).collect::<Vec<_>>(), count.saturating_sub(LINES))
    };
    let changed: Vec<&String> = differences.iter().map(|(.., what)| what).collect();
    let resource = |resource: &Value| {
        let word = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default();
        let path = format!("{}/{}", word("resourceType"), word("id"));
        let text = serde_json::to_string_pretty(resource).unwrap_or_default();
        let is_changed = changed.iter().any(|what| what.contains(&path));
        // Nothing lost: the mark says that there is more.
        let cut: String = text.chars().take(SIGNS).collect();
        let text = if cut.len() < text.len() { cut + "\n… and more" } else { cut };
        (path, text, is_changed)
    };
    let mut resources: Vec<_> = after.resources.iter().map(resource).collect();
    resources.sort_by_key(|(_, _, is_changed)| !is_changed);
    let more = resources.len().saturating_sub(RESOURCES);
    resources.truncate(RESOURCES); // Nothing lost: how many more there are is said.
    Shown {
        differs: differences.len(),
        parts: Part::ALL.into_iter().map(of).filter(|(_, lines, _)| !lines.is_empty()).collect(),
        warnings,
        code: after.code.text(),
        faults: after.problems.iter().map(|problem| (problem.place.to_string(), problem.text.clone())).collect(),
        resources,
        more,
        unread: after.trace.unread.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_named_by_its_folder_and_name_and_by_no_path() {
        let read = |text: &str| Named::read(text).map(|named| named.file("east", false));
        assert_eq!(read(" segments/ZPV-Encounter ").unwrap(), "feeds/east/mappings/segments/ZPV-Encounter.yaml");
        assert_eq!(Named::read("tables/race").unwrap().file("east", true), "mappings/tables/race.yaml");
        for wrong in [
            "",
            "PID",
            "segments/",
            "segments/../../handover",
            "segments/a/b",
            "feeds/east",
            "/etc/passwd",
            "segments/a.b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            Named::read("segments/ZPV-Encounter").unwrap().begun(false),
            "segment: ZPV\nresource: Encounter\nelements: {}\n"
        );
        assert_eq!(Named::read("tables/race").unwrap().begun(true), "codes: {}\n");
    }
}
