//! Watches a site's folder, and the files elsewhere that it names: rings when something changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::site::{NamedFiles, Site};

/// Editors write a file in several steps; one look after the last of them is enough.
const SETTLE: Duration = Duration::from_millis(300);
/// A folder that is gone (it may be replaced by a new one) is looked for so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Certificates and keys may lie anywhere, and be links into what is swapped as a whole: they are looked at rather than watched.
const LOOK_AT_FILES: Duration = Duration::from_secs(5);

/// A watch that is set: what changes from here on rings.
pub(super) struct SiteWatch {
    folder: PathBuf,
    watcher: RecommendedWatcher,
    rung: mpsc::Receiver<()>,
    is_there: bool,
    /// Something changed, and is about to be told when it has settled.
    is_due: bool,
    named: NamedFiles,
}

impl SiteWatch {
    /// None where the folder cannot be watched.
    pub(super) fn set(site: &Site) -> Option<Self> {
        let folder = site.folder.clone();
        let (ring, rung) = mpsc::channel::<()>(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // A full channel already holds a ring.
                let _ = ring.try_send(());
            }
        });
        match watcher.and_then(|mut watcher| watch_parts(&mut watcher, &folder).map(|()| watcher)) {
            Ok(watcher) => {
                let named = site.named_files.clone();
                Some(Self { folder, watcher, rung, is_there: true, is_due: false, named })
            }
            Err(error) => {
                tracing::warn!(%error, "the site's folder cannot be watched; `handover reload` takes changes over");
                None
            }
        }
    }

    /// After the folder was read. What is looked at is what the site in force names and what was read just now: where that was
    /// refused, a file that it names may be what is wrong. Looks are of before a file was read, so what changes while a site is read
    /// is read again.
    pub(super) fn look_after(&mut self, in_force: &Site, read: NamedFiles) {
        self.named.follow(&in_force.named_files, read);
    }

    /// Waits for the next change, and until it has settled. One that is given up while it waits loses nothing.
    pub(super) async fn changed(&mut self) {
        loop {
            if self.is_due {
                tokio::time::sleep(SETTLE).await;
                while self.rung.try_recv().is_ok() {}
                self.is_due = false;
                return;
            }
            let mut is_file = false;
            tokio::select! {
                rung = self.rung.recv() => if rung.is_none() { std::future::pending().await },
                () = tokio::time::sleep(LOOK_AGAIN), if !self.is_there => {}
                () = tokio::time::sleep(LOOK_AT_FILES), if self.is_there => is_file = true,
            }
            if is_file {
                self.is_due = self.named.have_changed();
                continue;
            }
            // Folders come, go and are replaced by others of their name; each look is at those that are there now.
            let was_there = std::mem::replace(&mut self.is_there, watch_parts(&mut self.watcher, &self.folder).is_ok());
            self.is_due = self.is_there || was_there;
        }
    }
}

/// The data folder often lies inside the site's; watching it would ring with every message.
fn watch_parts(watcher: &mut impl Watcher, folder: &Path) -> notify::Result<()> {
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    for part in ["feeds", "partners", "agreements", "panels", "mappings", "protocols", "profiles", "calendars"] {
        let part = folder.join(part);
        if part.is_dir() {
            watcher.watch(&part, RecursiveMode::Recursive)?;
        }
    }
    Ok(())
}
