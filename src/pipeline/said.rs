//! Who said it and when it came.

use jiff::Timestamp;

use crate::site::{Feed, Site};
use crate::telemetry::Journey;

pub(super) struct Said<'a> {
    pub site: &'a Site,
    pub feed: &'a Feed,
    pub control: &'a str,
    pub received: Timestamp,
    /// Notes how far it is; nothing is decided by it.
    pub journey: &'a Journey,
}
