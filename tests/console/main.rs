//! The console's pages in a real browser: Debian's Chromium, driven through its driver. Screenshots of every page go to
//! the folder that `HANDOVER_SCREENSHOTS` names, when it does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

#[path = "../service/harness.rs"]
#[allow(dead_code, reason = "shared with the service tests, which use all of it")]
mod harness;

mod afternoon;
mod browser;
mod hands;
mod looks;
mod morning;
mod openid;
mod pages;
mod patient;
mod pictures;
mod work;
