//! `handover panel import FILE --panel NAME`: replaces a panel's members by a roster.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::check::{self, counted};
use super::command::Outcome;
use super::operation::{SiteArgument, number};
use super::reach;
use super::screen::Screen;
use crate::pipeline::Operation;
use crate::site::render;
use crate::yaml::nearest;

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
/// a fault, nothing is imported, because leaving the row out would end somebody's care unseen.
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
    /// Read the roster and show its faults, but import nothing.
    #[arg(long)]
    check: bool,
    /// Print what was done as JSON.
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
    let read = format!("{} of {} can be imported", roster.members.len(), counted(roster.rows, "row"));
    if import.check || !(is_whole || import.skip_faulty_rows) {
        screen.say(format!("{read}; nothing was imported"))?;
        return Ok(if is_whole { Outcome::Well } else { Outcome::Faults });
    }
    let operation = Operation::PanelImport { panel: import.panel.clone(), members: roster.members };
    let answer = reach::perform(site, operation, screen)?;
    if import.json {
        screen.say_json(&answer)?;
    } else {
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
