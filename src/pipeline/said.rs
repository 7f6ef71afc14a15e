//! Who said it and when it came.

use jiff::Timestamp;

use crate::site::{Feed, Site};

pub(super) struct Said<'a> {
    pub site: &'a Site,
    pub feed: &'a Feed,
    pub control: &'a str,
    pub received: Timestamp,
}
