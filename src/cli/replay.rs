//! `handover replay`: takes stored messages again, after a fix, and says what that changed or would change.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::check::counted;
use super::operation::{items, number, text};
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::sought::SoughtArguments;
use super::table::Table;
use crate::pipeline::{MessageWords, Operation};

/// Messages that are run at once, between which the command can be stopped.
const PART: usize = 100;

/// Take stored messages again, after a mapping or a sender was fixed.
///
/// The bytes are those that came; what follows from them is decided anew. Running a message twice changes nothing. Messages are named by
/// their numbers, or by what `message list` finds them by: all of them, oldest first, without those that are runs of others, of which
/// only a part came, and with --faulty without those that were taken since. With --preview nothing is written or sent. Ctrl-C ends it
/// after the messages that it is at; what was run stays run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 when a message was refused again.\n\n\
    Examples:\n  handover replay 17 18\n  handover replay --faulty --feed riverside\n  \
    handover replay --kind code --since 30d --preview\n  handover replay --patient MRN-4711 --event ORU --json")]
pub struct Arguments {
    /// Numbers of messages, as `message list` shows them.
    #[arg(conflicts_with = "SoughtArguments")]
    numbers: Vec<u64>,
    #[command(flatten)]
    sought: SoughtArguments,
    /// Say what would change, each message by itself, and change nothing.
    #[arg(long)]
    preview: bool,
    /// Print `{ "replayed": [{ "message", "code", "as", "changed" }], "changed" }`; with --preview `{ "messages", "feeds", "days", "changed" }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let sought = arguments.sought.words();
    if arguments.numbers.is_empty() && sought == MessageWords::default() {
        bail!("say which messages: their numbers, or what they are found by (--faulty, --feed, --event, --since, …)");
    }
    let selected = match arguments.numbers.is_empty() {
        true => arguments.gateway.perform(Operation::ReplaySelect { sought }, screen)?,
        false => json!({ "sequences": arguments.numbers }),
    };
    let sequences: Vec<u64> = items(&selected, "/sequences").iter().filter_map(Value::as_u64).collect();
    if arguments.preview {
        return preview(arguments, &selected, &sequences, screen);
    }
    let (mut replayed, mut changed) = (Vec::new(), json!({}));
    for part in sequences.chunks(PART) {
        let answer = arguments.gateway.perform(Operation::Replay { sequences: part.to_vec() }, screen)?;
        replayed.extend_from_slice(items(&answer, "/replayed"));
        add(&mut changed, answer.get("changed").unwrap_or(&Value::Null));
        progress(replayed.len(), sequences.len(), screen);
    }
    let accepted = replayed.iter().filter(|one| text(one, "/code") == "AA").count();
    if arguments.json {
        screen.say_json(&json!({ "replayed": replayed, "changed": changed }))?;
    } else if replayed.is_empty() {
        screen.say("no message to replay")?;
    } else {
        let mut table = Table::new(&["message", "answer", "kept as", "changed"]);
        for one in &replayed {
            let is_known = text(one, "/code") != "none";
            let answer = if is_known { text(one, "/code") } else { "there is no such message" };
            let kept = if is_known { number(one, "/as").to_string() } else { String::new() };
            let changed = if is_known { text(one, "/changed") } else { "" };
            table.row([number(one, "/message").to_string(), answer.to_string(), kept, changed.to_string()]);
        }
        table.lines(screen.width).into_iter().try_for_each(|line| screen.say(line))?;
        screen.say(format!("\n{} replayed, {accepted} accepted", counted(replayed.len(), "message")))?;
    }
    Ok(if accepted == replayed.len() { Outcome::Well } else { Outcome::Faults })
}

fn preview(arguments: &Arguments, selected: &Value, sequences: &[u64], screen: &mut Screen) -> Result<Outcome> {
    let mut changed = json!({});
    for (place, part) in sequences.chunks(PART).enumerate() {
        let operation = Operation::ReplayPreview { sequences: part.to_vec() };
        add(&mut changed, &arguments.gateway.perform(operation, screen)?);
        progress(place * PART + part.len(), sequences.len(), screen);
    }
    if arguments.json {
        let (feeds, days) = (selected.get("feeds"), selected.get("days"));
        screen.say_json(&json!({ "messages": sequences, "feeds": feeds, "days": days, "changed": changed }))?;
        return Ok(Outcome::Well);
    }
    screen.say(format!("{} would be run again; nothing was written or sent", counted(sequences.len(), "message")))?;
    for (title, pointer) in [("From", "/feeds"), ("On", "/days")] {
        sums(title, selected.pointer(pointer), screen)?;
    }
    for (title, pointer) in [
        ("Answered otherwise", "/answers"),
        ("New resources", "/new"),
        ("Changed resources", "/altered"),
        ("To send", "/deliveries"),
    ] {
        sums(title, changed.pointer(pointer), screen)?;
    }
    screen.say(format!("{} of them change nothing", number(&changed, "/unchanged")))?;
    if number(&changed, "/unknown") > 0 {
        let unknown = number(&changed, "/unknown");
        screen.say(format!("of {unknown} it is not known before they are run: partners wrote them over FHIR"))?;
    }
    Ok(Outcome::Well)
}

fn progress(done: usize, all: usize, screen: &mut Screen) {
    if done < all {
        screen.note(&format!("{done} of {all}"));
    }
}

fn sums(title: &str, sums: Option<&Value>, screen: &mut Screen) -> Result<()> {
    let Some(Value::Object(sums)) = sums.filter(|sums| sums.as_object().is_some_and(|sums| !sums.is_empty())) else {
        return Ok(());
    };
    screen.heading(title)?;
    sums.iter().try_for_each(|(what, count)| screen.say(format!("  {:>6} {what}", count.as_u64().unwrap_or_default())))
}

/// Adds sums of one part to those of all.
fn add(all: &mut Value, part: &Value) {
    match (all, part) {
        (Value::Object(all), Value::Object(part)) => {
            for (name, more) in part {
                let empty = if more.is_object() { json!({}) } else { json!(0) };
                add(all.entry(name.clone()).or_insert(empty), more);
            }
        }
        (all, part) => *all = json!(all.as_u64().unwrap_or_default() + part.as_u64().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_all() {
        let mut all = json!({});
        add(&mut all, &json!({ "messages": 2, "new": { "Task": 1 }, "gone": 0 }));
        add(&mut all, &json!({ "messages": 3, "new": { "Task": 2, "Flag": 1 }, "gone": 1 }));
        assert_eq!(all, json!({ "messages": 5, "new": { "Task": 3, "Flag": 1 }, "gone": 1 }));
    }
}
