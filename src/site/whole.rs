//! The site as a whole: what the rest of the gateway reads. Replaced as one on reload, never changed in place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::agreement::AgreementSet;
use crate::fhir::ValueSets;

use super::roster::{self, Roster};
use super::{Feed, Panel, Partner, Settings, crosscheck};

/// A site that compiled without errors.
pub struct Site {
    /// The folder it was read from.
    pub folder: PathBuf,
    pub settings: Settings,
    pub feeds: BTreeMap<String, Feed>,
    pub partners: BTreeMap<String, Partner>,
    pub panels: BTreeMap<String, Panel>,
    /// The built-in ones and the site's own.
    pub value_sets: Arc<ValueSets>,
    pub agreements: AgreementSet,
}

impl Site {
    /// Reads a roster for one of this site's panels; `file` is the name used in problems.
    pub fn read_roster(&self, panel: &Panel, file: &str, bytes: &[u8]) -> Roster {
        let authorities = crosscheck::authorities(self.feeds.values());
        let systems_of = |name: &str| authorities.get(name).into_iter().flatten().cloned().collect();
        roster::read(panel, file, bytes, &systems_of)
    }
}
