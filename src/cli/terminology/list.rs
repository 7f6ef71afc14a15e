//! `handover terminology list`: the code systems that a site added, and whether their files are what was written.

use anyhow::Result;
use serde_json::json;

use super::super::check::counted;
use super::super::operation::SiteArgument;
use super::super::outcome::Outcome;
use super::super::screen::Screen;
use crate::site::terminology::{Added, added_to};

/// List the code systems that the site added, and check that their files are whole.
///
/// All of their files are read and compared with the checksums that were written when they were added.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 all whole, 1 one is damaged, 2 could not run.\n\n\
    Examples:\n  handover terminology list --site site\n  \
    handover terminology list --site site --json | jq '.items[].version'")]
pub struct List {
    /// Print `{ "items": [{ "folder", "url", "version", "concepts", "source", "licence", "damaged" }] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArgument,
}

pub fn run(arguments: &List, screen: &mut Screen) -> Result<Outcome> {
    let mut items = Vec::new();
    let mut is_whole = true;
    for folder in added_to(arguments.site.dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (added, damaged) = match Added::open(&folder) {
            Ok(added) => {
                let damaged = added.damaged().iter().map(ToString::to_string).collect::<Vec<_>>();
                (Some(added), damaged)
            }
            Err((file, reason)) => (None, vec![format!("{file} {reason}")]),
        };
        is_whole &= damaged.is_empty();
        if !arguments.json {
            let stated = added.as_ref().map(|added| &added.stated);
            let url = stated.map_or("?", |stated| stated.head.url.as_str());
            let version = stated.and_then(|stated| stated.head.version.as_deref()).unwrap_or("of an unknown version");
            screen.say(format!("{} {version}, terminology/{name}/", screen.bold(url)))?;
            if let Some(stated) = stated {
                screen.say(format!("  {}, from {}", counted(stated.concepts.lines, "code"), stated.source))?;
                screen.say(screen.dim(&format!("  {}", stated.licence)))?;
            }
            for fault in &damaged {
                screen.complain(&format!("terminology/{name}: {fault} is not what was written; add it again"));
            }
        }
        items.push(json!({
            "folder": name,
            "url": added.as_ref().map(|added| &added.stated.head.url),
            "version": added.as_ref().and_then(|added| added.stated.head.version.as_ref()),
            "concepts": added.as_ref().map(|added| added.stated.concepts.lines),
            "source": added.as_ref().map(|added| &added.stated.source),
            "licence": added.as_ref().map(|added| &added.stated.licence),
            "damaged": damaged,
        }));
    }
    if arguments.json {
        screen.say_json(&json!({ "items": items }))?;
    } else if items.is_empty() {
        screen.say("the site added no code system; `handover terminology add FILE` does")?;
    }
    Ok(if is_whole { Outcome::Well } else { Outcome::Faults })
}
