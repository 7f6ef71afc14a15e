//! What a package says of itself in its package.json: name, version, release of FHIR, and what it depends on
//! (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification).

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::{text, texts, word};

/// The release that Handover speaks, as package.json writes its versions.
const RELEASE: &str = "4.0.";
const R4_CORE: &str = "hl7.fhir.r4.core";

/// Why a package cannot be reduced at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReduceError {
    #[error("this is not a FHIR package: it has no package/package.json, which gives a package its name and version")]
    NoManifest,
    #[error("the package's package.json does not say its {0}")]
    Unsaid(&'static str),
    #[error("{package} is for FHIR {releases}, and Handover speaks FHIR R4 (4.0.1): take the package's edition for R4")]
    OtherRelease { package: String, releases: String },
    #[error("{package} holds nothing to check by: no StructureDefinition, ValueSet, CodeSystem or SearchParameter")]
    Empty { package: String },
}

/// What a package says of itself: its package.json, or the package.txt it was reduced to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub dependencies: BTreeMap<String, String>,
    releases: Vec<String>,
}

impl Manifest {
    /// Reads a package.json. What is missing is empty, and said by `check`.
    pub fn of(json: &Value) -> Self {
        let said = |key| text(json, key).map(word).unwrap_or_default();
        let dependencies = json.get("dependencies").and_then(Value::as_object).into_iter().flatten();
        let dependencies = dependencies.filter_map(|(name, version)| Some((word(name), word(version.as_str()?))));
        Self {
            name: said("name"),
            version: said("version"),
            dependencies: dependencies.collect(),
            releases: texts(json, "fhirVersions").chain(texts(json, "fhir-version-list")).map(word).collect(),
        }
    }

    /// Whether the package is named, and is for FHIR R4. One that names no release may say so by depending on R4's core.
    pub fn check(&self) -> Result<(), ReduceError> {
        if self.name.is_empty() {
            return Err(ReduceError::Unsaid("name"));
        }
        if self.version.is_empty() {
            return Err(ReduceError::Unsaid("version"));
        }
        if self.releases.is_empty() && !self.dependencies.contains_key(R4_CORE) {
            return Err(ReduceError::Unsaid("release of FHIR (fhirVersions)"));
        }
        if !self.releases.is_empty() && !self.releases.iter().any(|release| release.starts_with(RELEASE)) {
            let package = format!("{} {}", self.name, self.version);
            return Err(ReduceError::OtherRelease { package, releases: self.releases.join(", ") });
        }
        Ok(())
    }

    /// Reads a package.txt. None for what is no such text.
    pub fn of_reduced(text: &str) -> Option<Self> {
        let pair = |line: &str| line.trim().split_once(' ').map(|(name, version)| (name.to_string(), word(version)));
        let mut lines = text.lines();
        let (name, version) = pair(lines.next()?)?;
        Some(Self { name, version, dependencies: lines.filter_map(pair).collect(), releases: Vec::new() })
    }

    /// The text of package.txt.
    pub fn reduced(&self) -> String {
        let mut text = format!("{} {}\n", self.name, self.version);
        for (name, version) in &self.dependencies {
            text.push_str(&format!("  {name} {version}\n"));
        }
        text
    }
}
