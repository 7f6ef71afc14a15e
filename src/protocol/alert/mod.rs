//! Alert rules: readings out of range become work. From Observations to readings, to sittings, to runs out of range, to Tasks.

mod baseline;
mod confirmation;
mod endings;
mod episodes;
mod gathered;
mod interval;
mod raise;
mod readings;
mod repeats;
mod rule;
mod said;
mod sittings;
mod telling;
mod thresholds;
mod units;

pub use episodes::Grade;
pub use raise::owe;
pub use readings::codings_of;
pub use rule::{
    AlertRule, Bound, Bounds, Change, Confirm, Level, PLACES, Plausible, Repeat, Series, Side, Thresholds, USUAL_PLACES,
};
