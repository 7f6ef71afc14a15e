//! Finding people: what somebody typed, and the list of those who fit.

mod asked;
mod found;
mod numbers;

pub(super) use found::find;
pub(super) use numbers::number_title;
