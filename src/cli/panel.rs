//! `handover panel import FILE --panel NAME`: replaces a panel's members by a roster.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::check::{self, counted};
use super::operation::{SiteArgument, items, number, text, time};
use super::outcome::Outcome;
use super::reach;
use super::screen::Screen;
use crate::pipeline::{Operation, RosterChange};
use crate::site::{Roster, Site, StoreChoice, problems_as_json, render};
use crate::yaml::nearest;

/// Names shown of each list.
const SHOWN: usize = 20;

/// Who is responsible for whom.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(Import),
}

/// Replace a panel's members by a roster.
///
/// The roster is a CSV file (comma, semicolon or tab) or a FHIR Group in JSON. Columns: member_id, any number of
/// mrn:NAMESPACE or mrn:SYSTEM, practitioner, care_manager, language, phone; other columns are left alone. When a row has
/// a fault, nothing is imported, because leaving the row out would end somebody's care unseen. What joins, leaves, changes and ends
/// is told; when more than 5 % of the members leave, or urgent work of those who leave would end, it needs --accept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover panel import march.csv --panel lakeside --site site\n  \
    handover panel import march.csv --panel lakeside --check")]
struct Import {
    /// The roster.
    file: PathBuf,
    /// The panel, as in panels/NAME.yaml.
    #[arg(long, value_name = "NAME")]
    panel: String,
    /// Import the rows without faults all the same.
    #[arg(long)]
    skip_faulty_rows: bool,
    /// Show the roster's faults, who would join, leave and change, and which open work would end, but import nothing.
    #[arg(long)]
    check: bool,
    /// Import it although more than 5 % of the members leave, or urgent work of those who leave ends.
    #[arg(long)]
    accept: bool,
    /// Print one JSON document: `{ "imported", "rows", "problems": [...] }`, and where the rows can be imported the change (with
    /// --check) or what was done. What needs --accept and has none is told on standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let Command::Import(import) = &arguments.command;
    let Some(site) = check::load_or_show(import.site.dir(), screen) else { bail!("nothing was imported") };
    let Some(panel) = site.panels.get(&import.panel) else {
        let hint = nearest(&import.panel, site.panels.keys().map(String::as_str));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        bail!("the site has no panel `{}`{hint}", import.panel);
    };
    let shown_name = import.file.display().to_string();
    let bytes = std::fs::read(&import.file).with_context(|| format!("cannot read {shown_name}"))?;
    let roster = site.read_roster(panel, &shown_name, &bytes);
    let faults = render(&roster.problems, &[], screen.color, screen.width);
    if !faults.is_empty() {
        screen.note(faults.trim_end());
    }
    let is_whole = !roster.has_errors();
    let is_taken = is_whole || import.skip_faulty_rows;
    if import.check || !is_taken {
        let read = format!("{} of {} can be imported", roster.members.len(), counted(roster.rows, "row"));
        if !import.json {
            screen.say(format!("{read}; nothing was imported"))?;
        }
        let change = if is_taken { check_change(import, site, &roster, screen)? } else { json!({}) };
        if import.json {
            screen.say_json(&document(false, &roster, &change))?;
        } else if is_taken {
            tell(&change, screen)?;
        }
        return Ok(if is_whole && items(&change, "/asks").is_empty() { Outcome::Well } else { Outcome::Faults });
    }
    let (panel, members) = (import.panel.clone(), roster.members.clone());
    let answer = reach::perform(site, Operation::PanelImport { panel, members, accept: import.accept }, screen)?;
    if import.json {
        screen.say_json(&document(true, &roster, &answer))?;
    } else {
        tell(answer.get("change").unwrap_or(&Value::Null), screen)?;
        let members = usize::try_from(number(&answer, "/members")).unwrap_or_default();
        let known = number(&answer, "/known_patients_looked_at_again");
        screen.say(format!(
            "panel {} has {} now; {known} known here already",
            import.panel,
            counted(members, "member")
        ))?;
    }
    Ok(if is_whole { Outcome::Well } else { Outcome::Faults })
}

/// What the import would change.
fn check_change(import: &Import, site: Site, roster: &Roster, screen: &mut Screen) -> Result<Value> {
    // Without a store nobody is a member yet; a database may be there without a folder.
    if !site.settings.data.exists() && !matches!(site.settings.store, StoreChoice::Postgres(_)) {
        return Ok(json!(RosterChange::first(&import.panel, &roster.members)));
    }
    let (panel, members) = (import.panel.clone(), roster.members.clone());
    reach::perform(site, Operation::PanelCheck { panel, members }, screen)
}

/// For programs: the same keys first, whatever came of it.
fn document(imported: bool, roster: &Roster, told: &Value) -> Value {
    let mut document =
        json!({ "imported": imported, "rows": roster.rows, "problems": problems_as_json(&roster.problems) });
    if let (Some(document), Some(told)) = (document.as_object_mut(), told.as_object()) {
        document.extend(told.clone());
    }
    document
}

/// Who joins, leaves and changes, and what ends; each list up to a screenful, with how many more there are.
fn tell(change: &Value, screen: &mut Screen) -> Result<()> {
    for (list, words) in [("/joining", "joining"), ("/leaving", "leaving"), ("/changing", "changing")] {
        let names: Vec<String> = items(change, list).iter().filter_map(Value::as_str).map(str::to_string).collect();
        screen.say(format!("{} {words}", counted(names.len(), "member")))?;
        tell_some(&names, screen)?;
    }
    let ending = items(change, "/ending");
    let work = |task: &Value| {
        let due = Some(time(task, "/due")).filter(|due| !due.is_empty()).map(|due| format!(", due {due}"));
        format!(
            "{} {} ({}){}",
            text(task, "/priority"),
            text(task, "/title"),
            text(task, "/task"),
            due.unwrap_or_default()
        )
    };
    screen.say(format!("{} of those who leave would end", counted(ending.len(), "open task")))?;
    tell_some(&ending.iter().map(work).collect::<Vec<_>>(), screen)?;
    for why in items(change, "/asks").iter().filter_map(Value::as_str) {
        screen.say(format!("needs --accept: {why}"))?;
    }
    Ok(())
}

fn tell_some(lines: &[String], screen: &mut Screen) -> Result<()> {
    for line in lines.iter().take(SHOWN) {
        screen.say(format!("  {line}"))?;
    }
    if lines.len() > SHOWN {
        screen.say(format!("  and {} more; --json lists all", lines.len() - SHOWN))?;
    }
    Ok(())
}
