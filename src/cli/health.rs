//! `handover health DIR`: whether the gateway that runs on a site can take messages. For containers' health checks.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::check;
use super::command::Outcome;
use super::operation::text;
use super::screen::Screen;
use crate::app;
use crate::pipeline::Operation;

/// Say whether the running gateway can take messages.
///
/// Asks through the control socket in the site's data folder, so it works whatever ports and certificates the gateway
/// uses. Prints what its store holds and what waits.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0 when it can, 1 when its store cannot write, 2 when no gateway is running.\n\nExample:\n  handover health site"
)]
pub struct Arguments {
    /// The site's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let Some(site) = check::load_or_show(&arguments.dir, screen) else { bail!("nothing was asked") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let request = serde_json::to_value(Operation::Health)?;
    let answer = runtime.block_on(app::ask(&site.settings.data, "/operation", &request))?;
    let dir = arguments.dir.display();
    let answer = answer.with_context(|| format!("no gateway runs on {dir}; `handover run {dir}` starts one"))?;
    screen.say_json(&answer)?;
    Ok(if text(&answer, "/fault").is_empty() { Outcome::Well } else { Outcome::Faults })
}
