//! Plays a story and shows each step: the answer, what could not be used, what was written; at the end the work there is and
//! what would be delivered. Shows what is in the messages.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::script::{Step, steps};
use crate::cli::describe::describe;
use crate::cli::explain;
use crate::cli::feed_choice::feed_for;
use crate::cli::outcome::Outcome;
use crate::cli::screen::Screen;
use crate::cli::table::Table;
use crate::clock::{Clock, SystemClock};
use crate::hl7::{DateTime, Message, ReadOptions, SenderClock};
use crate::identity::ResourceId;
use crate::pipeline::Code;
use crate::pipeline::story::{Story, Told};
use crate::record::{Membership, Stored};
use crate::site::Site;
use crate::store::{DeliveryFilter, TraceLine};

/// Deliveries that the end of a story tells of, at most; it says when there are more.
const MOST_DELIVERIES: usize = 1_000;

/// How a story is played.
pub struct Playing<'p> {
    pub file: &'p Path,
    pub panels: BTreeMap<String, Vec<Membership>>,
    /// The panel that everybody is on who is listed nowhere.
    pub otherwise: Option<&'p str>,
    /// The feed of the messages that name none.
    pub feed: Option<&'p str>,
    /// Until when time passes after the last step.
    pub until: Option<&'p str>,
    pub resources: bool,
    pub json: bool,
}

/// Plays the story on records nobody has seen.
pub async fn play(site: Arc<Site>, playing: &Playing<'_>, bytes: &[u8], screen: &mut Screen) -> Result<Outcome> {
    let steps = steps(bytes);
    let first = steps.iter().find_map(|step| match step {
        Step::Message(raw) => Some(raw.as_slice()),
        _ => None,
    });
    let Some(first) = first else { bail!("{} holds no message", playing.file.display()) };
    let zone = feed_for(&site, first, playing.feed).map(|feed| zone_of(&site, &feed))?;
    let begin = written_at(first, &zone).unwrap_or_else(|| SystemClock.now());
    let mut story = Story::begin(Arc::clone(&site), &playing.panels, begin).await?;
    if let Some(panel) = playing.otherwise {
        story.admit_everybody_to(panel, playing.panels.get(panel).cloned().unwrap_or_default());
    }
    let mut stage =
        Stage { story, site, zone, feed: playing.feed.map(str::to_string), told: Vec::new(), is_well: true };
    for step in &steps {
        stage.step(step, playing, screen).await?;
    }
    if let Some(until) = playing.until {
        stage.step(&Step::At(until.to_string()), playing, screen).await?;
    }
    stage.end(playing, screen).await?;
    Ok(if stage.is_well { Outcome::Well } else { Outcome::Faults })
}

/// A moment as people write it: `2026-03-05T09:00` in the zone, a full timestamp, or `+3 d` after another one.
pub fn reading(written: &str, zone: &TimeZone, after: Timestamp) -> Result<Timestamp> {
    let how = || format!("`{written}` is no moment; write 2026-03-05T09:00, 2026-03-05T09:00-05:00 or +3 d");
    if let Some(way) = written.strip_prefix('+') {
        let span: jiff::Span = way.trim().parse().with_context(how)?;
        return Ok(after.to_zoned(zone.clone()).checked_add(span).with_context(how)?.timestamp());
    }
    if let Ok(moment) = written.parse::<Timestamp>() {
        return Ok(moment);
    }
    let civil: jiff::civil::DateTime = written.parse().with_context(how)?;
    Ok(civil.to_zoned(zone.clone()).with_context(how)?.timestamp())
}

/// MSH-7: when a message was written, for the clock to stand at; none where it does not say.
fn written_at(raw: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    let message = Message::parse(raw, &ReadOptions::default()).message?;
    let written = message.header().timestamp().into_owned();
    DateTime::parse(written.trim()).ok().map(|written| written.to_timestamp(&SenderClock::in_zone(zone.clone())))
}

fn zone_of(site: &Site, feed: &str) -> TimeZone {
    site.feeds.get(feed).map_or(TimeZone::UTC, |feed| feed.zone.clone())
}

/// A story while it is told.
struct Stage {
    story: Story,
    site: Arc<Site>,
    /// Of the first message's feed: the one in which times are shown.
    zone: TimeZone,
    feed: Option<String>,
    told: Vec<Value>,
    is_well: bool,
}

impl Stage {
    async fn step(&mut self, step: &Step, playing: &Playing<'_>, screen: &mut Screen) -> Result<()> {
        match step {
            Step::Remark(text) => self.line(&format!("# {text}"), playing, screen),
            Step::Feed(name) => {
                if !self.site.feeds.contains_key(name) {
                    bail!("the site has no feed `{name}`");
                }
                self.feed = Some(name.clone());
                self.line(&format!("# from feed {name}"), playing, screen)
            }
            Step::At(written) => {
                let then = reading(written, &self.zone, self.story.now())?;
                self.story.pass_to(then).await?;
                self.line(&format!("{}  time has passed", self.clock()), playing, screen)?;
                self.written(playing, screen).await
            }
            Step::Act { action, rule, note } => {
                let done = self.story.act(rule, *action, note, "a person").await;
                let said = match done {
                    Ok(0) => format!("there is no open task of `{rule}`"),
                    Ok(count) => format!("{count} of `{rule}`: done"),
                    Err(problem) => problem.text,
                };
                self.line(&format!("{}  {action:?}: {said}", self.clock()), playing, screen)?;
                self.written(playing, screen).await
            }
            Step::Message(raw) => self.message(raw, playing, screen).await,
        }
    }

    async fn message(&mut self, raw: &[u8], playing: &Playing<'_>, screen: &mut Screen) -> Result<()> {
        let feed = feed_for(&self.site, raw, self.feed.as_deref())?;
        if let Some(written) = written_at(raw, &zone_of(&self.site, &feed)) {
            self.story.pass_to(written).await?;
            self.written(playing, screen).await?;
        }
        let Told { acknowledged, entry } = self.story.take(&feed, raw).await?;
        self.is_well &= acknowledged.code == Code::AA;
        let summary = entry.as_ref().map(|entry| &entry.summary);
        let event = summary.map(|summary| format!("{} {}", summary.event, summary.control)).unwrap_or_default();
        let again = if acknowledged.duplicate { ", known already" } else { "" };
        let problems = entry.as_ref().map(|entry| entry.trace.problems.clone()).unwrap_or_default();
        if playing.json {
            self.told.push(json!({
                "at": self.story.now().to_string(),
                "feed": feed,
                "message": event,
                "code": acknowledged.code.text(),
                "answer": String::from_utf8_lossy(&acknowledged.bytes),
                "again": acknowledged.duplicate,
                "problems": problems,
                "trace": entry.map(|entry| entry.trace),
            }));
            self.story.written();
            return Ok(());
        }
        let title = format!("{}  {event} from {feed}: {}{again}", self.clock(), acknowledged.code.text());
        screen.say(screen.bold(&title))?;
        for line in &problems {
            said(line, screen)?;
        }
        self.written(playing, screen).await
    }

    /// The resources that the last step wrote, each in a line.
    async fn written(&mut self, playing: &Playing<'_>, screen: &mut Screen) -> Result<()> {
        let written = self.story.written();
        if playing.json {
            if !written.is_empty() {
                self.told.push(json!({ "at": self.story.now().to_string(), "written": written }));
            }
            return Ok(());
        }
        for path in written {
            let parts: Vec<&str> = path.split('/').collect();
            let [kind, id, _, version] = parts.as_slice() else { continue };
            let (Ok(id), Ok(version)) = (id.parse::<ResourceId>(), version.parse::<u64>()) else { continue };
            let Some(stored) = self.story.gateway.store.version(kind, id, version).await? else { continue };
            let sign = if version == 1 { "+" } else { "~" };
            screen.say(format!("    {sign} {kind} {}", describe(&stored.resource.into())))?;
        }
        Ok(())
    }

    fn line(&mut self, text: &str, playing: &Playing<'_>, screen: &mut Screen) -> Result<()> {
        if playing.json {
            self.told.push(json!({ "at": self.story.now().to_string(), "told": text }));
            return Ok(());
        }
        let shown = screen.dim(text);
        screen.say(shown)
    }

    fn clock(&self) -> String {
        shown(&self.story.now().to_zoned(self.zone.clone()))
    }

    async fn end(&self, playing: &Playing<'_>, screen: &mut Screen) -> Result<()> {
        let resources = self.story.resources().await?;
        let store = &self.story.gateway.store;
        let deliveries = store.deliveries(&DeliveryFilter::default(), None, MOST_DELIVERIES).await?;
        if playing.json {
            let told: Vec<Value> = deliveries
                .items
                .iter()
                .map(
                    |one| json!({ "partner": one.new.partner, "subject": one.new.subject, "payload": one.new.payload }),
                )
                .collect();
            let record: Vec<Value> = resources.into_iter().map(|stored| stored.resource.into()).collect();
            let file = playing.file.display().to_string();
            return screen.say_json(&json!({ "file": file, "steps": self.told, "record": record, "deliveries": told }));
        }
        if playing.resources {
            for stored in &resources {
                screen.say("")?;
                screen.say_json(&stored.resource.clone().into())?;
            }
        }
        work(&resources, screen)?;
        let mut by_partner: BTreeMap<&str, usize> = BTreeMap::new();
        for delivery in &deliveries.items {
            *by_partner.entry(&delivery.new.partner).or_default() += 1;
        }
        let mut lines: Vec<String> =
            by_partner.into_iter().map(|(partner, count)| format!("{partner}: {count}")).collect();
        if deliveries.next.is_some() {
            lines.push(format!("and more than these {MOST_DELIVERIES}"));
        }
        explain::list("Would be delivered", &lines, screen)
    }
}

/// The work as it stands, what is open first.
fn work(resources: &[Stored], screen: &mut Screen) -> Result<()> {
    let is_work = |stored: &&Stored| matches!(stored.resource.resource_type(), "Task" | "Flag" | "CarePlan");
    let mut works: Vec<&Stored> = resources.iter().filter(is_work).collect();
    let is_over = |stored: &Stored| {
        !matches!(stored.resource.text("status"), Some("requested" | "accepted" | "in-progress" | "on-hold" | "active"))
    };
    works.sort_by_key(|stored| (is_over(stored), stored.resource.resource_type().to_string()));
    if works.is_empty() {
        return explain::list("Work", &["none is owed".to_string()], screen);
    }
    screen.heading("Work")?;
    let mut table = Table::new(&["type", "what it says"]);
    for stored in works {
        table.row([stored.resource.resource_type().to_string(), describe(&stored.resource.clone().into())]);
    }
    table.lines(screen.width.saturating_sub(2)).into_iter().try_for_each(|line| screen.say(format!("  {line}")))
}

fn said(line: &TraceLine, screen: &mut Screen) -> Result<()> {
    for (index, part) in explain::wrapped(&line.text, screen.width.saturating_sub(8)).into_iter().enumerate() {
        let place = if index == 0 { format!("! {} {}: ", line.subject, line.place) } else { "  ".to_string() };
        screen.say(format!("    {place}{part}"))?;
    }
    Ok(())
}

fn shown(moment: &Zoned) -> String {
    moment.strftime("%a %-d %b %Y, %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_feeds_zone_or_counted_from_the_last_one() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let after: Timestamp = "2026-03-07T15:00:00Z".parse().unwrap();
        let read = |text: &str| reading(text, &zone, after).map(|moment| moment.to_string());
        assert_eq!(read("2026-03-05T09:00").unwrap(), "2026-03-05T15:00:00Z");
        assert_eq!(read("2026-03-05T09:00:00-05:00").unwrap(), "2026-03-05T14:00:00Z");
        // Across the change to summer time a day later is the same hour of the clock.
        assert_eq!(read("+1 d").unwrap(), "2026-03-08T14:00:00Z");
        assert!(read("tomorrow").unwrap_err().to_string().contains("+3 d"));
    }
}
