//! The commands below `handover profiles`.

use anyhow::Result;

use super::super::outcome::Outcome;
use super::super::screen::Screen;
use super::{add, list, show};

/// What resources are checked against: FHIR packages of a site, beside those built in.
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
