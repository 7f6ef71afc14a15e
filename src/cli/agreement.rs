//! `handover agreement explain`: why a partner may or may not have what is in a patient's record.

use anyhow::Result;
use serde_json::Value;

use super::explain::wrapped;
use super::operation::{items, text};
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use crate::pipeline::Operation;

/// Who may have what, and why.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Explain(Explain),
}

/// Show the decision for each resource of a patient, with the line of the agreement that made it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover agreement explain --patient 'urn:oid:2.16.840.1.113883.19.5|4711'\n  \
    handover agreement explain --partner lakeside-practice --patient 0f3k…")]
struct Explain {
    /// The patient: our id, or an identifier as `system|value`.
    #[arg(long, value_name = "ID")]
    patient: String,
    /// Only for this partner.
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Print `{ "patient", "panels", "decisions": [{ partner, resource, push, read, because, place }] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let Command::Explain(explain) = &arguments.command;
    let operation = Operation::AgreementExplain { partner: explain.partner.clone(), patient: explain.patient.clone() };
    let answer = explain.gateway.perform(operation, screen)?;
    if explain.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let panels: Vec<&str> = items(&answer, "/panels").iter().filter_map(|panel| panel.as_str()).collect();
    let panels = if panels.is_empty() { "no panel".to_string() } else { panels.join(", ") };
    screen.say(format!("Patient/{}, on {panels}", text(&answer, "/patient")))?;
    let decisions = items(&answer, "/decisions");
    let mut partners: Vec<&str> = decisions.iter().map(|decision| text(decision, "/partner")).collect();
    partners.dedup();
    for partner in partners {
        screen.heading(partner)?;
        for decision in decisions.iter().filter(|decision| text(decision, "/partner") == partner) {
            show(decision, screen)?;
        }
    }
    if decisions.is_empty() {
        screen.say("nothing is known of this patient, or there is no partner")?;
    }
    Ok(Outcome::Well)
}

/// One resource: whether it is pushed and may be read, why, and the line that says so.
fn show(decision: &Value, screen: &mut Screen) -> Result<()> {
    let resource = text(decision, "/resource");
    let (push, read) = (text(decision, "/push"), text(decision, "/read"));
    screen.say(format!("{resource:<44} push {push}; read {read}"))?;
    for line in wrapped(text(decision, "/because"), screen.width.saturating_sub(4)) {
        screen.say(format!("    {line}"))?;
    }
    let place = screen.dim(&format!("    {}", text(decision, "/place")));
    screen.say(place)
}
