//! `handover diff --site NEW`: what a changed site would have made of the messages there are.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::explain::wrapped;
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::sought::SoughtArguments;
use crate::pipeline::{Compared, Comparing, Counted, Differences, MessageWords, Operation, Part};

/// Tell what a changed site would have made of stored messages, beside what the one in force makes of them.
///
/// Every message is judged twice under both sites, and nothing is written or sent. First by itself, as it came and when it came, for a
/// patient nobody has seen who is on the panels of today: that tells each resource, code, task and delivery that differs. Then on
/// the record as it is, as running it again would: what later messages said stays, and work that was made is looked at again. Neither
/// tells what follows of several messages only together, nor of time that passes: `handover protocol try` does for a protocol.
/// Rosters, listeners, retries and people are not compared. Messages that cannot be judged are counted, with why.
/// The lines below each kind hold values of patients.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 when something differs.\n\n\
    Examples:\n  handover diff --site ../site-next --since 30d\n  handover diff --site ../site-next --feed riverside --event ORU --against site\n  \
    handover diff --site ../site-next --kind code --json")]
pub struct Arguments {
    /// The folder of the changed site.
    #[arg(long, value_name = "NEW")]
    site: PathBuf,
    /// The folder of the site in force.
    #[arg(long, default_value = ".", value_name = "DIR")]
    against: PathBuf,
    /// The data folder of a gateway that runs; the site in force is its own then.
    #[arg(long, value_name = "DIR", conflicts_with = "against")]
    data: Option<PathBuf>,
    #[command(flatten)]
    sought: SoughtArguments,
    /// List so many of each kind, 100 at most.
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=100))]
    first: u8,
    /// Print `{ "judged", "differ", "left_out", "parts": { "codes": { KIND: { count, first } }, … }, "in_force", "changed" }`.
    #[arg(long)]
    json: bool,
}

/// Left out, what messages are compared is those of so long ago.
const SINCE: &str = "30d";

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let site = std::path::absolute(&arguments.site)?;
    if !site.is_dir() {
        bail!("there is no folder {}; --site names the folder of the changed site", site.display());
    }
    let mut sought = arguments.sought.words();
    if sought == MessageWords::default() {
        sought.since = Some(SINCE.to_string());
        screen.note(&format!("messages of the last {SINCE}; --since, --feed and the like name others"));
    }
    let listed = usize::from(arguments.first);
    let first = Comparing { site, sought, listed, compiled: None, after: None };
    let gateway = GatewayArgument::at(arguments.against.clone(), arguments.data.clone());
    let (mut all, mut total) = (Differences::default(), None);
    gateway.perform_each(Operation::Compare(first.clone()), screen, &mut |answer, screen| {
        let part: Compared = serde_json::from_value(answer).context("the gateway's answer cannot be read")?;
        total = total.or(part.total);
        all.add(part.differences, listed);
        let (done, of) = (looked(&all), total.map(|total| format!(" of {total}")).unwrap_or_default());
        screen.progress(&format!("{done}{of} messages, {} differ", all.differ));
        let compiled = Some(part.compiled);
        Ok(part.next.map(|after| Operation::Compare(Comparing { compiled, after: Some(after), ..first.clone() })))
    })?;
    screen.end_progress();
    match arguments.json {
        true => screen.say_json(&json!(all))?,
        false => tell(&all, screen)?,
    }
    Ok(if all.differ == 0 { Outcome::Well } else { Outcome::Faults })
}

fn looked(all: &Differences) -> u64 {
    all.judged + all.left_out.values().sum::<u64>()
}

fn tell(all: &Differences, screen: &mut Screen) -> Result<()> {
    let (judged, noun) = (all.judged, if all.judged == 1 { "message" } else { "messages" });
    screen
        .say(format!("{judged} {noun} judged under both sites, {} differ; nothing was written or sent", all.differ))?;
    for (why, count) in &all.left_out {
        screen.say(format!("{count} not judged: {why}"))?;
    }
    for part in Part::ALL {
        let Some(kinds) = all.parts.get(&part) else { continue };
        screen.heading(part.title())?;
        let mut kinds: Vec<(&String, &Counted)> = kinds.iter().collect();
        kinds.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.count));
        kinds.into_iter().try_for_each(|(kind, counted)| tell_kind(kind, counted, screen))?;
    }
    if all.differ > 0 {
        screen.say("\nBy itself: each message as it came, for a patient nobody has seen. Run again: on the record as it is now.")?;
        for (title, sums) in [("In force", &all.in_force), ("Changed", &all.changed)] {
            screen.say(format!("{title}: running them again would change {}", sums.foreseen()))?;
        }
    }
    Ok(())
}

fn tell_kind(kind: &str, counted: &Counted, screen: &mut Screen) -> Result<()> {
    let width = screen.width.saturating_sub(9).max(20);
    for (place, line) in wrapped(kind, width).into_iter().enumerate() {
        let count = if place == 0 { counted.count.to_string() } else { String::new() };
        screen.say(format!("{count:>7}  {line}"))?;
    }
    for seen in &counted.first {
        let line = format!("message {}: {}", seen.message, seen.what);
        wrapped(&line, width).iter().try_for_each(|line| screen.say(format!("           {line}")))?;
    }
    let more = counted.count.saturating_sub(counted.first.len() as u64);
    if more > 0 && !counted.first.is_empty() {
        screen.say(format!("           and {more} more"))?;
    }
    Ok(())
}
