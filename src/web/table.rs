//! What is at the addresses beside `/fhir` and `/cds-services`.

use super::offer::Content::{Form, Json, Nothing, Text};
use super::offer::Method::{Get, Post};
use super::offer::{Content, Offer, Who};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Health,
    HealthRead,
    HealthLive,
    Metrics,
    Jwks,
    Configuration,
    Token,
    Introspect,
    OpenApi,
}

const OBJECT: Content = Json("Object");
const STATE: &[(u16, Content)] = &[(200, OBJECT), (503, OBJECT)];

pub const OFFERS: [Offer<Does>; 9] = [
    Offer::new(Does::Health, Get, "/health", "Whether messages can be taken").gives(STATE),
    Offer::new(Does::HealthRead, Get, "/health/read", "Whether reads are answered").gives(STATE),
    Offer::new(Does::HealthLive, Get, "/health/live", "Whether the process answers").gives(STATE),
    Offer::new(Does::Metrics, Get, "/metrics", "OpenMetrics").gives(&[(200, Text("application/openmetrics-text"))]),
    Offer::new(Does::Jwks, Get, "/.well-known/jwks.json", "The gateway's public key").gives(&[(200, OBJECT)]),
    Offer::new(Does::Configuration, Get, "/.well-known/smart-configuration", "Where tokens come from")
        .gives(&[(200, OBJECT)]),
    Offer::new(Does::Token, Post, "/auth/token", "An access token")
        .of(Who::Partner)
        .takes(Form(&["grant_type", "client_assertion_type", "client_assertion", "scope"]))
        .gives(&[(200, OBJECT), (400, Json("OAuthFault")), (401, Json("OAuthFault")), (503, Json("OAuthFault"))]),
    Offer::new(Does::Introspect, Post, "/auth/introspect", "Whether a token of one's own is active")
        .of(Who::Partner)
        .takes(Form(&["token", "client_assertion_type", "client_assertion"]))
        .gives(&[(200, OBJECT), (400, Json("OAuthFault")), (401, Json("OAuthFault")), (503, Json("OAuthFault"))]),
    Offer::new(Does::OpenApi, Get, "/openapi.json", "This description").gives(&[(200, OBJECT)]).faults(&[401]),
];

/// The way in of messages, whose address and answers are `feed`'s.
pub const MESSAGES: Offer<()> = Offer::new((), Post, "/hl7/{feed}", "HL7 v2 messages, one or a batch")
    .of(Who::Partner)
    .takes(Text("application/hl7-v2"))
    .gives(&[
        (200, Text("application/hl7-v2")),
        (204, Nothing),
        (400, Text("application/hl7-v2")),
        (422, Text("application/hl7-v2")),
        (503, Text("application/hl7-v2")),
    ])
    .faults(&[404, 413, 415]);
