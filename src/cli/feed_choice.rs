//! Which feed a message in a file would come from, and whose members the site's own rosters list: for commands that try
//! messages without a running gateway.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::hl7::{Message, ReadOptions};
use crate::record::Membership;
use crate::site::Site;

/// The feed asked for, else the one whose facilities name the sender, else the first.
pub fn feed_for(site: &Site, raw: &[u8], asked: Option<&str>) -> Result<String> {
    let names = || site.feeds.keys().cloned().collect::<Vec<_>>().join(", ");
    if let Some(name) = asked {
        if site.feeds.contains_key(name) {
            return Ok(name.to_string());
        }
        bail!("the site has no feed `{name}`; it has {}", names());
    }
    let reading = Message::parse(raw, &ReadOptions::default());
    let facility = reading.message.map(|message| message.header().sending_facility().into_owned()).unwrap_or_default();
    let by_facility = site.feeds.values().find(|feed| feed.facilities.contains(&facility));
    let found = by_facility.or_else(|| site.feeds.values().next());
    found.map(|feed| feed.name.clone()).context("the site has no feed; add one to feeds/")
}

/// Each panel's members as the site's own rosters list them; faults in rosters are for `check`.
pub fn members_by_panel(site: &Site) -> Result<BTreeMap<String, Vec<Membership>>> {
    let mut members = BTreeMap::new();
    for panel in site.panels.values() {
        let Some(file) = &panel.members else { continue };
        let bytes = std::fs::read(site.folder.join(file)).with_context(|| format!("cannot read {file}"))?;
        members.insert(panel.name.clone(), site.read_roster(panel, file, &bytes).members);
    }
    Ok(members)
}
