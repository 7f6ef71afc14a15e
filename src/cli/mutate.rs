//! `handover test --mutate`: changes each number, window, code and bound of protocols once, and names what no example noticed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use serde_json::json;

use super::check::counted;
use super::outcome::Outcome;
use super::screen::Screen;
use crate::protocol::{Mutant, built_in_protocols, mutants};
use crate::site::load;
use crate::yaml::Source;

/// How a site's protocols are tried.
pub struct Mutating<'m> {
    pub dir: &'m Path,
    /// Files whose name contains this, those built in among them; without it the site's own.
    pub only: Option<&'m str>,
    pub json: bool,
}

/// Tries every change of the chosen files, one after the other; what goes unnoticed is told with its line.
pub fn mutate(mutating: &Mutating<'_>, screen: &mut Screen) -> Result<Outcome> {
    let loaded = load(mutating.dir);
    let Some(site) = loaded.site else { bail!("the site has faults; `handover check` shows them") };
    let (calendars, protocols) = files(&loaded.sources);
    let is_own = |source: &&Source| !source.name.starts_with("built-in:");
    let chosen: Vec<&Source> = match mutating.only {
        Some(text) => protocols.iter().filter(|source| source.name.contains(text)).collect(),
        None => protocols.iter().filter(is_own).collect(),
    };
    if chosen.is_empty() {
        bail!("no protocol to try; name built-in ones with --only, for example --only heart-failure");
    }
    let value_sets = Arc::clone(&site.value_sets);
    let (mut tried, mut missed) = (0, Vec::new());
    for source in chosen {
        let unchanged =
            Mutant { file: Arc::clone(&source.name), line: 0, text: source.text.to_string(), what: String::new() };
        if unchanged.is_noticed(&calendars, &value_sets) {
            bail!("an example of {} fails as the file is; mend it first (`handover test`)", source.name);
        }
        let changes = mutants(source);
        for (place, mutant) in changes.iter().enumerate() {
            screen.progress(&format!("{}: {} of {} changes", source.name, place + 1, changes.len()));
            if !mutant.is_noticed(&calendars, &value_sets) {
                missed.push(mutant.clone());
            }
        }
        screen.end_progress();
        tried += changes.len();
    }
    tell(mutating, tried, &missed, screen)
}

/// Calendars and protocols of a site, those built in where no file of the site takes their place.
fn files(own: &[Source]) -> (Vec<Source>, Vec<Source>) {
    let mut all: BTreeMap<String, Source> = BTreeMap::new();
    let built_in = built_in_protocols();
    for source in built_in.iter().chain(own) {
        let path = source.name.strip_prefix("built-in:").unwrap_or(&source.name);
        if path.starts_with("protocols/") || path.starts_with("calendars/") {
            all.insert(path.to_string(), source.clone());
        }
    }
    all.into_values().partition(|source| source.name.contains("calendars/"))
}

fn tell(mutating: &Mutating<'_>, tried: usize, missed: &[Mutant], screen: &mut Screen) -> Result<Outcome> {
    if mutating.json {
        let one = |mutant: &Mutant| json!({ "file": &*mutant.file, "line": mutant.line, "change": mutant.what });
        let missed: Vec<_> = missed.iter().map(one).collect();
        screen.say_json(&json!({ "tried": tried, "unnoticed": missed }))?;
    } else {
        for mutant in missed {
            screen.say(format!("no example noticed: {}", mutant.what))?;
            screen.say(format!("  --> {}:{}", mutant.file, mutant.line))?;
        }
        let noticed = tried - missed.len();
        screen.say(format!("{noticed} of {} noticed", counted(tried, "change")))?;
    }
    Ok(if missed.is_empty() { Outcome::Well } else { Outcome::Faults })
}
