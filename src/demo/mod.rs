//! `handover demo`: the whole way in one process, with a hospital that sends and a practice's EHR that receives.

mod ehr;
mod ehr_client;
mod ehr_pages;
mod ehr_shelf;
mod ehr_token;
mod folder;
mod hospital;
mod interrupt;
mod morning;
mod play;
mod practice;
mod referral;
mod story;
mod timeline;

pub use ehr::StandInEhr;
pub use ehr_shelf::Held;
pub use play::{Ended, Options, play};
