//! A code that no table knows, answered: its meaning found and checked, the row and the table's file with it to review and take away, and
//! what the messages that have it would become. Writes nothing: the file is the site's, and people put it there. Shows no patient data.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer as Page, Fault};
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::fhir::canonical_system;
use crate::mapping::{Answer, Answered, MapSet, Table, answered};
use crate::pipeline::{Foretold, Part};
use crate::problem::Problem;
use crate::site::Site;
use crate::store::UnusedEntry;
use crate::unused::Kind;

/// Codes that a search lists, and the longest file that is read.
const FOUND: usize = 12;
const LONGEST_FILE: u64 = 4 << 20;
/// Lines of the file around the new one.
const AROUND: usize = 6;

/// What the form says so far.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    find: String,
    system: String,
    code: String,
    display: String,
    /// `nothing`, where the code says nothing here.
    means: String,
    /// `site`, where the row is for all feeds.
    file: String,
    /// Whether what the messages would become is asked for.
    show: String,
}

#[derive(Template)]
#[template(path = "console/codes.html")]
struct CodePage {
    frame: Frame,
    entry: UnusedEntry,
    feed: String,
    table: String,
    theirs: String,
    newest: String,
    asked: Asked,
    /// What the form says, for other addresses of this page.
    query: Vec<(&'static str, String)>,
    /// What the site in force makes of the code by now.
    in_force: Option<String>,
    again: Vec<(&'static str, String)>,
    found: Vec<Hit>,
    searched: String,
    checked: String,
    is_known: bool,
    name: String,
    row: Option<Row>,
    refused: String,
    foretold: Option<Shown>,
}

/// A code that a search found.
struct Hit {
    code: String,
    display: String,
}

/// The file as it would be: the lines around the new one.
struct Row {
    line: String,
    number: usize,
    before: String,
    after: String,
    is_new: bool,
}

/// What differs, how often, and the first messages in which it does.
type Differs = (String, u64, Vec<u64>);

/// What the messages would become.
struct Shown {
    parts: Vec<(&'static str, Vec<Differs>)>,
    told: Foretold,
}

/// What is answered: the cause, with the table and the code in it.
struct Question {
    entry: UnusedEntry,
    table: String,
    code: String,
}

impl Question {
    async fn of(console: &Console, id: &str, site: &Site) -> Result<Self, Fault> {
        let entry = console.gateway.store.unused_entry(id).await?.ok_or_else(|| Fault::no_such("code"))?;
        let split = parts(&entry, site).ok_or_else(|| {
            let text = "Only a code that one of a feed's tables lacks is answered here, while the site has the feed.";
            Fault::NotHere(text.to_string())
        })?;
        let (table, code) = split;
        Ok(Self { entry, table, code })
    }

    fn file(&self, asked: &Asked) -> String {
        let of_feed = format!("feeds/{}/mappings/tables/{}.yaml", self.entry.cause.feed, self.table);
        if asked.file == "site" { format!("mappings/tables/{}.yaml", self.table) } else { of_feed }
    }
}

/// The table and the code of a cause that a row would mend.
pub(super) fn parts(entry: &UnusedEntry, site: &Site) -> Option<(String, String)> {
    let (table, code) = entry.cause.about.split_once(' ').filter(|_| entry.cause.kind == Kind::Code)?;
    table_of(site.mappings.get(&entry.cause.feed)?, table)?;
    Some((table.to_string(), code.to_string()))
}

/// What the site in force has for the code by now; none where no row of it is there yet.
pub(super) fn meaning(entry: &UnusedEntry, site: &Site) -> Option<String> {
    let (table, code) = parts(entry, site)?;
    let table = table_of(site.mappings.get(&entry.cause.feed)?, &table)?;
    match (table.row(&code), table.is_silent(&code)) {
        (Some(row), _) => Some(format!("{} {}", row.code, row.display.as_deref().unwrap_or_default())),
        (None, true) => Some("nothing that FHIR needs to know".to_string()),
        (None, false) => None,
    }
}

fn table_of<'m>(maps: &'m MapSet, name: &str) -> Option<&'m Table> {
    maps.tables().iter().find(|table| table.name == name)
}

pub(super) async fn show(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> Page {
    let site = console.gateway.site.load_full();
    let (question, asked) = (Question::of(&console, &id, &site).await?, asked.into_inner());
    let written = written(&site, &question, &asked).await;
    let foretold = match &written {
        Some(Ok((_, answered))) if !asked.show.is_empty() => {
            let (gateway, cause) = (console.gateway.clone(), question.entry.cause.clone());
            let (file, text) = (question.file(&asked), answered.text.clone());
            let reading = async move { Ok::<_, Fault>(gateway.foretell(&cause, &file, text).await) };
            Some(turn::read(&console, &person, reading).await?)
        }
        _ => None,
    };
    let frame = Frame::new("unused", &console, &person);
    turn::make(move || page_of(&site, frame, question, asked, written, foretold)).await
}

/// The table's new text, as a file to put into the site.
pub(super) async fn file(
    console: web::Data<Console>,
    _: Person,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> Page {
    let site = console.gateway.site.load_full();
    let (question, asked) = (Question::of(&console, &id, &site).await?, asked.into_inner());
    let missing = || Fault::Refused("Say first what the code means.".to_string());
    let (_, answered) = written(&site, &question, &asked).await.ok_or_else(missing)?.map_err(Fault::Refused)?;
    let name: String = question.table.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '-').collect();
    Ok(HttpResponse::Ok()
        .content_type("application/yaml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.yaml\"")))
        .body(answered.text))
}

type Written = Option<Result<(bool, Answered), String>>;

/// Whether the file is a new one, and its text with the answer; none before there is an answer.
async fn written(site: &Site, question: &Question, asked: &Asked) -> Written {
    let answer = answer(site, question, asked)?;
    let path = site.folder.join(question.file(asked));
    let old = match tokio::task::spawn_blocking(move || read(&path)).await {
        Ok(Ok(old)) => old,
        Ok(Err(fault)) => return Some(Err(fault)),
        Err(_) => return Some(Err("Reading the file broke off.".to_string())),
    };
    let answered = answered(old.as_deref(), &question.table, &question.code, &answer);
    Some(answered.map(|answered| (old.is_none(), answered)))
}

fn read(path: &std::path::Path) -> Result<Option<String>, String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.len() > LONGEST_FILE => return Err("The file is longer than a table may be.".to_string()),
        _ => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| format!("The table's file cannot be read: {error}"))
}

fn answer(site: &Site, question: &Question, asked: &Asked) -> Option<Answer> {
    if asked.means == "nothing" {
        return Some(Answer::Nothing);
    }
    let code = Some(asked.code.trim().to_string()).filter(|code| !code.is_empty())?;
    let table = table_of(site.mappings.get(&question.entry.cause.feed)?, &question.table)?;
    let given = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
    // What its file says already need not be said again.
    let system = given(&system_of(table, asked)).filter(|system| Some(system) != table.target.as_ref());
    let held = held_name(site, &system_of(table, asked), &code).ok().filter(|name| !name.is_empty());
    Some(Answer::Means { code, system, display: given(&asked.display).or(held) })
}

/// The code system that is meant: the one that is said, else the table's.
fn system_of(table: &Table, asked: &Asked) -> String {
    let said = asked.system.trim();
    if said.is_empty() { table.target.clone().unwrap_or_default() } else { canonical_system(said).to_string() }
}

/// What a code is called; why that cannot be told.
fn held_name(site: &Site, system: &str, code: &str) -> Result<String, String> {
    if system.is_empty() {
        return Err("The table names no code system, so that it cannot be looked up.".to_string());
    }
    let Some(held) = site.profiles.library().code_system(system) else {
        return Err(format!("{system} is not held here, so that the code cannot be checked."));
    };
    match held.find(code) {
        Ok(Some(concept)) => Ok(concept.texts.display.unwrap_or_default()),
        Ok(None) if held.head().is_complete() => Err(format!("{system} has no code {code}.")),
        Ok(None) => Err(format!("Not all of {system} is held here, and {code} is not.")),
        Err(_) => Err(format!("{system} cannot be read.")),
    }
}

/// Codes whose name has all these words, or whose code it is; the first few in the system's order, and whether there are more.
fn search(site: &Site, system: &str, words: &str) -> Result<(Vec<(String, String)>, bool), String> {
    let held = site.profiles.library().code_system(system);
    let held = held.ok_or_else(|| format!("{system} is not held here; write the code, or add the code system."))?;
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let (mut found, mut is_more) = (Vec::new(), false);
    let walked = held.each(&mut |concept| {
        let display = concept.texts.display.as_deref().unwrap_or_default();
        let (name, code) = (display.to_lowercase(), concept.code.to_lowercase());
        if concept.is_abstract || !words.iter().all(|word| name.contains(word.as_str()) || code == *word) {
            return true;
        }
        // Nothing lost: the page says that there are more.
        is_more = found.len() >= FOUND;
        if !is_more {
            found.push((concept.code.clone(), display.to_string()));
        }
        !is_more
    });
    walked.map(|()| (found, is_more)).map_err(|_| format!("{system} cannot be read."))
}

fn page_of(
    site: &Site,
    frame: Frame,
    question: Question,
    mut asked: Asked,
    written: Written,
    foretold: Option<Result<Foretold, Problem>>,
) -> CodePage {
    let Question { entry, table, code: theirs } = question;
    let in_force = meaning(&entry, site);
    let named = site.feeds.get(&entry.cause.feed);
    let zone = named.map_or_else(|| page::zone_of(site), |feed| feed.zone.clone());
    let known = site.mappings.get(&entry.cause.feed).and_then(|maps| table_of(maps, &table));
    let system = known.map(|table| system_of(table, &asked)).unwrap_or_default();
    let (mut found, mut searched) = (Vec::new(), String::new());
    if !asked.find.trim().is_empty() {
        match search(site, &system, asked.find.trim()) {
            Ok((hits, is_more)) => {
                searched = match (hits.is_empty(), is_more) {
                    (true, _) => format!("No code of {system} is called so."),
                    (_, true) => format!("The first {FOUND} of {system}, in its order; more words leave fewer."),
                    _ => format!("All of {system} that are called so."),
                };
                found = hits;
            }
            Err(why) => searched = why,
        }
    }
    let found = found.into_iter().map(|(code, display)| Hit { code, display }).collect();
    let checked = (!asked.code.trim().is_empty()).then(|| held_name(site, &system, asked.code.trim()));
    let (name, why, is_known) = match checked {
        Some(Ok(name)) => (name, String::new(), true),
        Some(Err(why)) => (String::new(), why, false),
        None => Default::default(),
    };
    let (row, mut refused) = match written {
        Some(Ok((is_new, answered))) => (Some(around(&answered, is_new)), String::new()),
        Some(Err(why)) => (None, why),
        None => (None, String::new()),
    };
    let foretold = match foretold {
        Some(Ok(told)) => Some(shown(told)),
        Some(Err(problem)) => {
            refused = problem.text;
            None
        }
        None => None,
    };
    if asked.system.trim().is_empty() {
        asked.system = system;
    }
    CodePage {
        feed: named.map_or_else(|| entry.cause.feed.clone(), |feed| feed.title.clone()),
        newest: page::second(entry.newest, &zone),
        query: query(&asked),
        again: again(&entry, &theirs),
        frame: frame.in_zone(&zone),
        checked: why,
        entry,
        table,
        theirs,
        asked,
        in_force,
        found,
        searched,
        is_known,
        name,
        row,
        refused,
        foretold,
    }
}

/// The messages that have the code, as the page that runs them again is asked; a short code is no text to look for.
fn again(entry: &UnusedEntry, code: &str) -> Vec<(&'static str, String)> {
    let text = if code.chars().count() >= 3 { code } else { "" };
    given(&[("feed", &entry.cause.feed), ("kind", entry.cause.kind.word()), ("text", text)])
}

fn query(asked: &Asked) -> Vec<(&'static str, String)> {
    given(&[
        ("find", &asked.find),
        ("system", &asked.system),
        ("code", &asked.code),
        ("display", &asked.display),
        ("means", &asked.means),
        ("file", &asked.file),
    ])
}

fn given(parts: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    parts.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (*name, (*text).to_string())).collect()
}

fn around(answered: &Answered, is_new: bool) -> Row {
    let lines: Vec<&str> = answered.text.lines().collect();
    let at = answered.number.saturating_sub(1);
    let from = at.saturating_sub(AROUND);
    let until = lines.len().min(at + 1 + AROUND); // Nothing lost: the whole file is one button away.
    let part = |from: usize, until: usize| lines.get(from..until).unwrap_or_default().join("\n");
    Row {
        line: answered.line.clone(),
        number: answered.number,
        before: part(from, at),
        after: part(at + 1, until),
        is_new,
    }
}

fn shown(told: Foretold) -> Shown {
    let parts = Part::ALL.into_iter().filter_map(|part| {
        let kinds = told.differences.parts.get(&part)?.iter();
        let kinds = kinds.map(|(kind, counted)| {
            (kind.clone(), counted.count, counted.first.iter().map(|seen| seen.message).collect())
        });
        Some((part.title(), kinds.collect()))
    });
    Shown { parts: parts.collect(), told }
}
