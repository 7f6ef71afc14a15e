//! `handover console DIR`: another one-time link to the console of the gateway that runs on a site.

use anyhow::Result;
use serde_json::json;

use super::operation::text;
use super::outcome::Outcome;
use super::reach::RunningArgument;
use super::screen::Screen;

/// Print a new one-time link to the console.
///
/// The link opens the console of the gateway that runs on this site, once, within twelve hours. Only who may use the
/// site's data folder can ask for one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 2 when no gateway is running.\n\nExamples:\n  handover console site\n  handover console --data /var/lib/handover"
)]
pub struct Arguments {
    #[command(flatten)]
    gateway: RunningArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let answer = arguments.gateway.ask("/console-link", &json!({}))?;
    screen.say(text(&answer, "/link"))?;
    Ok(Outcome::Well)
}
