//! What a site says once its files have been read: types that cannot be wrong, built by the loader.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::handling::{Handling, names_event};
use super::labels::Labelling;
use super::writing::Writing;
use crate::fhir::Identifier;
use crate::mapping::{Authorities, Habits};
use crate::telemetry::TraceTarget;

/// `handover.yaml`: how this gateway runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The address others know the gateway by, without a trailing slash: `https://gateway.example`.
    pub base_url: String,
    /// Where the store and what the gateway made itself live; relative paths start at the site's folder.
    pub data: PathBuf,
    pub store: StoreChoice,
    pub http: HttpSettings,
    pub console: ConsoleSettings,
    pub retention: Retention,
    /// Where traces of messages go; none are made without.
    pub traces: Option<TraceTarget>,
    /// MSH-3 and MSH-4 of what the gateway sends.
    pub application: String,
    pub facility: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChoice {
    Fjall,
    Sled,
    Memory,
    /// A PostgreSQL connection string; may come from a file so that no password stands in the site.
    Postgres(String),
}

/// The HTTP side: FHIR, HL7 over HTTP, CDS Hooks, health, metrics and the console share one listener.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSettings {
    pub listen: SocketAddr,
    pub tls: Option<TlsFiles>,
    /// TLS ends at a proxy in front; allows listening beyond loopback without TLS.
    pub behind_proxy: bool,
    pub max_body_bytes: usize,
    /// Origins whose pages may read FHIR and ask for tokens: `https://app.example`.
    pub origins: Vec<String>,
    /// Requests from one address in a second.
    pub rate_per_sec: u32,
}

/// What one client, or one address, may ask for in a second where nothing else is said.
pub const RATE_PER_SEC: u32 = 100;

/// What people meet in the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// The organisation, as the login page and authenticator apps name it.
    pub title: String,
    /// Whom to ask who cannot get in, and whom who expects a patient that is not there.
    pub contact: Option<String>,
    pub privacy_contact: Option<String>,
    /// A session ends so long after its last use, and so long after the login in any case.
    pub idle_minutes: u32,
    pub longest_hours: u32,
    /// Folders of changed sites that an engineer may compare with the one in force.
    pub changed_sites: Vec<PathBuf>,
}

/// PEM files of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Certificates that client certificates must be issued by; with it, clients must show one.
    pub client_ca: Option<PathBuf>,
}

/// How long things are kept, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub message_days: u32,
    pub attempt_days: u32,
    pub audit_days: u32,
}

/// `feeds/NAME.yaml`: a named inbound source.
#[derive(Debug, Clone)]
pub struct Feed {
    pub name: String,
    pub title: String,
    /// A role or a name: who looks after what of this feed cannot be used.
    pub responsible: Option<String>,
    pub mllp: Option<MllpSettings>,
    /// Takes `POST /hl7/NAME` from these credentials.
    pub http: Option<Vec<Credential>>,
    /// For times without an offset, where the message states none and `writing` no other zone for the facility.
    pub zone: TimeZone,
    /// How assigning authorities become identifier systems.
    pub authorities: Authorities,
    /// What the sender means without saying so.
    pub habits: Habits,
    /// Systems whose identifiers say who the patient is, in order of preference.
    pub identified_by: Vec<String>,
    /// Systems whose numbers its sender assigns: it may merge these and no others.
    pub owns: Vec<String>,
    /// Systems whose numbers the sender of another feed assigns.
    pub foreign: Vec<String>,
    /// Trigger events taken, such as `ADT^A01` or `ORU^*`; empty means all that are mapped.
    pub accepts: Vec<String>,
    /// MSH-4 must be one of these when given ("wrong feed" otherwise).
    pub facilities: Vec<String>,
    pub limits: Limits,
    pub intake: Intake,
    /// The profiles, by resource type, that what this feed sends should meet besides R4.
    pub profiles: BTreeMap<String, Vec<String>>,
    /// How its senders write, where they do not say.
    pub writing: Writing,
    /// What becomes of messages that are not for the record, and how all are answered.
    pub handling: Handling,
    /// What its content is labelled as.
    pub labelling: Labelling,
}

impl Feed {
    /// The zone of a sending facility's clock.
    pub fn zone_of(&self, facility: &str) -> &TimeZone {
        self.writing.zones.get(facility).unwrap_or(&self.zone)
    }

    /// Whether messages of an event are for the record.
    pub fn takes(&self, code: &str, event: &str) -> bool {
        let is_named = |patterns: &[String]| patterns.iter().any(|pattern| names_event(pattern, code, event));
        !is_named(&self.handling.ignore) && (self.accepts.is_empty() || is_named(&self.accepts))
    }
}

/// A feed's own listener.
#[derive(Debug, Clone, PartialEq)]
pub struct MllpSettings {
    pub listen: SocketAddr,
    pub tls: Option<TlsFiles>,
    pub behind_proxy: bool,
    /// Who may connect; empty means anybody who reaches the port (loopback and TLS with client certificates only).
    pub peers: Vec<Peer>,
    /// Proxies in front: whoever connects from there says by the PROXY protocol whose connection it passes on.
    pub proxies: Vec<Address>,
}

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    Address(Address),
    /// Common name or DNS subject alternative name of the client certificate.
    Certificate(String),
}

/// An address with a prefix length: `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub network: std::net::IpAddr,
    pub prefix: u8,
}

/// Who may post: a bearer token, kept as its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    TokenSha256([u8; 32]),
    Certificate(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub frame_bytes: usize,
    pub connections: usize,
    /// Messages of one connection that may wait for their acknowledgement.
    pub in_flight: usize,
    pub idle_secs: u64,
    /// To finish one frame once begun, and to take an acknowledgement.
    pub frame_secs: u64,
}

/// What the checks at run time do with faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// Resources that break their profile are taken and reported.
    Report,
    /// Messages whose resources break their profile are answered AE.
    Reject,
    /// Not checked.
    Off,
}

/// `partners/NAME.yaml`: an organisation we deliver to or that reads from us.
#[derive(Debug, Clone)]
pub struct Partner {
    pub name: String,
    pub title: String,
    /// How resources name this organisation (Task.owner and the like).
    pub identifier: Option<Identifier>,
    /// Base URL of its FHIR server, for pushes.
    pub fhir_base: Option<String>,
    /// How we authenticate there.
    pub smart: Option<SmartClient>,
    /// PEM of certificates its server is trusted by, beyond the public ones.
    pub server_ca: Option<PathBuf>,
    /// PEM of the certificate and key we show it.
    pub client_identity: Option<PathBuf>,
    /// How it authenticates here: its client id, and its keys.
    pub client_id: Option<String>,
    pub jwks: Option<JwksSource>,
    /// Scopes it is registered for, such as `system/Task.rs`.
    pub scopes: Vec<String>,
    /// Systems whose numbers it assigns to patients.
    pub owns: Vec<String>,
    /// What it may ask for in a second.
    pub client_rate_per_sec: u32,
    /// How often it is asked what became of its Tasks; left out: never.
    pub poll_secs: Option<u64>,
    pub retry: RetryPolicy,
    /// Requests per second at most, and at the same time.
    pub rate_per_sec: u32,
    pub parallel: usize,
    pub timeout_secs: u64,
    /// What got no answer can take effect there for so long after we gave up waiting.
    pub late_secs: u64,
}

impl Partner {
    /// Longer than what proxies and servers usually go on working for somebody who has left.
    pub const LATE_SECS: u64 = 300;
}

/// `panels/NAME.yaml`: a practice, who there takes work, and where its roster is.
#[derive(Debug, Clone)]
pub struct Panel {
    pub name: String,
    pub title: String,
    pub practice: Practice,
    /// The partner that the practice's own system is.
    pub partner: Option<String>,
    /// The system of the roster's `member_id` column.
    pub member_system: Option<String>,
    /// A roster file in the site, relative to its folder, imported when the gateway starts.
    pub members: Option<String>,
    pub care_manager: Option<Role>,
    pub coach: Option<Role>,
    pub clinician: Option<Role>,
}

/// The practice that is responsible for a panel.
#[derive(Debug, Clone)]
pub struct Practice {
    pub name: String,
    /// How resources name this organisation.
    pub identifier: Option<Identifier>,
    /// For deadlines, and for days on pages.
    pub zone: TimeZone,
    /// `calendars/NAME.yaml`, for business days; none means Saturdays and Sundays only.
    pub calendar: Option<String>,
    pub phone: Option<String>,
}

/// A person (or a desk) at a practice who takes work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    pub identifier: Option<Identifier>,
    pub phone: Option<String>,
}

/// Where a client's public keys are (SMART Backend Services 2.2, "Registering a client").
#[derive(Debug, Clone, PartialEq)]
pub enum JwksSource {
    Inline(serde_json::Value),
    Url(String),
}

/// Our registration at a partner's token endpoint (private_key_jwt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartClient {
    /// Left out: found through the partner's `.well-known/smart-configuration`.
    pub token_url: Option<String>,
    pub client_id: String,
    /// PEM (PKCS#8) of our private key; left out: the key the gateway made for itself.
    pub key: Option<PathBuf>,
    pub key_id: Option<String>,
    pub scopes: Vec<String>,
}

/// When to try again, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    pub first_secs: u32,
    /// Each wait is this many times the one before.
    pub factor: u32,
    pub longest_secs: u32,
    pub give_up_after_hours: u32,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            title: "Handover".to_string(),
            contact: None,
            privacy_contact: None,
            idle_minutes: 20,
            longest_hours: 12,
            changed_sites: Vec::new(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        // Six years of audit: what HIPAA asks of documentation (45 CFR 164.316(b)(2)(i)).
        Self { message_days: 365, attempt_days: 90, audit_days: 2_192 }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first_secs: 2, factor: 2, longest_secs: 900, give_up_after_hours: 72 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes: 1 << 20, connections: 64, in_flight: 64, idle_secs: 600, frame_secs: 30 }
    }
}
