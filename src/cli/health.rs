//! `handover health DIR`: whether the gateway that runs on a site can take messages, and what does not follow the site. For people
//! and for containers' health checks.

use anyhow::Result;
use serde_json::json;

use super::operation::text;
use super::outcome::Outcome;
use super::reach::RunningArgument;
use super::screen::Screen;

/// Say whether the running gateway can take messages.
///
/// Asks through the control socket in the data folder, so it works whatever ports and certificates the gateway uses, and
/// whatever state the site's files are in. Prints what its store holds, what waits, and what does not follow the site: a changed
/// site that does not check clean, a port that cannot be opened, certificates that end soon.
#[derive(Debug, clap::Args)]
#[command(after_help = "`status` is pass, warn (it takes messages, but something does not follow the site) or fail.\n\
    Exit code 0 when it takes messages, 1 when it does not (with --strict: also when it warns), 2 when no gateway is running.\n\n\
    Examples:\n  handover health site\n  handover health --data /var/lib/handover --strict")]
pub struct Arguments {
    #[command(flatten)]
    gateway: RunningArgument,
    /// End with exit code 1 for warnings too.
    #[arg(long)]
    strict: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let answer = arguments.gateway.ask("/operation", &json!({ "operation": "health" }))?;
    screen.say_json(&answer)?;
    Ok(match text(&answer, "/status") {
        "pass" => Outcome::Well,
        "warn" if !arguments.strict => Outcome::Well,
        _ => Outcome::Faults,
    })
}
