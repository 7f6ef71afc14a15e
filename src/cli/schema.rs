//! `handover schema`: JSON Schemas of a site's files, for editors.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::outcome::Outcome;
use super::screen::Screen;
use super::table::Table;
use crate::site::{FileKind, KINDS, schema};

/// Print the JSON Schema of a kind of file of a site, for editors that complete and underline.
///
/// The schemas say which keys there are, and where a word is one of a few, which. They are made from what the readers of the files ask
/// for. What depends on more than one key or file only `handover check` tells. Without a kind it lists those there are.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover schema\n  handover schema feed\n  handover schema --into .vscode/handover"
)]
pub struct Arguments {
    /// The kind of file, such as feed.
    #[arg(conflicts_with = "into")]
    kind: Option<String>,
    /// Write the schemas of all kinds into this folder, as KIND.json, over those that are there.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    if let Some(folder) = &arguments.into {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for kind in KINDS {
            let path = folder.join(format!("{}.json", kind.word));
            std::fs::write(&path, text_of(kind)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
        screen.say(format!("{} schemas written into {}", KINDS.len(), folder.display()))?;
        return Ok(Outcome::Well);
    }
    let Some(word) = &arguments.kind else {
        let mut table = Table::new(&["kind", "files"]);
        KINDS.iter().for_each(|kind| table.row([kind.word.to_string(), kind.pattern()]));
        table.lines(screen.width).into_iter().try_for_each(|line| screen.say(line))?;
        return Ok(Outcome::Well);
    };
    let Some(kind) = KINDS.into_iter().find(|kind| kind.word == word) else {
        let words: Vec<&str> = KINDS.iter().map(|kind| kind.word).collect();
        bail!("there is no kind of file `{word}`; kinds are {}", words.join(", "));
    };
    screen.say(text_of(kind)?.trim_end())?;
    Ok(Outcome::Well)
}

fn text_of(kind: FileKind) -> Result<String> {
    schema(kind).with_context(|| format!("the schema of `{}` is not here", kind.word))
}
