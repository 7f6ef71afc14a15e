//! `handover profiles add PACKAGE`: reduces a FHIR package and puts it into the site, or into a folder of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::super::check::counted;
use super::super::operation::SiteArgument;
use super::super::outcome::Outcome;
use super::super::screen::Screen;
use super::archive;
use super::folder::{self, Change};
use super::known::{counted_kinds, differing, known, missing};
use crate::profile::reduce::{Manifest, Reduced, Reducer};

/// Progress is shown after so many files.
const STEP: usize = 200;

/// Add a FHIR package to the site, so that resources can be checked against it.
///
/// PACKAGE is a package for FHIR R4 as implementation guides publish it: a .tgz, the same unpacked to a .tar, or its folder. Profiles,
/// extensions, value sets, code systems and search parameters are reduced to text that a person can read and compare,
/// without descriptions, in profiles/NAME/ of the site. A package that is there already is replaced whole.
///
/// R4 core 4.0.1 and US Core 7.0.0 are built in. What else the package depends on and is missing is named: add it as well.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 added or there already, 1 added but for definitions that cannot be used, 2 not added.\n\n\
    Examples:\n  handover profiles add hl7.fhir.us.mcode.tgz --site site\n  \
    handover profiles add package.tgz --site site --name mcode\n  \
    handover profiles add package.tgz --out mcode && less mcode/extensions.txt"
)]
pub struct Add {
    /// The package: a .tgz, a .tar or a folder.
    package: PathBuf,
    /// The folder's name in the site's profiles/ [default: the package's name].
    #[arg(long, value_name = "FOLDER")]
    name: Option<String>,
    /// Write the reduced package to this folder instead of a site.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "site"])]
    out: Option<PathBuf>,
    /// Print `{ "package", "version", "folder", "change", "holds", "left_out", "problems", "missing", "differing" }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArgument,
}

pub fn run(arguments: &Add, screen: &mut Screen) -> Result<Outcome> {
    if let Some(reason) = arguments.name.as_deref().and_then(folder::why_not_called) {
        bail!(reason);
    }
    let site = arguments.out.is_none().then(|| arguments.site.dir());
    if let Some(site) = site.filter(|site| !site.join("handover.yaml").is_file()) {
        bail!(
            "{} is no site: it has no handover.yaml (make one with `handover init`, or say --site DIR)",
            site.display()
        );
    }
    let reduced = reduce(&arguments.package, screen)?;
    let (folder, change) = match &arguments.out {
        Some(folder) => (folder.clone(), folder::replace(folder, &beside(folder), &reduced.files)?),
        None => put_into_site(arguments, &reduced)?,
    };
    tell(arguments.json, &reduced, &folder, &change, site, screen)?;
    let is_whole = !reduced.problems.iter().any(crate::problem::Problem::is_error);
    Ok(if is_whole { Outcome::Well } else { Outcome::Faults })
}

fn reduce(package: &Path, screen: &mut Screen) -> Result<Reduced> {
    let mut reducer = Reducer::default();
    let mut count = 0;
    let read = archive::read(package, &mut |name, json| {
        reducer.add(name, json);
        count += 1;
        if count % STEP == 0 {
            screen.progress(&format!("{count} definitions read"));
        }
    });
    screen.end_progress();
    read?;
    reducer.finish().with_context(|| format!("cannot add {}", package.display()))
}

fn put_into_site(arguments: &Add, reduced: &Reduced) -> Result<(PathBuf, Change)> {
    let site = arguments.site.dir();
    let name = arguments.name.clone().unwrap_or_else(|| reduced.name.trim_start_matches('@').replace('/', "."));
    if let Some(reason) = folder::why_not_called(&name) {
        bail!("{reason} (say which with --name)");
    }
    let profiles = site.join("profiles");
    let others = folder::packages(&profiles)?;
    if let Some((other, manifest, _)) = others.iter().find(|(other, it, _)| it.name == reduced.name && *other != name) {
        bail!(
            "profiles/{other}/ holds {} {} already: remove that folder, or replace what is in it with --name {other}",
            manifest.name,
            manifest.version
        );
    }
    let folder = profiles.join(name);
    // The new files are written beside `profiles/`, where nobody looks for packages.
    let change = folder::replace(&folder, site, &reduced.files)?;
    Ok((folder, change))
}

/// The folder around this one.
fn beside(folder: &Path) -> PathBuf {
    folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

fn tell(
    is_json: bool,
    reduced: &Reduced,
    folder: &Path,
    change: &Change,
    site: Option<&Path>,
    screen: &mut Screen,
) -> Result<()> {
    let known = known(site)?;
    let manifest = Manifest::of_reduced(reduced.files.get("package.txt").map_or("", String::as_str));
    let manifest = manifest.context("the package was written without its name")?;
    let missing = missing(&manifest, &known);
    let differing = differing(&manifest, &known);
    if is_json {
        return screen.say_json(&as_json(reduced, folder, change, &missing, &differing));
    }
    let package = screen.bold(&format!("{} {}", reduced.name, reduced.version));
    screen.say(format!("{package}: {}", counted_kinds(&reduced.counts)))?;
    let became = match change {
        Change::Added => format!("written to {}", folder.display()),
        Change::Replaced { old_version } if *old_version == reduced.version => {
            format!("written to {}, in place of an earlier reduction", folder.display())
        }
        Change::Replaced { old_version } => format!("written to {}, in place of {old_version}", folder.display()),
        Change::Unchanged => format!("already in {}, unchanged", folder.display()),
    };
    screen.say(became)?;
    if !reduced.left_out.is_empty() {
        let left_out = reduced.left_out.iter().map(|(what, count)| counted(*count, what)).collect::<Vec<_>>();
        screen.say(screen.dim(&format!("left out, as nothing is checked by it: {}", left_out.join(", "))))?;
    }
    for problem in &reduced.problems {
        let word = if problem.is_error() { "error" } else { "warning" };
        screen.note(&format!("{word}: {}", problem.text));
    }
    for (name, wanted, here) in differing {
        screen.note(&format!("note: depends on {name} {wanted}; {here} is here and is used"));
    }
    if !missing.is_empty() {
        screen.note(
            "warning: it depends on packages that are not here, and what they define is not checked; add them too:",
        );
    }
    missing.iter().for_each(|(name, version)| screen.note(&format!("  {name} {version}")));
    Ok(())
}

fn as_json(
    reduced: &Reduced,
    folder: &Path,
    change: &Change,
    missing: &[(&str, &str)],
    differing: &[(&str, &str, &str)],
) -> Value {
    let change = match change {
        Change::Added => "added",
        Change::Replaced { .. } => "replaced",
        Change::Unchanged => "unchanged",
    };
    let problems = reduced.problems.iter().map(
        |problem| json!({ "severity": problem.severity, "place": problem.place.to_string(), "text": problem.text }),
    );
    let missing = missing.iter().map(|(name, version)| json!({ "package": name, "version": version }));
    let differing = differing.iter();
    let differing = differing.map(|(name, wanted, here)| json!({ "package": name, "version": wanted, "here": here }));
    json!({
        "package": reduced.name,
        "version": reduced.version,
        "folder": folder.display().to_string(),
        "change": change,
        "holds": holds(&reduced.counts),
        "left_out": reduced.left_out,
        "problems": problems.collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
        "differing": differing.collect::<Vec<_>>(),
    })
}

/// `{ "profiles": 52, … }`
pub fn holds(counts: &crate::profile::reduce::Counts) -> Map<String, Value> {
    counts.by_kind().into_iter().map(|(kind, count)| (format!("{}s", kind.replace(' ', "_")), json!(count))).collect()
}
