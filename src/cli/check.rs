//! `handover check DIR`: compiles a site and shows every fault of every file.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::outcome::Outcome;
use super::screen::Screen;
use crate::problem::Problem;
use crate::site::{Loaded, Site, load, problems_as_json, render};

/// Compile a site and show every fault with its line.
///
/// Reads all files of the site and checks them against each other, as the gateway does before it starts. Every fault of
/// every file is shown in one run, with the nearest name that would have been right. Opens no port and no store.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 no errors (warnings may be), 1 errors, 2 could not run.\n\n\
    Examples:\n  handover check site\n  handover check site --strict\n  handover check site --json | jq '.problems[] | .file'")]
pub struct Arguments {
    /// The site's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Ask for an example of each rule of the site's own protocols: one after which its work is there.
    #[arg(long)]
    strict: bool,
    /// Print `{ "errors", "warnings", "problems": [{ severity, code, file, line, column, length, text }] }`.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let mut loaded = load(&arguments.dir);
    if arguments.strict
        && let Some(site) = &loaded.site
    {
        loaded.problems.extend(site.protocols.unproven());
    }
    let errors = loaded.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = loaded.problems.len() - errors;
    if arguments.json {
        let problems = problems_as_json(&loaded.problems);
        screen.say_json(&json!({ "errors": errors, "warnings": warnings, "problems": problems }))?;
    } else {
        let shown = render(&loaded.problems, &loaded.sources, screen.color, screen.width);
        if !shown.is_empty() {
            screen.say(shown.trim_end())?;
            screen.say("")?;
        }
        if let Some(site) = &loaded.site {
            screen.say(summary(site))?;
        }
        screen.say(counts(errors, warnings))?;
    }
    Ok(if errors == 0 { Outcome::Well } else { Outcome::Faults })
}

/// Loads a site for another command; when it has errors, shows them and gives none.
pub fn load_or_show(dir: &std::path::Path, screen: &mut Screen) -> Option<Site> {
    let Loaded { site, problems, sources, .. } = load(dir);
    if site.is_none() {
        let errors: Vec<Problem> = problems.into_iter().filter(Problem::is_error).collect();
        let shown = render(&errors, &sources, false, screen.width);
        screen.note(shown.trim_end());
        screen.complain(&format!("the site in {} has errors; see above", dir.display()));
    }
    site
}

fn summary(site: &Site) -> String {
    let people = (!site.people.is_empty()).then(|| counted(site.people.len(), "account"));
    let openid = site.openid.as_ref().map(|login| format!("login by {}", login.title));
    let parts = [
        counted(site.feeds.len(), "feed"),
        counted(site.partners.len(), "partner"),
        counted(site.agreements.agreements().len(), "agreement"),
        counted(site.panels.len(), "panel"),
        counted(site.protocols.protocols().len(), "protocol"),
        counted(site.value_sets.names().count(), "value set"),
    ];
    let added = site.profiles.library().added_code_systems().map(|held| {
        let head = held.head();
        format!("{} {}", head.name.as_deref().unwrap_or(&head.url), head.version.as_deref().unwrap_or_default())
    });
    parts.into_iter().chain(people).chain(openid).chain(added).collect::<Vec<_>>().join(", ")
}

fn counts(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "no problems".to_string(),
        (0, _) => counted(warnings, "warning"),
        (_, 0) => counted(errors, "error"),
        _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

/// `1 feed`, `2 feeds`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
