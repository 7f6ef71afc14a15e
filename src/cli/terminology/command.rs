//! The commands below `handover terminology`.

use anyhow::Result;

use super::super::outcome::Outcome;
use super::super::screen::Screen;
use super::{add, list, show};

/// What codes are: LOINC, SNOMED CT, RxNorm and value sets of VSAC that a site adds, beside what is built in.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.command {
        Command::Add(arguments) => add::run(arguments, screen),
        Command::List(arguments) => list::run(arguments, screen),
        Command::Show(arguments) => show::run(arguments, screen),
    }
}
