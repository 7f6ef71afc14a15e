//! Builds, starts, reloads, drains and stops the whole. The only place that knows all parts.

mod backup;
mod budget;
mod certificates;
mod control;
mod http;
mod own_keys;
mod panels;
mod private;
mod reach;
mod reload;
mod running;
mod watch;

pub use backup::{Source, ask_for_backup, back_up_alone};
pub use panels::import_members;
pub use private::keep_private;
pub use reach::{ask, socket_path};
pub use reload::{Hangups, ReloadBell, Reloaded};
pub use running::{Running, Start, engine_of, holds_store, open_store, stop_signal};
