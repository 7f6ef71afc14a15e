//! `handover look`: what of a patient is labelled as sensitive or kept back, and what somebody says of it who looked.

use anyhow::{Result, bail};
use serde_json::Value;

use super::operation::{items, text};
use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use crate::fhir::concept_title;
use crate::pipeline::Operation;

/// Shows what of a patient is labelled as sensitive, or says what a thing is that somebody looked at.
///
/// A diagnosis that no code tells is kept back where its feed says so (`uncoded_diagnoses: restricted`) until somebody has
/// looked. What a look says holds until the thing itself changes; what the sender flagged stays. Looks are in the audit.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover look 'urn:oid:2.16.840.1.113883.19.5|4711'\n  \
    handover look Condition/7ZK… --plain --note \"a fall, says the ward\" --who maria\n  \
    handover look Condition/7ZK… --label ETH --note \"says the discharge letter\" --who maria")]
#[command(group = clap::ArgGroup::new("said").args(["labels", "plain"]))]
pub struct Arguments {
    /// A patient, as our id or `system|value`; with --plain or --label what was looked at, as `Condition/ID`.
    what: String,
    /// It has this sensitivity (v3 ActCode: ETH, PSY, HIV, SEX, SDV …); may be given several times.
    #[arg(long = "label", value_name = "CODE", requires = "note")]
    labels: Vec<String>,
    /// It is nothing sensitive.
    #[arg(long, conflicts_with = "labels", requires = "note")]
    plain: bool,
    /// How you know; for the audit.
    #[arg(long, value_name = "TEXT", requires = "said")]
    note: Option<String>,
    /// Who looked.
    #[arg(long, default_value = "operator", value_name = "NAME", requires = "said")]
    who: String,
    /// Print `{ "patient": ID, "items": [...] }`; with --plain or --label `{ "done": true }`.
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
        let answer = arguments.gateway.perform(operation, screen)?;
        match arguments.json {
            true => screen.say_json(&answer)?,
            false => screen.say("said; it holds until the thing itself changes")?,
        }
        return Ok(Outcome::Well);
    }
    if is_thing(&arguments.what) {
        bail!(
            "`{}` is one thing of a patient: say what it is with --plain or --label CODE, and --note TEXT; or name the \
             patient, as our id or `system|value`, to see what is labelled",
            arguments.what
        );
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
        let title = concept_title(item.get("code")).unwrap_or_default();
        screen.say(format!("{}  {}  {title}{waits}", text(item, "/resource"), labels.join(" ")))?;
    }
    Ok(Outcome::Well)
}

/// `Condition/ID`; identifiers of patients have a `|`.
fn is_thing(what: &str) -> bool {
    let kind = what.split_once('/').map(|(kind, _)| kind).filter(|_| !what.contains('|'));
    kind.is_some_and(|kind| kind != "Patient" && kind.starts_with(|first: char| first.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;

    #[test]
    fn a_note_and_a_name_belong_to_what_is_said() {
        let parse = |words: &str| {
            let command = Arguments::augment_args(Command::new("look"));
            command.try_get_matches_from(std::iter::once("look").chain(words.split(' '))).is_ok()
        };
        for (words, is_taken) in [
            ("4711", true),
            ("4711 --json", true),
            ("Condition/1 --plain --note x", true),
            ("Condition/1 --label ETH --label PSY --note x --who maria", true),
            ("Condition/1 --plain", false),
            ("Condition/1 --label ETH", false),
            ("Condition/1 --plain --label ETH --note x", false),
            ("4711 --note x", false),
            ("4711 --who maria", false),
        ] {
            assert_eq!(parse(words), is_taken, "{words}");
        }
    }

    #[test]
    fn a_thing_is_told_from_a_patient() {
        for (what, expected) in [
            ("Condition/7ZK", true),
            ("Patient/7ZK", false),
            ("7ZK", false),
            ("urn:oid:1.2|4711", false),
            ("https://h.example/mrn|4711", false),
            ("Https://h.example/mrn|4711", false),
        ] {
            assert_eq!(is_thing(what), expected, "{what}");
        }
    }
}
