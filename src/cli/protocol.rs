//! `handover protocol`: which protocols there are, one of them in a clinician's words, and what one would have made.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::check::{self, counted};
use super::explain::wrapped;
use super::outcome::Outcome;
use super::screen::Screen;
use super::table::Table;
use crate::protocol::{PlainRule, ProtocolSet, Sheet};
use crate::yaml::nearest;

/// The widest label of a row.
const LABEL: usize = 22;

/// What care should follow: which protocols there are, what one says, and what one would have made.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Explain(Explain),
    Try(Box<super::protocol_try::Arguments>),
}

/// List the protocols of a site, those built in among them.
#[derive(Debug, clap::Args)]
struct List {
    /// The site's folder; without one, what is built in.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Print `[{ "name", "title", "rules" }]`.
    #[arg(long)]
    json: bool,
}

/// Show a protocol in a clinician's words: each question, piece of work and alert with its bounds, times and people.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover protocol explain heart-failure\n  handover protocol explain heart-failure --site site --json"
)]
struct Explain {
    /// Its name, as the file's `protocol:` says it.
    name: String,
    /// The site's folder; without one, what is built in.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Print `{ "name", "title", "source", "who", "rules": [{ kind, id, title, rows: [[label, words]] }] }`.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.command {
        Command::List(list) => with_set(list.site.as_ref(), screen, |set, screen| show_list(set, list.json, screen)),
        Command::Try(arguments) => super::protocol_try::run(arguments, screen),
        Command::Explain(explain) => {
            with_set(explain.site.as_ref(), screen, |set, screen| show_one(set, explain, screen))
        }
    }
}

fn with_set(
    site: Option<&PathBuf>,
    screen: &mut Screen,
    show: impl FnOnce(&ProtocolSet, &mut Screen) -> Result<Outcome>,
) -> Result<Outcome> {
    let Some(dir) = site else { return show(&ProtocolSet::built_in(), screen) };
    let Some(site) = check::load_or_show(dir, screen) else { bail!("the site has faults") };
    show(&site.protocols, screen)
}

fn show_list(set: &ProtocolSet, as_json: bool, screen: &mut Screen) -> Result<Outcome> {
    let listed = set.list();
    let sheets: Vec<Sheet> = listed.iter().filter_map(|one| set.plain(&one.name)).collect();
    if as_json {
        let one = |sheet: &Sheet| json!({ "name": sheet.name, "title": sheet.title, "rules": sheet.rules.len() });
        screen.say_json(&Value::Array(sheets.iter().map(one).collect()))?;
        return Ok(Outcome::Well);
    }
    let mut table = Table::new(&["name", "title", "for", "questions", "work", "alerts"]).with_whole_first();
    for sheet in &sheets {
        let count = |kind: &str| sheet.rules.iter().filter(|rule| rule.kind == kind).count().to_string();
        let cells = [sheet.name.clone(), sheet.title.clone(), sheet.who.clone()];
        table.row(cells.into_iter().chain(["question", "work", "alert"].map(count)));
    }
    for line in table.lines(screen.width) {
        screen.say(line)?;
    }
    Ok(Outcome::Well)
}

fn show_one(set: &ProtocolSet, explain: &Explain, screen: &mut Screen) -> Result<Outcome> {
    let Some(sheet) = set.plain(&explain.name) else {
        let listed = set.list();
        let names = listed.iter().map(|one| one.name.as_str());
        let hint = nearest(&explain.name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        bail!("there is no protocol `{}`{hint}", explain.name)
    };
    if explain.json {
        screen.say_json(&as_json(&sheet))?;
        return Ok(Outcome::Well);
    }
    screen.say(format!("{} ({})", sheet.title, sheet.name))?;
    row(("source", &sheet.source), screen)?;
    row(("for", &sheet.who), screen)?;
    row(("rules", &counted(sheet.rules.len(), "rule")), screen)?;
    for rule in &sheet.rules {
        screen.heading(&format!("{}: {} ({})", rule.kind, rule.title, rule.id))?;
        for (label, words) in &rule.rows {
            row((label, words), screen)?;
        }
    }
    Ok(Outcome::Well)
}

/// A label and a sentence, wrapped beside it.
fn row((label, words): (&str, &str), screen: &mut Screen) -> Result<()> {
    let room = screen.width.saturating_sub(LABEL + 4).max(20);
    let mut label = label;
    for line in wrapped(words, room) {
        screen.say(format!("  {label:<LABEL$}  {line}"))?;
        label = "";
    }
    Ok(())
}

fn as_json(sheet: &Sheet) -> Value {
    let of_rule = |rule: &PlainRule| {
        let rows: Vec<Value> = rule.rows.iter().map(|(label, words)| json!([label, words])).collect();
        json!({ "kind": rule.kind, "id": rule.id, "title": rule.title, "rows": rows })
    };
    json!({ "name": sheet.name, "title": sheet.title, "source": sheet.source, "who": sheet.who,
        "rules": sheet.rules.iter().map(of_rule).collect::<Vec<_>>() })
}
