//! `handover init DIR`: writes a commented site to start from.

use std::path::PathBuf;

use anyhow::Result;

use super::outcome::Outcome;
use super::screen::Screen;
use crate::site::write_starter;

/// Write a commented site to start from.
///
/// Makes DIR if need be and writes a small site that checks clean: one feed, one partner, one agreement and one panel,
/// with every key explained. Nothing is overwritten: when one of the files exists, nothing is written at all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover init site && handover check site")]
pub struct Arguments {
    /// The folder for the site.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    for file in write_starter(&arguments.dir)? {
        screen.say(format!("wrote {}", file.display()))?;
    }
    let dir = arguments.dir.display();
    screen.say(format!("\nNext: edit the files, `handover check {dir}`, then `handover run {dir}`."))?;
    Ok(Outcome::Well)
}
