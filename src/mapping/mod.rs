//! The mapping language (docs/mapping-language.md): HL7 v2 messages to FHIR drafts, by files that are compiled and
//! type-checked when they are loaded. Pure: no I/O, no clock; evaluation always ends.

mod answer;
mod apply;
mod asked;
mod authorities;
mod compile;
mod example;
mod habits;
mod language;
mod layers;
mod lines;
mod mapped;
mod set;
mod units;

pub use answer::{Answer, Answered, answered};
pub use asked::MessageCondition;
pub use authorities::Authorities;
pub use compile::compile;
pub use example::ExampleResult;
pub use habits::Habits;
pub use language::{Table, TableCode};
pub use layers::Layers;
pub use lines::{Line, MapLine, MapLines};
pub use mapped::{Context, Event, Lineage, Mapped, Merge, Role, Unmapped, Unread};
pub use set::MapSet;
