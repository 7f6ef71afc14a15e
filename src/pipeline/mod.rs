//! The path of every input, from its bytes to the durable commit and the acknowledgement. There is no second path.

mod accept;
mod answer;
mod arrival;
mod change;
mod copies;
mod decide;
mod dry_run;
mod explain;
mod find;
mod gateway;
mod join;
mod locks;
mod notices;
mod operation;
mod overlay;
mod ownership;
mod portions;
mod render;
pub mod retention;
mod settle;
pub mod story;
pub mod timers;
mod trace;
mod understand;
mod unused_work;

pub use arrival::{Acknowledged, Arrival, Code};
pub use change::TaskAction;
pub use dry_run::{Members, Trial, dry_run};
pub use explain::{Explanation, explain_record};
pub use find::Known;
pub use gateway::{Event, Gateway};
pub use operation::Operation;
pub use render::own_identifier;
pub use unused_work::responsible;
