//! The organisation's login (OpenID Connect Core 1.0, authorization code flow, RFC 7636, RFC 9207): a browser goes to the provider and
//! comes back with a code, which we turn into an ID token; what that says of a person is held against the site's rows.

#[cfg(test)]
mod attacks_tests;
mod exchange;
mod flow;
mod id_token;
mod logout;
mod pages;
mod person;
mod provider;
mod stranger;
mod trouble;

pub(super) use logout::{elsewhere, end};
pub(super) use pages::{back, begin};
pub(super) use person::{Vouched, member_of};
pub(super) use provider::Provider;
