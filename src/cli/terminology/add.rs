//! `handover terminology add FILE`: a code system or value sets, as their publisher gives them out, into the site.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::super::check::counted;
use super::super::operation::SiteArgument;
use super::super::outcome::Outcome;
use super::super::profiles::Change;
use super::super::screen::Screen;
use super::build::Build;
use super::sorter::Sorter;
use super::source::Source;
use super::{loinc, rxnorm, snomed, vsac};
use crate::fhir::terminology::Head;
use crate::site::terminology::Stated;

/// Add a code system or value sets to the site, in the form in which they are published.
///
/// FILE is what the publisher gives out: a .zip, the folder that it unpacks to, or, where one file is enough, that file. What it
/// is, is told by the names of its files:
///
///   LOINC       Loinc.csv (the tree of parts is taken from ComponentHierarchyBySystem.csv where it is beside it)
///   SNOMED CT   an RF2 release with its snapshot: the edition, which holds the international release as well
///   RxNorm      RXNCONSO.RRF and RXNREL.RRF
///   VSAC        value sets with their expansions as FHIR JSON, or as a table in text (CSV, tabs or bars)
///
/// It is sorted on disk in terminology/NAME/ of the site and read from there: neither this command nor the gateway holds it in
/// memory. One that is there already is replaced whole, once the new one is complete. Value sets go to profiles/vsac/.
/// Nothing of it comes with Handover: who uses it needs the publisher's licence.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 added, 2 not added (and nothing was changed).\n\n\
    Examples:\n  handover terminology add Loinc_2.80.zip --site site\n  \
    handover terminology add SnomedCT_ManagedServiceUS_PRODUCTION_US1000124_20250301T120000Z.zip --site site\n  \
    handover terminology add ValueSet-2.16.840.1.113762.1.4.1267.23.json --site site")]
pub struct Add {
    /// The archive, folder or file.
    file: PathBuf,
    /// The version, where the files do not say it.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Print `{ "url", "version", "folder", "concepts", "licence" }`, or `{ "folder", "value_sets": [{ "url", "name", "codes" }] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArgument,
}

/// What a source may be.
enum Kind {
    Loinc,
    Snomed,
    RxNorm,
    Vsac,
}

pub fn run(arguments: &Add, screen: &mut Screen) -> Result<Outcome> {
    let site = arguments.site.dir();
    if !site.join("handover.yaml").is_file() {
        bail!(
            "{} is no site: it has no handover.yaml (make one with `handover init`, or say --site DIR)",
            site.display()
        );
    }
    let mut source = Source::open(&arguments.file)?;
    let cannot = || format!("cannot add {}", arguments.file.display());
    match kind_of(&source).with_context(cannot)? {
        Kind::Vsac => add_value_sets(arguments, &mut source, site, screen).with_context(cannot)?,
        kind => add_system(arguments, &kind, &mut source, site, screen).with_context(cannot)?,
    }
    Ok(Outcome::Well)
}

fn kind_of(source: &Source) -> Result<Kind> {
    let has = |is_it: fn(&str) -> bool| !source.files(is_it).is_empty();
    match () {
        () if has(snomed::is_release) => Ok(Kind::Snomed),
        () if has(loinc::is_table) => Ok(Kind::Loinc),
        () if has(rxnorm::is_table) => Ok(Kind::RxNorm),
        () if has(vsac::may_hold) => Ok(Kind::Vsac),
        () => bail!(
            "it is none of what can be added: there is no Loinc.csv, sct2_Concept_Snapshot_….txt or RXNCONSO.RRF in it, and no \
             value set (.json, .csv, .txt)"
        ),
    }
}

fn add_system(arguments: &Add, kind: &Kind, source: &mut Source, site: &Path, screen: &mut Screen) -> Result<()> {
    let (name, licence) = match kind {
        Kind::Loinc => ("loinc", "LOINC may be used at no cost under the licence at https://loinc.org/license"),
        Kind::Snomed => (
            "snomed",
            "SNOMED CT may be used with an affiliate licence of SNOMED International (in the United States, a UMLS licence)",
        ),
        _ => ("rxnorm", "RxNorm's own names may be used freely; the release as a whole needs a UMLS licence"),
    };
    screen.note(&format!("licence: {licence}"));
    let mut build = Build::new(site, name)?;
    let head = match kind {
        Kind::Loinc => loinc::read(source, &mut build.rows, screen)?,
        Kind::Snomed => {
            let terms = Sorter::new(&build.parts(), "terms");
            snomed::read(source, &mut build.rows, terms, screen)?
        }
        _ => rxnorm::read(source, &mut build.rows, screen)?,
    };
    let head = Head { content: "complete".to_string(), version: arguments.version.clone().or(head.version), ..head };
    let stated = Stated { head, licence: licence.to_string(), source: source.name(), ..Stated::default() };
    let (folder, stated) = build.finish(stated, screen)?;
    let head = &stated.head;
    if arguments.json {
        return screen.say_json(&json!({
            "url": head.url,
            "version": head.version,
            "folder": folder.display().to_string(),
            "concepts": stated.concepts.lines,
            "licence": stated.licence,
        }));
    }
    let version = head
        .version
        .as_deref()
        .map_or_else(|| "of an unknown version".to_string(), |version| format!("version {version}"));
    screen.say(format!("{} {version}: {}", head.url, counted(stated.concepts.lines, "code")))?;
    if head.version.is_none() {
        screen.note("note: the files do not say which version this is; add it again with --version to have it said");
    }
    screen.say(format!("written to {}", folder.display()))
}

fn add_value_sets(arguments: &Add, source: &mut Source, site: &Path, screen: &mut Screen) -> Result<()> {
    let licence = "VSAC's value sets may be used with a UMLS licence; codes of CPT in them need the AMA's";
    screen.note(&format!("licence: {licence}"));
    let (folder, change, added) = vsac::add(source, site)?;
    if arguments.json {
        let sets = added.iter().map(|set| json!({ "url": set.url, "name": set.name, "codes": set.codes }));
        let sets: Vec<_> = sets.collect();
        return screen.say_json(&json!({ "folder": folder.display().to_string(), "value_sets": sets }));
    }
    for set in &added {
        screen.say(format!("{} ({}): {}", set.url, set.name, counted(set.codes, "code")))?;
    }
    screen.say(match change {
        Change::Unchanged => format!("already in {}, unchanged", folder.display()),
        _ => format!("written to {}", folder.display()),
    })
}
