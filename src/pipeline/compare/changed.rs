//! A changed site that nobody runs: a folder of its own, or the one in force as it lies in its folder with one file's text in its place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::pipeline::message_words::refused;
use crate::problem::Problem;
use crate::site::{Loaded, Site, load, load_with, render};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedSite {
    Folder(PathBuf),
    /// The folder, a file in it, and the text that it is read with; nothing is written.
    File {
        folder: PathBuf,
        file: String,
        text: String,
    },
}

impl ChangedSite {
    /// As people call it.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
            Self::File { file, .. } => file.clone(),
        }
    }

    /// Compiles it. Fails with what is wrong with it, by file and line.
    pub(super) async fn load(&self) -> Result<Arc<Site>, Problem> {
        let changed = self.clone();
        let loaded = tokio::task::spawn_blocking(move || match changed {
            Self::Folder(folder) => load(&folder),
            Self::File { folder, file, text } => load_with(&folder, BTreeMap::from([(file, text)])),
        });
        let Ok(Loaded { site, problems, sources, .. }) = loaded.await else {
            return Err(refused("reading the changed site broke off".to_string()));
        };
        site.map(Arc::new).ok_or_else(|| {
            let faults: Vec<Problem> = problems.into_iter().filter(Problem::is_error).collect();
            let shown = render(&faults, &sources, false, 100);
            let name = match self {
                Self::Folder(folder) => folder.display().to_string(),
                Self::File { file, .. } => format!("with this {file}"),
            };
            refused(format!("the changed site {name} has errors, and nothing was compared\n\n{shown}"))
        })
    }
}
