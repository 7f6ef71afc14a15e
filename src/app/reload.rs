//! A site that changes while the gateway runs: compiled anew, taken over whole, or refused whole with the reasons in the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Mutex, mpsc, watch};

use super::panels;
use crate::feed::Feeds;
use crate::pipeline::{Event, Gateway};
use crate::problem::Problem;
use crate::site;

/// Editors write a file in several steps; one look after the last of them is enough.
const SETTLE: Duration = Duration::from_millis(300);
/// A folder that is gone (it may be replaced by a new one) is looked for so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// What a listener that moves was still doing gets this long.
const DRAIN: Duration = Duration::from_secs(20);

/// A watch that is set: what changes from here on rings.
pub(super) struct SiteWatch {
    folder: PathBuf,
    watcher: RecommendedWatcher,
    rung: mpsc::Receiver<()>,
}

/// Sets the watch on the site's folder; none where it cannot be watched.
pub(super) fn set_watch(gateway: &Gateway) -> Option<SiteWatch> {
    let folder = gateway.site.load().folder.clone();
    let (ring, rung) = mpsc::channel::<()>(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // A full channel already holds a ring.
            let _ = ring.try_send(());
        }
    });
    let watching = watcher.and_then(|mut watcher| watch_parts(&mut watcher, &folder).map(|()| watcher));
    match watching {
        Ok(watcher) => Some(SiteWatch { folder, watcher, rung }),
        Err(error) => {
            tracing::warn!(%error, "the site's folder cannot be watched; restart to take changes over");
            None
        }
    }
}

/// Takes over what changes until told to stop.
pub(super) async fn follow(
    site: SiteWatch,
    gateway: Arc<Gateway>,
    feeds: Arc<Mutex<Option<Feeds>>>,
    mut stop: watch::Receiver<bool>,
) {
    let SiteWatch { folder, mut watcher, mut rung } = site;
    let mut is_there = true;
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            rung = rung.recv() => if rung.is_none() { return },
            () = tokio::time::sleep(LOOK_AGAIN), if !is_there => {}
        }
        // Folders come, go and are replaced by others of their name; each look is at those that are there now.
        let was_there = std::mem::replace(&mut is_there, watch_parts(&mut watcher, &folder).is_ok());
        if !is_there && !was_there {
            continue;
        }
        tokio::time::sleep(SETTLE).await;
        while rung.try_recv().is_ok() {}
        if reload(&gateway, &folder).await
            && let Some(feeds) = feeds.lock().await.as_mut()
            && let Err(fault) = feeds.reload(DRAIN).await
        {
            tracing::error!(%fault, "a listener of the changed site cannot be opened; the others run");
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

/// Compiles the folder as it is now and takes it over; an invalid site changes nothing. True when it was taken over.
async fn reload(gateway: &Arc<Gateway>, folder: &Path) -> bool {
    let loaded = {
        let folder = folder.to_path_buf();
        match tokio::task::spawn_blocking(move || site::load(&folder)).await {
            Ok(loaded) => loaded,
            Err(fault) => {
                tracing::error!(%fault, "loading the site ended in disorder; the old site stays");
                return false;
            }
        }
    };
    let problems = loaded.problems.iter().filter(|problem| Problem::is_error(problem)).count();
    match loaded.site {
        Some(new) => {
            let old = gateway.site.load_full();
            if old.settings.http != new.settings.http {
                tracing::warn!("the HTTP listener of the site changed; it moves with the next start");
            }
            gateway.site.store(Arc::new(new));
            tracing::info!("the site was taken over as it is now");
            if let Err(fault) = panels::import_members(gateway).await {
                tracing::error!(%fault, "a roster could not be imported; the panel keeps its members");
            }
        }
        None => {
            for problem in loaded.problems.iter().filter(|problem| problem.is_error()) {
                tracing::error!(%problem, "the changed site is not valid");
            }
            tracing::error!(problems, "the old site stays in force");
        }
    }
    let reloaded = problems == 0;
    let _ = gateway.events.send(Event::Site { reloaded, problems });
    gateway.delivery_bell.notify_one();
    reloaded
}
