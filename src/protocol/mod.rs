//! Protocols: what care should follow. Turns a patient's record and the clock's reading into the work that is owed, by
//! comparing what should be there with what is. Pure: no I/O, no clock, no randomness.

mod act;
mod advice;
mod alert;
mod anchor;
mod anchors;
mod attempts;
mod build;
mod bundle;
mod calendar;
mod cards;
mod chain;
mod codes;
mod codings;
mod context;
mod deadline;
mod doubts;
mod enrolled;
mod evaluate;
mod evidence;
mod example;
mod facts;
mod filter;
mod fits;
mod hands;
mod hands_memory;
mod implied;
mod inputs;
mod labels;
mod looked;
mod loops;
mod measured;
mod memory;
mod model;
mod mutants;
mod names;
mod owed;
mod plain;
mod plans;
mod pregnancies;
mod pregnancy;
mod prompts;
mod provenance;
mod publish;
mod quiet_hours;
mod read;
mod reason;
mod reconcile;
mod referral;
mod referrals;
mod say;
mod set;
mod shown;
mod sources;
mod stage;
mod tasks;
mod template;
mod together;
mod told;
mod trial;
mod view;
mod visit;
mod who;
mod wording;
mod work;

#[cfg(test)]
mod tests;

pub use act::{Action, Contact, LONGEST_TEXT, told_of};
pub use alert::{Bound, Bounds, Chart, ChartChange, ChartPart, Charted, Side, Target};
pub use attempts::{Attempt, attempts_in};
pub use bundle::bundled;
pub use calendar::Calendar;
pub use cards::{Card, CardCoding, CardSource, HOOKS, Indicator, Suggestion};
pub use enrolled::Enrolled;
pub use example::ExampleResult;
pub use hands::{Hand, Holder, awake, person_of};
pub use implied::LabelsOf;
pub use looked::MOST_UNWATCHED;
pub use loops::OpenReferral;
pub use measured::{Measured, Reckoned};
pub use memory::Memory;
pub use mutants::{Mutant, mutants};
pub use names::{
    ALERT, ALERT_PROFILE, ANSWER, CANONICAL, CONTACT, FLAG_IDENTIFIER, PERSON, PLAN_IDENTIFIER, PROMPT_CODE, ROLE,
    TALK, TASK_CODE, TASK_IDENTIFIER,
};
pub use plain::{PlainRule, Sheet};
pub use reconcile::stamped;
pub use say::{SAID, TaskWord};
pub use set::{Listed, ProtocolSet, built_in_protocols, compile};
pub use shown::{Alerted, Answered, Looked, Question, Visited};
pub use stage::Stage as ReferralStage;
pub use trial::{Made, Miss, Person, Step, Tally, Window};
pub use view::{Evaluation, Explained, Practice, View};
pub use work::is_final;
