//! A partner's client as a source of what the record holds: what a feed is for messages, it is for FHIR writes. It says who a
//! patient is by any number that the site knows patients by, and keeps the demographics where it assigns the number itself.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{Feed, Handling, Intake, Labelling, Limits, Partner, Site, Writing};
use crate::mapping::{Authorities, Habits};

/// What the names of such sources begin with; no feed's does.
pub const CLIENT: &str = "fhir:";

impl Site {
    /// The source that a partner's writes come from.
    pub fn feed_of_client(&self, partner: &Partner) -> Feed {
        let feeds = self.feeds.values().flat_map(|feed| feed.identified_by.iter());
        let members = self.panels.values().filter_map(|panel| panel.member_system.as_ref());
        let mut identified_by: Vec<String> = Vec::new();
        for system in partner.owns.iter().chain(feeds).chain(members) {
            if !identified_by.contains(system) {
                identified_by.push(system.clone());
            }
        }
        let others = self.partners.values().filter(|other| other.name != partner.name);
        let owned: BTreeSet<&String> =
            self.feeds.values().flat_map(|feed| &feed.owns).chain(others.flat_map(|other| &other.owns)).collect();
        let foreign = owned.into_iter().filter(|system| !partner.owns.contains(system)).cloned().collect();
        Feed {
            name: format!("{CLIENT}{}", partner.name),
            title: partner.title.clone(),
            responsible: None,
            mllp: None,
            http: None,
            zone: TimeZone::UTC,
            authorities: Authorities::default(),
            habits: Habits::default(),
            identified_by,
            owns: partner.owns.clone(),
            foreign,
            accepts: Vec::new(),
            facilities: Vec::new(),
            limits: Limits::default(),
            // It is checked as it came, before its references are ours.
            intake: Intake::Off,
            profiles: std::collections::BTreeMap::new(),
            writing: Writing::default(),
            handling: Handling::default(),
            labelling: Labelling::default(),
        }
    }
}
