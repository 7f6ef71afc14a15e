//! Logs, metrics and traces of the whole process. Names of the site and codes, never patient data.

mod collector;
mod journey;
mod metrics;
mod traces;

pub use journey::Journey;
pub use metrics::{METRICS_TYPE, Metrics, Standing, start_logs};
pub use traces::{Attempted, Taken, TraceTarget, Traces};
