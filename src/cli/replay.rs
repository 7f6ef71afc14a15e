//! `handover replay`: takes stored messages again, after a fix.

use anyhow::Result;

use super::check::counted;
use super::operation::{items, number, text};
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::table::Table;
use crate::pipeline::Operation;

/// Take stored messages again, after a mapping or a sender was fixed.
///
/// The bytes are those that came; what follows from them is decided anew. Running a message twice changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 when a message was refused again.\n\n\
    Examples:\n  handover replay 17 18\n  handover replay --faulty --feed riverside")]
pub struct Arguments {
    /// Numbers of messages, as `message list` shows them.
    #[arg(required_unless_present = "faulty")]
    numbers: Vec<u64>,
    /// The newest messages that were answered AE or AR, oldest of them first.
    #[arg(long)]
    faulty: bool,
    /// With --faulty: only from this feed.
    #[arg(long, value_name = "NAME", requires = "faulty")]
    feed: Option<String>,
    /// Print `{ "replayed": [{ "message", "code", "as" }] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let operation = Operation::Replay {
        sequences: arguments.numbers.clone(),
        faulty: arguments.faulty,
        feed: arguments.feed.clone(),
    };
    let answer = arguments.gateway.perform(operation, screen)?;
    let replayed = items(&answer, "/replayed");
    let accepted = replayed.iter().filter(|one| text(one, "/code") == "AA").count();
    if arguments.json {
        screen.say_json(&answer)?;
    } else if replayed.is_empty() {
        screen.say("no message to replay")?;
    } else {
        let mut table = Table::new(&["message", "answer", "kept as"]);
        for one in replayed {
            let is_known = text(one, "/code") != "none";
            let answer = if is_known { text(one, "/code") } else { "there is no such message" };
            let kept = if is_known { number(one, "/as").to_string() } else { String::new() };
            table.row([number(one, "/message").to_string(), answer.to_string(), kept]);
        }
        table.lines(screen.width).into_iter().try_for_each(|line| screen.say(line))?;
        screen.say(format!("\n{} replayed, {accepted} accepted", counted(replayed.len(), "message")))?;
    }
    Ok(if accepted == replayed.len() { Outcome::Well } else { Outcome::Faults })
}
