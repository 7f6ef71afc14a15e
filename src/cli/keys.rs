//! `handover keys list` and `rotate`: the keys by which partners know what this gateway signs.

use anyhow::Result;
use serde_json::{Value, json};

use super::operation::{items, text, time};
use super::outcome::Outcome;
use super::reach::RunningArgument;
use super::screen::Screen;
use super::table::{self, Table};

/// The keys that the gateway made for itself, by which partners know what it signs.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Rotate(Rotate),
}

/// List the keys that are published at /.well-known/jwks.json: the one that signs, one to come, and one that signed before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover keys list site\n  handover keys list site --json")]
struct List {
    #[command(flatten)]
    gateway: RunningArgument,
    /// Print `{ "items": [{ id, algorithm, state, signs_from, ends }] }`; `state` is to come, signs, or published.
    #[arg(long)]
    json: bool,
}

/// Make a new key. It is published at once and signs a day later; the old one stays published for another hour.
///
/// Partners that read /.well-known/jwks.json notice nothing. Those that were given the public key by hand need the new one
/// within the day. Keys that a partner's file names (`smart.key`) are not touched. Gateways that share a store change together.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover keys rotate site\n  handover keys rotate site --at-once")]
struct Rotate {
    #[command(flatten)]
    gateway: RunningArgument,
    /// For a key that somebody else may have: the new one signs now, and no other counts. Tokens that were given end at once,
    /// and partners that keep a copy of the keys refuse ours until they read them anew. Other gateways on the store follow within
    /// half a minute. Links between pages of a search are sealed anew from the next start of each gateway on. A backup of before brings
    /// the lost key back: say it again after a restore.
    #[arg(long)]
    at_once: bool,
    /// Print what `keys list --json` prints.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let (gateway, json, asked) = match &arguments.command {
        Command::List(list) => (&list.gateway, list.json, json!({})),
        Command::Rotate(rotate) => (&rotate.gateway, rotate.json, json!({ "rotate": true, "at_once": rotate.at_once })),
    };
    let answer = gateway.ask("/keys", &asked)?;
    if json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    // Whole, because it is compared with what others have under it.
    let mut table = Table::new(&["key", "algorithm", "state", "signs from", "ends"]).with_whole_first();
    for key in items(&answer, "/items") {
        table.row(row(key));
    }
    table::show(&table, &answer, "no key is published", screen)
}

fn row(key: &Value) -> [String; 5] {
    let since = if text(key, "/state") == "to come" { time(key, "/signs_from") } else { String::new() };
    [
        text(key, "/id").to_string(),
        text(key, "/algorithm").to_string(),
        text(key, "/state").to_string(),
        since,
        time(key, "/ends"),
    ]
}
