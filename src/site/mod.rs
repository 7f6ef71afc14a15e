//! A site: everything people configure, as files in one folder, compiled and cross-checked as a whole.

#[cfg(test)]
mod bare;
mod caller;
mod certificate;
mod client_feed;
mod compiled;
mod crosscheck;
mod data_folder;
mod directory;
#[cfg(test)]
pub(crate) mod documented;
mod expiry;
mod feeds;
mod folder;
mod handling;
mod labels;
mod listener;
mod load;
#[cfg(test)]
mod load_tests;
mod masking;
mod misplaced;
#[cfg(test)]
mod mistakes_tests;
mod model;
mod one_time_code;
mod openid;
mod ownership;
mod panels;
mod partners;
mod password;
mod peer;
mod people;
mod render;
pub mod roster;
mod roster_columns;
#[cfg(test)]
mod roster_tests;
mod scalar;
mod schema;
mod secret;
mod seen;
mod settings;
mod staff;
mod starter;
pub mod terminology;
mod tls;
mod whole;
mod writing;

pub use certificate::certificate_names;
pub use client_feed::CLIENT;
pub use compiled::map_files;
pub use data_folder::data_folder;
pub use expiry::Certificate;
pub use handling::{Handling, Processing, names_event};
pub use labels::{LabelRule, Labelling};
pub use load::{Loaded, load, load_with};
pub use model::{
    Address, ConsoleSettings, Credential, Feed, HttpSettings, Intake, JwksSource, Limits, MllpSettings, Panel, Partner,
    Peer, Practice, RATE_PER_SEC, Retention, RetryPolicy, Role, Settings, SmartClient, StoreChoice, TlsFiles,
};
pub use one_time_code::{CodeSecret, STEP_SECS};
pub use openid::{ClientProof, GroupRow, GroupRows, OpenIdLogin, PersonClaim};
pub use password::{PasswordHash, SHORTEST};
pub use people::is_login;
pub use render::{problems_as_json, render, render_one};
pub use roster::Roster;
pub use schema::{FileKind, KINDS, schema};
pub use seen::NamedFiles;
pub use staff::{Panels, StaffMember, StaffRole};
pub use starter::{DemoSite, StarterError, write_demo, write_starter};
pub use tls::{LiveTls, TlsFault};
pub use whole::Site;
pub use writing::Writing;
