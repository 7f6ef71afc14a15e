//! The console's pages in a real browser: Debian's Chromium, driven through its driver. Screenshots of every page go to
//! the folder that `HANDOVER_SCREENSHOTS` names, when it does.

#[path = "../service/harness.rs"]
#[allow(dead_code, reason = "shared with the service tests, which use all of it")]
mod harness;

mod browser;
mod pages;
