//! SMART Backend Services as a server (https://hl7.org/fhir/smart-app-launch/backend-services.html).

mod access_token;
mod assertion;
mod configuration;
mod jwks;
mod keyring;
mod token;
#[cfg(test)]
mod token_tests;

pub use access_token::TokenKey;
pub use configuration::configuration;
pub use jwks::jwks;
pub use keyring::Keyring;
pub use token::token;
