//! `handover mapping coverage`: which lines of a feed's maps the stored messages touched, and which of their fields went nowhere.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;

use super::explain::wrapped;
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::sought::SoughtArguments;
use super::table::Table;
use crate::pipeline::{Coverage, CoverageAsked, CoveragePart, FieldSeen, LineSeen, MessageWords, Operation};

/// The maps of a feed against the messages that came.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Coverage(Box<CoverageArguments>),
}

/// Tell which lines of a feed's maps the stored messages touched, and which fields and segments were sent and went nowhere.
///
/// Every message is read again by the maps in force, and nothing is written or sent. A line is touched where it gave a value; constants and
/// references to what another map made read nothing and are not counted. A field counts once in a message; a part of it counts for
/// itself. Messages that the feed refuses, ignores or keeps, parts of messages, and runs of others are left out and counted. Each count
/// comes with the newest message that shows it. Shows no values.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 0 also when something was never used.\n\n\
    Examples:\n  handover mapping coverage --feed riverside --since 7d\n  handover mapping coverage --feed riverside --event ORU --rows\n  \
    handover mapping coverage --feed riverside --json")]
struct CoverageArguments {
    #[command(flatten)]
    sought: SoughtArguments,
    /// List the rows of tables that no code was found by, too.
    #[arg(long)]
    rows: bool,
    /// Print `{ "messages", "left_out", "events", "lines": { FILE: { LINE: { "map", "element", "seen": { "messages", "example" } } } }, "rows", "fields": { PLACE: { "used", "unused" } }, "segments" }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Left out, what messages are looked at is those of so long ago.
const SINCE: &str = "30d";

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.command {
        Command::Coverage(arguments) => coverage(arguments, screen),
    }
}

fn coverage(arguments: &CoverageArguments, screen: &mut Screen) -> Result<Outcome> {
    let mut sought = arguments.sought.words();
    if (MessageWords { feed: None, ..sought.clone() }) == MessageWords::default() {
        sought.since = Some(SINCE.to_string());
        screen.note(&format!("messages of the last {SINCE}; --since, --until, --event and the like name others"));
    }
    let first = CoverageAsked { sought, read_at: None, after: None };
    let (mut all, mut total, mut feed) = (Coverage::default(), None, String::new());
    arguments.gateway.perform_each(Operation::Coverage(first.clone()), screen, &mut |answer, screen| {
        let part: CoveragePart = serde_json::from_value(answer).context("the gateway's answer cannot be read")?;
        (total, feed) = (total.or(part.total), part.feed);
        all.add(part.coverage);
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        screen.progress(&format!("{}{of} messages", all.messages + all.left_out.values().sum::<u64>()));
        let further = |after| CoverageAsked { read_at: Some(part.read_at), after: Some(after), ..first.clone() };
        Ok(part.next.map(|after| Operation::Coverage(further(after))))
    })?;
    screen.end_progress();
    match arguments.json {
        true => screen.say_json(&json!(all))?,
        false => tell(&feed, &all, arguments.rows, screen)?,
    }
    Ok(Outcome::Well)
}

fn tell(feed: &str, all: &Coverage, rows: bool, screen: &mut Screen) -> Result<()> {
    let events: Vec<String> = all.events.iter().map(|(event, count)| format!("{event} {count}")).collect();
    let events = if events.is_empty() { String::new() } else { format!(": {}", events.join(", ")) };
    let noun = if all.messages == 1 { "message" } else { "messages" };
    for line in wrapped(&format!("{feed}: {} {noun} read{events}", all.messages), screen.width) {
        screen.say(line)?;
    }
    for (why, count) in &all.left_out {
        screen.say(format!("{count} not read: {why}"))?;
    }
    if all.more_places > 0 {
        screen.say(format!(
            "{} times a field beyond those that are told apart was met, and not counted",
            all.more_places
        ))?;
    }
    tell_unused("Segments of which nothing was used", "segment", &all.unused_segments(), screen)?;
    let (some, never): (Vec<_>, Vec<_>) = all.unused().into_iter().partition(|(_, field)| field.used.messages > 0);
    tell_unused("Fields that were sent and never used", "field", &never, screen)?;
    tell_unused("Fields that were not used in some messages", "field", &some, screen)?;
    tell_lines("Lines of maps", &all.lines, true, screen)?;
    tell_lines("Rows of tables", &all.rows, rows, screen)
}

fn tell_unused(title: &str, what: &'static str, of: &[(&str, FieldSeen)], screen: &mut Screen) -> Result<()> {
    screen.heading(&format!("{title}: {}", of.len()))?;
    let mut table = Table::new(&[what, "not used in", "used in", "for example"]).with_whole_first();
    for (place, field) in of {
        let example = field.unused.example.map(|number| format!("message {number}")).unwrap_or_default();
        let [not, used] = [field.unused.messages, field.used.messages].map(|count| count.to_string());
        table.row([(*place).to_string(), not, used, example]);
    }
    if table.is_empty() { Ok(()) } else { table.lines(screen.width).iter().try_for_each(|line| screen.say(line)) }
}

/// By file: how many gave something, and those that did not.
fn tell_lines(
    title: &str,
    files: &BTreeMap<String, BTreeMap<u32, LineSeen>>,
    lists: bool,
    screen: &mut Screen,
) -> Result<()> {
    let is_touched = |told: &&LineSeen| told.seen.messages > 0;
    let sum = |lines: &BTreeMap<u32, LineSeen>| lines.values().filter(is_touched).count();
    let (touched, whole) = (files.values().map(sum).sum::<usize>(), files.values().map(BTreeMap::len).sum::<usize>());
    screen.heading(&format!("{title}: {touched} of {whole} gave something"))?;
    for (file, lines) in files {
        let untouched: Vec<(&u32, &LineSeen)> = lines.iter().filter(|(_, told)| told.seen.messages == 0).collect();
        screen.say(format!("{file}: {} of {}", sum(lines), lines.len()))?;
        if !lists || untouched.is_empty() {
            continue;
        }
        let words = match untouched.len() == lines.len() {
            true => "no line gave anything".to_string(),
            false => {
                let told = |(line, told): &(&u32, &LineSeen)| format!("{line} {}", told.element).trim_end().to_string();
                format!("never: {}", untouched.iter().map(told).collect::<Vec<_>>().join(", "))
            }
        };
        for line in wrapped(&words, screen.width.saturating_sub(4).max(20)) {
            screen.say(format!("    {line}"))?;
        }
    }
    Ok(())
}
