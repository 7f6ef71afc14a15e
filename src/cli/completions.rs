//! `handover completions`: what a shell needs to complete commands, options and their values.

use anyhow::Result;
use clap_complete::{Shell, generate};

use super::outcome::Outcome;
use super::screen::Screen;

/// Print what a shell needs to complete handover's commands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover completions bash > /etc/bash_completion.d/handover\n  \
                  handover completions zsh > ~/.zfunc/_handover")]
pub struct Arguments {
    shell: Shell,
}

pub fn run(arguments: &Arguments, mut command: clap::Command, screen: &mut Screen) -> Result<Outcome> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "handover", &mut script);
    screen.say(String::from_utf8(script)?.trim_end())?;
    Ok(Outcome::Well)
}
