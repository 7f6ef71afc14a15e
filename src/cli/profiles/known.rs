//! The packages that are at hand, built in or in a site, and what they depend on that is not.

use std::path::Path;

use anyhow::Result;

use super::super::check::counted;
use super::folder;
use crate::fhir::definition::{Definitions, Kind};
use crate::fhir::{PackageSource, built_in_packages};
use crate::profile::reduce::{Counts, Manifest};

/// The package whose types are kept apart from its other definitions.
const R4_CORE: &str = "hl7.fhir.r4.core";

/// A package that resources can be checked against.
pub struct Known {
    /// The folder in the site's `profiles/`; none for what is built in.
    pub folder: Option<String>,
    pub manifest: Manifest,
    pub counts: Counts,
}

/// Everything at hand: what is built in, then what the site has.
pub fn known(site: Option<&Path>) -> Result<Vec<Known>> {
    let mut known: Vec<Known> = built_in_packages().iter().filter_map(built_in).collect();
    if let Some(site) = site {
        let found = folder::packages(&site.join("profiles"))?;
        let found = found.into_iter();
        known.extend(found.map(|(folder, manifest, counts)| Known { folder: Some(folder), manifest, counts }));
    }
    Ok(known)
}

fn built_in(package: &PackageSource) -> Option<Known> {
    let named = package.files.iter().find(|file| file.name.ends_with("/package.txt"))?;
    let manifest = Manifest::of_reduced(&named.text)?;
    let mut counts = Counts::of(package.files.iter().map(|file| &*file.text));
    if manifest.name == R4_CORE {
        let kinds = [Kind::Primitive, Kind::Datatype, Kind::Resource];
        counts.types = kinds.into_iter().map(|kind| Definitions::r4().type_names(kind).count()).sum();
    }
    Some(Known { folder: None, manifest, counts })
}

/// What a package depends on and nobody has: name and version.
pub fn missing<'m>(manifest: &'m Manifest, known: &[Known]) -> Vec<(&'m str, &'m str)> {
    let is_there = |name: &str| known.iter().any(|known| known.manifest.name == name);
    let wanted = manifest.dependencies.iter().map(|(name, version)| (name.as_str(), version.as_str()));
    wanted.filter(|(name, _)| !is_there(name)).collect()
}

/// What a package depends on and is here in another version only: name, version wanted, version here.
pub fn differing<'m>(manifest: &'m Manifest, known: &'m [Known]) -> Vec<(&'m str, &'m str, &'m str)> {
    let mut found = Vec::new();
    for (name, wanted) in &manifest.dependencies {
        let here: Vec<&str> =
            known.iter().filter(|it| it.manifest.name == *name).map(|it| it.manifest.version.as_str()).collect();
        // What a site has stands before what is built in.
        if let Some(used) = here.last().filter(|_| !here.iter().any(|version| satisfies(version, wanted))) {
            found.push((name.as_str(), wanted.as_str(), *used));
        }
    }
    found
}

/// Whether a version is the one asked for: `4.0.1`, or any of `4.0.x`, or whichever there is.
fn satisfies(version: &str, wanted: &str) -> bool {
    match wanted {
        "latest" | "current" | "dev" | "*" => true,
        _ => wanted.strip_suffix('x').map_or(version == wanted, |stem| version.starts_with(stem)),
    }
}

/// `52 profiles, 11 extensions`: what there is some of.
pub fn counted_kinds(counts: &Counts) -> String {
    let some = counts.by_kind().into_iter().filter(|(_, count)| *count > 0);
    let some: Vec<String> = some.map(|(kind, count)| counted(count, kind)).collect();
    if some.is_empty() { "no definitions".to_string() } else { some.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_be_asked_for_by_its_beginning() {
        assert!(satisfies("4.0.1", "4.0.1") && satisfies("4.0.1", "4.0.x") && satisfies("7.0.0", "latest"));
        assert!(!satisfies("4.0.1", "4.0.0") && !satisfies("4.3.0", "4.0.x"));
    }

    #[test]
    fn what_is_built_in_can_be_read_to_the_last_line() {
        let (library, problems) = crate::fhir::Library::with(&built_in_packages());
        assert_eq!(problems, []);
        assert!(library.value_set("http://hl7.org/fhir/ValueSet/encounter-status").is_some());
    }

    #[test]
    fn what_is_built_in_is_at_hand() {
        let known = known(None).unwrap();
        let us_core = known.iter().find(|known| known.manifest.name == "hl7.fhir.us.core").unwrap();
        let missing = missing(&us_core.manifest, &known);
        assert!(missing.contains(&("hl7.terminology.r4", "5.5.0")), "{missing:?}");
        assert!(!missing.iter().any(|(name, _)| *name == "hl7.fhir.r4.core"), "{missing:?}");
        assert!(differing(&us_core.manifest, &known).is_empty());
        assert_eq!(counted_kinds(&us_core.counts).split(", ").next(), Some("52 profiles"));
        assert_eq!(known.first().map(|r4| (r4.counts.types, r4.counts.extensions)), Some((210, 393)));
    }
}
