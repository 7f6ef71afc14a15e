//! Who may have what: the one function that every exit asks (push, pull, include, history, export, subscription, card,
//! console), the agreements it reads, redaction, and labels for sensitive content. Pure: no I/O, no clock.

mod arrival;
#[cfg(test)]
mod arrival_tests;
mod carries;
mod codes;
mod compile;
#[cfg(test)]
mod compile_tests;
mod condition;
mod decide;
#[cfg(test)]
mod decide_tests;
mod decision;
mod few;
mod form;
mod implied;
mod inbound;
mod labels;
mod line;
mod members;
mod model;
mod names;
mod redact;
mod sensitive;
#[cfg(test)]
mod sensitive_tests;
mod set;

pub use arrival::{Look, Uncoded, is_for_looks, is_looked_at, label_arrival, look, protection};
pub use carries::Carries;
pub use compile::compile;
pub use decision::{Decision, Exit, Question, Verdict};
pub use few::is_for_few;
pub use form::{ANY, Form};
pub use implied::implied_labels;
pub use inbound::{Offer, Reach};
pub use labels::{security_label, security_label_codes};
pub use members::{MOST_MEMBERS, Member, members, patients_in, without_others};
pub use model::{Agreement, Label, Line, Patients, Push, Standing};
pub use names::Names;
pub use redact::subset;
pub use sensitive::sensitivities;
pub use set::AgreementSet;
