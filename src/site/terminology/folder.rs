//! The folder `terminology/` of a site: one folder for each code system that was added.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::added::Added;
use crate::fhir::terminology::HeldSystem;
use crate::problem::Category;
use crate::site::folder::Folder;

/// The folder's name in the site.
pub const TERMINOLOGY: &str = "terminology";

/// The folders of added code systems, in order of name. What `add` has not finished has a hidden name.
pub fn added_to(site: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.join(TERMINOLOGY)).into_iter().flatten().flatten();
    let is_one =
        |path: &PathBuf| path.is_dir() && path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_one).collect();
    folders.sort();
    folders
}

/// Opens all of them; one that cannot be used is a fault of the site.
pub fn read_added(folder: &mut Folder) -> Vec<Arc<dyn HeldSystem>> {
    folder.ignore(&folder.root().join(TERMINOLOGY));
    let mut systems: Vec<Arc<dyn HeldSystem>> = Vec::new();
    for path in added_to(folder.root()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Added::open(&path) {
            Ok(added) => {
                let url = &added.stated.head.url;
                if systems.iter().any(|other| other.head().url == *url) {
                    let text = format!("{url} is added twice; remove one of the folders");
                    folder.fault(Category::Conflict, &format!("{TERMINOLOGY}/{name}"), text);
                    continue;
                }
                systems.push(Arc::new(added));
            }
            Err((file, reason)) => {
                let text = format!("{reason}; add the code system again with `handover terminology add`");
                folder.fault(Category::NotFound, &format!("{TERMINOLOGY}/{name}/{file}"), text);
            }
        }
    }
    systems
}
