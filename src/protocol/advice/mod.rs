//! What is odd about protocols that can be read: rules that never come, rules that ask for the same twice, units that no sender states,
//! and rules that no example brings about. Each line says which rules and what to change.

mod never;
mod never_alert;
mod overlap;
mod proven;
mod sent;
mod unit;
mod whole;
