//! `handover delivery list` and `retry`: the outbox as operators see it.

use anyhow::{Result, bail};

use super::command::Outcome;
use super::operation::{clock, items, number, text};
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::table::Table;
use crate::pipeline::Operation;
use crate::store::DeliveryState;

/// What is owed to partners: waiting, held, delivered, given up.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Retry(Retry),
}

/// List deliveries, newest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover delivery list --state dead\n  handover delivery list --partner lakeside-practice --json"
)]
struct List {
    /// Only to this partner.
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Only in this state.
    #[arg(long, value_parser = ["waiting", "delivered", "held", "dead", "withdrawn"])]
    state: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_name = "N")]
    count: usize,
    /// Where the last listing ended.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Print `{ "items": [...], "next": CURSOR }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Try again: one delivery, or all that were given up or are held.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover delivery retry 5f3c…\n  handover delivery retry --all --partner lakeside-practice"
)]
struct Retry {
    /// The delivery's id, as `delivery list` shows it.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All dead and held deliveries.
    #[arg(long)]
    all: bool,
    /// With --all: only to this partner.
    #[arg(long, value_name = "NAME", requires = "all")]
    partner: Option<String>,
    /// Print `{ "retried": N }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.command {
        Command::List(list) => run_list(list, screen),
        Command::Retry(retry) => run_retry(retry, screen),
    }
}

fn run_list(list: &List, screen: &mut Screen) -> Result<Outcome> {
    let state = match list.state.as_deref() {
        None => None,
        Some("waiting") => Some(DeliveryState::Waiting),
        Some("delivered") => Some(DeliveryState::Delivered),
        Some("held") => Some(DeliveryState::Held),
        Some("dead") => Some(DeliveryState::Dead),
        Some("withdrawn") => Some(DeliveryState::Withdrawn),
        Some(other) => bail!("`{other}` is no state of a delivery"),
    };
    let operation =
        Operation::DeliveryList { partner: list.partner.clone(), state, after: list.after.clone(), count: list.count };
    let answer = list.gateway.perform(operation, screen)?;
    if list.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let mut table = Table::new(&["id", "what", "state", "tries", "next", "last result"]).with_whole_first();
    for item in items(&answer, "/items") {
        let last = items(item, "/attempts").last().map(|attempt| text(attempt, "/result")).unwrap_or_default();
        let kind = text(item, "/subject").split('/').next().unwrap_or_default();
        let tries = number(item, "/tries").to_string();
        let next = clock(item, "/next");
        // The id begins with the partner's name.
        table.row([text(item, "/id"), kind, text(item, "/state"), &tries, &next, last]);
    }
    super::table::show(&table, &answer, "no deliveries", screen)
}

fn run_retry(retry: &Retry, screen: &mut Screen) -> Result<Outcome> {
    let operation = Operation::DeliveryRetry { id: retry.id.clone(), partner: retry.partner.clone() };
    let answer = retry.gateway.perform(operation, screen)?;
    if retry.json {
        screen.say_json(&answer)?;
    } else {
        let count = number(&answer, "/retried");
        screen
            .say(format!("{count} will be tried again at once, or when the partner's own pause (Retry-After) ends"))?;
    }
    Ok(Outcome::Well)
}
