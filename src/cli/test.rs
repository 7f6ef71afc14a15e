//! `handover test DIR`: runs the examples that live in mapping and protocol files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::check::{self, counted};
use super::mutate::{Mutating, mutate};
use super::outcome::Outcome;
use super::screen::Screen;
use crate::mapping::Authorities;
use crate::site::Site;

/// Run the examples that live in mapping and protocol files.
///
/// Each example says what it is given, what is expected, and why; it is documentation that cannot go stale. Built-in files
/// are run too, because a site's tables and value sets may change what they do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 1 when an example fails, or with --mutate when a change goes unnoticed.\n\nExamples:\n  handover test site\n  \
                  handover test site --only copd --json\n  handover test site --mutate"
)]
pub struct Arguments {
    /// The site's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only the examples of files whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Change each number, window, code and bound of the site's protocols once, and name what no example noticed. With
    /// --only also of those built in.
    #[arg(long, conflicts_with = "verbose")]
    mutate: bool,
    /// Name the examples that pass as well.
    #[arg(long)]
    verbose: bool,
    /// Print `{ "passed", "failed", "examples": [{ of, file, line, why, differences }] }`, or with --mutate
    /// `{ "tried", "unnoticed": [{ file, line, change }] }`.
    #[arg(long)]
    json: bool,
}

/// One example and how it went.
struct Example {
    of: String,
    why: String,
    differences: Vec<String>,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    if arguments.mutate {
        let only = arguments.only.as_deref();
        return mutate(&Mutating { dir: &arguments.dir, only, json: arguments.json }, screen);
    }
    let Some(site) = check::load_or_show(&arguments.dir, screen) else { bail!("no example was run") };
    let mut examples = examples_of(&site);
    if let Some(text) = &arguments.only {
        examples.retain(|(file, _), _| file.contains(text.as_str()));
    }
    let failed = examples.values().filter(|example| !example.differences.is_empty()).count();
    let passed = examples.len() - failed;
    if arguments.json {
        let listed: Vec<Value> = examples.iter().map(|(place, example)| as_json(place, example)).collect();
        screen.say_json(&json!({ "passed": passed, "failed": failed, "examples": listed }))?;
    } else {
        for (place, example) in &examples {
            show(place, example, arguments.verbose, screen)?;
        }
        screen.say(format!("{} passed, {failed} failed", counted(passed, "example")))?;
    }
    Ok(if failed == 0 { Outcome::Well } else { Outcome::Faults })
}

/// By place, so that an example that several feeds share is run for each but told once, with whatever went wrong in any.
fn examples_of(site: &Site) -> BTreeMap<(String, u32), Example> {
    let mut examples: BTreeMap<(String, u32), Example> = BTreeMap::new();
    let mut add = |place: (String, u32), of: String, why: String, differences: Vec<String>| {
        let example = examples.entry(place).or_insert_with(|| Example { of, why, differences: Vec::new() });
        for difference in differences {
            if !example.differences.contains(&difference) {
                example.differences.push(difference);
            }
        }
    };
    for maps in site.mappings.values() {
        // Examples name the authorities and zones they need; a feed's own must not change what they say.
        for result in maps.run_examples(&TimeZone::UTC, &Authorities::default()) {
            add((result.mark.file.to_string(), result.mark.line), result.of, result.why, result.differences);
        }
    }
    for result in site.protocols.run_examples() {
        add(place_of(&result.place), result.protocol, result.why, result.failures);
    }
    examples
}

/// `protocols/ed-follow-up.yaml:12`
fn place_of(place: &str) -> (String, u32) {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
    (file.to_string(), line.parse().unwrap_or(1))
}

fn show((file, line): &(String, u32), example: &Example, verbose: bool, screen: &mut Screen) -> Result<()> {
    if example.differences.is_empty() {
        if verbose {
            screen.say(format!("ok    {}: {}", example.of, example.why))?;
        }
        return Ok(());
    }
    let title = screen.bold(&format!("FAILED {}: {}", example.of, example.why));
    screen.say(title)?;
    screen.say(format!("  --> {file}:{line}"))?;
    example.differences.iter().try_for_each(|difference| screen.say(format!("  {difference}")))?;
    screen.say("")
}

fn as_json((file, line): &(String, u32), example: &Example) -> Value {
    json!({
        "of": example.of,
        "file": file,
        "line": line,
        "why": example.why,
        "differences": example.differences,
    })
}
