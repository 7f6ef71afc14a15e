//! Rosters that stand in the site: imported at start when they changed since the last time.

use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::pipeline::Gateway;
use crate::pipeline::roster::part;
use crate::problem::Problem;

/// Imports the members file of every panel that has one. A file with faults stops the start: half a roster would lose
/// patients silently. One that would end many people's care, or urgent work, is held: the panel keeps its members, and the log,
/// `/health` and `handover health` say so until somebody accepts it.
pub async fn import_members(gateway: &Arc<Gateway>) -> anyhow::Result<()> {
    let site = gateway.site.load_full();
    // A panel that is gone, or has no file any more, waits for nobody's word.
    let with_file = site.panels.values().filter(|panel| panel.members.is_some());
    let with_file: Vec<String> = with_file.map(|panel| part(&panel.name)).collect();
    gateway.condition.clear_others(&part(""), &with_file);
    for panel in site.panels.values() {
        let Some(file) = &panel.members else { continue };
        let bytes = std::fs::read(site.folder.join(file)).with_context(|| format!("the roster {file}"))?;
        let state = format!("roster:{}", panel.name);
        let digest = Sha256::digest(&bytes).to_vec();
        if gateway.store.get_state(&state).await?.is_some_and(|last| last == digest) {
            gateway.condition.clear(&part(&panel.name));
            continue;
        }
        let roster = site.read_roster(panel, file, &bytes);
        if let Some(problem) = roster.problems.iter().find(|problem| Problem::is_error(problem)) {
            anyhow::bail!("the roster of panel {}: {problem}", panel.name);
        }
        let change = gateway.roster_change(&panel.name, &roster.members).await?;
        if let Some(refusal) = change.refusal() {
            tracing::error!(panel = %panel.name, why = %refusal.text, "a roster waits for somebody's word; the panel keeps its members");
            let text = "its changed roster waits to be accepted; the panel keeps its members";
            gateway.condition.set(&part(&panel.name), gateway.clock.now(), text, vec![refusal.text]);
            continue;
        }
        gateway.condition.clear(&part(&panel.name));
        let count = roster.members.len();
        gateway.store.replace_panel(&panel.name, roster.members, gateway.clock.now()).await?;
        gateway.store.put_state(&state, &digest).await?;
        tracing::info!(panel = %panel.name, members = count, "roster imported");
    }
    Ok(())
}
