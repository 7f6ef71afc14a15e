//! Something that triggers a rule.

use jiff::Timestamp;

use super::visit::Visit;

pub struct Anchor<'v, 'a> {
    /// What tells this work from other work of the rule.
    pub name: String,
    pub at: Timestamp,
    pub visit: Option<&'v Visit<'a>>,
    /// The trigger's time has passed by itself (an arrival whose encounter is over).
    pub over: Option<String>,
    /// For `{count}` and `{answer}`.
    pub detail: String,
}
