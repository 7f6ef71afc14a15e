//! The gateway killed, starved and cut off: what it acknowledged is there, once.

#[path = "../service/harness.rs"]
#[allow(dead_code, reason = "shared with the service tests, which use all of it")]
mod harness;

mod full_disk;
mod kill;
mod process;
