//! Something that triggers a rule.

use jiff::Timestamp;

use super::sources::Sources;
use super::visit::Visit;

pub struct Anchor<'v, 'a> {
    /// What tells this work from other work of the rule.
    pub name: String,
    pub at: Timestamp,
    pub visit: Option<&'v Visit<'a>>,
    /// What it is about, where that is no visit: `Observation/…`.
    pub about: Option<String>,
    /// The trigger's time has passed by itself (an arrival whose encounter is over).
    pub over: Option<String>,
    /// For `{count}`, `{answer}`, `{before}`, `{said}` and `{medicine}`.
    pub detail: String,
    /// For `{referral}` and `{to}`.
    pub referral: Option<(String, String)>,
    /// What tells of it, besides visits.
    pub told: Sources,
}

impl Anchor<'_, '_> {
    pub fn at(name: String, at: Timestamp) -> Self {
        Self {
            name,
            at,
            visit: None,
            about: None,
            over: None,
            detail: String::new(),
            referral: None,
            told: Sources::new(),
        }
    }
}
