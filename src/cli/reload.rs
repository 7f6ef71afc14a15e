//! `handover reload DIR`: has the running gateway take its site over as it is now.

use anyhow::Result;
use serde_json::json;

use super::operation::{items, text};
use super::outcome::Outcome;
use super::reach::RunningArgument;
use super::screen::Screen;

/// Have the running gateway take its site over as it is now.
///
/// As SIGHUP does, and as it does by itself when the site's files change: site, certificates and keys are read anew and taken over
/// whole, or the old ones stay in force and the reasons are shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0 when it was taken over, 1 when the old site stays in force, 2 when no gateway is running.\n\n\
    Examples:\n  handover reload site\n  handover reload --data /var/lib/handover --json"
)]
pub struct Arguments {
    #[command(flatten)]
    gateway: RunningArgument,
    /// Print `{ "taken_over", "faults": [{ part, since, text, details }] }`.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let answer = arguments.gateway.ask("/reload", &json!({}))?;
    let taken_over = answer.get("taken_over").and_then(serde_json::Value::as_bool).unwrap_or(false);
    if arguments.json {
        screen.say_json(&answer)?;
    } else {
        for fault in items(&answer, "/faults") {
            screen.say(format!("{}: {}", screen.bold(text(fault, "/part")), text(fault, "/text")))?;
            for detail in items(fault, "/details").iter().filter_map(serde_json::Value::as_str) {
                screen.say(format!("  {detail}"))?;
            }
        }
        screen.say(if taken_over { "the site was taken over as it is now" } else { "the old site stays in force" })?;
    }
    Ok(if taken_over { Outcome::Well } else { Outcome::Faults })
}
