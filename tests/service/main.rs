//! The whole gateway, as the world meets it: real sockets, real clients, everything on free ports.

mod delivery;
mod harness;
mod intake;
mod peers;
mod site_changes;
