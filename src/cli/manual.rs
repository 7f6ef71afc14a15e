//! `handover manual`: the help of every command as pages for `man`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::outcome::Outcome;
use super::screen::Screen;

/// Write the help of every command as pages for man, one file each (handover-run.1).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover manual /usr/local/share/man/man1")]
pub struct Arguments {
    /// The folder, which is made if it is not there. Pages of the same names are replaced.
    folder: PathBuf,
}

pub fn run(arguments: &Arguments, command: clap::Command, screen: &mut Screen) -> Result<Outcome> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), folder)
        .with_context(|| format!("{}", folder.display()))?;
    screen.say(format!(
        "the pages are in {}; read one with `man {}/handover.1`",
        folder.display(),
        folder.display()
    ))?;
    Ok(Outcome::Well)
}
