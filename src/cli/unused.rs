//! `handover unused`: what could not be used, by cause, and the answers of those who have work of it.

use anyhow::{Result, bail};
use serde_json::Value;

use super::explain::wrapped;
use super::operation::{clock, items, number, text};
use super::outcome::Outcome;
use super::page::PageArguments;
use super::reach::GatewayArgument;
use super::screen::Screen;
use crate::pipeline::Operation;
use crate::store::UnusedState;
use crate::unused::Kind;

/// What could not be used: readings, codes, units, fields … by cause, with who has work of it.
///
/// One line per cause, counted once per message. Open work comes first, then what somebody has taken, then the rest by kind,
/// the most frequent first. Work is answered with a note and opens again when the same cause comes again.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Kinds: reading, code, unit, authority, time, text, field, diagnosis, visit, identity, event, rule, limit.\n\n\
    Examples:\n  handover unused --open\n  handover unused --feed riverside --kind unit --json\n  \
    handover unused answer 3f9c21 --note \"added to tables/units.yaml\""
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Take(Take),
    Answer(Answer),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only from this feed.
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// Only of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what somebody has work of that is not answered yet.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    page: PageArguments,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Say that you look after a cause.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover unused take 3f9c21 --who maria")]
struct Take {
    /// The id as `handover unused` shows it, or the beginning of it.
    id: String,
    /// Who takes it.
    #[arg(long, default_value = "operator", value_name = "NAME")]
    who: String,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Say what was done about a cause.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover unused answer 3f9c21 --note \"the sender will send mmHg from Monday\"")]
struct Answer {
    /// The id as `handover unused` shows it, or the beginning of it.
    id: String,
    /// What was done, without patient data.
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// Who answers.
    #[arg(long, default_value = "operator", value_name = "NAME")]
    who: String,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let (id, state, note, who, gateway) = match &arguments.command {
        None => return list(&arguments.list, screen),
        Some(Command::Take(take)) => (&take.id, UnusedState::Taken, "", &take.who, &take.gateway),
        Some(Command::Answer(answer)) => {
            (&answer.id, UnusedState::Answered, answer.note.as_str(), &answer.who, &answer.gateway)
        }
    };
    let operation = Operation::UnusedAnswer { id: id.clone(), state, note: note.to_string(), who: who.clone() };
    gateway.perform(operation, screen)?;
    screen.say(match state {
        UnusedState::Answered => "answered; it opens again when the same cause comes again",
        UnusedState::Taken | UnusedState::Open => "taken",
    })?;
    Ok(Outcome::Well)
}

fn list(list: &List, screen: &mut Screen) -> Result<Outcome> {
    let kind = match list.kind.as_deref() {
        None => None,
        Some(word) => match Kind::named(word) {
            Some(kind) => Some(kind),
            None => bail!("`{word}` is no kind; kinds are {}", Kind::ALL.map(Kind::word).join(", ")),
        },
    };
    let operation = Operation::UnusedList {
        feed: list.feed.clone(),
        kind,
        open: list.open,
        after: list.page.after.clone(),
        count: list.page.count,
    };
    let answer = list.gateway.perform(operation, screen)?;
    if list.page.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let found = items(&answer, "/items");
    if found.is_empty() {
        screen.note("everything that came could be used");
    }
    found.iter().try_for_each(|item| show(item, screen))?;
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        screen.note(&format!("more: add --after {next}"));
    }
    Ok(Outcome::Well)
}

/// Two lines or more: the cause in numbers, and what to do.
fn show(item: &Value, screen: &mut Screen) -> Result<()> {
    let id: String = text(item, "/id").chars().take(8).collect();
    let about = Some(text(item, "/about")).filter(|about| !about.is_empty()).unwrap_or("–");
    let place = Some(text(item, "/place")).filter(|place| *place != about).unwrap_or_default();
    let times =
        if number(item, "/count") == 1 { "once".to_string() } else { format!("{} times", number(item, "/count")) };
    let work = item.get("work").unwrap_or(&Value::Null);
    let work = match (text(work, "/state"), text(work, "/who")) {
        ("", _) => String::new(),
        ("open", _) => format!("; open, for {}", text(item, "/responsible")),
        (state, who) => format!("; {state} by {who}"),
    };
    let (kind, feed) = (text(item, "/kind"), text(item, "/feed"));
    let cause = [id.as_str(), kind, about, feed, place].into_iter().filter(|part| !part.is_empty());
    let cause = cause.collect::<Vec<_>>().join("  ");
    screen.say(format!("{}  {times}, newest {}{work}", screen.bold(&cause), clock(item, "/newest")))?;
    for line in wrapped(text(item, "/text"), screen.width.saturating_sub(10)) {
        let line = screen.dim(&format!("          {line}"));
        screen.say(line)?;
    }
    Ok(())
}
