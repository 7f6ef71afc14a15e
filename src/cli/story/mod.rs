//! `handover try --story FILE`: messages, people's actions and the passing of time, one after the other on one record.

mod play;
mod script;

pub use play::{Playing, play, reading};
