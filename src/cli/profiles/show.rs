//! `handover profiles show`: what a profile demands, its bases included.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

use super::super::check;
use super::super::outcome::Outcome;
use super::super::screen::Screen;
use super::super::table::{Table, show};
use crate::fhir::definition::TypeRef;
use crate::profile::{Profiles, Snapshot, SnapshotElement, SnapshotInvariant, named_profile};

/// Show what a profile demands: its elements with what it and its bases say of them.
///
/// The profile is put together as a whole (what FHIR calls its snapshot): R4's definition of the type, narrowed by each base
/// and by the profile itself. Elements of which only R4 says anything are left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover profiles show us-core-patient\n  handover profiles show handover-task\n  \
    handover profiles show us-core-blood-pressure --json | jq '.elements[] | select(.min > 0) | .id'"
)]
pub struct Show {
    /// The profile: its canonical URL, or the last part of it.
    #[arg(value_name = "PROFILE")]
    profile: String,
    /// Every element of the type, those of which only R4 says anything too.
    #[arg(long)]
    all: bool,
    /// Print `{ "url", "type", "missing_base", "invariants", "elements": [{ "id", "min", "max", "types", "must_support",
    /// "binding", "fixed", "pattern", "invariants" }] }`.
    #[arg(long)]
    json: bool,
    /// A site's folder, whose packages are used as well.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
}

pub fn run(arguments: &Show, screen: &mut Screen) -> Result<Outcome> {
    let site = match &arguments.site {
        Some(dir) => match check::load_or_show(dir, screen) {
            Some(site) => Some(site),
            None => bail!("nothing is shown"),
        },
        None => None,
    };
    let profiles = site.as_ref().map_or(Profiles::built_in(), |site| &*site.profiles);
    let url = named_profile(&arguments.profile, profiles.library()).map_err(anyhow::Error::msg)?;
    let snapshot = profiles.snapshot(&url).ok_or_else(|| anyhow!("{url} cannot be read"))?;
    let listed = snapshot.elements.iter().filter(|element| arguments.all || element.is_profiled);
    if arguments.json {
        let elements: Vec<Value> = listed.map(element_json).collect();
        screen.say_json(&json!({
            "url": snapshot.url, "type": snapshot.type_name, "missing_base": snapshot.missing_base,
            "invariants": invariants_json(&snapshot.invariants), "elements": elements,
        }))?;
        return Ok(Outcome::Well);
    }
    head(&snapshot, screen)?;
    let mut table = Table::new(&["element", "card.", "must", "types", "values"]).with_whole_first();
    for element in listed {
        let must = if element.is_must_support { "yes" } else { "" };
        let types = element.types.iter().map(type_in_words).collect::<Vec<_>>().join(" or ");
        table.row([
            element.id.clone(),
            format!("{}..{}", element.min, element.max),
            must.to_string(),
            types,
            values(element),
        ]);
    }
    let outcome = show(&table, &Value::Null, "it says nothing that R4 does not", screen)?;
    say_invariants(&snapshot, screen)?;
    Ok(outcome)
}

/// Each invariant once: slices have those of their element as well.
fn say_invariants(snapshot: &Snapshot, screen: &mut Screen) -> Result<()> {
    let whole = snapshot.invariants.iter().map(|invariant| (snapshot.type_name.as_str(), invariant));
    let below = snapshot
        .elements
        .iter()
        .flat_map(|element| element.invariants.iter().map(move |invariant| (element.id.as_str(), invariant)));
    let mut said: Vec<&str> = Vec::new();
    for (place, invariant) in whole.chain(below) {
        if said.contains(&invariant.key.as_str()) {
            continue;
        }
        if said.is_empty() {
            screen.say("")?;
        }
        said.push(&invariant.key);
        let severity = if invariant.is_error { "error" } else { "warning" };
        screen.say(format!("{severity} {} on {place}: {}", screen.bold(&invariant.key), invariant.expression))?;
    }
    Ok(())
}

fn head(snapshot: &Snapshot, screen: &mut Screen) -> Result<()> {
    screen.say(format!("{}, a profile of {}", screen.bold(&snapshot.url), snapshot.type_name))?;
    if let Some(base) = &snapshot.missing_base {
        screen.say(format!("it builds on {base}, which is not here: what that demands is not shown"))?;
    }
    screen.say("")
}

fn type_in_words(kind: &TypeRef) -> String {
    let last = |url: &String| url.split('|').next().and_then(|url| url.rsplit('/').next()).unwrap_or(url).to_string();
    let targets: Vec<String> = kind.profiles.iter().chain(&kind.targets).map(last).collect();
    if targets.is_empty() { kind.code.clone() } else { format!("{}({})", kind.code, targets.join(", ")) }
}

fn values(element: &SnapshotElement) -> String {
    let mut parts = Vec::new();
    parts.extend(element.fixed.as_ref().map(|value| format!("= {value}")));
    parts.extend(element.pattern.as_ref().map(|value| format!("has {value}")));
    parts.extend(element.binding.as_ref().map(|binding| format!("{}: {}", binding.strength.code(), binding.value_set)));
    parts.extend(element.slicing.as_ref().map(|slicing| {
        let by: Vec<&str> = slicing.discriminators.iter().map(|one| one.path.as_str()).collect();
        format!("sliced by {}", by.join(", "))
    }));
    parts.join("; ")
}

fn element_json(element: &SnapshotElement) -> Value {
    let types = element.types.iter();
    let types = types.map(|kind| json!({ "code": kind.code, "profiles": kind.profiles, "targets": kind.targets }));
    let binding = element.binding.as_ref();
    json!({
        "id": element.id, "min": element.min,
        "max": element.max.to_string(),
        "types": types.collect::<Vec<_>>(), "must_support": element.is_must_support,
        "binding": binding.map(|own| json!({ "strength": own.strength.code(), "value_set": own.value_set })),
        "fixed": element.fixed, "pattern": element.pattern, "invariants": invariants_json(&element.invariants),
    })
}

fn invariants_json(invariants: &[SnapshotInvariant]) -> Vec<Value> {
    let all = invariants.iter().map(|invariant| {
        let severity = if invariant.is_error { "error" } else { "warning" };
        json!({ "key": invariant.key, "severity": severity, "expression": invariant.expression })
    });
    all.collect()
}
