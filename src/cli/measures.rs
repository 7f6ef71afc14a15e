//! `handover measures`: what a practice did in time, by month. Asks the running gateway.

use anyhow::{Context, Result};

use super::explain::wrapped;
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use crate::pipeline::{Measures, Month, Operation, called};

/// How much of what a practice owed was done in time, by month: follow-up after hospital, referral loops, answers to alerts,
/// questions and assessments; each with what was left out, and why.
///
/// Counts what was written in the months that are asked for. Shows numbers, no patients.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover measures lakeside\n  handover measures lakeside --month 2026-11 --months 12 --csv\n  \
                  handover measures lakeside --month 2026-10 --report"
)]
pub struct Arguments {
    /// The practice, by the name of its panel's file.
    panel: String,
    /// The month, the present one by default.
    #[arg(long, value_name = "MONTH")]
    month: Option<String>,
    /// So many months, that one the last.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=12))]
    months: u8,
    /// Print everything for a program.
    #[arg(long, conflicts_with_all = ["csv", "report"])]
    json: bool,
    /// Print rows of a table.
    #[arg(long, conflicts_with = "report")]
    csv: bool,
    /// Print FHIR MeasureReports of the month.
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let month = arguments.month.as_deref().map(|text| text.parse::<Month>().map_err(anyhow::Error::msg));
    let month = month.transpose().context("--month")?;
    let operation = Operation::Measures { panel: arguments.panel.clone(), month, months: arguments.months };
    let answer = arguments.gateway.perform(operation, screen)?;
    if arguments.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let measures: Measures = serde_json::from_value(answer).context("the gateway's answer")?;
    if arguments.csv {
        screen.say(measures.csv().trim_end())?;
    } else if arguments.report {
        screen.say_json(&measures.report())?;
    } else {
        tell(&measures, screen)?;
    }
    Ok(Outcome::Well)
}

fn tell(measures: &Measures, screen: &mut Screen) -> Result<()> {
    for month in &measures.months {
        screen.heading(&format!("Measures: {}, {}", measures.practice, month.month.words()))?;
        for counted in &month.counts {
            let Some(definition) = counted.definition() else { continue };
            let value = match (counted.value(), definition.of) {
                (None, _) => "nothing to count".to_string(),
                (Some(share), Some(_)) => {
                    format!("{:.0} %, {} of {}", share * 100.0, counted.numerator, counted.denominator)
                }
                (Some(rate), None) => format!("{rate:.2}, {} in {:.1} weeks", counted.numerator, counted.denominator),
            };
            screen.say(format!("  {}: {value}", definition.title))?;
            for line in wrapped(&counted.left_out_words(), screen.width.saturating_sub(6)) {
                screen.say(format!("      {line}"))?;
            }
        }
    }
    for (name, person) in measures.asked().into_iter().flat_map(|month| &month.people) {
        let people: u64 = person.caseload.values().sum();
        let contacts: (u64, f64) =
            person.contacts.values().fold((0, 0.0), |sum, one| (sum.0 + one.numerator, sum.1 + one.denominator));
        let hours =
            person.median_hours().map(|hours| format!(", half of them within {hours:.1} hours")).unwrap_or_default();
        let alerts = format!("{} of {} alerts in time{hours}", person.alerts.numerator, person.alerts.denominator);
        let kept = format!("{} of {} contacts kept", contacts.0, contacts.1);
        screen.say(format!("  {}: leads {people} people, {alerts}, {kept}", called(name)))?;
    }
    screen.say("")?;
    for text in &measures.missing {
        for line in wrapped(text, screen.width) {
            screen.say(line)?;
        }
    }
    Ok(())
}
