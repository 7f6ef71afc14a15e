//! `handover message list` and `show`: what arrived, and what became of it.

use anyhow::{Context, Result};
use serde_json::Value;

use super::explain;
use super::operation::{clock, items, number, text, time};
use super::outcome::Outcome;
use super::page::PageArguments;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::sought::SoughtArguments;
use super::table::Table;
use crate::pipeline::Operation;
use crate::store::Trace;

/// What arrived, and what became of it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(Box<List>),
    Show(Show),
}

/// List messages, those received last first, and say how many there are.
///
/// What is said twice must both hold. Text is looked for in so many of the newest at a time; the listing says how far it looked.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "find",
    after_help = "Exit code 0 also when there is none.\n\n\
    Examples:\n  handover message list --faulty\n  handover message list --feed riverside --since 7d --event ADT^A03 --json\n  \
    handover message find --patient MRN-4711 --kind code\n  handover message find --text \"OXI-2210\" --since 2026-11-24"
)]
struct List {
    #[command(flatten)]
    sought: SoughtArguments,
    #[command(flatten)]
    page: PageArguments,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Show one message with everything that followed from it.
///
/// Prints the message itself, its answer, the resources, the decisions of protocols and agreements in words, where each
/// element came from, and what was not read. Shows patient data.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover message show 17")]
struct Show {
    /// The message's number, as `message list` shows it.
    number: u64,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.command {
        Command::List(list) => run_list(list, screen),
        Command::Show(show) => run_show(show, screen),
    }
}

fn run_list(list: &List, screen: &mut Screen) -> Result<Outcome> {
    let (sought, after) = (list.sought.words(), list.page.after.clone());
    let operation = Operation::MessageList { sought, after, count: list.page.count };
    let answer = list.gateway.perform(operation, screen)?;
    if list.page.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let mut table = Table::new(&["number", "received", "feed", "event", "control id", "answer", "problems"]);
    for item in items(&answer, "/items") {
        let sequence = number(item, "/sequence").to_string();
        let problems = number(item, "/problems").to_string();
        let received = clock(item, "/received");
        let answered = text(item, "/acknowledged");
        table.row([
            &sequence,
            &received,
            text(item, "/feed"),
            text(item, "/event"),
            text(item, "/control"),
            answered,
            &problems,
        ]);
    }
    let outcome = super::table::show(&table, &answer, "no messages", screen)?;
    let count = number(&answer, "/count");
    let more = if answer.get("exact").and_then(Value::as_bool).unwrap_or(true) { "" } else { "at least " };
    match answer.get("count").and_then(Value::as_u64) {
        Some(1) => screen.note(&format!("{more}1 message")),
        Some(_) => screen.note(&format!("{more}{count} messages")),
        None => {
            let (looked, reached) = (number(&answer, "/looked"), time(&answer, "/reached"));
            screen.note(&format!("looked through {looked}, back to {reached}"));
        }
    }
    Ok(outcome)
}

/// The id of whom a message is about; of several the first, and how many more.
fn patient(summary: &Value) -> String {
    match (text(summary, "/patient"), summary.get("further_patients").and_then(Value::as_u64).unwrap_or_default()) {
        ("", _) => "not known".to_string(),
        (first, 0) => first.to_string(),
        (first, more) => format!("{first}, and {more} more"),
    }
}

fn run_show(show: &Show, screen: &mut Screen) -> Result<Outcome> {
    let answer = show.gateway.perform(Operation::MessageShow { sequence: show.number }, screen)?;
    if show.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let summary = answer.get("summary").cloned().unwrap_or_default();
    let title = format!("message {}: {}", show.number, text(&summary, "/event"));
    screen.say(screen.bold(&title))?;
    let facts = [
        ("feed", text(&summary, "/feed").to_string()),
        ("control id", text(&summary, "/control").to_string()),
        ("received", time(&summary, "/received")),
        ("answered", text(&summary, "/acknowledged").to_string()),
        ("what became of it", text(&summary, "/disposition").to_string()),
        ("patient", patient(&summary)),
    ];
    for (name, value) in facts {
        screen.say(format!("  {name:<18} {value}"))?;
    }
    let raw = text(&answer, "/raw");
    explain::message(raw, screen)?;
    let trace = answer.get("trace").cloned().unwrap_or_default();
    let trace: Trace = serde_json::from_value(trace).context("the gateway's answer has no readable trace")?;
    explain::list("Resources", &trace.resources, screen)?;
    explain::trace(&trace, raw.as_bytes(), screen)?;
    explain::list("Deliveries", &trace.deliveries, screen)?;
    Ok(Outcome::Well)
}
