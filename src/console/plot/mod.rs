//! Plots of readings, drawn here as SVG: thresholds as bands with words, the target as a dashed line with its value, alerts on the
//! point, hospital days through all of them, the same dates on each. No script; a table stands behind each.

mod against;
mod bands;
mod draw;
mod label;
mod scale;
#[cfg(test)]
mod tests;
mod thin;
mod trend;

pub(super) use against::{Row, against};
pub(super) use draw::{Drawn, Look, capital, draw};
pub(super) use label::plain;
pub(super) use scale::Span;
pub(super) use trend::{Trend, trend};
