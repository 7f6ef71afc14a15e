//! `handover demo`: the whole way on this machine, with a hospital that sends and a practice's EHR that receives.

use std::path::PathBuf;

use anyhow::Result;

use super::outcome::Outcome;
use super::screen::Screen;
use crate::demo::{Ended, Options, play};

/// Show the whole way on this machine.
///
/// Starts a gateway with a store, a hospital that sends messages over MLLP, and a stand-in for a practice's EHR that
/// receives the work. First comes a practice's morning: what the hospital told of eleven people in the weeks before, and how far
/// those came who were referred. Then the story of somebody who is followed up, referred, enrolled and reviewed, told as it happens; and then it keeps running with the console's address. All patients are synthetic. Nothing is installed, and nothing is left behind unless --keep says where.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ctrl-C ends it at any moment and leaves nothing behind; exit code 130 before the story was told.\n\nExamples:\n  handover demo\n  handover demo --once && echo the EHR holds the Task, the CarePlan and the alert"
)]
pub struct Arguments {
    /// Tell the story alone, without the morning before it, and end: exit code 0 only if the EHR holds what it should.
    #[arg(long)]
    once: bool,
    /// Keep the demo's site and store in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, _screen: &mut Screen) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(play(Options { once: arguments.once, keep: arguments.keep.clone() }))?;
    Ok(match ended {
        Ended::Told => Outcome::Well,
        Ended::Interrupted => Outcome::Interrupted,
    })
}
