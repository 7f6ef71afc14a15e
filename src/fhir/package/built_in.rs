//! The packages that are compiled in: R4 core, US Core and Handover's own profiles.

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

use super::source::{PackageFile, PackageSource};
use crate::fhir::definition::Definitions;

#[derive(RustEmbed)]
#[folder = "profiles/us-core"]
struct UsCore;

#[derive(RustEmbed)]
#[folder = "profiles/handover"]
struct Handover;

/// The texts of the packages, in the order in which they build on each other.
pub fn sources() -> Vec<PackageSource> {
    let files = |names: Vec<Cow<'static, str>>, get: fn(&str) -> Option<EmbeddedFile>, folder: &str| {
        let mut files: Vec<PackageFile> = names
            .into_iter()
            .filter(|name| name.ends_with(".txt"))
            .filter_map(|name| {
                let text = match get(&name)?.data {
                    Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
                    Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
                };
                Some(PackageFile { name: format!("built-in:profiles/{folder}/{name}").into(), text })
            })
            .collect();
        files.sort_by(|left, right| left.name.cmp(&right.name));
        PackageSource { files }
    };
    vec![
        files(Definitions::other_files(), Definitions::file, "r4"),
        files(UsCore::iter().collect(), UsCore::get, "us-core"),
        files(Handover::iter().collect(), Handover::get, "handover"),
    ]
}
