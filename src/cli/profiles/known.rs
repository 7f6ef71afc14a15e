//! The packages that are at hand, built in or in a site, and what they depend on that is not.

use std::path::Path;

use anyhow::Result;

use super::super::check::counted;
use super::folder;
use crate::profile::reduce::{Counts, Manifest};

/// What is compiled in, by what its folder is called.
const BUILT_IN: [(&str, &str); 2] = [
    ("r4", include_str!("../../../profiles/r4/package.txt")),
    ("us-core", include_str!("../../../profiles/us-core/package.txt")),
];

/// A package that resources can be checked against.
pub struct Known {
    /// The folder in the site's `profiles/`; none for what is built in.
    pub folder: Option<String>,
    pub manifest: Manifest,
    pub counts: Counts,
}

/// Everything at hand: what is built in, then what the site has.
pub fn known(site: Option<&Path>) -> Result<Vec<Known>> {
    let built_in = BUILT_IN.iter().filter_map(|(_, text)| Manifest::of_reduced(text));
    let mut known: Vec<Known> =
        built_in.map(|manifest| Known { folder: None, manifest, counts: Counts::default() }).collect();
    if let Some(site) = site {
        let found = folder::packages(&site.join("profiles"))?;
        known.extend(found.into_iter().map(|(folder, manifest, counts)| Known {
            folder: Some(folder),
            manifest,
            counts,
        }));
    }
    Ok(known)
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
    some.map(|(kind, count)| counted(count, kind)).collect::<Vec<_>>().join(", ")
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
    fn what_is_built_in_is_at_hand() {
        let known = known(None).unwrap();
        let us_core = known.iter().find(|known| known.manifest.name == "hl7.fhir.us.core").unwrap();
        let missing = missing(&us_core.manifest, &known);
        assert!(missing.contains(&("hl7.terminology.r4", "5.5.0")), "{missing:?}");
        assert!(!missing.iter().any(|(name, _)| *name == "hl7.fhir.r4.core"), "{missing:?}");
        assert!(differing(&us_core.manifest, &known).is_empty());
    }
}
