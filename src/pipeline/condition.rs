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

impl Fault {
    /// One that begins now.
    pub fn new(part: &str, now: Timestamp, text: impl Into<String>, mut details: Vec<String>) -> Self {
        // Nothing lost: all of them are in the log and in `handover check`.
        details.truncate(MOST_DETAILS);
        Self { part: part.to_string(), since: now, text: text.into(), details }
    }
}

/// The faults there are now, by part.
#[derive(Debug, Default)]
pub struct Condition {
    faults: Mutex<BTreeMap<String, Fault>>,
}

impl Condition {
    /// A part is at fault; where it was already, it has been since then.
    pub fn set(&self, part: &str, now: Timestamp, text: impl Into<String>, details: Vec<String>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let since = faults.get(part).map_or(now, |fault| fault.since);
        faults.insert(part.to_string(), Fault::new(part, since, text, details));
    }

    /// These are the faults of a kind (`feed `) now: other parts of it are as the site says, and what was at fault already has been
    /// since then.
    pub fn replace(&self, kind: &str, faults: impl IntoIterator<Item = Fault>) {
        let mut held = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = BTreeMap::new();
        // Nothing lost: what is at fault still comes back with its beginning.
        held.retain(|part, fault| {
            let is_other = !part.starts_with(kind);
            is_other || before.insert(part.clone(), fault.since).is_some()
        });
        for mut fault in faults {
            fault.since = before.get(&fault.part).copied().unwrap_or(fault.since);
            held.insert(fault.part.clone(), fault);
        }
    }

    /// The part is as the site says.
    pub fn clear(&self, part: &str) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// Parts of a kind (`panel `) that are not among these are as the site says: it says nothing of them any more.
    pub fn clear_others(&self, kind: &str, parts: &[String]) {
        let mut held = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing lost: nothing can be at fault about what is not there.
        held.retain(|part, _| !part.starts_with(kind) || parts.contains(part));
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
        let later = at("2026-03-01T13:00:00Z");
        let faults = ["feed a", "feed b"].map(|part| Fault::new(part, later, "cannot listen", Vec::new()));
        condition.replace("feed ", faults);
        let since = |part: &str| condition.faults().iter().find(|fault| fault.part == part).map(|fault| fault.since);
        assert_eq!((since("feed a"), since("feed b")), (Some(at("2026-03-01T12:00:00Z")), Some(later)));
        condition.clear_others("feed ", &["feed b".to_string()]);
        assert_eq!((since("feed a"), since("feed b")), (None, Some(later)));
        condition.replace("feed ", []);
        assert!(!condition.is_set("feed ") && condition.is_set(SITE));
        condition.clear(SITE);
        assert!(condition.faults().is_empty());
    }
}
