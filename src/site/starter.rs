//! The site that `handover init` writes: small, complete, and explained line by line. Never overwrites a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/site/starter"]
struct Files;

/// Why a site could not be written.
#[derive(Debug, thiserror::Error)]
pub enum StarterError {
    #[error("`{0}` exists already; nothing was written")]
    Exists(PathBuf),
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: std::io::Error },
}

/// Writes the starter site into a folder, made if need be, and returns the files it wrote, in order of name.
pub fn write_starter(root: &Path) -> Result<Vec<PathBuf>, StarterError> {
    let mut names: Vec<String> = Files::iter().map(|name| name.to_string()).collect();
    names.sort();
    if let Some(name) = names.iter().find(|name| root.join(name).exists()) {
        return Err(StarterError::Exists(root.join(name)));
    }
    names.iter().map(|name| write_one(root, name)).collect()
}

fn write_one(root: &Path, name: &str) -> Result<PathBuf, StarterError> {
    let path = root.join(name);
    let failed = |source| StarterError::Write { path: path.clone(), source };
    let content = Files::get(name).map(|file| file.data).unwrap_or_default();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    file.write_all(&content).map_err(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{load, render};

    #[test]
    fn what_init_writes_checks_clean_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("site");
        let written = write_starter(&root).unwrap();
        assert!(written.len() >= 5);
        let loaded = load(&root);
        assert_eq!(render(&loaded.problems, &loaded.sources, false, 100), "");
        let site = loaded.site.unwrap();
        assert_eq!((site.feeds.len(), site.partners.len(), site.panels.len()), (1, 1, 1));
        assert!(matches!(write_starter(&root), Err(StarterError::Exists(_))));
    }
}
