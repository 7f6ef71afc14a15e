//! `handover look`: what of a patient is labelled as sensitive or kept back, and what somebody says of it who looked.

use anyhow::Result;
use serde_json::Value;

use super::command::Outcome;
use super::operation::{items, text};
use super::reach::GatewayArgument;
use super::screen::Screen;
use crate::pipeline::Operation;

/// Shows what of a patient is labelled as sensitive, or says what a thing is that somebody looked at.
///
/// A diagnosis that no code tells is kept back where its feed says so (`uncoded_diagnoses: restricted`) until somebody has
/// looked. What a look says holds until the thing itself changes; what the sender flagged stays. Looks are in the audit.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover look 'urn:oid:2.16.840.1.113883.19.5|4711'\n  \
    handover look Condition/7ZK… --plain --note \"a fall, says the ward\" --who maria\n  \
    handover look Condition/7ZK… --label ETH --note \"says the discharge letter\" --who maria")]
pub struct Arguments {
    /// A patient, as our id or `system|value`; or what was looked at, as `Condition/ID`.
    what: String,
    /// It has this sensitivity (v3 ActCode: ETH, PSY, HIV, SEX, SDV …); may be given several times.
    #[arg(long = "label", value_name = "CODE", requires = "note")]
    labels: Vec<String>,
    /// It is nothing sensitive.
    #[arg(long, conflicts_with = "labels", requires = "note")]
    plain: bool,
    /// How you know; for the audit.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Who looked.
    #[arg(long, default_value = "operator", value_name = "NAME")]
    who: String,
    /// Print `{ "patient": ID, "items": [...] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    if arguments.plain || !arguments.labels.is_empty() {
        let operation = Operation::Look {
            resource: arguments.what.clone(),
            labels: arguments.labels.clone(),
            note: arguments.note.clone().unwrap_or_default(),
            who: arguments.who.clone(),
        };
        arguments.gateway.perform(operation, screen)?;
        screen.say("said; it holds until the thing itself changes")?;
        return Ok(Outcome::Well);
    }
    let answer = arguments.gateway.perform(Operation::LookList { patient: arguments.what.clone() }, screen)?;
    if arguments.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let found = items(&answer, "/items");
    if found.is_empty() {
        screen.note("nothing of this patient is labelled");
    }
    for item in found {
        let labels: Vec<&str> = items(item, "/labels").iter().filter_map(Value::as_str).collect();
        let waits = if item.get("waits") == Some(&Value::Bool(true)) { "  waits for a look" } else { "" };
        screen.say(format!("{}  {}  {}{waits}", text(item, "/resource"), labels.join(" "), words(item)))?;
    }
    Ok(Outcome::Well)
}

fn words(item: &Value) -> &str {
    let places = ["/code/text", "/code/coding/0/display", "/code/coding/0/code"];
    places.into_iter().map(|place| text(item, place)).find(|words| !words.is_empty()).unwrap_or_default()
}
