//! Alert rules: readings out of range become work. From Observations to readings, to sittings, to runs out of range, to Tasks.

mod baseline;
mod charted;
mod confirmation;
mod derive;
mod endings;
mod episodes;
mod gathered;
mod grade;
mod interval;
mod look;
mod nearest;
mod raise;
mod readings;
mod repeats;
mod rest;
mod rule;
mod said;
mod sittings;
mod telling;
mod thresholds;
mod told;
mod trend;
mod units;
mod unwatched;

pub use charted::{Chart, ChartChange, ChartPart, Charted, Target, charts};
pub use grade::Grade;
pub use nearest::near;
pub use raise::owe;
pub use readings::{counts, taken_at};
pub use rule::{
    Against, AlertRule, Bound, Bounds, Change, Confirm, Derived, Level, PLACES, Plausible, Repeat, Series, Side,
    Steepness, Thresholds, USUAL_PLACES,
};
pub use units::{convert_substance, unit_words};
pub use unwatched::unwatched;
