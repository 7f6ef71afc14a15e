//! `handover huddle`: a practice's sheet for its morning, on a terminal or a printer. Asks the running gateway.

use anyhow::{Context, Result};
use jiff::civil::Date;
use serde_json::Value;

use super::explain::wrapped;
use super::operation::{items, number, text};
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use crate::pipeline::Operation;

/// What a practice speaks about before its day begins: what cannot wait, today's appointments and what each needs, what
/// happened in hospitals, what is late, which referrals are stuck.
///
/// Work is as it stands now, whatever the day; appointments are of the day. Shows patients: it goes to the practice's printer
/// and to nobody else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover huddle lakeside\n  handover huddle lakeside --date 2026-11-30 --json")]
pub struct Arguments {
    /// The practice, by the name of its panel's file.
    panel: String,
    /// The day, today by default.
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// Print everything for a program.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let day = arguments
        .date
        .as_deref()
        .map(|text| text.parse::<Date>().with_context(|| format!("--date {text} is no day; write it as 2026-11-25")));
    let operation = Operation::Huddle { panel: arguments.panel.clone(), day: day.transpose()? };
    let sheet = arguments.gateway.perform(operation, screen)?;
    if arguments.json {
        screen.say_json(&sheet)?;
        return Ok(Outcome::Well);
    }
    let title = format!("Huddle: {}, {}", text(&sheet, "/practice"), text(&sheet, "/day"));
    screen.heading(&title)?;
    for part in ["closed", "missing"] {
        for line in sheet.get(part).into_iter().flat_map(lines) {
            screen.say(format!("  {line}"))?;
        }
    }
    works("Before anything else", items(&sheet, "/now"), &sheet, screen)?;
    visits("Appointments", items(&sheet, "/appointments"), &sheet, screen)?;
    visits("With those they were referred to", items(&sheet, "/elsewhere"), &sheet, screen)?;
    works("Hospital, since the last huddle", items(&sheet, "/hospital"), &sheet, screen)?;
    works("Overdue", items(&sheet, "/overdue"), &sheet, screen)?;
    works("Referrals that want something", items(&sheet, "/referrals"), &sheet, screen)?;
    screen.say("")?;
    screen.say(format!("{} open, {} late in all.", number(&sheet, "/open"), number(&sheet, "/late")))?;
    Ok(Outcome::Well)
}

/// A text or a list of texts; nothing where they are empty.
fn lines(value: &Value) -> Vec<&str> {
    let texts: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
    texts.into_iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).collect()
}

fn works(title: &str, found: &[Value], sheet: &Value, screen: &mut Screen) -> Result<()> {
    screen.heading(&format!("{title} ({})", found.len()))?;
    for piece in found {
        let due = moment(text(piece, "/due"), sheet).map(|due| format!(", late from {due}")).unwrap_or_default();
        screen.say(format!("  [ ] {}: {}{due}", patient(piece), text(piece, "/title")))?;
        for line in wrapped(text(piece, "/text"), screen.width.saturating_sub(6)) {
            screen.say(format!("      {line}"))?;
        }
    }
    Ok(())
}

fn visits(title: &str, found: &[Value], sheet: &Value, screen: &mut Screen) -> Result<()> {
    screen.heading(&format!("{title} ({})", found.len()))?;
    for visit in found {
        let reason = Some(text(visit, "/reason")).filter(|reason| !reason.is_empty()).unwrap_or("not said what for");
        let at = moment(text(visit, "/at"), sheet).unwrap_or_default();
        screen.say(format!("  {at}  {}: {reason}", patient(visit)))?;
        for need in items(visit, "/needs") {
            screen.say(format!("      [ ] {}", text(need, "/text")))?;
        }
    }
    Ok(())
}

/// The name, with the year of birth, which tells two of one name apart in one room.
fn patient(of: &Value) -> String {
    let year: String = text(of, "/patient/birth").chars().take(4).collect();
    let born = if year.is_empty() { String::new() } else { format!(", born {year}") };
    format!("{}{born}", text(of, "/patient/name"))
}

/// In the practice's zone, which is where the sheet is read.
fn moment(time: &str, sheet: &Value) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(text(sheet, "/zone")).unwrap_or(jiff::tz::TimeZone::UTC);
    let time: jiff::Timestamp = time.parse().ok()?; // Nothing lost: what is no time has no due date to show.
    Some(time.to_zoned(zone).strftime("%a %b %-d, %-I:%M %p").to_string())
}
