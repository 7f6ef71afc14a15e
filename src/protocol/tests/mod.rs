//! Tests of the engine as a whole, by what they are about.

mod acting;
mod alerts;
mod doubts;
mod files;
mod gathering;
mod labels;
mod language;
mod looked;
mod medicines;
mod odd;
mod order;
mod stage;
mod team;
mod timers;
mod tried;
mod words;
