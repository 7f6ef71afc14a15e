//! `handover terminology show CODE`: what is held of a code, in whichever code systems have it.

use anyhow::Result;
use serde_json::{Value, json};

use super::super::operation::SiteArgument;
use super::super::outcome::Outcome;
use super::super::screen::Screen;
use crate::fhir::canonical_system;
use crate::fhir::terminology::{Concept, HeldSystem};
use crate::site::load;

/// Show what is held of a code: what it is called, what stands above it, its properties.
///
/// Every code system of the site and of what is built in is asked, or the one that --system names.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 found, 1 no code system has it, 2 could not run.\n\n\
    Examples:\n  handover terminology show 8480-6 --site site\n  \
    handover terminology show AMB --system http://terminology.hl7.org/CodeSystem/v3-ActCode")]
pub struct Show {
    /// The code.
    code: String,
    /// The code system: its URL, or a short name (loinc, snomed, rxnorm).
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    /// Print `{ "items": [{ "system", "version", "code", "display", "inactive", "parents", "properties" }] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArgument,
}

pub fn run(arguments: &Show, screen: &mut Screen) -> Result<Outcome> {
    let loaded = load(arguments.site.dir());
    let profiles = loaded.site.as_ref().map(|site| site.profiles.clone());
    let library = match &profiles {
        Some(profiles) => profiles.library(),
        None => crate::fhir::Library::built_in(),
    };
    if loaded.site.is_none() {
        screen.note("note: there is no site here without errors (--site DIR), so only what is built in was asked");
    }
    let wanted = arguments.system.as_deref().map(canonical_system);
    let mut found = Vec::new();
    for (url, _) in library.code_systems() {
        let Some(held) = library.code_system(url).filter(|_| wanted.is_none_or(|wanted| wanted == url)) else {
            continue;
        };
        match held.find(&arguments.code) {
            Ok(concept) => found.extend(concept.map(|concept| (held, concept))),
            Err(_) => screen.complain(&format!("{url} cannot be read; `handover terminology list` says why")),
        }
    }
    if arguments.json {
        let items: Vec<Value> = found.iter().map(|(held, concept)| as_json(held.as_ref(), concept)).collect();
        screen.say_json(&json!({ "items": items }))?;
    } else {
        for (held, concept) in &found {
            say(held.as_ref(), concept, screen)?;
        }
    }
    if found.is_empty() {
        screen.note("no code system that is here has this code");
    }
    Ok(if found.is_empty() { Outcome::Faults } else { Outcome::Well })
}

fn say(held: &dyn HeldSystem, concept: &Concept, screen: &mut Screen) -> Result<()> {
    let head = held.head();
    let display = concept.texts.display.as_deref().unwrap_or("(what it is called is not held)");
    let note = if concept.is_inactive { ", inactive" } else { "" };
    screen.say(format!("{} {display}{note}", screen.bold(&concept.code)))?;
    screen.say(format!("  of {} {}", head.url, head.version.as_deref().unwrap_or_default()))?;
    for designation in &concept.texts.designations {
        screen.say(format!("  also ({}): {}", designation.language, designation.value))?;
    }
    for parent in &concept.parents {
        let above = held.find(parent).ok().flatten().and_then(|above| above.texts.display).unwrap_or_default();
        screen.say(format!("  below {parent} {above}"))?;
    }
    for (name, value) in &concept.properties {
        screen.say(screen.dim(&format!("  {name}: {value}")))?;
    }
    Ok(())
}

fn as_json(held: &dyn HeldSystem, concept: &Concept) -> Value {
    let properties = concept.properties.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    json!({
        "system": held.head().url,
        "version": held.head().version,
        "code": concept.code,
        "display": concept.texts.display,
        "inactive": concept.is_inactive,
        "parents": concept.parents,
        "properties": properties.collect::<Vec<_>>(),
    })
}
