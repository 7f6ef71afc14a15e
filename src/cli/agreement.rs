//! `handover agreement explain`: why a partner may or may not have what is in a patient's record.

use anyhow::Result;

use super::command::Outcome;
use super::operation::{SiteArgument, items, text};
use super::screen::Screen;
use super::table::Table;
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
    site: SiteArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let Command::Explain(explain) = &arguments.command;
    let operation = Operation::AgreementExplain { partner: explain.partner.clone(), patient: explain.patient.clone() };
    let answer = explain.site.perform(operation, screen)?;
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
        let mut table = Table::new(&["resource", "push", "read", "because", "line"]);
        for decision in decisions.iter().filter(|decision| text(decision, "/partner") == partner) {
            let resource = shortened(text(decision, "/resource"));
            let line = text(decision, "/place").rsplit('/').next().unwrap_or_default().to_string();
            let of = |key| text(decision, key).to_string();
            table.row([resource, of("/push"), of("/read"), of("/because"), line]);
        }
        table.lines(screen.width).into_iter().try_for_each(|line| screen.say(line))?;
    }
    if decisions.is_empty() {
        screen.say("nothing is known of this patient, or there is no partner")?;
    }
    Ok(Outcome::Well)
}

/// `Task/…a1b2c3`: the first half of an id is the patient's, and the same in every row.
fn shortened(reference: &str) -> String {
    let Some((kind, id)) = reference.split_once('/') else { return reference.to_string() };
    let end: String = id.chars().rev().take(6).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{kind}/…{end}")
}
