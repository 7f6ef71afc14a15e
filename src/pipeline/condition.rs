//! What is wrong with the running gateway beside its store: a site that was changed and could not be taken over, a listener
//! that could not be opened, a roster that could not be read. The gateway works on with what it has; this says so.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

/// The part that a site which could not be taken over is.
pub const SITE: &str = "site";
/// Of what one part says in detail, so much is kept.
const MOST_DETAILS: usize = 50;

/// A part that does not follow what the site says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// `site`, `http`, `feed riverside`, `panel lakeside`.
    pub part: String,
    /// Since when without a break.
    pub since: Timestamp,
    /// What it means, fit for everybody.
    pub text: String,
    /// The reasons one by one, for those who look after the site.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// The faults there are now, by part.
#[derive(Debug, Default)]
pub struct Condition {
    faults: Mutex<BTreeMap<String, Fault>>,
}

impl Condition {
    /// A part is at fault; where it was already, it has been since then.
    pub fn set(&self, part: &str, now: Timestamp, text: impl Into<String>, mut details: Vec<String>) {
        // Nothing lost: all of them are in the log and in `handover check`.
        details.truncate(MOST_DETAILS);
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let since = faults.get(part).map_or(now, |fault| fault.since);
        faults.insert(part.to_string(), Fault { part: part.to_string(), since, text: text.into(), details });
    }

    /// The part is as the site says.
    pub fn clear(&self, part: &str) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// All parts of a kind (`feed `) are as the site says, but for those that are set after this.
    pub fn clear_all(&self, kind: &str) {
        // Nothing lost: what is mended is no fault any more.
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).retain(|part, _| !part.starts_with(kind));
    }

    /// In order of their parts.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn is_set(&self, kind: &str) -> bool {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).keys().any(|part| part.starts_with(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_stays_keeps_its_beginning_and_ends_when_it_is_mended() {
        let condition = Condition::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        condition.set(SITE, at("2026-03-01T10:00:00Z"), "does not check clean", vec!["feeds/a.yaml:3".to_string()]);
        condition.set(SITE, at("2026-03-01T11:00:00Z"), "does not check clean", vec!["feeds/a.yaml:9".to_string()]);
        condition.set("feed a", at("2026-03-01T12:00:00Z"), "cannot listen", Vec::new());
        let [feed, site] = &condition.faults()[..] else { panic!("two parts") };
        assert_eq!((feed.part.as_str(), site.since), ("feed a", at("2026-03-01T10:00:00Z")));
        assert_eq!(site.details, ["feeds/a.yaml:9"]);
        condition.clear_all("feed ");
        assert!(!condition.is_set("feed ") && condition.is_set(SITE));
        condition.clear(SITE);
        assert!(condition.faults().is_empty());
    }
}
