//! The sites that come with the program: the one `handover init` writes, small, complete and explained line by line, and
//! the demo's. Never overwrites a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/site/starter"]
struct Files;

#[derive(RustEmbed)]
#[folder = "fixtures/demo"]
struct DemoFiles;

/// The demo's site in a folder of its own, removed when this is dropped.
pub struct DemoSite(PathBuf);

impl DemoSite {
    /// Writes the demo's site below the system's folder for temporary files.
    pub fn write() -> Result<Self, StarterError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("handover-site-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let site = Self(std::env::temp_dir().join(name));
        write_demo(&site.0, &|text| text)?;
        Ok(site)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for DemoSite {
    fn drop(&mut self) {
        // What cannot be removed lies in the temporary folder and names synthetic people only.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

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
    let content = |name: &str| Files::get(name).map(|file| file.data).unwrap_or_default();
    names.iter().map(|name| write_one(root, name, &content(name))).collect()
}

/// Writes the demo's site into a folder, each file's text as `change` leaves it.
pub fn write_demo(root: &Path, change: &dyn Fn(String) -> String) -> Result<(), StarterError> {
    for name in DemoFiles::iter() {
        let content = DemoFiles::get(&name).map(|file| file.data).unwrap_or_default();
        let text = change(String::from_utf8_lossy(&content).into_owned());
        write_one(root, &name, text.as_bytes())?;
    }
    Ok(())
}

fn write_one(root: &Path, name: &str, content: &[u8]) -> Result<PathBuf, StarterError> {
    let path = root.join(name);
    let failed = |source| StarterError::Write { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{load, render};

    #[test]
    fn the_demo_site_is_there_while_it_is_used_and_gone_afterwards() {
        let site = DemoSite::write().unwrap();
        let path = site.path().to_path_buf();
        assert!(load(&path).site.is_some());
        drop(site);
        assert!(!path.exists());
    }

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
