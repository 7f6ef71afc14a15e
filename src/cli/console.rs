//! `handover console DIR`: another one-time link to the console of the gateway that runs on a site.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::check;
use super::command::Outcome;
use super::operation::text;
use super::screen::Screen;
use crate::app;

/// Print a new one-time link to the console.
///
/// The link opens the console of the gateway that runs on this site, once, within twelve hours. Only who may use the
/// site's data folder can ask for one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 2 when no gateway is running.\n\nExample:\n  handover console site")]
pub struct Arguments {
    /// The site's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let Some(site) = check::load_or_show(&arguments.dir, screen) else { bail!("no link was made") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(app::ask(&site.settings.data, "/console-link", &json!({})))?;
    let dir = arguments.dir.display();
    let answer = answer.with_context(|| format!("no gateway runs on {dir}; `handover run {dir}` starts one"))?;
    screen.say(text(&answer, "/link"))?;
    Ok(Outcome::Well)
}
