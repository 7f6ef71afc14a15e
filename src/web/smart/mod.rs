//! SMART Backend Services as a server (https://hl7.org/fhir/smart-app-launch/backend-services.html).

mod access_token;
mod assertion;
mod configuration;
mod introspect;
#[cfg(test)]
mod introspect_tests;
mod jwks;
mod keyring;
#[cfg(test)]
mod keyring_tests;
mod oauth;
mod token;
#[cfg(test)]
mod token_tests;

pub use access_token::{AccessToken, TokenKey};
pub use assertion::{Expected, Refusal, verify};
pub use configuration::configuration;
pub use introspect::introspect;
pub use jwks::jwks;
pub use keyring::Keyring;
pub use token::token;
