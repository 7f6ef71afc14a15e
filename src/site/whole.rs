//! The site as a whole: what the rest of the gateway reads. Replaced as one on reload, never changed in place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::agreement::AgreementSet;
use crate::fhir::ValueSets;
use crate::mapping::MapSet;
use crate::problem::{Category, Place, Problem};
use crate::profile::Profiles;
use crate::protocol::{self, ProtocolSet};
use crate::record::Membership;

use super::roster::{self, Roster};
use super::{Certificate, Feed, NamedFiles, OpenIdLogin, Panel, Partner, Settings, StaffMember, directory};

/// A site that compiled without errors.
#[derive(Clone)]
pub struct Site {
    /// The folder it was read from.
    pub folder: PathBuf,
    pub settings: Settings,
    pub feeds: BTreeMap<String, Feed>,
    pub partners: BTreeMap<String, Partner>,
    pub panels: BTreeMap<String, Panel>,
    /// Who logs in to the console, by login; nobody where there is no `people.yaml`.
    pub people: BTreeMap<String, StaffMember>,
    /// The organisation's login, where there is one.
    pub openid: Option<OpenIdLogin>,
    /// The built-in ones and the site's own.
    pub value_sets: Arc<ValueSets>,
    /// The built-in packages and the site's own: what resources are checked against.
    pub profiles: Arc<Profiles>,
    /// By feed: how its messages become resources.
    pub mappings: BTreeMap<String, Arc<MapSet>>,
    pub protocols: ProtocolSet,
    pub agreements: AgreementSet,
    /// The certificates that its files name, as they were when it was read.
    pub certificates: Vec<Certificate>,
    /// Files beside its own that it names, as they looked before it was read.
    pub named_files: NamedFiles,
    pub read_at: Timestamp,
}

impl Site {
    /// The zone that all feeds and practices of the site share; UTC where they are several.
    pub fn zone(&self) -> TimeZone {
        let mut zones =
            self.feeds.values().map(|feed| &feed.zone).chain(self.panels.values().map(|panel| &panel.practice.zone));
        let first = zones.next().cloned().unwrap_or(TimeZone::UTC);
        if zones.all(|zone| *zone == first) { first } else { TimeZone::UTC }
    }

    /// The same with other maps of one feed, for looking at what they would do.
    pub fn with_maps(&self, feed: &str, maps: MapSet) -> Self {
        let mut site = self.clone();
        site.mappings.insert(feed.to_string(), Arc::new(maps));
        site
    }

    /// Whether a name and a password open the console.
    pub fn takes_passwords(&self) -> bool {
        self.openid.as_ref().is_none_or(|login| login.passwords)
    }

    /// A panel by its name.
    ///
    /// # Errors
    /// There is none of this name; the problem names those that there are.
    pub fn panel(&self, name: &str) -> Result<&Panel, Problem> {
        let text = || match self.panels.keys().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => format!("the site has no panel `{name}` and no other; write panels/{name}.yaml first"),
            known => format!("the site has no panel `{name}`; its panels are {}", known.join(", ")),
        };
        self.panels.get(name).ok_or_else(|| Problem::error(Category::NotFound, Place::Whole, text()))
    }

    /// The practices of a patient's panels as protocols see them, by the name of the panel.
    pub fn practices_of(&self, memberships: &[Membership]) -> BTreeMap<String, protocol::Practice> {
        let panels = memberships.iter().filter_map(|membership| self.panels.get(&membership.panel));
        panels.map(|panel| (panel.name.clone(), practice(panel))).collect()
    }

    /// Reads a roster for one of this site's panels; `file` is the name used in problems.
    pub fn read_roster(&self, panel: &Panel, file: &str, bytes: &[u8]) -> Roster {
        let authorities = directory::authorities(self.feeds.values());
        let systems_of = |name: &str| authorities.get(name).into_iter().flatten().cloned().collect();
        roster::read(panel, file, bytes, &systems_of)
    }
}

fn practice(panel: &Panel) -> protocol::Practice {
    let roles = [("care-manager", &panel.care_manager), ("coach", &panel.coach), ("clinician", &panel.clinician)];
    let named = roles.into_iter().filter_map(|(role, person)| Some((role.to_string(), person.as_ref()?.name.clone())));
    protocol::Practice {
        name: panel.name.clone(),
        title: panel.practice.name.clone(),
        identifier: panel.practice.identifier.clone(),
        zone: panel.practice.zone.clone(),
        calendar: panel.practice.calendar.clone(),
        roles: named.collect(),
    }
}
