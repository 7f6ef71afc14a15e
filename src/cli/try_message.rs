//! `handover try FILE…`: the whole path for messages in files, without storing or sending anything.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::check;
use super::describe::describe;
use super::explain;
use super::feed_choice::{feed_for, members_by_panel};
use super::outcome::Outcome;
use super::screen::Screen;
use super::story;
use super::table::Table;
use crate::clock::{Clock, SystemClock};
use crate::hl7::Batch;
use crate::pipeline::{Code, Members, Trial, dry_run};
use crate::record::Membership;
use crate::site::{DemoSite, Site, problems_as_json};

/// Show what messages would come to, without storing or sending anything.
///
/// Runs the same path as the gateway, for patients nobody has seen: the answer, the resources, the work that protocols ask
/// for, what the agreements let out, where each element came from, and what no mapping read. Shows what is in the message.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 when a message would be refused.\n\n\
    Examples:\n  handover try adt-a04.hl7\n  handover try --site site --feed riverside batch.hl7 --json\n  handover try --story visit.hl7 --at '+3 d'\n  cat message.hl7 | handover try -")]
pub struct Arguments {
    /// Files with one message or several, each tried alone; `-` is standard input.
    #[arg(required_unless_present = "story")]
    files: Vec<PathBuf>,
    /// A file whose messages are played one after the other on one record, each when it was written (MSH-7). Lines that
    /// begin with `#` between them: `# at +3 d`, `# feed NAME`, `# accept RULE: note` (also start, complete, cancel, note).
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    story: Option<PathBuf>,
    /// As if everybody who is on none of the site's rosters were on this panel. Under the demo's site everybody is.
    #[arg(long, value_name = "NAME")]
    panel: Option<String>,
    /// The clock: when the messages arrive (left out: now); with --story, until when time passes after its last step.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The site's folder. Left out: the current folder when it is a site, else the demo's site.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// The feed the message would come from. Left out: the one whose facilities name the sender, else the first.
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// Print the resources whole.
    #[arg(long)]
    resources: bool,
    /// Print an array with one object per message.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    // Lives as long as the site is used.
    let mut demo = None;
    let dir = match &arguments.site {
        Some(dir) => dir.clone(),
        None if Path::new("handover.yaml").exists() => PathBuf::from("."),
        None => demo.insert(DemoSite::write()?).path().to_path_buf(),
    };
    let Some(mut site) = check::load_or_show(&dir, screen) else { bail!("nothing was tried") };
    if demo.is_some() {
        admit_all(&mut site);
        screen.note("tried under the demo's site, open to every sender and with everybody on its panel; --site DIR names your own");
    }
    let panel = arguments.panel.clone().or_else(|| demo.as_ref().and_then(|_| site.panels.keys().next().cloned()));
    if let Some(name) = panel.as_ref().filter(|name| !site.panels.contains_key(*name)) {
        bail!("the site has no panel `{name}`; it has {}", site.panels.keys().cloned().collect::<Vec<_>>().join(", "));
    }
    let panels = members_by_panel(&site)?;
    if let Some(file) = &arguments.story {
        return play(arguments, file, site, panels, panel.as_deref(), screen);
    }
    let listed: Vec<_> = panels.into_values().flatten().collect();
    let members = Members { listed: &listed, otherwise: panel.as_deref() };
    let mut trials = Vec::new();
    let mut outcome = Outcome::Well;
    for file in &arguments.files {
        let bytes = read(file)?;
        for span in Batch::split(&bytes).messages {
            let raw = span.of(&bytes);
            let feed = feed_for(&site, raw, arguments.feed.as_deref())?;
            let now = now(arguments, &site, &feed)?;
            let trial = dry_run(&site, &feed, raw, members, now).context("the site has no such feed")?;
            if trial.code != Code::AA {
                outcome = Outcome::Faults;
            }
            if arguments.json {
                trials.push(as_json(file, &feed, &trial));
            } else {
                show(file, &feed, raw, &trial, arguments.resources, screen)?;
            }
        }
    }
    if arguments.json {
        screen.say_json(&Value::Array(trials))?;
    }
    Ok(outcome)
}

/// What the clock is to say when a message arrives.
fn now(arguments: &Arguments, site: &Site, feed: &str) -> Result<Timestamp> {
    let now = SystemClock.now();
    let zone = site.feeds.get(feed).map_or(TimeZone::UTC, |feed| feed.zone.clone());
    arguments.at.as_deref().map_or(Ok(now), |written| story::reading(written, &zone, now))
}

fn play(
    arguments: &Arguments,
    file: &Path,
    site: Site,
    panels: BTreeMap<String, Vec<Membership>>,
    otherwise: Option<&str>,
    screen: &mut Screen,
) -> Result<Outcome> {
    let playing = story::Playing {
        file,
        panels,
        otherwise,
        feed: arguments.feed.as_deref(),
        until: arguments.at.as_deref(),
        resources: arguments.resources,
        json: arguments.json,
    };
    let bytes = read(file)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    runtime.block_on(story::play(Arc::new(site), &playing, &bytes, screen))
}

/// Without a site of one's own, it does not matter whom the demo's feed is for, nor whose identifiers it trusts.
fn admit_all(site: &mut Site) {
    for feed in site.feeds.values_mut() {
        feed.facilities.clear();
        feed.accepts.clear();
        feed.identified_by.clear();
    }
}

/// A file, or standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn show(file: &Path, feed: &str, raw: &[u8], trial: &Trial, whole: bool, screen: &mut Screen) -> Result<()> {
    let named = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_string() } else { text.to_string() };
    let event = named(&trial.event, "no message that can be read");
    let control = named(&trial.control, "none");
    let title = format!("{}: {event}, control id {control}", file.display());
    screen.say(screen.bold(&title))?;
    let answered = match trial.code {
        Code::AA => "AA, would be taken",
        Code::AE => "AE, would be refused: this message cannot be taken as it is",
        Code::AR => "AR, would be refused: this gateway does not take such messages",
    };
    screen.say(format!("  {} bytes from feed {feed}; answer {answered}", raw.len()))?;
    if !trial.resources.is_empty() {
        screen.heading("Resources")?;
        let mut table = Table::new(&["type", "what it says"]);
        for resource in &trial.resources {
            let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
            table.row([kind.to_string(), describe(resource)]);
        }
        for line in table.lines(screen.width.saturating_sub(2)) {
            screen.say(format!("  {line}"))?;
        }
    }
    if whole {
        for resource in &trial.resources {
            screen.say("")?;
            screen.say_json(resource)?;
        }
    }
    explain::trace(&trial.trace, raw, screen)?;
    let kind = |subject: &str| subject.split('/').next().unwrap_or_default().to_string();
    let deliveries: Vec<String> = trial
        .deliveries
        .iter()
        .map(|new| format!("{} to {} ({})", kind(&new.subject), new.partner, new.agreement))
        .collect();
    explain::list("Would be delivered", &deliveries, screen)?;
    explain::list(
        "Answer",
        &String::from_utf8_lossy(&trial.answer)
            .split('\r')
            .filter(|line| !line.is_empty())
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        screen,
    )?;
    screen.say("")
}

fn as_json(file: &Path, feed: &str, trial: &Trial) -> Value {
    json!({
        "file": file.display().to_string(),
        "feed": feed,
        "event": trial.event,
        "control": trial.control,
        "code": trial.code.text(),
        "answer": String::from_utf8_lossy(&trial.answer),
        "problems": problems_as_json(&trial.problems),
        "resources": trial.resources,
        "trace": trial.trace,
        "unmapped": trial.unmapped.iter().map(|(table, code)| json!({ "table": table, "code": code })).collect::<Vec<_>>(),
        "deliveries": trial.deliveries.iter().map(|new| json!({
            "partner": new.partner,
            "subject": new.subject,
            "agreement": new.agreement,
            "payload": new.payload,
        })).collect::<Vec<_>>(),
    })
}
