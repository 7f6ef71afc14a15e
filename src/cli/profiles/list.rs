//! `handover profiles list`: the packages that resources can be checked against, and what they miss.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Value, json};

use super::super::operation::SiteArgument;
use super::super::outcome::Outcome;
use super::super::screen::Screen;
use super::add::holds;
use super::known::{Known, counted_kinds, known, missing};

/// List the packages built in and of the site, with what they depend on and is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover profiles list --site site\n  \
    handover profiles list --json | jq '.items[] | .missing'")]
pub struct List {
    /// Print `{ "items": [{ "package", "version", "folder", "holds", "missing": [{ "package", "version" }] }] }`; folder is
    /// null for what is built in.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArgument,
}

pub fn run(arguments: &List, screen: &mut Screen) -> Result<Outcome> {
    let known = known(Some(arguments.site.dir()))?;
    if arguments.json {
        let items: Vec<Value> = known.iter().map(|package| as_json(package, &known)).collect();
        screen.say_json(&json!({ "items": items }))?;
        return Ok(Outcome::Well);
    }
    for package in &known {
        let from = package.folder.as_ref().map_or("built in".to_string(), |folder| format!("profiles/{folder}/"));
        let name = screen.bold(&format!("{} {}", package.manifest.name, package.manifest.version));
        screen.say(format!("{name}, {from}"))?;
        screen.say(format!("  {}", counted_kinds(&package.counts)))?;
    }
    let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for package in &known {
        for absent in missing(&package.manifest, &known) {
            wanted.entry(absent).or_default().insert(&package.manifest.name);
        }
    }
    if !wanted.is_empty() {
        screen.note("\nnot here, so that what they define is not checked (add them with `handover profiles add`):");
    }
    for ((name, version), by) in wanted {
        screen.note(&format!("  {name} {version}, for {}", by.into_iter().collect::<Vec<_>>().join(", ")));
    }
    Ok(Outcome::Well)
}

fn as_json(package: &Known, known: &[Known]) -> Value {
    let missing = missing(&package.manifest, known);
    let missing = missing.iter().map(|(name, version)| json!({ "package": name, "version": version }));
    json!({
        "package": package.manifest.name,
        "version": package.manifest.version,
        "folder": package.folder,
        "holds": holds(&package.counts),
        "missing": missing.collect::<Vec<_>>(),
    })
}
