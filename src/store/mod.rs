//! Where everything is kept: one durable atomic commit per input, and the reads that the rest needs.

mod aside;
mod backup;
mod contract;
mod copy;
mod embedded;
mod engine;
mod error;
#[cfg(test)]
mod failing;
mod guided;
mod hash;
mod health;
mod kinds;
mod looks;
mod message;
mod message_class;
mod notices;
mod open;
mod outbox;
mod people;
mod postgres;
mod prune;
mod query;
mod unit;
mod unused;
mod worklist;

pub use aside::step_aside;
#[cfg(test)]
pub use aside::wait_here;
pub use backup::{About, BackupFault, Checked, about as about_backup, check as check_backup};
pub use contract::Store;
pub use embedded::Step as RestoreStep;
pub use error::{RestoreFault, StoreError};
#[cfg(test)]
pub use failing::{Disk, FailingDisk, failing_store};
pub use guided::{Guided, Indexed};
pub use health::Health;
pub use looks::ToLookAt;
pub use message::{Disposition, LineageMark, MessageEntry, MessageSummary, Seen, Trace, TraceLine};
use message_class::{MOST_CLASSES, MOST_READ, MOST_READ_BYTES, MessageClass, kinds_of};
pub use message_class::{MOST_COUNTED, MessageCount, MessageFilter, MessagesFound};
pub use notices::Gathered;
pub use open::{EngineChoice, StoreSettings, open, restore};
pub use outbox::{
    ATTEMPTS, Alteration, Attempt, Backlog, Claimed, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome,
    Share, Tried,
};
pub use people::{FindWord, MOST_PEOPLE, PeopleFound, PeopleQuery, asked_name, plain_number};
pub use prune::{PruneBefore, Pruned};
pub use query::{Cursor, Found, MOST_SORTED, Match, Page, Past, Query, Sort, SortBy, Term, matches};
pub use unit::{AuditEntry, Committed, HeadWrite, WriteUnit};
pub use unused::{
    Cause, MOST_CAUSES, NO_FEED, Notice, UnusedAnswer, UnusedEntry, UnusedFilter, UnusedState, UnusedTotal, UnusedWork,
};
use unused::{page_of_unused, totals_of_unused};
pub use worklist::{Urgency, WorkCounts, WorkFilter, WorkPlace, due_of, work_owner};
