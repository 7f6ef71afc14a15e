//! The site as a whole: what the rest of the gateway reads. Replaced as one on reload, never changed in place.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Feed, Partner, Settings};

/// A site that compiled without errors.
pub struct Site {
    /// The folder it was read from.
    pub folder: PathBuf,
    pub settings: Settings,
    pub feeds: BTreeMap<String, Feed>,
    pub partners: BTreeMap<String, Partner>,
}
