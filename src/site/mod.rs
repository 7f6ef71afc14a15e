//! A site: everything people configure, as files in one folder, compiled and cross-checked as a whole.

#[cfg(test)]
mod bare;
mod model;
mod whole;

pub use model::{
    Address, Credential, Directory, Feed, HttpSettings, Intake, JwksSource, Limits, MllpSettings, Partner, Peer,
    Retention, RetryPolicy, Settings, SmartClient, StoreChoice, TlsFiles,
};
pub use whole::Site;
