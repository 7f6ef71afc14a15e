//! The least site there can be, for tests of what stands on a site: no feeds, no partners, a store in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::agreement::AgreementSet;
use crate::fhir::{Library, ValueSets, built_in_value_sets};
use crate::profile::Profiles;
use crate::protocol::ProtocolSet;

use super::{ConsoleSettings, HttpSettings, NamedFiles, RATE_PER_SEC, Retention, Settings, Site, StoreChoice};

/// What is compiled in is compiled once for all tests.
static VALUE_SETS: LazyLock<Arc<ValueSets>> = LazyLock::new(|| Arc::new(ValueSets::compile(&built_in_value_sets()).0));
static PROFILES: LazyLock<Arc<Profiles>> = LazyLock::new(|| Arc::new(Profiles::new(Library::with(&[]).0)));
static PROTOCOLS: LazyLock<ProtocolSet> =
    LazyLock::new(|| super::compiled::labelled(ProtocolSet::built_in(), &VALUE_SETS));

impl Site {
    /// Tests put into it what they need.
    pub fn bare(folder: &Path) -> Self {
        let http = HttpSettings {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: None,
            behind_proxy: false,
            max_body_bytes: 1 << 20,
            origins: Vec::new(),
            rate_per_sec: RATE_PER_SEC,
        };
        let settings = Settings {
            base_url: "https://gateway.example".to_string(),
            data: folder.join("data"),
            store: StoreChoice::Memory,
            http,
            console: ConsoleSettings::default(),
            retention: Retention { message_days: 1, attempt_days: 1, audit_days: 1 },
            traces: None,
            application: "HANDOVER".to_string(),
            facility: "TEST".to_string(),
        };
        Self {
            folder: folder.to_path_buf(),
            settings,
            feeds: BTreeMap::new(),
            partners: BTreeMap::new(),
            panels: BTreeMap::new(),
            people: BTreeMap::new(),
            openid: None,
            value_sets: VALUE_SETS.clone(),
            profiles: PROFILES.clone(),
            mappings: BTreeMap::new(),
            protocols: PROTOCOLS.clone(),
            agreements: AgreementSet::default(),
            certificates: Vec::new(),
            named_files: NamedFiles::default(),
            read_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }
}
