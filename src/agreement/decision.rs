//! What is asked of the agreements, and what the answer says.

use jiff::Timestamp;

use super::form::Form;
use super::model::Push;
use crate::fhir::Resource;
use crate::yaml::Mark;

/// A way by which information leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    Push,
    Read,
    Search,
    Include,
    History,
    Export,
    Subscription,
    Card,
    Console,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub partner: &'a str,
    pub exit: Exit,
    pub resource: &'a Resource,
    /// The panels that the resource's patient is a member of.
    pub panels: &'a [&'a str],
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// Allowed in this form.
    Without(Form),
    Denied,
    /// It would be allowed in this form, but the agreement is not in force: what is to be sent waits.
    Held(Form),
}

/// The answer, with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// Whether an agreement with this partner covers the patient at all; what does not concern a partner needs no trace.
    pub concerns: bool,
    /// It is denied for its label alone.
    pub is_kept_back: bool,
    /// How the line that allows it pushes.
    pub push: Push,
    /// The agreement's name.
    pub agreement: Option<String>,
    /// In words, for people.
    pub because: String,
    /// The line that decided.
    pub at: Option<Mark>,
}

/// What a reason begins with where the agreement is not in force.
pub(super) const WAITS: &str = "waits: ";

impl Decision {
    /// The resource as the partner may have it, for what is let out now and for what is held until later; none when it is
    /// denied.
    pub fn released(&self, resource: &Resource) -> Option<Resource> {
        match &self.verdict {
            Verdict::Allowed => Some(resource.clone()),
            Verdict::Without(form) | Verdict::Held(form) => Some(form.of(resource)),
            Verdict::Denied => None,
        }
    }

    pub(super) fn without_agreement(partner: &str) -> Self {
        Self {
            verdict: Verdict::Denied,
            concerns: false,
            is_kept_back: false,
            push: Push::Never,
            agreement: None,
            because: format!("there is no agreement with {partner}"),
            at: None,
        }
    }

    /// Why what is to be sent waits, for who looks after deliveries and sees that it does.
    pub fn waits_for(&self) -> &str {
        self.because.strip_prefix(WAITS).unwrap_or(&self.because)
    }

    /// Whether it may go out now.
    pub fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed | Verdict::Without(_))
    }
}
