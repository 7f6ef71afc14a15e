//! One request to the terminology service, with the site as it was when it came.

use std::sync::Arc;

use jiff::Timestamp;

use super::input::Input;
use crate::fhir::Library;
use crate::site::Site;

/// One request.
pub struct Asked {
    pub site: Arc<Site>,
    pub input: Input,
    pub now: Timestamp,
    /// Of the instance that it is asked of.
    pub id: Option<String>,
    /// What is asked of: `ValueSet`.
    pub kind: &'static str,
}

impl Asked {
    pub fn library(&self) -> &Library {
        self.site.profiles.library()
    }

    /// The FHIR base as others know it.
    pub fn base(&self) -> String {
        format!("{}/fhir", self.site.settings.base_url)
    }
}
