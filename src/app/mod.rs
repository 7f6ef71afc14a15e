//! Builds, starts, reloads, drains and stops the whole. The only place that knows all parts.

mod budget;
mod certificates;
mod control;
mod http;
mod panels;
mod private;
mod reload;
mod running;
mod watch;

pub use control::{ask, socket_path};
pub use panels::import_members;
pub use reload::{Hangups, ReloadBell, Reloaded};
pub use running::{Running, Start, open_store, stop_signal};
