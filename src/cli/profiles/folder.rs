//! A reduced package's folder: read whole, and replaced whole or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::profile::reduce::{Counts, Manifest};

/// How deep a package's folder goes: `profiles/x.txt`.
const DEPTH: usize = 1;
const FILES: usize = 100_000;
/// A folder of `profiles/` that holds no package.
const VALUE_SETS: &str = "valuesets";

/// What became of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Added,
    /// Another version, or the same one reduced by another version of Handover.
    Replaced {
        old_version: String,
    },
    Unchanged,
}

/// Why a folder cannot be called so, if it cannot.
pub fn why_not_called(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(is_plain) {
        return Some(format!("`{name}` is no name for a folder: use letters, digits, `.`, `-` and `_`"));
    }
    (name == VALUE_SETS).then(|| "profiles/valuesets/ holds the site's own value sets; use another name".to_string())
}

/// The packages in a site's `profiles/` folder: folder, what its package.txt says, and how much it holds.
pub fn packages(profiles: &Path) -> Result<Vec<(String, Manifest, Counts)>> {
    let mut found = Vec::new();
    for folder in subfolders(profiles)? {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
        if name.starts_with('.') || name == VALUE_SETS {
            continue;
        }
        let files = files(&folder)?;
        let Some(manifest) = manifest(&files) else { continue };
        let counts = Counts::of(files.values().map(String::as_str));
        found.push((name, manifest, counts));
    }
    Ok(found)
}

/// Makes the folder hold these files and no others. Others see the old ones or the new ones, never some of each.
/// `staging` is a folder on the same file system in which the new files are written first.
pub fn replace(folder: &Path, staging: &Path, new: &BTreeMap<String, String>) -> Result<Change> {
    let shown = folder.display();
    let old = if folder.exists() { files(folder)? } else { BTreeMap::new() };
    if old == *new {
        return Ok(Change::Unchanged);
    }
    let old_manifest = manifest(&old);
    let is_occupied = folder.exists() && folder.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if old_manifest.is_none() && is_occupied {
        bail!("{shown} is there and is no package of definitions (it has no package.txt): choose another folder");
    }
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("package");
    let fresh = staging.join(format!(".{name}.new"));
    let stale = staging.join(format!(".{name}.old"));
    for leaving in [&fresh, &stale] {
        if leaving.exists() {
            std::fs::remove_dir_all(leaving).with_context(|| format!("cannot remove {}", leaving.display()))?;
        }
    }
    write(&fresh, new)?;
    swap(&fresh, folder, &stale)?;
    Ok(old_manifest.map_or(Change::Added, |old| Change::Replaced { old_version: old.version }))
}

/// Puts a folder that is ready into the place of another, which goes to `stale` and away.
pub fn swap(fresh: &Path, folder: &Path, stale: &Path) -> Result<()> {
    let shown = folder.display();
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    if folder.exists() {
        std::fs::rename(folder, stale).with_context(|| format!("cannot replace {shown}"))?;
    }
    if let Err(error) = std::fs::rename(fresh, folder) {
        let _ = std::fs::rename(stale, folder);
        return Err(error).with_context(|| format!("cannot write {shown}"));
    }
    if stale.exists() {
        std::fs::remove_dir_all(stale).with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    Ok(())
}

fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        let write = || -> std::io::Result<()> {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, text)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn manifest(files: &BTreeMap<String, String>) -> Option<Manifest> {
    Manifest::of_reduced(files.get("package.txt")?)
}

/// All text files of a package's folder by their path in it.
pub fn files(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    collect(folder, "", 0, &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, depth: usize, found: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = format!("{prefix}{name}");
        if path.is_dir() && depth < DEPTH {
            collect(&path, &format!("{name}/"), depth + 1, found)?;
        } else if name.ends_with(".txt") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            found.insert(name, text);
        }
        if found.len() > FILES {
            bail!("{} holds more than {FILES} files", folder.display());
        }
    }
    Ok(())
}

fn subfolders(profiles: &Path) -> Result<Vec<PathBuf>> {
    if !profiles.is_dir() {
        return Ok(Vec::new());
    }
    let entries = profiles.read_dir().with_context(|| format!("cannot read {}", profiles.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}
