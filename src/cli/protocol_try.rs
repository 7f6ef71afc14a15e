//! `handover protocol try FILE`: what a protocol would have made of the records there are.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::check::counted;
use super::explain::wrapped;
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::table::Table;
use crate::clock::{Clock, SystemClock};
use crate::pipeline::{Operation, Tried, Trying};
use crate::protocol::{Made, Tally};

/// Tell what a protocol would have made of the records there are, had it been in force.
///
/// Time goes over the window again, record by record: each visit, diagnosis and reading becomes known when it says it happened, and
/// every timer on the way fires at its moment. Nothing is written. Nobody answers in a trial: what people closed stays open until
/// evidence or time ends it. Patients are on the panels they are on today; readings beyond the newest 4,000 of a patient are left
/// out, and how many patients that concerns is told. For each rule that made nothing it says why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover protocol try protocols/falls.yaml --since 90d\n  \
    handover protocol try falls.yaml --since 2026-01-01 --panel lakeside --site site --json")]
pub struct Arguments {
    /// The protocol's file.
    file: PathBuf,
    /// From when on: a date, a time, or so many days before now, such as 90d.
    #[arg(long, default_value = "90d", value_name = "DATE")]
    since: String,
    /// Until when: a date, a time, or so many days before now. Left out: now.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Only the members of this panel.
    #[arg(long, value_name = "NAME")]
    panel: Option<String>,
    /// List so many people for each rule.
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    people: usize,
    /// Print `{ "protocol", "title", "since", "until", "unknown", "tally": { records, people, rules: [...], unused } }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let shown = arguments.file.display().to_string();
    let text = std::fs::read_to_string(&arguments.file).with_context(|| format!("cannot read {shown}"))?;
    let now = SystemClock.now();
    let since = moment(&arguments.since, now)?;
    let until = arguments.until.as_deref().map(|until| moment(until, now)).transpose()?;
    let trying = Trying {
        file: shown,
        text,
        since,
        until,
        panel: arguments.panel.clone(),
        listed: arguments.people,
        after: None,
    };
    let mut whole: Option<Tried> = None;
    arguments.gateway.perform_each(Operation::ProtocolTry(trying.clone()), screen, &mut |answer, screen| {
        let part: Tried = serde_json::from_value(answer).context("the gateway's answer cannot be read")?;
        let next = part.next.clone().map(|after| {
            Operation::ProtocolTry(Trying { until: Some(part.until), after: Some(after), ..trying.clone() })
        });
        let known = whole.get_or_insert_with(|| Tried { tally: Tally::default(), unknown: 0, ..part.clone() });
        known.unknown += part.unknown;
        known.tally.add(part.tally, arguments.people);
        screen.progress(&format!("{} looked at", counted(known.tally.records, "record")));
        Ok(next)
    })?;
    screen.end_progress();
    let Some(mut tried) = whole else { bail!("the gateway did not answer") };
    tried.next = None;
    if arguments.json {
        let mut shown = json!(tried);
        shown.as_object_mut().and_then(|shown| shown.remove("next"));
        screen.say_json(&shown)?;
    } else {
        tell(&tried, arguments.people, screen)?;
    }
    Ok(Outcome::Well)
}

/// `90d`, a date in the machine's zone, or a time with its offset.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp> {
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok());
    if let Some(days) = days {
        return Ok(now - SignedDuration::from_hours(24 * i64::from(days)));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let date: Date = text
        .parse()
        .ok()
        .with_context(|| format!("`{text}` is no time; write 90d, 2026-01-31 or 2026-01-31T08:00:00Z"))?;
    Ok(date.to_zoned(TimeZone::system())?.timestamp())
}

fn tell(tried: &Tried, listed: usize, screen: &mut Screen) -> Result<()> {
    let tally = &tried.tally;
    let day = |at: Timestamp| at.to_zoned(TimeZone::system()).date();
    let weeks = tried.until.duration_since(tried.since).as_secs_f64() / (7.0 * 86_400.0);
    screen.say(format!(
        "{} ({}), tried from {} to {}",
        tried.title,
        tried.protocol,
        day(tried.since),
        day(tried.until)
    ))?;
    screen.say(format!(
        "{} looked at; {} would have had something of it; {} of the panels are not known here",
        counted(tally.records, "record"),
        tally.people,
        counted(tried.unknown, "member")
    ))?;
    let mut table =
        Table::new(&["rule", "kind", "made", "a week", "people", "open now", "before", "cards"]).with_whole_first();
    for rule in &tally.rules {
        table.row([
            rule.rule.clone(),
            rule.kind.clone(),
            rule.made.to_string(),
            format!("{:.1}", rule.made as f64 / weeks.max(0.1)),
            rule.people.to_string(),
            rule.open.to_string(),
            rule.before.to_string(),
            rule.cards.values().sum::<usize>().to_string(),
        ]);
    }
    screen.say("")?;
    table.lines(screen.width).into_iter().try_for_each(|line| screen.say(line))?;
    tell_weeks(&tally.rules, screen)?;
    for rule in tally.rules.iter().filter(|rule| rule.made > 0 && listed > 0) {
        screen.heading(&format!("{}: {}", rule.rule, counted(rule.made, "time")))?;
        for person in &rule.listed {
            let times = if person.times > 1 { format!(", {} times", person.times) } else { String::new() };
            screen.say(format!("  {}  {}  {}{times}", day(person.first), person.name, person.identifier))?;
        }
        if rule.people > rule.listed.len() {
            screen.say(format!("  and {} more; --people lists more", rule.people - rule.listed.len()))?;
        }
    }
    let never: Vec<&Made> = tally.rules.iter().filter(|rule| rule.never_fired()).collect();
    if !never.is_empty() {
        screen.heading("Made nothing")?;
    }
    for rule in never {
        paragraph(&format!("{} ({}): {}", rule.rule, rule.place, rule.why()), screen)?;
    }
    for (words, count) in &tally.unused {
        paragraph(&format!("not used, in {}: {words}", counted(*count, "record")), screen)?;
    }
    for (count, what) in [
        (tally.truncated, "had more observations than a trial reads; the oldest were left out"),
        (tally.cut_short, "had so much in it that the trial of it ended early"),
    ] {
        if count > 0 {
            screen.note(&format!("{} {what}", counted(count, "record")));
        }
    }
    Ok(())
}

/// Each week of each rule that made something.
fn tell_weeks(rules: &[Made], screen: &mut Screen) -> Result<()> {
    let weeks: std::collections::BTreeSet<Date> =
        rules.iter().flat_map(|rule| rule.weeks.keys().chain(rule.cards.keys())).copied().collect();
    let busy: Vec<&Made> = rules.iter().filter(|rule| rule.made > 0 || !rule.cards.is_empty()).collect();
    if busy.is_empty() {
        return Ok(());
    }
    screen.heading("By week, made (cards)")?;
    for week in weeks {
        let of_rule = |rule: &&&Made| {
            let made = rule.weeks.get(&week).copied().unwrap_or_default();
            let cards = rule.cards.get(&week).map(|cards| format!(" ({cards})")).unwrap_or_default();
            (made > 0 || !cards.is_empty()).then(|| format!("{} {made}{cards}", rule.rule))
        };
        let counts: Vec<String> = busy.iter().filter_map(|rule| of_rule(&rule)).collect();
        paragraph(&format!("{week}  {}", counts.join(", ")), screen)?;
    }
    Ok(())
}

fn paragraph(text: &str, screen: &mut Screen) -> Result<()> {
    let lines = wrapped(text, screen.width.saturating_sub(4).max(20));
    for (place, line) in lines.iter().enumerate() {
        screen.say(format!("{}{line}", if place == 0 { "  " } else { "      " }))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_as_people_say_it() {
        let now: Timestamp = "2026-11-26T17:00:00Z".parse().unwrap();
        assert_eq!(moment("14d", now).unwrap().to_string(), "2026-11-12T17:00:00Z");
        assert_eq!(moment("2026-03-01T08:00:00+01:00", now).unwrap().to_string(), "2026-03-01T07:00:00Z");
        assert_eq!(moment("2026-03-01", now).unwrap().to_zoned(TimeZone::system()).date().to_string(), "2026-03-01");
        for text in ["", "soon", "90", "d", "-3d", "2026-13-01"] {
            assert!(moment(text, now).is_err(), "{text}");
        }
    }
}
